"""Pause one trigger, channel, segment or customer; `resume` ends it, `pauses` lists what is paused.

What falls due waits, customers still enter (of a paused trigger nobody does), exits act. Transactional
messages go on unless --transactional; a paused trigger holds all of its own.
"""

from __future__ import annotations

import argparse

from console.cli import pausing_prompts
from console.cli.context import Context, add_at, add_reason, add_yes
from console.operating import pausing
from core.model.triggers import Pause, PauseTarget, Scope
from storage import customers

SCOPES: tuple[Scope, ...] = ("trigger", "channel", "segment", "customer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_scopes(parser)
    pausing.add_until(parser)
    parser.add_argument("--transactional", action="store_true", help="transactional messages too")
    add_reason(parser)
    add_yes(parser)
    add_at(parser)


def add_scopes(parser: argparse.ArgumentParser) -> None:
    """The options that say what, one of which must be given."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--trigger", metavar="NAME", help="one trigger")
    which.add_argument("--channel", metavar="NAME", help="one channel")
    which.add_argument("--segment", metavar="NAME", help="who is in a segment, as long as she is")
    which.add_argument("--customer", metavar="ID", help="one customer, by her key or any identity")


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask in numbers, and pause."""
    at, playbook = context.now(args.at), context.in_force.playbook
    pause = Pause(
        asked(args, context), at, pausing.end(args.until, at, context.zone), transactional=args.transactional
    )
    pausing.refuse_unknown(pause, playbook)
    pausing_prompts.begin(args, context, pause, playbook)
    return 0


def asked(args: argparse.Namespace, context: Context) -> PauseTarget:
    """What the command line names; ManometerError where there is no such customer."""
    scope = next(scope for scope in SCOPES if getattr(args, scope) is not None)
    name: str = getattr(args, scope)
    if scope == "customer":
        with context.store.reading() as connection:
            name = customers.key_of(connection, customers.resolve(connection, name))
    return PauseTarget(scope, name)
