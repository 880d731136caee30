"""The sources of events: when each was heard last, how much it says, and what of it lies about.

Sources that the workspace does not declare are listed where events of them are known.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.exit_codes import DONE
from console.cli.options import add_at, add_list
from console.cli.output import ListingField
from console.health.ways import source_lines
from core.instants import format_duration

FIELDS = (
    ListingField("source"),
    ListingField("kind"),
    ListingField("state"),
    ListingField("last", "instant"),
    ListingField("hour", "number"),
    ListingField("day", "number"),
    ListingField("silent_after"),
    ListingField("files", "number"),
    ListingField("failed_files", "number"),
    ListingField("declared", "json", shown=False),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_list(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print them."""
    at = context.now(args.at)
    with context.store.reading() as connection:
        lines = source_lines(connection, context.in_force, context.folder, at)
    rows = [
        {
            "source": line.name, "kind": line.kind or None, "state": line.state, "last": line.last,
            "hour": line.hour, "day": line.day,
            "silent_after": None if line.silent_after is None else format_duration(line.silent_after),
            "files": line.files, "failed_files": line.failed_files, "declared": line.is_declared,
        }
        for line in lines
    ]  # fmt: skip
    context.output.listing(FIELDS, rows, "No source is declared, and no event is known.")
    return DONE
