"""The outbox: every message with its state, or approve, reject, retry or cancel some.

show      one message as it was sent, or as it would be now, also as a page for a browser
batches   what waits for an approval, by trigger, channel and day, with the pressure it would cause
approve   lets held messages go, by number, or by --trigger, --channel, --day, --all
reject    cancels held messages, chosen in the same way
compare   marks as sent what the channels recorded, after a backup was restored
retry     tries failed or uncertain ones again, under the same key
cancel    takes back what was not handed over yet
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection

from console.backups.records import recorded_in
from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.message_options import add_show_arguments
from console.cli.options import add_at, add_list, add_reason, add_yes, whole
from console.cli.output import ListingField
from console.operating import approvals
from console.operating.approvals import WaitingBatch
from console.playbooks.known_triggers import refuse_never_known
from core.explain.words import counted
from core.instants import Instant, format_instant
from core.model.outbox import STATES
from core.suggestions import near
from storage import customers, pauses, restored, segments
from storage.outbox import acts as outbox_acts
from storage.outbox import listing as outbox_listing
from storage.outbox.acts import ACTS, HeldRow
from storage.outbox.listing import MessageFilter
from storage.sql import NO_ROW

FIELDS = (
    ListingField("id", "number"),
    ListingField("key", shown=False),
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("channel"),
    ListingField("state", shown=False),
    ListingField("becomes", title="state", in_json=False),
    ListingField("planned_at", "instant"),
    ListingField("sent_at", "instant"),
    ListingField("address"),
    ListingField("template", shown=False),
    ListingField("subject"),
    ListingField("reason"),
    ListingField("error", in_json=False),
)
BY_BATCH = ("approve", "reject")
BATCHES = (
    ListingField("trigger"),
    ListingField("channel"),
    ListingField("day"),
    ListingField("messages", "number"),
    ListingField("customers", "number"),
    ListingField("expired", "number"),
    ListingField("first_planned", "instant"),
    ListingField("first_expiry", "instant"),
    ListingField("at_limit", "number"),
    ListingField("over_limit", "number"),
)
COMPARED = (
    ListingField("sent", "number"),
    ListingField("known", "number"),
    ListingField("unknown", "number"),
    ListingField("waiting", "json"),
)
DONE = {"approve": "approved", "reject": "rejected", "retry": "tried again", "cancel": "cancelled"}

EXAMPLES = (
    ("outbox --state held", "what waits for an approval"),
    ("outbox approve --trigger basket", "let go what is held of one trigger"),
)
DOES = {
    "approve": "let held messages go",
    "reject": "end held messages for good",
    "retry": "try failed or uncertain messages again",
    "cancel": "take back messages that were not handed over",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--state", metavar="X", help=f"only messages in this state: {', '.join(STATES)}")
    parser.add_argument("--trigger", metavar="NAME", help="only of this trigger")
    parser.add_argument("--channel", metavar="NAME", help="only over this channel")
    parser.add_argument("--customer", metavar="ID", help="only to this customer")
    parser.add_argument("--since", metavar="INSTANT", help="planned from this instant on")
    parser.add_argument("--until", metavar="INSTANT", help="planned before this instant")
    actions = parser.add_subparsers(
        dest="action", metavar="|".join(("list", "show", "batches", "compare", *ACTS))
    )
    add_list(parser, actions)
    _add_choice(actions.add_parser("batches", help="what waits for an approval, by batch"))
    compare = actions.add_parser("compare", help="after a restore: what channels recorded since the backup")
    compare.add_argument(
        "files",
        metavar="FILE",
        type=Path,
        nargs="*",
        help="keys or Message-IDs that a provider recorded, one a line",
    )
    compare.add_argument(
        "--ignore-unknown", action="store_true", help="end the hold though some belong to no message here"
    )
    add_at(compare)
    add_show_arguments(actions.add_parser("show", help="one message as it was sent, or as it would be now"))
    for name in ACTS:
        action = actions.add_parser(name, help=DOES[name])
        by_batch = name in BY_BATCH
        action.add_argument("ids", metavar="ID", type=whole, nargs="*" if by_batch else "+", help="messages")
        add_reason(action)
        if by_batch:
            action.add_argument("--all", action="store_true", help="all that wait for an approval")
            add_yes(action)
            _add_choice(action)
        else:
            add_at(action)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """The options that choose among the batches."""
    parser.add_argument("--trigger", metavar="NAME", help="only of this trigger")
    parser.add_argument("--channel", metavar="NAME", help="only over this channel")
    parser.add_argument("--day", metavar="DATE", help="only planned for this local day, as 2025-11-03")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the messages, or do what was asked to some."""
    if args.action == "show":
        from console.cli.message_shown import show  # templates are slow to import, and only this needs them

        return show(args, context)
    if args.action == "batches":
        return _batches(args, context)
    if args.action == "compare":
        return _compare(args, context)
    if args.action in BY_BATCH:
        return _decide(args, context)
    if args.action is not None:
        return _act(args, context)
    if args.state not in (None, *STATES):
        hint = near(args.state, STATES) or f"There are: {', '.join(STATES)}."
        raise UsageError(f"There is no state {args.state!r}. {hint}")
    with context.store.reading() as connection:
        wanted = _filters(args, context, connection)
        is_held_up = _held_up(context, connection)
        rows = (asdict(row) for row in outbox_listing.stream(connection, wanted, is_held_up=is_held_up))
        is_all = wanted == MessageFilter()
        context.output.listing(FIELDS, rows, "The outbox is empty." if is_all else "No message fits.")
    return 0


