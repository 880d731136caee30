"""The channels: what each is, what waits for it, and whether it is left alone; try one, or let one go.

list      every channel of the playbook in force (the default)
check     whether a message could be handed over now; nothing is sent
test      send one message to an address, to see it arrive
release   forget what is held against a channel: it is used again at once
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED, LATER
from console.cli.options import add_at, add_list, add_reason, add_yes
from console.cli.output import ListingField
from console.operating.brakes import release_channel
from core.errors import ManometerError
from core.model.ways import ChannelLine
from core.playbook.playbook import Channel
from core.suggestions import near

FIELDS = (
    ListingField("channel"),
    ListingField("kind"),
    ListingField("medium"),
    ListingField("state"),
    ListingField("due", "number"),
    ListingField("since", "instant"),
    ListingField("until", "instant"),
    ListingField("reason"),
    ListingField("oldest_due", "instant"),
    ListingField("sent_hour", "number"),
    ListingField("sent_day", "number"),
    ListingField("last_sent", "instant"),
    ListingField("bounced_day", "number"),
    ListingField("held", "number"),
    ListingField("failed", "number"),
    ListingField("uncertain", "number"),
    ListingField("set_aside", "number"),
    ListingField("capacity"),
    ListingField("last_error"),
)
CHECKED_FIELDS = (
    ListingField("channel"),
    ListingField("kind"),
    ListingField("verdict"),
    ListingField("said"),
)
EXAMPLES = (
    ("channels check email", "whether the mail server answers and lets us in"),
    ("channels test email --to me@example.ch", "one mail, to see it arrive"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    actions = parser.add_subparsers(dest="action", metavar="list|check|test|release")
    add_list(parser, actions)
    check = actions.add_parser("check", help="whether a message could be handed over now; nothing is sent")
    test = actions.add_parser("test", help="send one message to an address")
    release = actions.add_parser("release", help="use a channel again that is left alone")
    for action in (check, test, release):
        action.add_argument("channel", metavar="NAME", help="the channel, as the list shows it")
    test.add_argument("--to", metavar="ADDRESS", required=True, help="who gets it")
    add_reason(test)
    add_yes(test)
    release.add_argument("--reason", metavar="TEXT", required=True, help="why, for the audit log")
    for action in (test, release):
        add_at(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the channels, try one, or let one go."""
    if args.action == "release":
        return _release(args, context)
    if args.action == "check":
        return _check(args, context)
    if args.action == "test":
        return _test(args, context)
    from console.health.ways import channel_lines  # only here: to release one needs less

    at = context.now(args.at)
    with context.store.reading() as connection:
        lines = channel_lines(connection, context.in_force, at)
    context.output.listing(FIELDS, map(_row, lines), "There is no channel.")
    return DONE


def _row(line: ChannelLine) -> dict[str, object]:
    figures = line.figures
    return {
        "channel": line.name, "kind": line.kind, "medium": line.medium, "state": line.state,
        "due": figures.due, "since": line.since, "until": line.until, "reason": line.reason,
        "oldest_due": figures.oldest_due, "sent_hour": figures.sent_hour, "sent_day": figures.sent_day,
        "last_sent": figures.last_sent, "bounced_day": figures.bounced_day, "held": figures.held,
        "failed": figures.failed, "uncertain": figures.uncertain, "set_aside": figures.set_aside,
        "capacity": line.capacity, "last_error": line.last_error,
    }  # fmt: skip


def _named(args: argparse.Namespace, context: Context) -> Channel:
    """The channel that is named; ManometerError where there is none."""
    name: str = args.channel
    channels = context.in_force.playbook.channels
    if name not in channels:
        hint = near(name, channels) or f"There are: {', '.join(sorted(channels))}."
        raise ManometerError(f"There is no channel {name!r}. {hint}")
    return channels[name]


def _check(args: argparse.Namespace, context: Context) -> int:
    from console.health.channel_trial import check_channel  # as above

    channel = _named(args, context)
    found = check_channel(channel, context.folder)
    row = {"channel": channel.name, "kind": channel.kind, "verdict": found.verdict, "said": found.words}
    context.output.record(CHECKED_FIELDS, row)
    return {"refused": FAILED, "not now": LATER}.get(found.verdict, DONE)


def _test(args: argparse.Namespace, context: Context) -> int:
    from console.health.channel_trial import send_test  # as above

    channel, at = _named(args, context), context.now(args.at)
    context.output.confirm(f"One test message goes to {args.to} over {channel.name}.", "Send it?", args.yes)
    name = context.in_force.name
    key = send_test(context.store, channel, context.folder, name, args.to, context.author, at, args.reason)
    if context.output.json:
        context.output.value({"channel": channel.name, "address": args.to, "key": key})
    context.output.say(f"{channel.name} has taken the test message to {args.to}.")
    return DONE


def _release(args: argparse.Namespace, context: Context) -> int:
    channel, at = _named(args, context), context.now(args.at)
    reason = release_channel(context.store, channel.name, context.author, at, args.reason)
    context.output.say(f"{channel.name} is used again. It had been left alone: {reason}")
    return DONE
