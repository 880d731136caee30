"""What is set aside because working on it failed: list it, release it, or drop it.

A customer, an event, a message, a template, a file or a channel that failed twice, or was being worked on at
two crashes, waits by itself, and everything else goes on. Released, it is worked on again. Dropped, it is
given up: a message is cancelled, a file stays in `failed/`, a customer is decided for no more, an event is
left out, and of a template the messages that are due are cancelled.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from console.cli.context import Context
from console.cli.options import add_at, add_list
from console.cli.output import ListingField
from console.operating.quarantine import drop, release
from core.model.quarantine import SetAside
from storage import quarantine

FIELDS = (
    ListingField("id", "number"),
    ListingField("kind"),
    ListingField("what"),
    ListingField("since", "instant"),
    ListingField("reason"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|release|drop")
    add_list(parser, actions)
    for name, said in (("release", "work on it again"), ("drop", "give it up")):
        action = actions.add_parser(name, help=said)
        action.add_argument("id", metavar="ID", type=int, help="the number, as the list shows it")
        if name == "drop":
            text = "why, for the audit log"
            action.add_argument("--reason", metavar="TEXT", required=True, help=text)
        add_at(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print what is set aside, or release or drop one thing."""
    if args.action in (None, "list"):
        with context.store.reading() as connection:
            context.output.listing(FIELDS, _rows(quarantine.listing(connection)), "Nothing is set aside.")
        return 0
    at = context.now(args.at)
    if args.action == "release":
        thing = release(context.store, args.id, context.author, at)
        context.output.say(f"Released: {thing.kind} {thing.what}. It is worked on again with the next pass.")
        return 0
    thing = drop(context.store, args.id, context.author, at, args.reason)
    context.output.say(f"Dropped: {thing.kind} {thing.what}.")
    return 0


def _rows(things: Sequence[SetAside]) -> Iterator[Mapping[str, object]]:
    for each in things:
        yield {name.name: getattr(each, name.name) for name in FIELDS}
