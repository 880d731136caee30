"""Triggers: all with what they do, one in full, or pause and resume one.

A pause is a state beside the files: it survives an apply. While it lasts nothing new enrols and what falls due waits.

What `resume` does with what waited, by --policy:
  skip      what fell due while paused is skipped, the rest goes on (the default)
  overdue   everything overdue goes out now, under pressure and expiry
  shift     all waiting instants move by the length of the pause
  restart   waiting delays begin anew
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from console.context import Context, UsageError, add_at, add_reason, add_yes
from console.output import Field, counted
from core.errors import ManometerError
from core.instants import Instant, Millis, format_duration, format_instant
from core.language.suggestions import near
from core.triggers import NEVER, Pause, PausePolicy, Step, Trigger
from storage import pauses, playbooks, triggers

FIELDS = (
    Field("name"),
    Field("title"),
    Field("kind"),
    Field("status"),
    Field("paused"),
    Field("paused_until", "instant"),
    Field("waiting", "number"),
    Field("sent", "number"),
    Field("last_fired", "instant"),
    Field("next_due", "instant"),
)
DETAILS = (
    *FIELDS,
    Field("purpose"),
    Field("priority", "number"),
    Field("audience"),
    Field("reentry"),
    Field("max_age"),
    Field("holdout", "number"),
    Field("tags"),
    Field("activated_at", "instant"),
    Field("pause_reason"),
    Field("steps", "json"),
)
POLICIES = get_args(PausePolicy)


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    title: str
    kind: str
    status: str
    activated_at: Instant | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    actions = parser.add_subparsers(dest="action", metavar="show|pause|resume")
    show = actions.add_parser("show", help="one trigger with its journey")
    pause = actions.add_parser("pause", help="hold one trigger")
    pause.add_argument("--until", metavar="INSTANT", help="when the pause ends by itself")
    resume = actions.add_parser("resume", help="end the pause of one trigger")
    add_policy(resume)
    for action in (show, pause, resume):
        action.add_argument("name", metavar="NAME")
        add_at(action, inner=True)
    for action in (pause, resume):
        add_reason(action)
        add_yes(action)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """The option `--policy` of resume and go."""
    parser.add_argument("--policy", choices=POLICIES, default="skip", help="what becomes of what waited (default: skip)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the triggers, or do what was asked to one."""
    at = context.now(args.at)
    known = _known(context)
    if args.action is None:
        context.output.listing(FIELDS, _rows(context, known, at), "There are no triggers. Each is a file in triggers/.")
        return 0
    if args.name not in known:
        raise ManometerError(f"There is no trigger {args.name!r}. {near(args.name, known) or '`manometer triggers` lists them.'}")
    if args.action == "show":
        return _show(context, known[args.name], at)
    return _pause(args, context, at) if args.action == "pause" else _resume(args, context, at)


def _known(context: Context) -> dict[str, _Named]:
    """The triggers in force; those of the files where none was applied yet."""
    with context.store.reading() as connection:
        if playbooks.newest_version(connection):
            rows = triggers.in_force(connection).values()
            return {row.name: _Named(row.name, row.title, row.kind, row.status, row.activated_at) for row in rows}
    files = context.workspace.playbook.triggers
    return {t.name: _Named(t.name, t.title, t.when.kind, t.status, None) for t in sorted(files, key=lambda trigger: trigger.name)}


# ---- showing ----


def _rows(context: Context, known: Mapping[str, _Named], at: Instant) -> Iterator[Mapping[str, Any]]:
    with context.store.reading() as connection:
        active, paused = triggers.activity(connection), pauses.current(connection, at)
    for trigger in known.values():
        yield _row(trigger, active.get(trigger.name, triggers.Activity()), paused.get(trigger.name))


def _row(trigger: _Named, activity: triggers.Activity, paused: pauses.PauseRow | None) -> dict[str, Any]:
    return {
        "name": trigger.name,
        "title": trigger.title,
        "kind": trigger.kind,
        "status": trigger.status,
        "paused": paused is not None,
        "paused_until": None if paused is None else paused.pause.until,
        "waiting": activity.waiting,
        "sent": activity.sent,
        "last_fired": activity.last_fired,
        "next_due": activity.next_due,
        "activated_at": trigger.activated_at,
        "pause_reason": None if paused is None else paused.reason,
    }


def _show(context: Context, named: _Named, at: Instant) -> int:
    row = next(iter(_rows(context, {named.name: named}, at)))
    trigger = context.in_force.playbook.trigger(named.name)
    context.output.record(DETAILS, row if trigger is None else {**row, **_details(trigger)})
    return 0


