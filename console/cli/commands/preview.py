"""What would go out in the coming days, to whom and why not: the engine run ahead of time. Nothing is
written.

Without --json or --csv: totals by day, trigger, channel, outcome and reason, and the pressure on the
customers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import orjson

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.decisions import FIELDS, IMAGINED, write_rows
from console.cli.listings.previews import show
from console.cli.question_options import add_changes, add_page, add_span, question_of, refuse_existing
from console.forecast.asked_playbook import asked_playbook
from console.forecast.preview import preview
from console.forecast.preview_result import FOLDER, PreviewResult, about, answer
from console.forecast.question import Question
from console.forecast.sorted_rows import SortedRows
from console.playbooks.known_triggers import refuse_unknown
from console.progress import Progress
from console.safeguards.stop_file import StopFile
from core.explain.words import counted
from core.forecast.preview import Totals
from core.playbook.playbook import Playbook
from storage.forecasts.drift import reached
from storage.forecasts.saved_previews import Saving
from storage.quarantine import customers_left_out

EXAMPLES = (
    ("preview --days 7", "what would go out within a week"),
    ("preview --set rule.three-a-week.limit=2", "the same under another limit"),
    (
        "preview --with basket.toml --future replay",
        "with a draft, if people do what they did last week",
    ),
)


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


def changes_files(args: argparse.Namespace) -> bool:
    """Whether it writes anything but the database; not done with `--read-only`."""
    return bool(args.save is not None)


def run(args: argparse.Namespace, context: Context) -> int:
    """Look ahead, show it, and keep it where that is asked for."""
    question = question_of(args, context)
    if args.save is None and (args.note is not None or args.force):
        raise UsageError("--note and --force go with --save NAME.")
    playbook = asked_playbook(context.store, question)
    refuse_unknown(args.trigger, playbook, context.folder, "--with")
    refuse_existing(args.html)
    question = replace(question, with_details=args.save is not None or args.html is not None)
    found = _answer(args, context, question, playbook)
    if not context.output.json:
        show(context, found)
        _warn_of_stop(context)
        _tell_left_out(context)
    if args.csv is not None:
        context.output.say(f"{found.totals.decisions:,} decisions written to {args.csv}")
    if args.html is not None:
        _write_page(args.html, context, found)
    if args.save is not None:
        context.output.say(
            f"Kept as {args.save}: `manometer previews show {args.save}`; when its days have passed, "
            f"`manometer drift {args.save}`."
        )
    return 0


def _warn_of_stop(context: Context) -> None:
    """A stop that came as a file is in no playbook yet."""
    if StopFile(context.folder).mark() is not None:
        context.output.say("All sending is stopped, by the file STOP: nothing of this goes out until `go`.")


def _tell_left_out(context: Context) -> None:
    with context.store.reading() as connection:
        number = len(customers_left_out(connection))
    if number:
        were = "is" if number == 1 else "are"
        context.output.say(
            f"{counted(number, 'customer')} {were} set aside and left out; `manometer quarantine` says why."
        )


def _answer(
    args: argparse.Namespace, context: Context, question: Question, playbook: Playbook
) -> PreviewResult:
    """The preview, kept in the workspace where it is given a name."""
    with ExitStack() as stack:
        saving = None
        if args.save is not None:
            saving = stack.enter_context(Saving(context.folder / FOLDER, args.save, force=args.force))
        mark = _mark(context)
        totals = _look_ahead(args, context, question, playbook, saving)
        found = answer(question, playbook, context.in_force.playbook.version, totals)
        if saving is not None:
            saving.finish(about(found, args.note, context.author, mark), totals)
    return found


def _mark(context: Context) -> Mapping[str, int]:
    with context.store.reading() as connection:
        return reached(connection)


def _write_page(path: Path, context: Context, found: PreviewResult) -> None:
    from console.reports.page_file import write_page  # Textual and Jinja2 take long to import
    from console.reports.preview_page import preview_page

    name = context.settings.get("name") or context.folder.resolve().name
    write_page(path, preview_page(found, f"Preview of {name}"))
    context.output.say(f"The page was written to {path}")


def _look_ahead(
    args: argparse.Namespace, context: Context, question: Question, playbook: Playbook, saving: Saving | None
) -> Totals:
    """Take the decisions; rows go to where they are asked for."""
    fields = IMAGINED if question.future == "replay" else FIELDS
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
