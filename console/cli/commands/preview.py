"""What would go out in the coming days, to whom and why not: the engine run ahead of time. Nothing is
written.

Without --json or --csv: totals by day, trigger, channel, outcome and reason, and the pressure on the
customers.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from console.cli.commands.decisions import FIELDS
from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.output import ListingField
from console.cli.question_options import add_changes, add_page, add_span, question_of, refuse_existing
from console.forecast.asked_playbook import asked_playbook
from console.forecast.preview import preview
from console.forecast.preview_result import FOLDER, PreviewResult, about, answer
from console.forecast.question import Question, span_in_words
from console.forecast.sorted_rows import SortedRows
from console.playbooks.known_triggers import refuse_unknown
from console.progress import Progress
from console.reports.csv_export import write_csv
from core.explain.words import counted
from core.forecast.preview import ChannelDemand, Totals
from core.instants import format_instant
from core.limits.pressure import POINT
from core.model.decisions import OUTCOMES
from core.playbook.playbook import Playbook
from storage.forecasts.drift import reached
from storage.forecasts.saved_previews import Saving

IMAGINED = ListingField("imagined")
"""What `preview --future replay` says beside the fields of every decision."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_changes(parser)
    add_span(parser)
    add_page(parser)
    parser.add_argument(
        "--save",
        metavar="NAME",
        help="keep it under this name, for `manometer previews` and `manometer drift`",
    )
    parser.add_argument("--note", metavar="TEXT", help="with --save: what it is kept for")
    parser.add_argument("--force", action="store_true", help="with --save: replace the one of this name")


def run(args: argparse.Namespace, context: Context) -> int:
    """Look ahead, show it, and keep it where that is asked for."""
    question = question_of(args, context)
    if args.save is None and (args.note is not None or args.force):
        raise UsageError("--note and --force go with --save NAME.")
    playbook = asked_playbook(context.store, question)
    refuse_unknown(args.trigger, playbook, context.folder, "--with")
    refuse_existing(args.html)
    question = replace(question, with_details=args.save is not None or args.html is not None)
    with ExitStack() as stack:
        saving = (
            None
            if args.save is None
            else stack.enter_context(Saving(context.folder / FOLDER, args.save, force=args.force))
        )
        mark = _mark(context)
        totals = _look_ahead(args, context, question, playbook, saving)
        found = answer(question, playbook, context.in_force.playbook.version, totals)
        if saving is not None:
            saving.finish(about(found, args.note, context.author, mark), totals)
    if not context.output.json:
        show(context, found)
    if args.csv is not None:
        context.output.say(f"{totals.decisions:,} decisions written to {args.csv}")
    if args.html is not None:
        from console.reports.pages import preview_page, write_page  # Textual and Jinja2 take long to import

        write_page(args.html, preview_page(found, _title(context)))
        context.output.say(f"The page was written to {args.html}")
    if args.save is not None:
        context.output.say(
            f"Kept as {args.save}: `manometer previews show {args.save}`; when its days have passed, "
            f"`manometer drift {args.save}`."
        )
    return 0


def _mark(context: Context) -> Mapping[str, int]:
    with context.store.reading() as connection:
        return reached(connection)


def _title(context: Context) -> str:
    return f"Preview of {context.settings.get('name') or context.folder.resolve().name}"


def _look_ahead(
    args: argparse.Namespace, context: Context, question: Question, playbook: Playbook, saving: Saving | None
) -> Totals:
    """Take the decisions; rows go to where they are asked for."""
    fields = fields_of(question.future)
    totals = Totals()
    with SortedRows() as rows:
        with Progress("Looking ahead", "customers") as progress:
            for part, done, total in preview(question, context.store, playbook, args.workers):
                totals.merge(part.totals)
                rows.add(part.rows)
                if saving is not None:
                    saving.add(part.details)
                progress.at(done, total)
        if args.csv is not None:
            write_rows(args.csv, fields, map(orjson.loads, rows))
        if context.output.json:
            context.output.listing(fields, map(orjson.loads, rows), "")
    return totals


def fields_of(future: str) -> tuple[ListingField, ...]:
    """The fields of a preview's rows."""
    return (*FIELDS, IMAGINED) if future == "replay" else FIELDS


# ---- for people ----