def _details(trigger: Trigger) -> dict[str, Any]:
    reentry = {0: "always", NEVER: "never"}.get(trigger.reentry) or format_duration(trigger.reentry)
    steps = [{"step": number, **_step(step)} for number, step in enumerate(trigger.steps, 1)]
    return {
        "purpose": trigger.purpose,
        "priority": trigger.priority,
        "audience": None if trigger.audience is None else trigger.audience.text,
        "reentry": reentry,
        "max_age": format_duration(trigger.max_age),
        "holdout": trigger.holdout,
        "tags": " ".join(sorted(trigger.tags)),
        "steps": orjson.dumps(steps).decode(),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "after": format_duration(step.after),
        "channels": list(step.channels),
        "mode": step.mode,
        "template": step.template,
        "expires": format_duration(step.expires),
        "only_if": None if step.only_if is None else step.only_if.text,
        "on_limit": step.on_limit,
    }


# ---- pausing ----


def _pause(args: argparse.Namespace, context: Context, at: Instant) -> int:
    until = context.instant(args.until, "--until")
    if until is not None and until <= at:
        raise UsageError(f"--until: {format_instant(until)} is not after {format_instant(at)}. Name a later instant.")
    with context.store.reading() as connection:
        _refuse_paused(connection, args.name, at)
        held = pauses.waiting(connection, args.name, at)
    end = f"until {format_instant(until)}" if until is not None else "until somebody resumes it"
    under_way, planned = counted(held.customers, "customer"), counted(held.messages, "message")
    numbers = f"Under way in {args.name}: {under_way}; planned: {planned}. All of it waits {end}."
    context.output.confirm(numbers, f"Pause {args.name}?", args.yes)
    with context.store.writing() as connection:
        _refuse_paused(connection, args.name, at)
        pauses.pause(connection, Pause(args.name, at, until), context.author, args.reason)
    report(context, "pause", args.name, at, held, until=until)
    context.output.say(f"{args.name} is paused. {numbers}")
    return 0


def _refuse_paused(connection: Any, name: str, at: Instant) -> None:
    paused = pauses.current(connection, at).get(name)
    if paused is not None:
        since = format_instant(paused.pause.since)
        raise ManometerError(f"{name} has been paused since {since} by {paused.author}. `manometer triggers resume {name}` ends that.")


def _resume(args: argparse.Namespace, context: Context, at: Instant) -> int:
    with context.store.reading() as connection:
        paused = pauses.current(connection, at).get(args.name)
        held = pauses.waiting(connection, args.name, at)
    if paused is None:
        raise ManometerError(f"{args.name} is not paused at {format_instant(at)}.")
    length = at - paused.pause.since
    show_choices(context, held, length)
    context.output.confirm(choice(held, args.policy, length), f"Resume {args.name} with {args.policy}?", args.yes)
    with context.store.writing() as connection:
        pauses.resume(connection, paused, at, args.policy, context.author, args.reason)
    report(context, "resume", args.name, at, held, policy=args.policy)
    context.output.say(f"{args.name} goes on. {choice(held, args.policy, length)}")
    return 0


def show_choices(context: Context, held: pauses.Waiting, length: Millis) -> None:
    """What each policy would do, for people."""
    for policy in POLICIES:
        context.output.say(f"  {choice(held, policy, length)}")


def choice(held: pauses.Waiting, policy: str, length: Millis) -> str:
    """What a policy does with what waits, in numbers; `length` is how long it has waited."""
    overdue, waiting = counted(held.overdue, "step"), counted(held.enrolments, "step")
    rest = f"{held.enrolments - held.overdue:,} more wait for their time"
    return {
        "skip": f"skip: {overdue} fell due meanwhile, to be skipped; {rest}.",
        "overdue": f"overdue: {overdue} fell due meanwhile, to go out now, under pressure and expiry; {rest}.",
        "shift": f"shift: {waiting} under way, to move by {format_duration(length)}.",
        "restart": f"restart: {waiting} under way, to begin their delays anew.",
    }[policy]


def report(context: Context, action: str, name: str, at: Instant, held: pauses.Waiting, **more: Any) -> None:
    """What was done, as JSON where that was asked for."""
    if context.output.json:
        shown = {key: format_instant(value) if type(value) is int else value for key, value in more.items()}
        counts = {"customers": held.customers, "waiting": held.enrolments, "overdue": held.overdue, "messages": held.messages}
        context.output.value({"action": action, "name": name, "at": format_instant(at), **counts, **shown})
