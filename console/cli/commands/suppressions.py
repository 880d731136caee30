"""Addresses to which nothing is sent any more: all of them, or add a file of addresses, or lift one.

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
    suppress_file,
)
from core.errors import ManometerError
from core.explain.words import counted
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
    add = actions.add_parser("add", help="suppress the addresses of a file")
    add.add_argument("file", metavar="FILE", type=Path, help="one address a line, or a CSV with a header")
    add_max_ratio(add)
    lift = actions.add_parser("lift", help="allow an address again")
    lift.add_argument("address", metavar="ADDRESS", help="the address, as the list shows it")
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
    file = read_addresses(args.file, args.max_ratio)
    with context.store.writing() as connection:
        added = suppress_file(connection, file, _word(args, context))
    _report(context, file.read, added, file.refused)
    return 0 if file.addresses or not file.refused else 1


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
    with context.store.writing() as connection:
        lifted = lift_addresses(connection, spellings(args.address), _word(args, context))
    if not lifted:
        raise ManometerError(
            f"{args.address} is not suppressed. `manometer suppressions` lists the addresses that are."
        )
    context.output.say(f"{lifted[0][1]} may be written to again over {', '.join(m for m, _ in lifted)}.")
    return 0
