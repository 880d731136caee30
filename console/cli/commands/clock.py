"""Whether the clock is trusted; `confirm` says that it is right.

A clock that jumped, or that is before what is known, holds deciding and sending until it is right again, a
time service vouches for it, or an operator confirms it.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED, USUAL_CODES
from console.cli.options import add_reason, add_yes
from console.cli.output import ListingField
from console.safeguards.clock_guard import SOURCES, confirm, held_by_clock, known_time
from core.clock_trust import ClockReading, KnownTime, in_words, objection
from core.errors import ManometerError
from core.explain.words import in_full

FIELDS = (
    ListingField("state"),
    ListingField("reason"),
    ListingField("since", "instant"),
    ListingField("now", "instant"),
    ListingField("known", "instant"),
    ListingField("service"),
)
EXIT_CODES = {**USUAL_CODES, DONE: "trusted, or confirmed", FAILED: "distrusted, or refused"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "act", nargs="?", choices=("show", "confirm"), default="show", metavar="confirm",
        help="say that the clock is right; without it, what is thought of it",
    )  # fmt: skip
    add_reason(parser)
    add_yes(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Show it; 1 where it is distrusted. Or confirm it."""
    reading = SOURCES.reading()
    with context.store.reading() as connection:
        known, held = known_time(connection, reading.now), held_by_clock(connection)
    reason = objection(known, reading, context.in_force.clock)
    if args.act == "confirm":
        return _confirm(args, context, reading, known, reason or (None if held is None else held.reason))
    row = {
        "state": "trusted" if reason is None else "distrusted",
        "reason": reason,
        "since": None if held is None or reason is None else held.since,
        "now": reading.now,
        "known": None if known is None else known.at,
        "service": reading.service,
    }
    context.output.record(FIELDS, row)
    return 0 if reason is None else 1


def _confirm(
    args: argparse.Namespace,
    context: Context,
    reading: ClockReading,
    known: KnownTime | None,
    reason: str | None,
) -> int:
    if reason is None:
        raise ManometerError("Nothing is to be confirmed: the clock is trusted.")
    at = in_full(reading.now, context.zone)
    since = "" if known is None else f" The newest instant known is {in_words(reading.now - known.at)} away."
    context.output.confirm(f"The clock says {at}: {reason}.{since}", "Is that right?", args.yes)
    with context.store.writing() as connection:
        confirm(connection, SOURCES.reading(), context.author, args.reason)
    context.output.say(f"The clock is trusted: {at}. What is due is decided and sent from now on.")
    return 0
