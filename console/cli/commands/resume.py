"""Resume one trigger, channel, segment or customer that is paused; --policy says what becomes of what waited.

skip      what fell due meanwhile is skipped, the rest goes on (the default)
overdue   everything overdue goes out now, under pressure and expiry
shift     all waiting instants move by the length of the pause
restart   waiting delays begin anew
"""

from __future__ import annotations

import argparse

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_yes
from core.engine.pauses import pause_label


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    pausing_prompts.add_scopes(parser)
    pausing_prompts.add_policy(parser)
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask in numbers, and resume."""
    at = context.now(args.at)
    what = pausing_prompts.target_of(args, context)
    pausing_prompts.end(args, context, what.key, at, f"Resume {pause_label(what)} with {args.policy}?")
    return 0
