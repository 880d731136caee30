"""Customers that were found to be one person: all merges, what waits for a decision, and the operator's word.

Undoing a merge parts the two again, and for good: what came by each one's identities goes back to its
customer, also what came since, with the journeys it began. `join` and `part` decide of two whatever was told
of them, and `forget` takes that word back.
"""

from __future__ import annotations

import argparse

import orjson

from console.cli.context import Context
from console.cli.options import add_at, add_list, add_reason, add_yes, whole
from console.cli.output import ListingField
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.people import IdentityRules
from storage import audit, customers
from storage.intake import decisions, identities

FIELDS = (
    ListingField("id", "number"),
    ListingField("at", "instant"),
    ListingField("customer"),
    ListingField("merged"),
    ListingField("cause"),
    ListingField("undone_at", "instant", title="undone"),
    ListingField("undone_cause", title="by"),
)
CONFLICTS = (
    ListingField("kind"),
    ListingField("identity"),
    ListingField("customers", "json"),
    ListingField("people", "number"),
    ListingField("since", "instant"),
)

EXAMPLES = (
    ("merges --conflicts", "who may be one person, and waits for a decision"),
    ("merges join crm:17 4711", "the two are one customer, for good"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--customer", metavar="ID", help="only those of this customer")
    parser.add_argument("--conflicts", action="store_true", help="what waits for a decision instead")
    actions = parser.add_subparsers(dest="action", metavar="list|undo|join|part|forget")
    add_list(parser, actions)
    undo = actions.add_parser("undo", help="part two customers again")
    undo.add_argument("id", metavar="ID", type=whole, help="number of the merge, as the list shows it")
    join = actions.add_parser("join", help="two customers are one person")
    part = actions.add_parser("part", help="two customers are two people")
    forget = actions.add_parser("forget", help="take back what was decided of two customers")
    for action in (join, part, forget):
        action.add_argument("one", metavar="A", help="a user id, or KIND:VALUE")
        action.add_argument("other", metavar="B", help="the other one")
    for action in (undo, join, part, forget):
        add_reason(action)
        add_yes(action)
        add_at(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the merges or the conflicts, undo a merge, or decide of two customers."""
    if args.action == "undo":
        return _undo(args, context)
    if args.action in ("join", "part"):
        return _decide(args, context)
    if args.action == "forget":
        return _forget(args, context)
    with context.store.reading() as connection:
        if args.conflicts:
            rows = (
                {**row, "customers": orjson.dumps(row["customers"]).decode()}
                for row in decisions.conflicts(connection)
            )
            context.output.listing(CONFLICTS, rows, "Nothing waits for a decision.")
            return 0
        customer = None if args.customer is None else customers.resolve(connection, args.customer)
        context.output.listing(FIELDS, identities.merged(connection, customer), "No customers were merged.")
    return 0


def _decide(args: argparse.Namespace, context: Context) -> int:
    at, rules = context.now(args.at), _rules(context)
    with context.store.reading() as connection:
        for reference in (args.one, args.other):
            decisions.identity_of(connection, reference)
    will = "will be one customer" if args.action == "join" else "will be two customers"
    question = "Join them?" if args.action == "join" else "Part them?"
    context.output.confirm(
        f"{args.one} and {args.other} {will}, whatever is told of them.", question, args.yes
    )
    decide = decisions.join if args.action == "join" else decisions.part
    wake = context.in_force.playbook.version > 0
    with context.store.writing() as connection:
        decide(connection, args.one, args.other, rules, at=at, wake=wake)
        subject = f"{args.one} {args.other}"
        audit.record(connection, at, context.author, f"merges {args.action}", subject, args.reason, {})
    done = "are one customer" if args.action == "join" else "are two customers"
    context.output.say(f"{args.one} and {args.other} {done}.")
    return 0


def _forget(args: argparse.Namespace, context: Context) -> int:
    at, rules = context.now(args.at), _rules(context)
    context.output.confirm(
        f"Who {args.one} and {args.other} are will follow from what is told of them.",
        "Forget the decision?",
        args.yes,
    )
    wake = context.in_force.playbook.version > 0
    with context.store.writing() as connection:
        verdict = decisions.forget(connection, args.one, args.other, rules, at=at, wake=wake)
        subject, detail = f"{args.one} {args.other}", {"verdict": verdict}
        audit.record(connection, at, context.author, "merges forget", subject, args.reason, detail)
    context.output.say(f"Nothing is decided of {args.one} and {args.other} any more.")
    return 0


def _rules(context: Context) -> IdentityRules:
    """The rules of the files as they stand; while they have faults, as they were applied."""
    workspace: Workspace
    try:
        workspace = context.workspace
    except WorkspaceError:
        if context.in_force.playbook.version == 0:
            raise
        workspace = context.in_force
    return workspace.identities.rules


def _undo(args: argparse.Namespace, context: Context) -> int:
    at, rules = context.now(args.at), _rules(context)
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
        parted = decisions.undo(connection, args.id, rules, at=at, wake=wake)
        key = customers.key_of(connection, parted)
        audit.record(connection, at, context.author, "unmerge", key, args.reason, {"merge": args.id})
    context.output.say(f"{key} is a customer of her own again.")
    return 0
