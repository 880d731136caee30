"""Stop all sending at once; `go` ends it.

Nothing is handed over from here on and what falls due waits; customers still enter their triggers, so that no
cause is lost. Transactional messages go on unless --transactional.

The file STOP is written into the workspace folder first, so that it works with a locked database, a full disk
or a playbook with faults; `touch STOP` does the same.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console import clock
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_yes
from console.safeguards.stop_file import NAME, StopFile, StopNote
from console.workspace.layout import DATABASE, SETTINGS
from core.errors import ManometerError
from core.instants import format_instant

if TYPE_CHECKING:  # what the database needs is imported once the file is written
    from console.cli.stop_row import StopRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--transactional", action="store_true", help="transactional messages too")
    add_reason(parser)
    parser.set_defaults(needs_reason=False)  # nothing keeps anybody from stopping
    add_yes(parser)
    add_at(parser)


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and stop."""
    if not any((context.folder / name).exists() for name in (SETTINGS, DATABASE)):
        _ = context.settings  # says that the folder is no workspace, where a file would stop nobody
    note = StopNote(clock.now(), context.author, args.reason, transactional=args.transactional)
    if args.at is not None:  # of another moment: nothing that a sender of now should heed
        row = _row(args, context, note)
        context.output.confirm(row.look(), _QUESTION, args.yes)
        row.stop()
        return _report(args, context, row, by_file=False)
    if not args.yes:
        context.output.confirm(_row(args, context, note).look_in_time(), _QUESTION, args.yes)
    no_file = _made(context, note)
    row = _row(args, context, note)
    no_row = row.stop_in_time()
    if no_file is not None and no_row is not None:
        raise ManometerError(f"Sending is NOT stopped. {no_file} {no_row}")
    code = _report(args, context, row, by_file=no_file is None)
    _complain(context, no_file, no_row)
    return code


_QUESTION = "Stop all sending?"


def _made(context: Context, note: StopNote) -> str | None:
    """Why the file was not made; None where it was."""
    try:
        StopFile(context.folder).write(note)
    except ManometerError as error:
        return str(error)
    return None


def _row(args: argparse.Namespace, context: Context, note: StopNote) -> StopRow:
    from console.cli.stop_row import StopRow  # see above

    return StopRow(context, note, args.at)


def _report(args: argparse.Namespace, context: Context, row: StopRow, *, by_file: bool) -> int:
    """What was done."""
    output = context.output
    if output.json:
        head = {"action": "stop", "name": "*", "at": format_instant(row.note.at), **row.counts()}
        done = {"transactional": args.transactional, "file": by_file, "row": row.is_written}
        output.value(head | done)
    spared = "" if args.transactional else ", transactional messages go on"
    output.say(f"All sending is stopped{spared}. {row.numbers()} `manometer go` ends it.")
    return 0


def _complain(context: Context, no_file: str | None, no_row: str | None) -> None:
    """What was not done."""
    if no_file is not None:
        context.output.complain(f"Stopped by the database alone, without the file {NAME}: {no_file}")
    if no_row is not None:
        context.output.complain(
            f"Stopped by the file {NAME} alone; until a program that can write takes it into the database, "
            f"transactional messages wait too. {no_row}"
        )
