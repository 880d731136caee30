"""The options that say which future is asked about, and under which rules: of `preview`, `diff` and `triggers
backtest`.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.options import add_at, whole
from console.forecast.question import Drafts, Future, Question
from core.errors import ManometerError
from core.forecast.what_if import PlaybookChange, parse_change
from core.instants import DAY

LONGEST_DAYS = 3_660
LONGEST_WEEKS = 520
BACKTEST_DAYS = 90
"""How much of the past a backtest looks at where nothing is said."""


def add_span(parser: argparse.ArgumentParser) -> None:
    """The options that say what is looked at and where the rows go."""
    parser.add_argument("--from", dest="first", metavar="INSTANT", help="begin, not included (default: now)")
    parser.add_argument(
        "--days", metavar="N", type=float, default=14, help="length in days of 86,400 s (default 14)"
    )
    parser.add_argument("--trigger", metavar="NAME", help="only this trigger's decisions")
    parser.add_argument(
        "--future",
        choices=get_args(Future),
        default="known",
        help="known: nothing new happens (default); replay: the last weeks happen again; as-it-was: in a "
        "past span, as it came",
    )
    parser.add_argument(
        "--weeks",
        metavar="N",
        type=whole,
        default=1,
        help="with --future replay: how many weeks happen again (default 1)",
    )
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the decisions to this file as CSV")
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_processes,
        help="processes at most (default: one a core, when the work is large)",
    )
    add_at(parser)


def _processes(text: str) -> int:
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: one process at least")
    return number


def add_page(parser: argparse.ArgumentParser) -> None:
    """The option `--html`."""
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write it to this file as one page with pictures"
    )


def refuse_existing(path: Path | None) -> None:
    """ManometerError where the file to be written is there already or cannot be, before long work begins."""
    if path is not None and os.path.lexists(path):
        raise ManometerError(f"{path} exists already. Name another file, or remove it.")
    if path is not None and not path.parent.is_dir():
        raise ManometerError(
            f"{path} cannot be written: there is no folder {path.parent}. Make it, or name another."
        )


def question_of(args: argparse.Namespace, context: Context) -> Question:
    """The question that the options ask; UsageError where they contradict each other."""
    if not 0 < args.days <= LONGEST_DAYS:
        raise UsageError(f"--days: a number above 0, at most {LONGEST_DAYS:,}.")
    if not 1 <= args.weeks <= LONGEST_WEEKS:
        raise UsageError(f"--weeks: a whole number from 1 to {LONGEST_WEEKS}.")
    if args.weeks != 1 and args.future != "replay":
        raise UsageError("--weeks says how much happens again: it goes with --future replay.")
    now = context.now(args.at)
    first = context.instant(args.first, "--from")
    first = now if first is None else first
    if args.future == "as-it-was" and first >= now:
        raise UsageError(
            "--future as-it-was needs a past span: nothing is known yet of what comes after now. Name an "
            "earlier --from."
        )
    return Question(
        folder=context.folder,
        database=context.database,
        now=now,
        first=first,
        last=first + round(args.days * DAY),
        future=args.future,
        trigger=args.trigger,
        with_rows=context.output.json or args.csv is not None,
        weeks=args.weeks,
        **changes_of(args),
    )


def add_past(parser: argparse.ArgumentParser) -> None:
    """The options of a backtest."""
    parser.add_argument(
        "--from",
        dest="first",
        metavar="INSTANT",
        help=f"begin, not included (default: {BACKTEST_DAYS} days before)",
    )
    parser.add_argument("--to", dest="last", metavar="INSTANT", help="end (default: now)")
    parser.add_argument(
        "--days", metavar="N", type=float, help="length in days of 86,400 s, instead of --from or --to"
    )
    parser.add_argument(
        "--file", metavar="FILE", type=Path, help="the trigger as this file says, under the name given"
    )
    add_rules(parser)
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write its decisions to this file as CSV")
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_processes,
        help="processes at most (default: one a core, when the work is large)",
    )


# ---- under which rules ----


def add_changes(parser: argparse.ArgumentParser) -> None:
    """The options `--playbook`, `--set` and `--with`."""
    add_rules(parser)
    parser.add_argument(
        "--with",
        metavar="FILE",
        dest="drafts",
        action="append",
        default=[],
        type=Path,
        help="with this trigger file, as if it were active",
    )


def add_rules(parser: argparse.ArgumentParser) -> None:
    """The options `--playbook` and `--set`."""
    parser.add_argument(
        "--playbook",
        metavar="DIR",
        type=Path,
        help="under the files of this folder instead of those in force",
    )
    parser.add_argument(
        "--set",
        metavar="CHANGE",
        dest="changes",
        action="append",
        default=[],
        help="with one value changed, such as rule.NAME.limit=2",
    )


def changes_of(args: argparse.Namespace) -> dict[str, Any]:
    """What these options say, as fields of a `Question`."""
    return {**rules_of(args), "drafts": trigger_files([(path, path.stem) for path in args.drafts])}


def rules_of(args: argparse.Namespace) -> dict[str, Any]:
    """What `--playbook` and `--set` say, as fields of a `Question`."""
    return {"playbook_folder": args.playbook, "changes": tuple(_change(text) for text in args.changes)}


def _change(text: str) -> PlaybookChange:
    try:
        return parse_change(text)
    except ManometerError as error:
        raise UsageError(f"--set: {error}") from None


def trigger_files(named: Iterable[tuple[Path, str]]) -> Drafts:
    """Files of triggers by these names, under their paths in a workspace, with the templates they name where
    those are in ../templates.
    """
    found: dict[str, str] = {}
    for path, name in named:
        if path.suffix != ".toml":
            raise UsageError(f"{path} is no trigger file. Name a file that ends in .toml.")
        text = _text(path)
        found[f"triggers/{name}.toml"] = text
        found.update(_templates(path.parent.parent / "templates", text))
    return tuple(found.items())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ManometerError(f"{path}: the file is not UTF-8. Save it as UTF-8.") from None


def _templates(folder: Path, text: str) -> Iterator[tuple[str, str]]:
    for name in _named_templates(text):
        for path in sorted((folder / name).rglob("*.*")):
            if path.is_file() and not path.name.startswith("."):
                yield f"templates/{path.relative_to(folder).as_posix()}", _text(path)


def _named_templates(text: str) -> list[str]:
    """The templates of a trigger's steps, of their variants, and of what comes otherwise; none of a file with
    faults, which are reported when it is read in full.
    """
    try:
        steps = tomllib.loads(text).get("steps", [])
    except tomllib.TOMLDecodeError:
        return []
    named = dict.fromkeys(_templates_within(steps))
    return [name for name in named if name and "/" not in name and not name.startswith(".")]


def _templates_within(value: object) -> Iterator[str]:
    """Every `template` of tables and lists of tables, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from _templates_within(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "template" and isinstance(each, str):
                yield each
            else:
                yield from _templates_within(each)
