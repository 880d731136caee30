"""Pause one trigger, channel, segment or customer; `resume` ends it, `pauses` lists what is paused.

What falls due waits, customers still enter (of a paused trigger nobody does), exits act. Transactional
messages go on unless --transactional; a paused trigger holds all of its own.
"""

from __future__ import annotations

import argparse

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_until, add_yes
from console.operating import pausing
from core.model.pauses import Pause

EXAMPLES = (
    (
        "pause --channel sms --until 2025-12-24",
        "hold one channel until an instant",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    pausing_prompts.add_scopes(parser)
    add_until(parser)
    parser.add_argument("--transactional", action="store_true", help="transactional messages too")
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask in numbers, and pause."""
    at, playbook = context.now(args.at), context.in_force.playbook
    pause = Pause(
        pausing_prompts.target_of(args, context),
        at,
        context.until(args.until, at),
        transactional=args.transactional,
    )
    pausing.refuse_unknown(pause, playbook)
    pausing_prompts.begin(args, context, pause, playbook)
    return 0
