"""What would change under other rules: the preview under those in force against the preview under changed
ones, before anybody decides.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

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
from core.forecast.preview import limits_of
from storage import customers


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
    question = question_of(args, context)
    if not question.is_changed:
        raise UsageError(
            "Nothing is changed. Name a change: --set rule.NAME.limit=2, --with FILE.toml or --playbook DIR."
        )
    refuse_existing(args.html)
    playbook = asked_playbook(context.store, question)
    before = load_in_force(context.store, context.folder).playbook
    if question.trigger not in before.index.by_name:
        refuse_unknown(question.trigger, playbook, context.folder, "--with")
    comparison = Comparison(
        replace(question, with_rows=question.with_rows and not args.by_rule),
        _customer(context, args.customer),
        with_windows=args.by_rule or args.html is not None or not context.output.json,
    )
    whole = DiffPart()
    with SortedRows() as rows:
        with Progress("Comparing", "customers") as progress:
            for part, done, total in compare(comparison, context.store, args.workers):
                whole.diff.merge(part.diff)
                whole.sides.extend(part.sides)
                rows.add(part.rows)
                progress.at(done, total)
        bounds = Bounds(
            (limits_of(before.rules), limits_of(playbook.rules)),
            (
                tuple(whole.diff.before.asked(before.channels)),
                tuple(whole.diff.after.asked(playbook.channels)),
            ),
        )
        if not args.by_rule:
            _write(args, context, rows)
    if args.by_rule:
        write_by_rule(args, context, whole.diff, bounds)
    elif not context.output.json:
        _show(context, question, whole, bounds)
    if args.csv is not None:
        rows_of = (
            counted(len(whole.diff.rules(*bounds.limits)), "rule")
            if args.by_rule
            else counted(sum(whole.diff.kinds().values()), "difference")
        )
        context.output.say(f"{rows_of} written to {args.csv}")
    if args.html is not None:
        words = (
            span_in_words(question, context.zone),
            f"Changed: {', '.join(answer(question, playbook, 0, whole.diff.after).changes)}",
        )
        from console.reports.pages import diff_page, write_page  # Textual and Jinja2 take long to import

        write_page(
            args.html, diff_page(whole.diff, "What would be different", words, context.zone, *bounds.limits)
        )
        context.output.say(f"The page was written to {args.html}")
    return 0


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
