"""Put a backup in the place of the database. What was sent since is unknown to it, so all sending is held.

Stop the scheduler and close the console first. What was there is kept beside it. Then: import what came in
since (files in inbox/done), `manometer tick`, `manometer outbox compare`, and `manometer go`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console.backups.restoring import restore
from console.cli.context import Context
from console.cli.options import add_yes
from console.cli.output import ListingField
from console.daemon.leadership import LockFile
from core.errors import ManometerError
from core.explain.words import counted, in_full

FIELDS = (
    ListingField("file"),
    ListingField("anchor"),
    ListingField("anchored_at", "instant"),
    ListingField("uncertain", "number"),
    ListingField("kept"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a backup")
    add_yes(parser)


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and restore while no scheduler can begin."""
    lock = LockFile(context.database)
    if not lock.take():
        raise ManometerError(
            f"A scheduler runs on {context.database}. Stop it, and close every console; then restore."
        )
    try:
        told = f"{context.database} becomes what {args.file} holds; what is there now is kept beside it."
        context.output.confirm(told, "Restore?", args.yes)
        done = restore(args.file, context.database, context.author)
    finally:
        lock.close()
    anchor = done.anchor
    if context.output.json:
        context.output.record(
            FIELDS,
            {
                "file": str(args.file), "anchor": None if anchor is None else anchor.link,
                "anchored_at": None if anchor is None else anchor.at, "uncertain": done.uncertain,
                "kept": None if done.kept is None else str(done.kept),
            },
        )  # fmt: skip
        return 0
    context.output.say(f"Restored from {args.file}{'' if anchor is None else _of(anchor.at, context)}.")
    if done.kept is not None:
        context.output.say(
            f"What was there is {done.kept}: it holds personal data; remove it when all is well."
        )
    if done.uncertain:
        were = f"{counted(done.uncertain, 'message')} on the way when the backup was made"
        context.output.say(f"{were}: nobody can tell whether they went out (`outbox --state uncertain`).")
    context.output.say(
        "All sending is held. Import what came in since (inbox/done), `manometer tick`, `manometer outbox "
        "compare` with what the channels recorded, then `manometer go`."
    )
    return 0


def _of(at: int, context: Context) -> str:
    return f", of {in_full(at, context.zone)}"