def _held_up(context: Context, connection: Connection) -> ColumnElement[bool]:
    """The condition on a message that a pause holds; the playbook is read only where something is paused."""
    at = context.now(None)
    if not pauses.current(connection, at):
        return NO_ROW
    segments.prepare(connection)
    return pauses.is_held_up(context.in_force.playbook, at)


def _filters(args: argparse.Namespace, context: Context, connection: Connection) -> MessageFilter:
    since, until = context.instant(args.since, "--since"), context.instant(args.until, "--until")
    customer = (
        None
        if args.customer is None
        else customers.key_of(connection, customers.resolve(connection, args.customer))
    )
    if args.trigger is not None:
        refuse_never_known(connection, args.trigger, lambda: context.in_force.playbook)
    return MessageFilter(customer, args.trigger, args.channel, args.state, since, until)


# ---- what waits for an approval ----


def _compare(args: argparse.Namespace, context: Context) -> int:
    """Mark as sent what file channels wrote, and what the named files of providers say."""
    written = sorted((context.folder / "outbox").glob("*.ndjson"))
    recorded = frozenset(chain.from_iterable(map(recorded_in, (*written, *args.files))))
    with context.store.writing() as connection:
        found = restored.compare(
            connection, recorded, context.now(args.at), context.author, ignore_unknown=args.ignore_unknown
        )
        is_held = restored.is_held(connection)
    if context.output.json:
        counts = {"sent": found.sent, "known": found.known, "unknown": found.unknown}
        context.output.record(COMPARED, {**counts, "waiting": dict(found.waiting)})
        return int(is_held)
    context.output.say(
        f"{counted(len(recorded), 'record')} read: {found.sent:,} marked as sent, "
        f"{found.known:,} known as sent."
    )
    if found.unknown:
        belong = "belongs to no message" if found.unknown == 1 else "belong to no messages"
        context.output.complain(
            f"{found.unknown:,} {belong} of the outbox. Import what came in since the backup, "
            "`manometer tick`, and compare again; --ignore-unknown where they are of something else."
        )
    for channel, number in sorted(found.waiting.items()):
        context.output.say(f"{channel}: {counted(number, 'message')} in no record, which wait.")
    return int(is_held)


def _batches(args: argparse.Namespace, context: Context) -> int:
    at = context.now(args.at)
    with context.store.reading() as connection:
        rows = (_batch_row(connection, context, batch, at) for batch in _chosen(args, context, connection))
        context.output.listing(BATCHES, rows, "Nothing waits for an approval.")
    return 0


def _batch_row(
    connection: Connection, context: Context, batch: WaitingBatch, at: Instant
) -> Mapping[str, Any]:
    found = approvals.outlook(connection, context.in_force.playbook, batch.rows, at)
    return {
        "trigger": batch.trigger,
        "channel": batch.channel,
        "day": batch.day.isoformat(),
        "messages": len(batch.rows),
        "customers": batch.customers,
        "expired": batch.expired(at),
        "first_planned": batch.first_planned,
        "first_expiry": batch.first_expiry,
        "at_limit": max((load.full for load in found.loads.values()), default=0),
        "over_limit": max((load.over for load in found.loads.values()), default=0),
    }


def _chosen(args: argparse.Namespace, context: Context, connection: Connection) -> list[WaitingBatch]:
    playbook = context.in_force.playbook
    for what, name, known in (
        ("trigger", args.trigger, playbook.index.by_name),
        ("channel", args.channel, playbook.channels),
    ):
        if name is not None and name not in known:
            there_are = f"There are: {', '.join(sorted(known))}."
            raise UsageError(f"There is no {what} {name[:80]!r}. {near(name, known) or there_are}")
    return approvals.batches(connection, playbook, args.trigger, args.channel, _day(args.day))


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--day: {text[:40] if text else text!r} is no day. Write it as 2025-11-03."
        ) from None


def _decide(args: argparse.Namespace, context: Context) -> int:
    """Approve or reject, after the numbers: what was named one by one without a question, as scripts do
    it.
    """
    at = context.now(args.at)
    by_choice = args.all or args.trigger or args.channel or args.day
    if bool(args.ids) == bool(by_choice):
        raise UsageError(
            f"Name the messages to {args.action} by their numbers, or by --trigger, --channel and --day, or "
            "--all."
        )
    with context.store.reading() as connection:
        rows = _held(args, context, connection, at)
        numbers = list(
            approvals.notes(connection, context.in_force.playbook, args.action, [row.id for row in rows], at)
        )
    if not args.ids and not rows:
        raise UsageError(
            "No message waits for an approval that fits. `manometer outbox batches` lists what waits."
        )
    for line in numbers:
        context.output.say(f"  {line}")
    if not args.ids:
        question = f"{args.action.capitalize()} {counted(len(rows), 'message')}?"
        context.output.confirm(" ".join(numbers), question, args.yes, shown=True)
        args.ids = [row.id for row in rows]
    return _act(args, context)


def _held(
    args: argparse.Namespace, context: Context, connection: Connection, at: Instant
) -> Sequence[HeldRow]:
    """What is to be decided; of a choice without what has expired, where it is to be approved."""
    if args.ids:
        return outbox_acts.held(connection, args.ids)
    found = [row for batch in _chosen(args, context, connection) for row in batch.rows]
    return [row for row in found if args.action == "reject" or row.expires_at >= at]


def _act(args: argparse.Namespace, context: Context) -> int:
    at = context.now(args.at)
    act: Any = ACTS[args.action]
    with context.store.writing() as connection:
        number = act(connection, args.ids, context.author, at, args.reason)
    if context.output.json:
        context.output.value({"action": args.action, "at": format_instant(at), "messages": number})
    context.output.say(f"{counted(number, 'message')} {DONE[args.action]}.")
    return 0
