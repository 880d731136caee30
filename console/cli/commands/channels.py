"""The channels: what each is, what waits for it, and whether it is left alone; or let one go that is.

list      every channel of the playbook in force (the default)
release   forget what is held against a channel: it is used again at once
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from console.cli.context import Context
from console.cli.options import add_at, add_list
from console.cli.output import ListingField
from console.dispatch import ChannelBackoff, channel_backoffs
from console.operating.brakes import release_channel
from core.errors import ManometerError
from core.instants import Instant
from core.model.quarantine import SetAside
from core.playbook.playbook import Playbook
from core.suggestions import near
from storage import quarantine
from storage.outbox import dispatch as outbox

FIELDS = (
    ListingField("channel"),
    ListingField("kind"),
    ListingField("medium"),
    ListingField("state"),
    ListingField("due", "number"),
    ListingField("since", "instant"),
    ListingField("until", "instant"),
    ListingField("reason"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    actions = parser.add_subparsers(dest="action", metavar="list|release")
    add_list(parser, actions)
    release = actions.add_parser("release", help="use a channel again that is left alone")
    release.add_argument("channel", metavar="NAME", help="the channel, as the list shows it")
    release.add_argument("--reason", metavar="TEXT", required=True, help="why, for the audit log")
    add_at(release)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the channels, or let one go."""
    if args.action == "release":
        return _release(args, context)
    at = context.now(args.at)
    with context.store.reading() as connection:
        rows = list(_rows(connection, context.in_force.playbook, at))
    context.output.listing(FIELDS, rows, "There is no channel.")
    return 0


def _rows(connection: Connection, playbook: Playbook, at: Instant) -> Iterator[Mapping[str, Any]]:
    known = channel_backoffs(connection)
    aside = {each.subject: each for each in quarantine.listing(connection) if each.kind == "channel"}
    for name, channel in sorted(playbook.channels.items()):
        halted = aside.get(name) or known.get(name)
        yield {
            "channel": name,
            "kind": channel.kind,
            "medium": channel.medium,
            "state": _state(halted),
            "due": outbox.number_due(connection, name, at),
            "since": None if halted is None else halted.since,
            "until": halted.until if isinstance(halted, ChannelBackoff) else None,
            "reason": None if halted is None else halted.reason,
        }


def _state(halted: ChannelBackoff | SetAside | None) -> str:
    if halted is None:
        return "works"
    if isinstance(halted, SetAside):
        return "set aside"
    return "braked" if halted.braked else "halted"


def _release(args: argparse.Namespace, context: Context) -> int:
    name, at = args.channel, context.now(args.at)
    channels = context.in_force.playbook.channels
    if name not in channels:
        hint = near(name, channels) or f"There are: {', '.join(sorted(channels))}."
        raise ManometerError(f"There is no channel {name!r}. {hint}")
    reason = release_channel(context.store, name, context.author, at, args.reason)
    context.output.say(f"{name} is used again. It had been left alone: {reason}")
    return 0
