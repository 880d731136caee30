"""What would change under other rules: the preview under those in force against the preview under changed
ones, before anybody decides.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import orjson

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.differences import (
    CSV_HEADS,
    FIELDS,
    Bounds,
    add_by_rule,
    csv_cells,
    nested,
    show_gains,
    show_kinds,
    show_sides,
    write_by_rule,
)
from console.cli.question_options import add_changes, add_page, add_span, question_of, refuse_existing
from console.forecast.asked_playbook import asked_playbook
from console.forecast.diff import Comparison, DiffPart, compare
from console.forecast.preview_result import answer
from console.forecast.question import Question, span_in_words
from console.forecast.sorted_rows import SortedRows
from console.playbooks.applied import load_in_force
from console.playbooks.known_triggers import refuse_unknown
from console.progress import Progress
from console.reports.csv_export import write_csv
from core.explain.words import counted
from core.forecast.diff import Diff
from core.forecast.preview import limits_of
from core.playbook.playbook import Playbook
from storage import customers

EXAMPLES = (
    ("diff --set trigger.basket.paused=true", "what would change if a trigger were paused"),
    (
        "diff --with basket.toml --customer C1082",
        "what it would change for one customer",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_changes(parser)
    parser.add_argument(
        "--customer", metavar="ID", help="only this customer, with all her decisions side by side"
    )
    add_by_rule(parser)
    add_span(parser)
    add_page(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compare and show it."""
    question = _question(args, context)
    refuse_existing(args.html)
    before, after = _playbooks(context, question)
    comparison = Comparison(
        replace(question, with_rows=question.with_rows and not args.by_rule),
        _customer(context, args.customer),
        with_windows=args.by_rule or args.html is not None or not context.output.json,
    )
    with SortedRows() as rows:
        whole = _compare(args, context, comparison, rows)
        if not args.by_rule:
            _write(args, context, rows)
    bounds = _bounds(whole.diff, before, after)
    if args.by_rule:
        write_by_rule(args, context, whole.diff, bounds)
    elif not context.output.json:
        _show(context, question, whole, bounds)
    if args.csv is not None:
        context.output.say(f"{_rows_written(args, whole.diff, bounds)} written to {args.csv}")
    if args.html is not None:
        changes = answer(question, after, 0, whole.diff.after).changes
        words = span_in_words(question, context.zone), f"Changed: {', '.join(changes)}"
        _write_page(args.html, context, whole.diff, words, bounds)
    return 0


def _question(args: argparse.Namespace, context: Context) -> Question:
    """What the options ask; UsageError where they change nothing."""
    question = question_of(args, context)
    if not question.is_changed:
        raise UsageError(
            "Nothing is changed. Name a change: --set rule.NAME.limit=2, --with FILE.toml or --playbook DIR."
        )
    return question


def _playbooks(context: Context, question: Question) -> tuple[Playbook, Playbook]:
    """The playbook in force and the one asked about; ManometerError where neither has the trigger named."""
    after = asked_playbook(context.store, question)
    before = load_in_force(context.store, context.folder).playbook
    if question.trigger not in before.index.by_name:
        refuse_unknown(question.trigger, after, context.folder, "--with")
    return before, after


def _compare(
    args: argparse.Namespace, context: Context, comparison: Comparison, rows: SortedRows
) -> DiffPart:
    """What is different for all customers; what each gives for a listing goes to `rows`."""
    whole = DiffPart()
    with Progress("Comparing", "customers") as progress:
        for part, done, total in compare(comparison, context.store, args.workers):
            whole.diff.merge(part.diff)
            whole.sides.extend(part.sides)
            rows.add(part.rows)
            progress.at(done, total)
    return whole


def _bounds(diff: Diff, before: Playbook, after: Playbook) -> Bounds:
    limits = limits_of(before.rules), limits_of(after.rules)
    asked = tuple(diff.before.asked(before.channels)), tuple(diff.after.asked(after.channels))
    return Bounds(limits, asked)


def _rows_written(args: argparse.Namespace, diff: Diff, bounds: Bounds) -> str:
    if args.by_rule:
        return counted(len(diff.rules(*bounds.limits)), "rule")
    return counted(sum(diff.kinds().values()), "difference")


def _write_page(path: Path, context: Context, diff: Diff, words: tuple[str, ...], bounds: Bounds) -> None:
    from console.reports.diff_page import diff_page  # Textual and Jinja2 take long to import
    from console.reports.page_file import write_page

    write_page(path, diff_page(diff, "What would be different", words, context.zone, *bounds.limits))
    context.output.say(f"The page was written to {path}")


def _write(args: argparse.Namespace, context: Context, rows: SortedRows) -> None:
    if args.csv is not None:
        write_csv(args.csv, CSV_HEADS, map(csv_cells, map(orjson.loads, rows)))
    if context.output.json:
        context.output.listing(FIELDS, map(nested, map(orjson.loads, rows)), "")


def _customer(context: Context, named: str | None) -> int | None:
    if named is None:
        return None
    with context.store.reading() as connection:
        return customers.resolve(connection, named)


def _show(context: Context, question: Question, whole: DiffPart, bounds: Bounds) -> None:
    out, diff = context.output, whole.diff
    out.say(f"Difference of {span_in_words(question, context.zone)}")
    show_kinds(context, diff)
    if whole.sides:
        show_sides(context, *whole.sides[0])
    else:
        show_gains(context, diff, bounds)
