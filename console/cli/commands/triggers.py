"""Triggers: all with what they do, one in full, one tried on the past, or pause and resume one.

A pause is a state beside the files: it survives an apply. While it lasts nothing new enrols and what falls
due waits.

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
from typing import Any

import orjson

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_list, add_reason, add_until, add_yes
from console.cli.output import ListingField
from console.cli.question_options import add_past
from console.playbooks.known_triggers import not_in_force
from core.errors import ManometerError
from core.explain.journey_words import goal_words, goes_to, wait_words
from core.instants import Instant, format_duration
from core.model.counts import JourneyCount
from core.model.pauses import Pause, PauseTarget
from core.model.triggers import NEVER, Step, Trigger
from storage import pauses, playbooks, triggers

FIELDS = (
    ListingField("name"),
    ListingField("title"),
    ListingField("kind"),
    ListingField("status"),
    ListingField("paused"),
    ListingField("paused_until", "instant"),
    ListingField("waiting", "number"),
    ListingField("sent", "number"),
    ListingField("last_fired", "instant"),
    ListingField("next_due", "instant"),
)
DETAILS = (
    *FIELDS,
    ListingField("purpose"),
    ListingField("priority", "number"),
    ListingField("audience"),
    ListingField("reentry"),
    ListingField("max_age"),
    ListingField("holdout", "number"),
    ListingField("tags"),
    ListingField("activated_at", "instant"),
    ListingField("pause_reason"),
    ListingField("split", "json"),
    ListingField("goal", "json"),
    ListingField("journeys", "json"),
    ListingField("steps", "json"),
)


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    title: str
    kind: str
    status: str
    activated_at: Instant | None


EXAMPLES = (
    ("triggers show basket", "one trigger with its journey and what came of it"),
    ("triggers backtest basket --file basket.toml", "a draft tried on the last 90 days"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    actions = parser.add_subparsers(dest="action", metavar="list|show|pause|resume|backtest")
    add_list(parser, actions)
    show = actions.add_parser("show", help="one trigger with its journey")
    pause = actions.add_parser("pause", help="hold one trigger")
    add_until(pause)
    resume = actions.add_parser("resume", help="end the pause of one trigger")
    pausing_prompts.add_policy(resume)
    backtest = actions.add_parser("backtest", help="try one, drafts too, on the past; nothing is written")
    add_past(backtest)
    for action in (show, pause, resume, backtest):
        action.add_argument("name", metavar="NAME", help="the trigger, as the list shows it")
        add_at(action, inner=True)
    for action in (pause, resume):
        add_reason(action)
        add_yes(action)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the triggers, or do what was asked to one."""
    at = context.now(args.at)
    if args.action == "backtest":
        from console.cli import backtest_report  # a listing must start quickly

        return backtest_report.run(args, context)
    known = _known(context)
    if args.action is None:
        context.output.listing(
            FIELDS, _rows(context, known, at), "There are no triggers. Each is a file in triggers/."
        )
        return 0
    if args.name not in known:
        raise ManometerError(not_in_force(args.name, known, context.folder))
    if args.action == "show":
        return _show(context, known[args.name], at)
    return _pause(args, context, at) if args.action == "pause" else _resume(args, context, at)


def _known(context: Context) -> dict[str, _Named]:
    """The triggers in force; those of the files where none was applied yet."""
    with context.store.reading() as connection:
        if playbooks.newest_version(connection):
            rows = triggers.in_force(connection).values()
            return {
                row.name: _Named(row.name, row.title, row.kind, row.status, row.activated_at) for row in rows
            }
    files = context.workspace.playbook.triggers
    return {
        t.name: _Named(t.name, t.title, t.when.kind, t.status, None)
        for t in sorted(files, key=lambda trigger: trigger.name)
    }


# ---- showing ----


def _rows(context: Context, known: Mapping[str, _Named], at: Instant) -> Iterator[Mapping[str, Any]]:
    with context.store.reading() as connection:
        active, paused = triggers.activity(connection, known), pauses.current(connection, at)
    for trigger in known.values():
        yield _row(trigger, active.get(trigger.name, triggers.Activity()), paused.get(trigger.name))


def _row(trigger: _Named, activity: triggers.Activity, paused: pauses.StoredPause | None) -> dict[str, Any]:
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


def _journeys(each: JourneyCount) -> dict[str, Any]:
    return {
        "variant": each.variant, "holdout": each.is_holdout, "entered": each.entered,
        "under_way": each.under_way,
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
    return {
        "after": format_duration(step.after),
        **_message(step),
        **{key: value for key, value in more.items() if value},
    }


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
    until = context.until(args.until, at)
    pausing_prompts.begin(args, context, Pause(PauseTarget("trigger", args.name), at, until), None)
    return 0


def _resume(args: argparse.Namespace, context: Context, at: Instant) -> int:
    pausing_prompts.end(args, context, args.name, at, f"Resume {args.name} with {args.policy}?")
    return 0
