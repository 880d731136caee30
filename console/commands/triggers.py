"""Triggers: all with what they do, one in full, one tried on the past, or pause and resume one.

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
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from console import pausing
from console.asking import add_past, no_trigger
from console.context import Context, UsageError, add_at, add_list, add_reason, add_yes
from console.output import Field
from core.errors import ManometerError
from core.instants import Instant, format_duration, format_instant
from core.journey_words import goal_words, goes_to, wait_words
from core.pauses import NOBODY, named
from core.playbook import Playbook
from core.triggers import EVERYTHING, NEVER, Pause, Scope, Step, Trigger
from core.words import counted, in_full
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
    Field("split", "json"),
    Field("goal", "json"),
    Field("journeys", "json"),
    Field("steps", "json"),
)


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
    actions = parser.add_subparsers(dest="action", metavar="list|show|pause|resume|backtest")
    add_list(parser, actions)
    show = actions.add_parser("show", help="one trigger with its journey")
    pause = actions.add_parser("pause", help="hold one trigger")
    pausing.add_until(pause)
    resume = actions.add_parser("resume", help="end the pause of one trigger")
    add_policy(resume)
    backtest = actions.add_parser("backtest", help="try one, drafts too, on the past; nothing is written")
    add_past(backtest)
    for action in (show, pause, resume, backtest):
        action.add_argument("name", metavar="NAME")
        add_at(action, inner=True)
    for action in (pause, resume):
        add_reason(action)
        add_yes(action)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """The option `--policy` of resume and go."""
    parser.add_argument("--policy", choices=pausing.POLICIES, default="skip", help="what becomes of what waited (default: skip)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the triggers, or do what was asked to one."""
    at = context.now(args.at)
    if args.action == "backtest":
        from console import backtest_report  # a listing must start quickly

        return backtest_report.run(args, context)
    known = _known(context)
    if args.action is None:
        context.output.listing(FIELDS, _rows(context, known, at), "There are no triggers. Each is a file in triggers/.")
        return 0
    if args.name not in known:
        raise ManometerError(no_trigger(args.name, known, context.folder))
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
        active, paused = triggers.activity(connection, known), pauses.current(connection, at)
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
    with context.store.reading() as connection:
        numbers = [_journeys(each) for each in triggers.journeys(connection, named.name)]
    row = {**row, "journeys": orjson.dumps(numbers).decode()}
    context.output.record(DETAILS, row if trigger is None else {**row, **_details(trigger)})
    return 0


def _journeys(each: triggers.Journeys) -> dict[str, Any]:
    return {
        "variant": each.variant, "holdout": each.is_holdout, "entered": each.entered, "under_way": each.under_way,
        "reached_goal": each.reached,
    }  # fmt: skip


def _details(trigger: Trigger) -> dict[str, Any]:
    reentry = {0: "always", NEVER: "never"}.get(trigger.reentry) or format_duration(trigger.reentry)
    steps = [{"step": number, **_step(step, trigger)} for number, step in enumerate(trigger.steps, 1)]
    return {
        "purpose": trigger.purpose,
        "priority": trigger.priority,
        "audience": None if trigger.audience is None else trigger.audience.text,
        "reentry": reentry,
        "max_age": format_duration(trigger.max_age),
        "holdout": trigger.holdout,
        "tags": " ".join(sorted(trigger.tags)),
        "split": orjson.dumps(dict(trigger.split)).decode() if trigger.split else None,
        "goal": None if trigger.goal is None else orjson.dumps(goal_words(trigger.goal)).decode(),
        "steps": orjson.dumps(steps).decode(),
    }


def _step(step: Step, trigger: Trigger) -> dict[str, Any]:
    """A step as scripts read it; what is beyond a plain one stands last, where there is any."""
    variants = {name: _message(other) for name, other in step.by_variant}
    more = {
        "name": step.name,
        "variant": sorted(step.variants),
        "variants": variants,
        "wait": None if step.wait is None else wait_words(step.wait, trigger),
        "else": _otherwise(step, trigger),
        "then": None if step.then is None else goes_to(step.then, trigger),
    }
    return {"after": format_duration(step.after), **_message(step), **{key: value for key, value in more.items() if value}}


def _otherwise(step: Step, trigger: Trigger) -> dict[str, Any] | str | None:
    if step.otherwise is None:
        return None if step.else_to is None else goes_to(step.else_to, trigger)
    inner = _otherwise(step.otherwise, trigger)
    return {**_message(step.otherwise), **({} if inner is None else {"else": inner})}


def _message(step: Step) -> dict[str, Any]:
    return {
        "channels": list(step.channels),
        "mode": step.mode,
        "template": step.template,
        "expires": format_duration(step.expires),
        "only_if": None if step.only_if is None else step.only_if.text,
        "on_limit": step.on_limit,
    }


