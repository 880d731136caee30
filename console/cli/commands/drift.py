"""A kept preview against what was decided in fact, with the cause of every difference. What has not passed
yet is not judged.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from console.cli.context import Context
from console.cli.options import add_at
from console.cli.output import ListingField
from console.forecast.drift import Drifting, drift, drift_row, judged_until
from console.forecast.news import clock
from console.forecast.preview_result import FOLDER, kept_answer
from console.reports.csv_export import write_csv
from core.explain.words import counted, in_full
from core.forecast.drift import CAUSES, CHANGES, Drift, Explained
from core.model.decisions import Decision
from storage import customers
from storage.forecasts.saved_previews import SavedPreview

FIELDS = (
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("channel"),
    ListingField("change"),
    ListingField("cause"),
    ListingField("detail"),
    ListingField("predicted", "json"),
    ListingField("actual", "json"),
)
SIDES = ("at", "channel", "outcome", "reason", "until")
CSV_HEADS = (
    *(field.name for field in FIELDS[:7]),
    *(f"{side}_{name}" for side in ("predicted", "actual") for name in SIDES),
)  # fmt: skip
TRIGGER_FIELDS = (ListingField("trigger"), *(ListingField(name, "number") for name in ("matched", *CHANGES)))
CAUSE_FIELDS = (
    ListingField("cause"),
    *(ListingField(change, "number") for change in CHANGES),
    ListingField("most_in"),
)
MOST_FIELDS = (ListingField("customer"), ListingField("differences", "number"))
DETAIL_FIELDS = (
    ListingField("at", "instant"), ListingField("trigger"), ListingField("step", "number"),
    ListingField("predicted"), ListingField("actual"), ListingField("change"),
    ListingField("cause"), ListingField("detail", widest=80),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("name", metavar="NAME", help="the name that the preview is kept under")
    parser.add_argument("--until", metavar="INSTANT", help="judge it up to this instant only")
    parser.add_argument("--customer", metavar="ID", help="only this customer, difference by difference")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the differences to this file as CSV")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compare and show it."""
    now, until = context.now(args.at), context.instant(args.until, "--until")
    with SavedPreview(context.folder / FOLDER, args.name) as saved, context.store.reading() as connection:
        answer = kept_answer(saved)
        last = judged_until(answer, now, context.zone, until)
        customer = None if args.customer is None else customers.resolve(connection, args.customer)

        def found() -> Iterator[Drifting]:
            return drift(connection, saved, context.in_force.playbook, last, customer)

        if args.csv is not None:
            write_csv(
                args.csv,
                CSV_HEADS,
                (_cells(drift_row(each.customer, one)) for each in found() for one in each.found),
            )
        if context.output.json:
            rows = (drift_row(each.customer, one) for each in found() for one in each.found)
            context.output.listing(FIELDS, map(_nested, rows), "")
            return 0
        context.output.say(
            f"{args.name}: foretold {in_full(answer.now, context.zone)}, judged up to "
            f"{in_full(last, context.zone)}"
        )
        if last < answer.last:
            context.output.say(
                f"It goes on to {in_full(answer.last, context.zone)}; what has not passed yet is not judged."
            )
        _show(context, found(), customer is not None)
    if args.csv is not None:
        context.output.say(f"The differences were written to {args.csv}")
    return 0


def _nested(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **row,
        **{name: row[name] and orjson.dumps(row[name]).decode() for name in ("predicted", "actual")},
    }


def _cells(row: Mapping[str, Any]) -> Sequence[object]:
    sides = (row["predicted"] or {}, row["actual"] or {})
    return [*(row[field.name] for field in FIELDS[:7]), *(side.get(name) for side in sides for name in SIDES)]


# ---- for people ----


def _show(context: Context, found: Iterator[Drifting], in_detail: bool) -> None:
    out, sums, details = context.output, Drift(), list[Explained]()
    for each in found:
        sums.add(each.customer, each.predicted, each.actual, each.found)
        if in_detail:
            details.extend(each.found)
    changes = sums.changes
    said = ", ".join(f"{changes[change]:,} {change}" for change in CHANGES if changes[change])
    share = f" ({sums.matched / sums.predicted:.1%})" if sums.predicted else ""
    out.say(
        f"{sums.matched:,} of {counted(sums.predicted, 'decision')} came as "
        f"foretold{share}{f'; {said}' if said else ''}.\n"
    )
    if in_detail:
        out.listing(
            DETAIL_FIELDS, (_line(context, each) for each in details), "All came as foretold for her."
        )
        return
    if sums.by_trigger:
        out.listing(TRIGGER_FIELDS, _triggers(sums), "")
    if sums.drifted:
        out.say("\nWhy:")
        out.listing(CAUSE_FIELDS, _causes(sums), "")
        out.say("\nWhere most is different (ask again with --customer ID):")
        out.listing(MOST_FIELDS, (each._asdict() for each in sums.most_drifted()), "")


def _triggers(sums: Drift) -> Iterator[Mapping[str, Any]]:
    for trigger in sorted({trigger for trigger, _ in sums.by_trigger}):
        yield {
            "trigger": trigger,
            **{name: sums.by_trigger[trigger, name] or None for name in ("matched", *CHANGES)},
        }


def _causes(sums: Drift) -> Iterator[Mapping[str, Any]]:
    for cause in CAUSES:
        numbers: dict[str, int | None] = {change: sums.by_cause[cause, change] or None for change in CHANGES}
        if any(numbers.values()):
            triggers = Counter(
                {trigger: number for (trigger, named), number in sums.causes.items() if named == cause}
            )
            most = ", ".join(f"{trigger} {number:,}" for trigger, number in triggers.most_common(3))
            yield {"cause": cause, **numbers, "most_in": most}


def _line(context: Context, each: Explained) -> Mapping[str, Any]:
    decision = each.difference.either
    sides = {name: _words(getattr(each.difference, name), context.zone) for name in ("predicted", "actual")}
    named = {
        "at": each.difference.at,
        "trigger": decision.trigger,
        "step": decision.step,
        "change": each.difference.change,
    }
    return {**named, **sides, "cause": each.cause, "detail": each.detail}


def _words(decision: Decision | None, zone: ZoneInfo) -> str | None:
    if decision is None:
        return None
    said = (decision.channel, decision.outcome, decision.reason, clock(decision.at, zone))
    return " ".join(str(word) for word in said if word is not None)
