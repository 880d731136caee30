"""Write a backup of the database to a new file, while everything goes on.

It is one snapshot, checked before it gets its name, and holds an anchor of the audit. `[backups]` in
manometer.toml has the scheduler make one each night.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console.backups.making import back_up
from console.cli.context import Context
from console.cli.options import add_at
from console.cli.output import ListingField
from console.health.disk import size

FIELDS = (ListingField("file"), ListingField("size", "number"), ListingField("anchor"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a new file")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Make it, and say what to keep."""
    made = back_up(context.store, args.file, context.now(args.at))
    if context.output.json:
        context.output.record(FIELDS, {"file": str(made.path), "size": made.size, "anchor": made.anchor.link})
        return 0
    context.output.say(
        f"{made.path} holds the database as of now, {size(made.size)}, checked. "
        f"Anchor of the audit: {made.anchor.link}"
    )
    return 0
