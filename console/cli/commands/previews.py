"""Previews that were kept with `preview --save`: list them, show one, compare two, or delete one.

Each is a file of its own in the workspace's folder `previews`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from console.cli.context import Context
from console.cli.listings.decisions import FIELDS as DECISION
from console.cli.listings.decisions import IMAGINED, write_rows
from console.cli.listings.differences import (
    CSV_HEADS,
    Bounds,
    add_by_rule,
    csv_cells,
    nested,
    show_gains,
    show_kinds,
    write_by_rule,
)
from console.cli.listings.differences import FIELDS as DIFFERENCE
from console.cli.listings.previews import show
from console.cli.options import add_list, add_yes
from console.cli.output import ListingField
from console.cli.question_options import add_page, refuse_existing
from console.forecast.preview_comparison import Compared, ComparedPreview, compare_kept
from console.forecast.preview_result import FOLDER, kept_answer
from console.reports.csv_export import write_csv
from core.errors import ManometerError
from core.explain.words import counted, in_full
from storage.forecasts import saved_previews
from storage.forecasts.saved_previews import SavedPreview

FIELDS = (
    ListingField("name"),
    ListingField("now", "instant", title="made at"),
    ListingField("first", "instant", title="from"),
    ListingField("last", "instant", title="to"),
    ListingField("future"),
    ListingField("version", "number", title="playbook"),
    ListingField("decisions", "number"),
    ListingField("customers", "number"),
    ListingField("changes", widest=30),
    ListingField("author"),
    ListingField("note"),
    ListingField("bytes", "number", shown=False),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|show|compare|delete")
    add_list(parser, actions)
    show_one = actions.add_parser("show", help="print one as it was")
    show_one.add_argument("name", metavar="NAME", help="the name it is kept under")
    _add_files(show_one)
    two = actions.add_parser("compare", help="what is different between two, customer by customer")
    two.add_argument("before", metavar="A", help="the name of the one")
    two.add_argument("after", metavar="B", help="the name of the other")
    add_by_rule(two)
    _add_files(two)
    gone = actions.add_parser("delete", help="forget one")
    gone.add_argument("name", metavar="NAME", help="the name it is kept under")
    add_yes(gone)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the rows to this file as CSV")
    add_page(parser)


def changes_files(args: argparse.Namespace) -> bool:
    """Whether it writes anything but the database; not done with `--read-only`."""
    return bool(args.action == "delete")


def run(args: argparse.Namespace, context: Context) -> int:
    """List the kept previews, or do what is asked with them."""
    context.output.zone = context.zone
    if args.action is None:
        context.output.listing(
            FIELDS, _kept(context), "No preview is kept yet: `manometer preview --save NAME` keeps one."
        )
    elif args.action == "show":
        _show(args, context)
    elif args.action == "compare":
        _compare(args, context)
    else:
        _delete(args, context)
    return 0


def _folder(context: Context) -> Path:
    return context.folder / FOLDER


def _kept(context: Context) -> Iterator[Mapping[str, Any]]:
    folder = _folder(context)
    for name in saved_previews.names(folder):
        try:
            with SavedPreview(folder, name) as saved:
                sums = {
                    "decisions": saved.totals.decisions,
                    "customers": saved.totals.customers,
                    "bytes": saved.path.stat().st_size,
                }
                yield {
                    **saved.about,
                    **sums,
                    "name": name,
                    "changes": ", ".join(saved.about["changes"]) or None,
                }
        except ManometerError as error:
            context.output.complain(str(error))


def _show(args: argparse.Namespace, context: Context) -> None:
    refuse_existing(args.html)
    with SavedPreview(_folder(context), args.name) as saved:
        found = kept_answer(saved)
        fields = IMAGINED if found.future == "replay" else DECISION
        if args.csv is not None:
            write_rows(args.csv, fields, saved.rows())
        if args.html is not None:
            from console.reports.page_file import write_page  # Jinja2 and Textual take long to import
            from console.reports.preview_page import preview_page

            write_page(args.html, preview_page(found, f"Preview {args.name}", _words(saved.about, context)))
        if context.output.json:
            context.output.listing(fields, saved.rows(), "")
            return
        context.output.say(_words(saved.about, context))
    show(context, found)
    _say_written(args, context, counted(found.totals.decisions, "decision"))


def _words(about: Mapping[str, Any], context: Context) -> str:
    note = f": {about['note']}" if about["note"] else ""
    return f"Made {in_full(about['now'], context.zone)} by {about['author']}{note}"


def _say_written(args: argparse.Namespace, context: Context, rows: str) -> None:
    if args.csv is not None:
        context.output.say(f"{rows} written to {args.csv}")
    if args.html is not None:
        context.output.say(f"The page was written to {args.html}")


def _compare(args: argparse.Namespace, context: Context) -> None:
    refuse_existing(args.html)
    with (
        SavedPreview(_folder(context), args.before) as before,
        SavedPreview(_folder(context), args.after) as after,
    ):
        sides = ComparedPreview(before, kept_answer(before)), ComparedPreview(after, kept_answer(after))
        found = compare_kept(*sides)
        if args.by_rule:
            _compare_rules(args, context, found)
            return
        if args.csv is not None:
            write_csv(args.csv, CSV_HEADS, map(csv_cells, found.rows()))
        if context.output.json:
            context.output.listing(DIFFERENCE, map(nested, found.rows()), "")
            return
        _show_compared(args, context, found)


def _compare_rules(args: argparse.Namespace, context: Context, found: Compared) -> None:
    diff, bounds = found.diff(), _bounds(found)
    write_by_rule(args, context, diff, bounds)
    _say_written(args, context, counted(len(diff.rules(*bounds.limits)), "rule"))


def _show_compared(args: argparse.Namespace, context: Context, found: Compared) -> None:
    """The sums for people, and as a page where that is asked for."""
    diff, bounds = found.diff(), _bounds(found)
    words = f"{in_full(found.first, context.zone)} to {in_full(found.last, context.zone)}"
    title = f"{args.before} against {args.after}"
    context.output.say(f"{title}, {words}")
    for side in (found.before, found.after):
        if side.answer.changes:
            context.output.say(f"{side.saved.name} was made with: {', '.join(side.answer.changes)}")
    show_kinds(context, diff)
    show_gains(context, diff, bounds, "")
    if args.html is not None:
        from console.reports.diff_page import diff_page  # see above
        from console.reports.page_file import write_page

        write_page(args.html, diff_page(diff, title, (words,), context.zone, *bounds.limits))
    _say_written(args, context, counted(sum(diff.kinds().values()), "difference"))


def _bounds(found: Compared) -> Bounds:
    """The limits and capacities of both, where the sums that were kept are those of the span that is
    compared.
    """
    if not found.is_whole:
        return Bounds(((), ()))
    before, after = found.before.answer, found.after.answer
    return Bounds((before.limits, after.limits), (before.asked, after.asked))


def _delete(args: argparse.Namespace, context: Context) -> None:
    folder = _folder(context)
    saved_previews.refuse_unknown(folder, args.name)
    context.output.confirm(
        f"The preview {args.name}{_made(folder, args.name, context.zone)} will be gone.",
        "Delete it?",
        args.yes,
    )
    saved_previews.delete(folder, args.name)
    context.output.say(f"{args.name} is gone.")


def _made(folder: Path, name: str, zone: ZoneInfo) -> str:
    """When it was made and how much is in it; nothing of one that is damaged."""
    try:
        with SavedPreview(folder, name) as saved:
            return f" of {in_full(saved.about['now'], zone)}, {counted(saved.totals.decisions, 'decision')},"
    except ManometerError:
        return ""
