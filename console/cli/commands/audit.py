"""What operators did, when, and why: oldest first."""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.options import add_list
from console.cli.output import ListingField
from storage import audit

FIELDS = (
    ListingField("at", "instant"),
    ListingField("author"),
    ListingField("action"),
    ListingField("subject"),
    ListingField("reason"),
    ListingField("detail", "json", widest=60),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--since", metavar="INSTANT", help="only from this instant on")
    parser.add_argument(
        "--subject", metavar="NAME", help="only what was done to this trigger, message or playbook"
    )
    add_list(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the audit log."""
    with context.store.reading() as connection:
        rows = audit.entries(connection, context.instant(args.since, "--since"), args.subject)
        context.output.listing(FIELDS, rows, "Nobody has done anything yet.")
    return 0
