"""Pausing and resuming at the command line: the question in numbers, the act, and what is said of it.

The same for one trigger, channel, segment or customer as for everything.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from console.cli.context import Context
from console.cli.errors import UsageError
from console.operating import pausing
from core.engine.pauses import NOBODY, pause_label
from core.errors import ManometerError
from core.explain.words import counted, in_full
from core.instants import Instant, format_instant
from core.model.pauses import EVERYTHING, Pause, PauseTarget, Scope
from core.playbook.playbook import Playbook
from storage import customers, pauses

_SCOPES: Final[tuple[Scope, ...]] = ("trigger", "channel", "segment", "customer")
_WHERE: Final[Mapping[Scope, str]] = {
    "trigger": "in ",
    "channel": "in triggers that use ",
    "segment": "in ",
    "customer": "for ",
}
_WHAT_WAITS: Final[Mapping[Scope, str]] = {
    "trigger": "All of it", "channel": "What would go over it", "segment": "What falls due for its members",
    "customer": "What falls due",
}  # fmt: skip


def add_scopes(parser: argparse.ArgumentParser) -> None:
    """The options that say what, one of which must be given."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--trigger", metavar="NAME", help="one trigger")
    which.add_argument("--channel", metavar="NAME", help="one channel")
    which.add_argument("--segment", metavar="NAME", help="who is in a segment, as long as she is")
    which.add_argument("--customer", metavar="ID", help="one customer, by her key or any identity")


def add_policy(parser: argparse.ArgumentParser) -> None:
    """The option `--policy` of resume and go."""
    parser.add_argument(
        "--policy",
        choices=pausing.POLICIES,
        default="skip",
        help="what becomes of what waited (default: skip)",
    )


def operator_of(args: argparse.Namespace, context: Context) -> pausing.Operator:
    """Who acts at the command line, and the reason that `--reason` gives."""
    return pausing.Operator(context.author, args.reason, context.zone)


def target_of(args: argparse.Namespace, context: Context) -> PauseTarget:
    """What the command line names; ManometerError where there is no such customer."""
    scope = next(scope for scope in _SCOPES if getattr(args, scope) is not None)
    name: str = getattr(args, scope)
    if scope == "customer":
        with context.store.reading() as connection:
            name = customers.key_of(connection, customers.resolve(connection, name))
    return PauseTarget(scope, name)


def begin(args: argparse.Namespace, context: Context, pause: Pause, playbook: Playbook | None) -> None:
    """Begin a pause once its numbers were confirmed; UsageError where it would end before it begins."""
    at, until, what = pause.since, pause.until, pause_label(pause.target)
    if until is not None and until <= at:
        raise UsageError(
            f"--until: {in_full(until, context.zone)} is not after {in_full(at, context.zone)}. Name a "
            "later instant."
        )
    with context.store.reading() as connection:
        paused = pauses.current(connection, at).get(pause.target.key)
        if paused is None or not pausing.is_wider(pause, paused.pause):
            pausing.refuse_paused(connection, pause.target.key, at, context.zone)
        held = pausing.waiting(connection, pause, playbook, at)
    lasts = f"until {in_full(until, context.zone)}" if until is not None else "until somebody resumes it"
    numbers = f"{_under_way(pause, held)}. {_WHAT_WAITS[pause.scope]} waits {lasts}."
    if pause.scope == "trigger":
        numbers += " Nobody enters meanwhile."
    context.output.confirm(numbers, f"Pause {what}?", args.yes)
    with context.store.writing() as connection:
        pausing.pause(connection, pause, operator_of(args, context))
    report(context, "pause", pause.target.key, at, held, until=until)
    context.output.say(f"{what} is paused. {numbers}")


def _under_way(pause: Pause, held: pauses.PauseBacklog) -> str:
    if not held.customers:
        planned = f"planned: {counted(held.messages, 'message')}" if held.messages else "nothing is planned"
        return f"{NOBODY[pause.scope]}; {planned}"
    where = f"{_WHERE[pause.scope]}{pause_label(pause.target)}"
    customers, messages = counted(held.customers, "customer"), counted(held.messages, "message")
    return f"Under way {where}: {customers}; planned: {messages}"


def end(
    args: argparse.Namespace,
    context: Context,
    name: str,
    at: Instant,
    question: str,
    lastly: Callable[[], None] | None = None,
) -> None:
    """End a pause, or the emergency stop under `*`, with the policy of the command line, after its numbers
    were confirmed. `lastly` is done within the transaction, which its error undoes.
    """
    playbook = readable_playbook(context)
    with context.store.reading() as connection:
        paused = pausing.paused_now(connection, name, at, context.zone)
        held, choices = (
            pausing.waiting(connection, paused.pause, playbook, at),
            pausing.choices(connection, paused, playbook, at),
        )
    held = held if choices.overdue is None else replace(held, overdue=choices.overdue)
    are_alike = len(set(choices.words.values())) == 1
    numbers = {
        policy: f"{words[0].upper()}{words[1:]}" if are_alike else f"{policy}: {words}"
        for policy, words in choices.words.items()
    }
    for line in dict.fromkeys(numbers.values()):
        context.output.say(f"  {line}")
    context.output.confirm(numbers[args.policy], question, args.yes)
    with context.store.writing() as connection:
        pauses.resume(connection, paused, at, args.policy, context.author, args.reason)
        if lastly is not None:
            lastly()
    report(context, "go" if name == EVERYTHING else "resume", name, at, held, policy=args.policy)
    goes_on = "Sending" if name == EVERYTHING else pause_label(paused.pause.target)
    context.output.say(f"{goes_on} goes on. {numbers[args.policy]}")


def readable_playbook(context: Context) -> Playbook | None:
    """The playbook in force; None where none was applied yet and the files have faults, which is no reason to
    keep sending stopped.
    """
    try:
        return context.in_force.playbook
    except ManometerError:
        return None


def report(
    context: Context, action: str, name: str, at: Instant, held: pauses.PauseBacklog, **more: Any
) -> None:
    """What was done, as JSON where that was asked for."""
    if context.output.json:
        shown = {key: format_instant(value) if type(value) is int else value for key, value in more.items()}
        counts = {
            "customers": held.customers,
            "waiting": held.enrolments,
            "overdue": held.overdue,
            "messages": held.messages,
        }
        context.output.value({"action": action, "name": name, "at": format_instant(at), **counts, **shown})
