"""The outbox: every message with its state, or approve, reject, retry or cancel some.

approve   lets held messages go           reject   cancels held messages
retry     tries failed or uncertain ones again, under the same key
cancel    takes back what was not handed over yet
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from console.context import Context, UsageError, add_at, add_reason
from console.output import Field
from core.instants import format_instant
from core.language.suggestions import near
from core.outbox import STATES
from core.words import counted
from storage import customers, outbox

FIELDS = (
    Field("id", "number"),
    Field("key", shown=False),
    Field("customer"),
    Field("trigger"),
    Field("step", "number"),
    Field("channel"),
    Field("state"),
    Field("planned_at", "instant"),
    Field("sent_at", "instant"),
    Field("address"),
    Field("template", shown=False),
    Field("subject"),
    Field("reason"),
    Field("error", in_json=False),
)
ACTIONS = {"approve": outbox.approve, "reject": outbox.reject, "retry": outbox.retry, "cancel": outbox.cancel}
DONE = {"approve": "approved", "reject": "rejected", "retry": "tried again", "cancel": "cancelled"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--state", metavar="X", help=f"only messages in this state: {', '.join(STATES)}")
    parser.add_argument("--trigger", metavar="NAME", help="only of this trigger")
    parser.add_argument("--channel", metavar="NAME", help="only over this channel")
    parser.add_argument("--customer", metavar="ID", help="only to this customer")
    parser.add_argument("--since", metavar="INSTANT", help="planned from this instant on")
    parser.add_argument("--until", metavar="INSTANT", help="planned before this instant")
    actions = parser.add_subparsers(dest="action", metavar="|".join(ACTIONS))
    for name in ACTIONS:
        action = actions.add_parser(name)
        action.add_argument("ids", metavar="ID", type=int, nargs="+")
        add_reason(action)
        add_at(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the messages, or do what was asked to some."""
    if args.action is not None:
        return _act(args, context)
    if args.state not in (None, *STATES):
        hint = near(args.state, STATES) or f"There are: {', '.join(STATES)}."
        raise UsageError(f"There is no state {args.state!r}. {hint}")
    with context.store.reading() as connection:
        wanted = _filters(args, context, connection)
        rows = (asdict(row) for row in outbox.stream(connection, wanted))
        context.output.listing(FIELDS, rows, "The outbox is empty." if wanted == outbox.Filters() else "No message fits.")
    return 0


def _filters(args: argparse.Namespace, context: Context, connection: Connection) -> outbox.Filters:
    since, until = context.instant(args.since, "--since"), context.instant(args.until, "--until")
    customer = None if args.customer is None else customers.key_of(connection, customers.resolve(connection, args.customer))
    return outbox.Filters(customer, args.trigger, args.channel, args.state, since, until)


def _act(args: argparse.Namespace, context: Context) -> int:
    at = context.now(args.at)
    act: Any = ACTIONS[args.action]
    with context.store.writing() as connection:
        number = act(connection, args.ids, context.author, at, args.reason)
    if context.output.json:
        context.output.value({"action": args.action, "at": format_instant(at), "messages": number})
    context.output.say(f"{counted(number, 'message')} {DONE[args.action]}.")
    return 0
