"""Addresses to which nothing is sent any more: all of them, or add some, or lift some.

An address is suppressed when it bounced, when its owner complained, or because an operator says so. A file
holds one address a line, or is a CSV whose header names the column (`email`, `address`, `phone`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from console.cli.context import Context
from console.cli.options import add_at, add_list, add_max_ratio
from console.cli.output import ListingField
from console.intake.address_lists import RefusedLine
from console.operating.suppressing import (
    OperatorWord,
    lift_addresses,
    read_addresses,
    spellings,
    suppress_address,
    suppress_file,
)
from core.errors import ManometerError
from core.explain.words import counted
from core.sources.listed_addresses import listed_address, no_address
from storage import suppressions

FIELDS = (
    ListingField("address"),
    ListingField("medium"),
    ListingField("reason"),
    ListingField("since", "instant"),
    ListingField("source"),
)
ADDED_FIELDS = (
    ListingField("read", "number"),
    ListingField("added", "number"),
    ListingField("known", "number"),
    ListingField("rejected", "number"),
    ListingField("rejects", "json"),
)
MOST_SHOWN = 20

EXAMPLES = (
    ("suppressions add dead.csv --reason 'old list'", "nothing is sent to the addresses of a file any more"),
    ("suppressions lift a@example.ch --reason asked", "allow an address again"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|add|lift")
    add_list(parser, actions)
    add = actions.add_parser("add", help="suppress the addresses of a file, or one")
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "file", metavar="FILE", type=Path, nargs="?", help="one address a line, or a CSV with a header"
    )
    which.add_argument("--address", metavar="ADDRESS", help="this one address, without a file")
    add_max_ratio(add)
    lift = actions.add_parser("lift", help="allow addresses again")
    lift.add_argument(
        "addresses", metavar="ADDRESS", nargs="+", help="the address, as the list shows it; or several"
    )
    for action in (add, lift):
        said = "why, for the list and the audit log"
        action.add_argument("--reason", metavar="TEXT", required=True, help=said)
        add_at(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the suppressed addresses, add a file of them, or lift one."""
    if args.action == "add":
        return _add(args, context)
    if args.action == "lift":
        return _lift(args, context)
    with context.store.reading() as connection:
        context.output.listing(FIELDS, suppressions.listing(connection), "No address is suppressed.")
    return 0


def _add(args: argparse.Namespace, context: Context) -> int:
    if args.address is not None:
        return _add_one(args, context)
    file = read_addresses(args.file, args.max_ratio)
    with context.store.writing() as connection:
        added = suppress_file(connection, file, _word(args, context))
    _report(context, file.read, added, file.refused)
    return 0 if file.addresses or not file.refused else 1


def _add_one(args: argparse.Namespace, context: Context) -> int:
    address = listed_address(args.address)
    if address is None:
        raise ManometerError(f"{no_address(args.address)}. Nothing was changed.")
    with context.store.writing() as connection:
        added = suppress_address(connection, address, _word(args, context))
    _report(context, 1, int(added), ())
    return 0


def _word(args: argparse.Namespace, context: Context) -> OperatorWord:
    at = context.now(args.at)
    return OperatorWord(at, context.author, args.reason, context.in_force.playbook.version > 0)


def _report(context: Context, read: int, added: int, refused: Sequence[RefusedLine]) -> None:
    known = read - added - len(refused)
    rejects = [{"line": each.line, "reason": each.reason, "text": each.text} for each in refused]
    if context.output.json:
        row = {"read": read, "added": added, "known": known, "rejected": len(refused), "rejects": rejects}
        context.output.record(ADDED_FIELDS, row)
        return
    for each in refused[:MOST_SHOWN]:
        context.output.complain(f"line {each.line}: {each.reason}")
    if len(refused) > MOST_SHOWN:
        context.output.complain(f"and {len(refused) - MOST_SHOWN:,} more; --json lists them all")
    told = f", {len(refused):,} rejected" if refused else ""
    context.output.say(f"{counted(read, 'line')} read, {added:,} added, {known:,} known already{told}.")


def _lift(args: argparse.Namespace, context: Context) -> int:
    kept = {written: spellings(written) for written in args.addresses}
    with context.store.writing() as connection:
        lifted = lift_addresses(connection, set().union(*kept.values()), _word(args, context))
        addresses = {address for _, address in lifted}
        unknown = [written for written, spelt in kept.items() if not spelt & addresses]
        if unknown:
            are = "is" if len(unknown) == 1 else "are"
            raise ManometerError(
                f"{', '.join(unknown)} {are} not suppressed. `manometer suppressions` lists those that are. "
                "Nothing was changed."
            )
    for address in sorted(addresses):
        media = ", ".join(medium for medium, each in lifted if each == address)
        context.output.say(f"{address} may be written to again over {media}.")
    return 0
