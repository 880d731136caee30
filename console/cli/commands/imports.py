"""The files that came in, or take one of them back.

Taking a file back removes its events, and with them what they alone had brought about: customers whom nothing
else knows, consents, journeys and messages that were not sent yet, suppressed addresses and joins. What was
sent stays sent, and what somebody else has said stays too.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from console.cli.context import Context
from console.cli.options import add_at, add_list, add_reason, add_yes, whole
from console.cli.output import ListingField
from core.explain.words import counted
from core.instants import Instant
from storage.intake import imports
from storage.intake.undo import UndoEffect, UndoRules, undo

FIELDS = (
    ListingField("id", "number"),
    ListingField("at", "instant"),
    ListingField("path"),
    ListingField("profile"),
    ListingField("lines", "number"),
    ListingField("taken", "number"),
    ListingField("duplicate", "number"),
    ListingField("rejected", "number"),
    ListingField("finished"),
    ListingField("undone", "instant"),
)
EFFECT = tuple(
    ListingField(name, "number")
    for name in (
        "id",
        "events",
        "customers",
        "consents",
        "journeys",
        "messages",
        "sent",
        "suppressions",
        "soft_bounces",
        "joins",
    )
)


class _OnlyAskedError(Exception):
    """Ends the transaction of a question, so that nothing of it stays."""


EXAMPLES = (("imports undo 12 --dry-run", "what would go if the file number 12 were taken back"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|undo")
    add_list(parser, actions)
    undoing = actions.add_parser("undo", help="take a file back")
    undoing.add_argument("id", metavar="ID", type=whole, help="number of the import, as the list shows it")
    undoing.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    add_reason(undoing)
    add_yes(undoing)
    add_at(undoing)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the imports, or take one back."""
    if args.action == "undo":
        return _undo(args, context)
    with context.store.reading() as connection:
        context.output.listing(FIELDS, imports.listed(connection), "No file has come in yet.")
    return 0


def _undo(args: argparse.Namespace, context: Context) -> int:
    at = context.now(args.at)
    effect = _asked(args, context, at)
    if args.dry_run:
        _tell(args.id, effect, context, "would be taken back")
        return 0
    context.output.confirm(f"Import {args.id}: {_words(effect)}.", "Take it back?", args.yes)
    with context.store.writing() as connection:
        effect = undo(
            connection,
            args.id,
            _rules(context),
            author=context.author,
            at=at,
            reason=args.reason,
            is_played=context.in_force.playbook.version > 0,
        )
    _tell(args.id, effect, context, "was taken back")
    return 0


def _asked(args: argparse.Namespace, context: Context, at: Instant) -> UndoEffect:
    """What would go: it is done within a transaction that is rolled back, so that the answer is that of the
    deed.
    """
    effect: UndoEffect | None = None
    is_played = context.in_force.playbook.version > 0
    try:
        with context.store.writing() as connection:
            effect = undo(
                connection,
                args.id,
                _rules(context),
                author=context.author,
                at=at,
                reason=args.reason,
                is_played=is_played,
            )
            raise _OnlyAskedError
    except _OnlyAskedError:
        assert effect is not None
        return effect


def _rules(context: Context) -> UndoRules:
    return UndoRules(context.in_force.identities.rules, context.in_force.playbook.bounces)


def _tell(number: int, effect: UndoEffect, context: Context, what: str) -> None:
    if context.output.json:
        context.output.record(EFFECT, {"id": number} | asdict(effect))
    else:
        context.output.say(f"Import {number} {what}: {_words(effect)}.")


def _words(effect: UndoEffect) -> str:
    return (
        f"{counted(effect.events, 'event')}, {counted(effect.customers, 'customer')} whom nothing else "
        f"knows, {counted(effect.consents, 'consent')}, {counted(effect.journeys, 'journey')} under way and "
        f"{counted(effect.messages, 'message')} not yet sent go{_besides(effect)}; "
        f"{counted(effect.sent, 'message')} that went out because of it stay sent"
    )


def _besides(effect: UndoEffect) -> str:
    """What files rarely bring, where this one did."""
    rare = (
        (effect.suppressions, "suppression"), (effect.soft_bounces, "soft bounce"), (effect.joins, "join")
    )  # fmt: skip
    return "".join(f", {counted(number, noun)}" for number, noun in rare if number)