# ---- pausing ----


def _pause(args: argparse.Namespace, context: Context, at: Instant) -> int:
    until = pausing.end(args.until, at, context.zone)
    pause_one(args, context, Pause(args.name, at, until), None)
    return 0


def pause_one(args: argparse.Namespace, context: Context, pause: Pause, playbook: Playbook | None) -> None:
    """Begin a pause once its numbers were confirmed; UsageError where it would end before it begins."""
    at, until, what = pause.since, pause.until, named(pause)
    if until is not None and until <= at:
        raise UsageError(f"--until: {in_full(until, context.zone)} is not after {in_full(at, context.zone)}. Name a later instant.")
    with context.store.reading() as connection:
        paused = pauses.current(connection, at).get(pause.trigger)
        if paused is None or not pausing.is_wider(pause, paused.pause):
            pausing.refuse_paused(connection, pause.trigger, at, context.zone)
        held = pausing.waiting(connection, pause, playbook, at)
    end = f"until {in_full(until, context.zone)}" if until is not None else "until somebody resumes it"
    numbers = f"{_under_way(pause, held)}. {_WHAT_WAITS[pause.scope]} waits {end}."
    if pause.scope == "trigger":
        numbers += " Nobody enters meanwhile."
    context.output.confirm(numbers, f"Pause {what}?", args.yes)
    with context.store.writing() as connection:
        pausing.pause(connection, pause, context.author, args.reason, context.zone)
    report(context, "pause", pause.trigger, at, held, until=until)
    context.output.say(f"{what} is paused. {numbers}")


def _under_way(pause: Pause, held: pauses.Waiting) -> str:
    if not held.customers:
        planned = f"planned: {counted(held.messages, 'message')}" if held.messages else "nothing is planned"
        return f"{NOBODY[pause.scope]}; {planned}"
    where = f"{_WHERE[pause.scope]}{named(pause)}"
    return f"Under way {where}: {counted(held.customers, 'customer')}; planned: {counted(held.messages, 'message')}"


_WHERE: Final[Mapping[Scope, str]] = {"trigger": "in ", "channel": "in triggers that use ", "segment": "in ", "customer": "for "}
_WHAT_WAITS: Final[Mapping[Scope, str]] = {
    "trigger": "All of it", "channel": "What would go over it", "segment": "What falls due for its members", "customer": "What falls due",
}  # fmt: skip


def _resume(args: argparse.Namespace, context: Context, at: Instant) -> int:
    resume_all(args, context, args.name, at, f"Resume {args.name} with {args.policy}?")
    return 0


def resume_all(args: argparse.Namespace, context: Context, name: str, at: Instant, question: str) -> None:
    """End a pause, or the emergency stop under `*`, with the policy of the command line, after its numbers were confirmed."""
    playbook = readable_playbook(context)
    with context.store.reading() as connection:
        paused = pausing.paused_now(connection, name, at, context.zone)
        held, choices = pausing.waiting(connection, paused.pause, playbook, at), pausing.choices(connection, paused, playbook, at)
    held = held if choices.overdue is None else replace(held, overdue=choices.overdue)
    are_alike = len(set(choices.words.values())) == 1
    numbers = {policy: f"{words[0].upper()}{words[1:]}" if are_alike else f"{policy}: {words}" for policy, words in choices.words.items()}
    for line in dict.fromkeys(numbers.values()):
        context.output.say(f"  {line}")
    context.output.confirm(numbers[args.policy], question, args.yes)
    with context.store.writing() as connection:
        pauses.resume(connection, paused, at, args.policy, context.author, args.reason)
    report(context, "go" if name == EVERYTHING else "resume", name, at, held, policy=args.policy)
    goes_on = "Sending" if name == EVERYTHING else named(paused.pause)
    context.output.say(f"{goes_on} goes on. {numbers[args.policy]}")


def readable_playbook(context: Context) -> Playbook | None:
    """The playbook in force; None where none was applied yet and the files have faults, which is no reason to keep sending stopped."""
    try:
        return context.in_force.playbook
    except ManometerError:
        return None


def report(context: Context, action: str, name: str, at: Instant, held: pauses.Waiting, **more: Any) -> None:
    """What was done, as JSON where that was asked for."""
    if context.output.json:
        shown = {key: format_instant(value) if type(value) is int else value for key, value in more.items()}
        counts = {"customers": held.customers, "waiting": held.enrolments, "overdue": held.overdue, "messages": held.messages}
        context.output.value({"action": action, "name": name, "at": format_instant(at), **counts, **shown})
