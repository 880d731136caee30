"""Customers that were found to be one person: all merges, or undo one.

Undoing a merge parts the two again: what came by each one's identities goes back to her, also what came
since.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.options import add_at, add_list, add_reason, add_yes, whole
from console.cli.output import ListingField
from core.errors import ManometerError
from storage import audit, customers
from storage.intake import identities

FIELDS = (
    ListingField("id", "number"),
    ListingField("at", "instant"),
    ListingField("customer"),
    ListingField("merged"),
    ListingField("cause"),
    ListingField("undone_at", "instant", title="undone"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--customer", metavar="ID", help="only those of this customer")
    actions = parser.add_subparsers(dest="action", metavar="list|undo")
    add_list(parser, actions)
    undo = actions.add_parser("undo", help="part two customers again")
    undo.add_argument("id", metavar="ID", type=whole, help="number of the merge, as the list shows it")
    add_reason(undo)
    add_yes(undo)
    add_at(undo)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the merges, or undo one."""
    if args.action == "undo":
        return _undo(args, context)
    with context.store.reading() as connection:
        customer = None if args.customer is None else customers.resolve(connection, args.customer)
        context.output.listing(FIELDS, identities.merged(connection, customer), "No customers were merged.")
    return 0


def _undo(args: argparse.Namespace, context: Context) -> int:
    at = context.now(args.at)
    with context.store.reading() as connection:
        known = {row["id"]: row for row in identities.merged(connection) if row["undone_at"] is None}
    if args.id not in known:
        raise ManometerError(
            f"There is no merge {args.id} that could be undone. `manometer merges` lists them."
        )
    merge = known[args.id]
    context.output.confirm(
        f"{merge['merged']} will be parted from {merge['customer']} again.", "Part them?", args.yes
    )
    wake = context.in_force.playbook.version > 0
    with context.store.writing() as connection:
        parted = identities.unmerge(connection, args.id, at=at, wake=wake)
        key = customers.key_of(connection, parted)
        audit.record(connection, at, context.author, "unmerge", key, args.reason, {"merge": args.id})
    context.output.say(f"{key} is a customer of her own again.")
    return 0
