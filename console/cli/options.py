"""Options that many commands have, and how their values are read."""

from __future__ import annotations

import argparse
from copy import copy
from typing import Any, Final

LARGEST: Final = 2**63 - 1
"""The largest whole number that the database can hold."""


def whole(text: str) -> int:
    """A whole number of the command line that the database can hold, as a `type` for argparse."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number") from None
    if abs(number) > LARGEST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is too large a number")
    return number


def add_max_ratio(parser: argparse.ArgumentParser) -> None:
    """The option `--max-ratio` of whatever reads a file that may be compressed."""
    from console.intake.watched_bytes import MAX_RATIO  # most commands read no files

    parser.add_argument(
        "--max-ratio", metavar="N", type=_times, default=MAX_RATIO,
        help="how many times its length a compressed file may come to, beyond 64 MiB (default: %(default)s)",
    )  # fmt: skip


def _times(text: str) -> int:
    if (number := whole(text)) < 1:
        raise argparse.ArgumentTypeError("it is a number of times, at least 1")
    return number


def add_at(parser: argparse.ArgumentParser, inner: bool = False) -> None:
    """The option `--at`; `inner` in a subcommand, so that it does not undo the outer one."""
    default: Any = argparse.SUPPRESS if inner else None
    parser.add_argument(
        "--at",
        metavar="INSTANT",
        default=default,
        help="as of this instant, ISO 8601; local where it has no offset (default: now)",
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    """The option `--reason`, kept with the audit line; needed where `[workspace] reasons` says so."""
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit log")
    parser.set_defaults(needs_reason=True)


def add_yes(parser: argparse.ArgumentParser) -> None:
    """The option `--yes`."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def add_until(parser: argparse.ArgumentParser) -> None:
    """The option `--until` of a pause."""
    parser.add_argument(
        "--until",
        metavar="WHEN",
        help="when it ends by itself: 18:00, tomorrow 9:00, 2025-11-03, 3d, or an instant",
    )


def add_list(
    parser: argparse.ArgumentParser,
    actions: argparse._SubParsersAction[argparse.ArgumentParser] | None = None,
) -> None:
    """The word `list` for what a command alone does, with the options that it has by now; `actions` are its
    other words, if any.
    """
    said = "what the command alone does: list all"
    if actions is None:
        parser.add_argument("list", nargs="?", choices=("list",), help=said)
        return
    listing = actions.add_parser("list", help=said)
    listing.set_defaults(**{actions.dest: None})
    for option in parser._actions:
        if option.option_strings and option.dest != "help":
            twin = copy(option)
            twin.default = argparse.SUPPRESS  # or what stands before the word would be undone
            listing._add_action(twin)
