"""Play the recorded events of a span again as if they arrived now, into a new workspace that can be browsed
like any other.

What was recorded before --from is there as history; the workspace's files count as applied at --from. The
rows are those of passes at --from, every --every after it, and finally at --to. Every channel writes to a
file; the new workspace's clock stands at --to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.context import Context
from console.cli.errors import UsageError
from console.progress import Progress
from console.runs.replay import replay
from core.instants import parse_duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--from", dest="first", metavar="INSTANT", required=True, help="begin of the span, included"
    )
    parser.add_argument(
        "--to", dest="last", metavar="INSTANT", required=True, help="end of the span, included"
    )
    parser.add_argument(
        "--every",
        metavar="DURATION",
        default="15m",
        help="as if a pass ran so often (default 15m); no row depends on it",
    )
    parser.add_argument(
        "--into", metavar="DIR", type=Path, required=True, help="the new workspace; must not exist"
    )


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Replay, and say what came of it."""
    first, last = context.instant(args.first, "--from"), context.instant(args.last, "--to")
    try:
        every = parse_duration(args.every)
    except ValueError as error:
        raise UsageError(f"--every: {error}") from None
    if first is None or last is None or every <= 0:
        raise UsageError("--every: must be longer than nothing.")
    with Progress("Replaying", "customers") as progress:
        done = replay(context.store, context.workspace, first, last, args.into, context.author, progress.at)
    if context.output.json:
        context.output.value(
            {
                "customers": done.customers,
                "decisions": done.decisions,
                "messages": done.messages,
                "failed": done.failed,
            }
        )
    context.output.say(
        f"Played {done.customers:,} customers: {done.decisions:,} decisions, {done.messages:,} messages"
        f"{f', {done.failed:,} could not be made' if done.failed else ''}. Look at it with -w {args.into}"
    )
    return 0