MOST_PAIRS = 20
DAY_FIELDS = tuple(ListingField(name, "number" if name != "day" else "text") for name in ("day", *OUTCOMES))
TRIGGER_FIELDS = (ListingField("trigger"), *DAY_FIELDS[1:])
CHANNEL_FIELDS = (ListingField("channel"), ListingField("day"), *DAY_FIELDS[1:])
REASON_FIELDS = (ListingField("outcome"), ListingField("reason"), ListingField("decisions", "number"))
RULE_FIELDS = (ListingField("rule"), ListingField("held_back", "number"))
BEATS_FIELDS = (ListingField("ahead"), ListingField("held_back"), ListingField("decisions", "number"))
CAPACITY_FIELDS = (
    ListingField("channel"),
    ListingField("day"),
    ListingField("asked", "number"),
    ListingField("capacity", "number"),
    ListingField("share", "number"),
)
IMAGINED_FIELDS = (
    ListingField("trigger"),
    ListingField("outcome"),
    ListingField("known", "number"),
    ListingField("imagined", "number"),
)
CONTACT_FIELDS = (
    ListingField("contacts", "number"),
    ListingField("customers", "number"),
    ListingField("share"),
)
PRESSED_FIELDS = (
    ListingField("customer"),
    ListingField("contacts", "number"),
    ListingField("points", "number"),
)


def show(context: Context, found: PreviewResult) -> None:
    """Print the sums."""
    out, totals = context.output, found.totals
    out.say(f"Preview of {span_in_words(found, found.zone)}")
    if found.changes:
        out.say(f"Not under the rules in force, but with: {', '.join(found.changes)}.")
    out.say(
        f"Playbook {found.version or 'of the files, not applied yet'}; "
        f"{counted(totals.looked_at, 'customer')} looked at, "
        f"{counted(totals.decisions, 'decision')} for "
        f"{counted(totals.customers, 'customer')}.{_narrowed(found.trigger)}\n"
    )
    if totals.decisions:
        _show_sums(context, found)
    else:
        out.say("Nothing falls due in this span.")


def _narrowed(trigger: str | None) -> str:
    return f" Only those of {trigger} are counted, in contacts and capacity too." if trigger else ""


def _show_sums(context: Context, found: PreviewResult) -> None:
    out, totals = context.output, found.totals
    if found.future == "replay":
        out.listing(IMAGINED_FIELDS, _imagined(totals), "")
        out.say("\nKnown and imagined together:")
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
        out.listing(
            RULE_FIELDS,
            [{"rule": rule, "held_back": number} for rule, number in totals.rules.most_common()],
            "",
        )
    _show_beats(context, totals)
    _show_capacity(context, found.asked)
    if totals.pressed:
        out.say("\nUnder most pressure (ask `manometer why CUSTOMER TRIGGER`):")
        out.listing(
            PRESSED_FIELDS,
            [{**each._asdict(), "points": each.points / POINT} for each in totals.most_pressed()],
            "",
        )


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


def _imagined(totals: Totals) -> Iterator[Mapping[str, Any]]:
    """Decisions that are known and such as come of imagined events, by trigger and outcome."""
    imagined: Counter[tuple[str, str]] = Counter()
    for cell, number in totals.imagined.items():
        imagined[cell.trigger, cell.outcome] += number
    for (trigger,), outcomes in totals.by("trigger").items():
        for outcome in OUTCOMES:
            if outcomes[outcome]:
                new = imagined[str(trigger), outcome]
                yield {
                    "trigger": trigger,
                    "outcome": outcome,
                    "known": outcomes[outcome] - new or None,
                    "imagined": new or None,
                }


def _show_beats(context: Context, totals: Totals) -> None:
    """Whose contacts have the room that others do not get."""
    if totals.beats:
        context.output.say("\nWho beats whom: whose contacts fill the windows, and whose are held back:")
        pairs = (
            {"ahead": ahead, "held_back": back, "decisions": number}
            for (ahead, back), number in totals.beats.most_common(MOST_PAIRS)
        )
        context.output.listing(BEATS_FIELDS, pairs, "")


def _show_capacity(context: Context, asked: Sequence[ChannelDemand]) -> None:
    """What the channels with a capacity are asked for; on days above it the rest waits."""
    if asked:
        context.output.say("\nAsked of the channels with a capacity:")
        context.output.listing(
            CAPACITY_FIELDS, ({**each._asdict(), "share": f"{each.share:.0%}"} for each in asked), ""
        )
    for each in asked:
        if each.asked > each.capacity:
            beyond = f"{each.channel} is asked for {each.asked:,}, more than its {each.capacity:,} a day"
            context.output.say(f"{each.day}: {beyond}; the rest waits.")


# ---- as a file ----


def write_rows(path: Path, fields: Sequence[ListingField], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write decision rows to a new CSV file."""
    write_csv(
        path,
        [field.name for field in fields],
        ([_text(field, row[field.name]) for field in fields] for row in rows),
    )


def _text(field: ListingField, value: Any) -> object:
    return format_instant(value) if field.kind == "instant" and value is not None else value
