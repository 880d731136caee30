"""What would go out in the coming days, to whom and why not: the engine run ahead of time. Nothing is written.

Without --json or --csv: totals by day, trigger, channel, outcome and reason, and the pressure on the customers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import orjson

from console.commands.decisions import FIELDS
from console.context import Context, UsageError, add_at
from console.csv_export import write_csv
from console.output import Field
from console.preview import Future, Question, in_question, preview, span_in_words
from console.progress import Progress
from console.sorted_rows import SortedRows
from core.decisions import OUTCOMES
from core.errors import ManometerError
from core.instants import DAY, format_instant
from core.language.suggestions import near
from core.playbook import Playbook
from core.pressure import POINT
from core.preview import Totals, daily_capacities
from core.words import counted

LONGEST_DAYS = 3_660


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--from", dest="first", metavar="INSTANT", help="begin, not included (default: now)")
    parser.add_argument("--days", metavar="N", type=float, default=14, help="length in days of 86,400 s (default 14)")
    parser.add_argument("--trigger", metavar="NAME", help="only this trigger's decisions")
    parser.add_argument("--playbook", metavar="DIR", type=Path, help="under the files of this folder instead of those in force")
    parser.add_argument(
        "--future",
        choices=get_args(Future),
        default="known",
        help="known: nothing new happens (default); as-it-was: in a past span, the events come as they came",
    )
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the decisions to this file as CSV")
    parser.add_argument("--workers", metavar="N", type=int, help="processes at most (default: one a core, when the work is large)")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Look ahead and show it."""
    question = _question(args, context)
    playbook = in_question(context.store, question)
    if args.trigger is not None and args.trigger not in playbook.roster.by_name:
        hint = near(args.trigger, playbook.roster.by_name) or "`manometer triggers` lists them."
        raise ManometerError(f"There is no trigger {args.trigger!r}. {hint}")
    totals = Totals()
    with SortedRows() as rows:
        with Progress("Looking ahead", "customers") as progress:
            for part, done, total in preview(question, context.store, playbook, args.workers):
                totals.merge(part.totals)
                rows.add(part.rows)
                progress.at(done, total)
        if args.csv is not None:
            _write_csv(args.csv, map(orjson.loads, rows))
        if context.output.json:
            context.output.listing(FIELDS, map(orjson.loads, rows), "")
    if not context.output.json:
        _show(context, question, playbook, totals)
    if args.csv is not None:
        context.output.say(f"{totals.decisions:,} decisions written to {args.csv}")
    return 0


def _question(args: argparse.Namespace, context: Context) -> Question:
    if not 0 < args.days <= LONGEST_DAYS:
        raise UsageError(f"--days: a number above 0, at most {LONGEST_DAYS:,}.")
    now = context.now(args.at)
    first = context.instant(args.first, "--from")
    first = now if first is None else first
    if args.future == "as-it-was" and first >= now:
        raise UsageError("--future as-it-was needs a past span: nothing is known yet of what comes after now. Name an earlier --from.")
    return Question(
        folder=context.folder,
        database=context.database,
        now=now,
        first=first,
        last=first + round(args.days * DAY),
        future=args.future,
        trigger=args.trigger,
        playbook_folder=args.playbook,
        with_rows=context.output.json or args.csv is not None,
    )


# ---- for people ----

DAY_FIELDS = tuple(Field(name, "number" if name != "day" else "text") for name in ("day", *OUTCOMES))
TRIGGER_FIELDS = (Field("trigger"), *DAY_FIELDS[1:])
CHANNEL_FIELDS = (Field("channel"), Field("day"), *DAY_FIELDS[1:])
REASON_FIELDS = (Field("outcome"), Field("reason"), Field("decisions", "number"))
RULE_FIELDS = (Field("rule"), Field("held_back", "number"))
CONTACT_FIELDS = (Field("contacts", "number"), Field("customers", "number"), Field("share"))
PRESSED_FIELDS = (Field("customer"), Field("contacts", "number"), Field("points", "number"))


def _show(context: Context, question: Question, playbook: Playbook, totals: Totals) -> None:
    out = context.output
    out.say(f"Preview of {span_in_words(question, context.zone)}")
    out.say(
        f"Playbook {playbook.version or 'of the files, not applied yet'}; {counted(totals.looked_at, 'customer')} looked at, "
        f"{counted(totals.decisions, 'decision')} for {counted(totals.customers, 'customer')}.\n"
    )
    if not totals.decisions:
        out.say("Nothing falls due in this span.")
        return
    out.listing(DAY_FIELDS, _outcomes(totals, "day"), "")
    out.say("")
    out.listing(TRIGGER_FIELDS, _outcomes(totals, "trigger"), "")
    out.say("")
    out.listing(CHANNEL_FIELDS[:1] + CHANNEL_FIELDS[2:], _outcomes(totals, "channel"), "")
    out.say("")
    out.listing(REASON_FIELDS, _reasons(totals), "")
    out.say("\nContacts a customer gets in the span, as far as their purpose counts:")
    out.listing(CONTACT_FIELDS, _contacts(totals), "")
    if totals.rules:
        out.say("")
        out.listing(RULE_FIELDS, [{"rule": rule, "held_back": number} for rule, number in totals.rules.most_common()], "")
    _show_capacity(context, playbook, totals)
    if totals.pressed:
        out.say("\nUnder most pressure (ask `manometer why CUSTOMER TRIGGER`):")
        out.listing(PRESSED_FIELDS, [{**each._asdict(), "points": each.points / POINT} for each in totals.most_pressed()], "")


def _outcomes(totals: Totals, name: str) -> Iterator[Mapping[str, Any]]:
    for (key,), outcomes in totals.by(name).items():
        yield {name: key, **{outcome: outcomes.get(outcome, 0) or None for outcome in OUTCOMES}}


def _reasons(totals: Totals) -> Iterator[Mapping[str, Any]]:
    for (outcome, reason), numbers in totals.by("outcome", "reason").items():
        yield {"outcome": outcome, "reason": reason, "decisions": sum(numbers.values())}


def _contacts(totals: Totals) -> Iterator[Mapping[str, Any]]:
    most = max(totals.contacts.values(), default=1)
    for number in sorted(totals.contacts):
        people = totals.contacts[number]
        yield {"contacts": number, "customers": people, "share": "█" * max(1, round(30 * people / most))}


def _show_capacity(context: Context, playbook: Playbook, totals: Totals) -> None:
    """Days on which a channel would be asked for more than it can take."""
    for over in totals.over_capacity(daily_capacities(playbook)):
        asked = f"{over.channel} is asked for {over.asked:,}, more than its {over.capacity:,} a day"
        context.output.say(f"{over.day}: {asked}; the rest waits.")


# ---- as a file ----


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_csv(path, [field.name for field in FIELDS], ([_text(field, row[field.name]) for field in FIELDS] for row in rows))


def _text(field: Field, value: Any) -> object:
    return format_instant(value) if field.kind == "instant" and value is not None else value
