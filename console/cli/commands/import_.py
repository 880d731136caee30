"""Take in files: NDJSON in the form of Segment's specification, CSV by profile. Importing twice changes
nothing.

A folder stands for the .ndjson, .jsonl and .csv files in it; gzip of any of them is fine. Lines that cannot
be used go to a file in rejects/ with their reasons. A live import into a workspace without a playbook in
force applies its files first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.context import Context
from console.cli.exit_codes import INTERRUPTED
from console.cli.options import add_at
from console.cli.output import ListingField
from console.intake.files import (
    ImportResult,
    IntakeSettings,
    files_of,
    import_file,
    intake_settings,
    progress_bar,
)
from console.intake.set_aside import words_of
from console.playbooks.applied import ensure_applied
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace
from core.explain.words import counted
from core.instants import Instant
from core.sources.connector import SourceFile
from storage.intake.batch import Concerns

FIELDS = (
    ListingField("read", "number"),
    ListingField("taken", "number"),
    ListingField("duplicate", "number"),
    ListingField("rejected", "number"),
    ListingField("rejects"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files, or folders of files")
    parser.add_argument(
        "--profile", metavar="NAME", help="how to read a CSV: a shipped profile, or one of [profiles.NAME]"
    )
    parser.add_argument(
        "--source", metavar="NAME", help="where the events come from (default: the profile's, or ndjson)"
    )
    parser.add_argument(
        "--history", action="store_true", help="facts of the past: nothing enrols through them"
    )
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Import file by file and tell what became of their lines."""
    paths = files_of(args.paths)
    at = context.now(args.at)
    settings = _settings(context, _concerns(context, at, args.history))
    for path in paths:
        with progress_bar(path, quiet=context.output.json) as progress:
            done = import_file(
                context.store,
                SourceFile(path, args.source, args.profile),
                settings=settings,
                arrived_at=at,
                history=args.history,
                progress=progress,
            )
        _report(context, path, done)
        if not done.finished:
            context.output.complain(
                "manometer: Interrupted. What was read is kept; the next import of the file goes on from "
                "there."
            )
            return INTERRUPTED
    return 0


def _concerns(context: Context, at: Instant, history: bool) -> Concerns | None:
    """Which events make their customers due; None while no playbook is in force."""
    playbook = context.in_force.playbook
    if playbook.version == 0:
        if history:
            return None
        playbook = ensure_applied(context.store, context.workspace, at, context.author)
    return playbook.index.concerns_at(at)


def _settings(context: Context, concerns: Concerns | None) -> IntakeSettings:
    return intake_settings(context.folder, _readable(context), concerns)


def _readable(context: Context) -> Workspace:
    """The files as they stand; while they have faults, as they were applied, so that nobody's editing stops
    the intake.
    """
    try:
        return context.workspace
    except WorkspaceError:
        if context.in_force.playbook.version == 0:
            raise
        return context.in_force


def _report(context: Context, path: Path, done: ImportResult) -> None:
    if context.output.json:
        rejects = None if done.rejects is None else str(done.rejects)
        row = {
            "read": done.read,
            "taken": done.taken,
            "duplicate": done.duplicate,
            "rejected": done.rejected,
            "rejects": rejects,
        }
        context.output.record(FIELDS, row)
        return
    refused = f", {done.rejected:,} rejected: see {done.rejects}" if done.rejected else ""
    context.output.say(
        f"{path}: {counted(done.read, 'line')} read, {done.taken:,} taken, {done.duplicate:,} known "
        f"already{refused}."
    )
    if done.set_aside:
        context.output.say(f"{path}: {words_of(done.set_aside)}")
