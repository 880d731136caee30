"""End the emergency stop, the file STOP with it; --policy says what becomes of what waited.

skip      what fell due meanwhile is skipped, the rest goes on (the default)
overdue   everything overdue goes out now, under pressure and expiry
shift     all waiting instants move by the length of the stop
restart   waiting delays begin anew
"""

from __future__ import annotations

import argparse

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_yes
from console.safeguards.stop_file import SendingGate, StopFile
from console.safeguards.stopping import take_in
from core.model.pauses import EVERYTHING


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    pausing_prompts.add_policy(parser)
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and go on."""
    at, file = context.now(args.at), StopFile(context.folder)
    take_in(context.store, SendingGate(file), at, context.zone)
    pausing_prompts.end(args, context, EVERYTHING, at, f"Go on with {args.policy}?", file.remove)
    return 0
