"""End the emergency stop; --policy says what becomes of what waited.

skip      what fell due meanwhile is skipped, the rest goes on (the default)
overdue   everything overdue goes out now, under pressure and expiry
shift     all waiting instants move by the length of the stop
restart   waiting delays begin anew
"""

from __future__ import annotations

import argparse

from console.commands.triggers import add_policy, choice, report, show_choices
from console.context import Context, add_at, add_reason, add_yes
from core.errors import ManometerError
from core.instants import format_instant
from core.triggers import EVERYTHING
from storage import pauses


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_policy(parser)
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and go on."""
    at = context.now(args.at)
    with context.store.reading() as connection:
        stopped = pauses.current(connection, at).get(EVERYTHING)
        held = pauses.waiting(connection, EVERYTHING, at)
    if stopped is None:
        raise ManometerError(f"Sending is not stopped at {format_instant(at)}.")
    length = at - stopped.pause.since
    show_choices(context, held, length)
    numbers = choice(held, args.policy, length)
    context.output.confirm(numbers, f"Go on with {args.policy}?", args.yes)
    with context.store.writing() as connection:
        pauses.resume(connection, stopped, at, args.policy, context.author, args.reason)
    report(context, "go", EVERYTHING, at, held, policy=args.policy)
    context.output.say(f"Sending goes on. {numbers}")
    return 0
