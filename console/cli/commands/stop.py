"""Stop all sending at once; `go` ends it.

Nothing is handed over from here on and what falls due waits; customers still enter their triggers, so that no
cause is lost. Transactional messages go on unless --transactional.
"""

from __future__ import annotations

import argparse

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_yes
from console.operating import pausing
from core.engine.pauses import NOBODY
from core.explain.words import counted
from core.model.pauses import EVERYTHING
from storage import pauses


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--transactional", action="store_true", help="transactional messages too")
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and stop."""
    at = context.now(args.at)
    with context.store.reading() as connection:
        stopped = pauses.current(connection, at).get(EVERYTHING)
        held = pauses.waiting(connection, EVERYTHING, at)
    pausing.refuse_stopped(stopped, args.transactional, context.zone)
    under_way = (
        f"Under way: {counted(held.customers, 'customer')}" if held.customers else NOBODY["everything"]
    )
    numbers = f"Waiting to be sent: {counted(held.messages, 'message')}. {under_way}."
    context.output.confirm(numbers, "Stop all sending?", args.yes)
    with context.store.writing() as connection:
        pausing.stop(connection, at, args.transactional, pausing_prompts.operator_of(args, context))
    pausing_prompts.report(context, "stop", EVERYTHING, at, held, transactional=args.transactional)
    spared = "" if args.transactional else ", transactional messages go on"
    context.output.say(f"All sending is stopped{spared}. {numbers} `manometer go` ends it.")
    return 0
