"""Triggers that are held because they would send far more than anybody expects; or let one go.

list      the triggers that are held, and why (the default)
release   let go all that is held of a trigger; what was planned until now counts no longer
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.options import add_at, add_list
from console.cli.output import ListingField
from console.operating.brakes import release_trigger
from core.explain.words import counted
from storage import surges

FIELDS = (
    ListingField("trigger"),
    ListingField("held", "number"),
    ListingField("since", "instant"),
    ListingField("reason"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|release")
    add_list(parser, actions)
    release = actions.add_parser("release", help="let go what is held of a trigger")
    release.add_argument("trigger", metavar="NAME", help="the trigger, as the list shows it")
    release.add_argument("--reason", metavar="TEXT", required=True, help="why, for the audit log")
    add_at(release)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the triggers that are held, or let one go."""
    if args.action == "release":
        return _release(args, context)
    with context.store.reading() as connection:
        numbers, why = surges.held_triggers(connection), surges.surges(connection)
    rows = [
        {"trigger": name, "held": numbers[name], "since": each.since, "reason": each.reason}
        for name, each in why.items()
    ]
    context.output.listing(FIELDS, rows, "No trigger is held.")
    return 0


def _release(args: argparse.Namespace, context: Context) -> int:
    at, name = context.now(args.at), args.trigger
    number = release_trigger(context.store, name, context.author, at, args.reason)
    context.output.say(f"{counted(number, 'message')} of {name} may go.")
    return 0
