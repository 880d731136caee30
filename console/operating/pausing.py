"""Pausing and resuming, for the command line and the console alike: what may be done, in what numbers, and
the acts themselves.

Every act checks anew in the transaction that it is called in, so that two operators at once do not undo each
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.engine.pauses import ResumeEffect, affected_triggers, effect, pause_label
from core.errors import ManometerError
from core.explain.words import counted, in_full
from core.instants import SECOND, Instant, format_duration
from core.model.pauses import ALL_SENDING, EVERYTHING, Pause, PausePolicy, parse_target
from core.playbook.playbook import Playbook
from core.suggestions import near
from storage import pauses
from storage.pauses import PauseBacklog, StoredPause

POLICIES: Final[tuple[PausePolicy, ...]] = get_args(PausePolicy)


def refuse_paused(connection: Connection, name: str, at: Instant, zone: ZoneInfo) -> None:
    """ManometerError where that is paused already; `name` as `Pause.trigger` has it."""
    _refuse(pauses.current(connection, at).get(name), zone, None)


def _refuse(paused: StoredPause | None, zone: ZoneInfo, key: str | None) -> None:
    if paused is not None:
        since = in_full(paused.pause.since, zone)
        what = pause_label(paused.pause.target)
        ends = key or f"`{command_to_end(paused.pause)}`"
        raise ManometerError(f"{what} has been paused since {since} {_by(paused)}. {ends} ends that.")


def _by(paused: StoredPause) -> str:
    """Who has paused it, and why where a reason was given."""
    return f"by {paused.author}" + (f": “{paused.reason}”" if paused.reason else "")


def command_to_end(pause: Pause) -> str:
    """The command that ends a pause."""
    own = {"everything": "manometer go", "trigger": f"manometer triggers resume {pause.name}"}
    return own.get(pause.scope) or f"manometer resume --{pause.scope} {pause.name}"


def refuse_unknown(pause: Pause, playbook: Playbook) -> None:
    """ManometerError, with a near name, where there is no such trigger, channel or segment."""
    known = {
        "trigger": playbook.index.by_name,
        "channel": playbook.channels,
        "segment": playbook.segments,
    }.get(pause.scope)
    if known is not None and pause.name not in known:
        there_are = f"There are: {', '.join(sorted(known))}." if known else "There are none."
        raise ManometerError(
            f"There is no {pause.scope} {pause.name[:80]!r}. {near(pause.name, known) or there_are}"
        )


def waiting(connection: Connection, pause: Pause, playbook: Playbook | None, at: Instant) -> PauseBacklog:
    """What is under way that a pause reaches; without a playbook nobody can tell it of a channel, a segment
    or a customer.
    """
    if pause.scope in ("everything", "trigger"):
        return pauses.waiting(connection, pause.target.key, at)
    return (
        PauseBacklog(0, 0, 0, 0)
        if playbook is None
        else pauses.waiting_under(connection, pause, playbook, at)
    )


def refuse_stopped(
    stopped: StoredPause | None, transactional: bool, zone: ZoneInfo, ends: str = "`manometer go`"
) -> None:
    """ManometerError where everything that is to be stopped is stopped already; `ends` is what ends it."""
    if stopped is not None and (stopped.pause.transactional or not transactional):
        since = in_full(stopped.pause.since, zone)
        raise ManometerError(f"All sending has been stopped since {since} {_by(stopped)}. {ends} ends that.")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts and why, for the audit log, and the time zone in which this person reads instants."""

    author: str
    reason: str | None
    zone: ZoneInfo
    resumes_by: str | None = None
    """The key that ends a pause, for who acts at the console; None for who writes commands."""


def pause(connection: Connection, pause: Pause, operator: Operator) -> int:
    """Begin a pause, or widen one to transactional messages, and give its number; ManometerError where that
    is paused already.
    """
    paused = pauses.current(connection, pause.since).get(pause.target.key)
    if paused is not None and is_wider(pause, paused.pause):
        pauses.widen(connection, paused, pause.since, operator.author, operator.reason)
        return paused.id
    _refuse(paused, operator.zone, operator.resumes_by)
    return pauses.pause(connection, pause, operator.author, operator.reason)


def is_wider(asked: Pause, paused: Pause) -> bool:
    """Whether a pause holds transactional messages too, where the one that holds does not; of a trigger every
    pause does.
    """
    return asked.scope != "trigger" and asked.transactional and not paused.transactional


def stop(connection: Connection, at: Instant, transactional: bool, operator: Operator) -> None:
    """Stop all sending at the instant, in ms UTC, or widen a stop to transactional messages; ManometerError
    where that is so already.
    """
    stopped = pauses.current(connection, at).get(EVERYTHING)
    refuse_stopped(stopped, transactional, operator.zone)
    if stopped is None:
        everything = Pause(ALL_SENDING, at, transactional=transactional)
        pauses.pause(connection, everything, operator.author, operator.reason)
    else:
        pauses.widen(connection, stopped, at, operator.author, operator.reason)


def resume(
    connection: Connection, name: str, at: Instant, policy: PausePolicy, operator: Operator
) -> StoredPause:
    """End a pause, of everything under `*`, and give it as it was; ManometerError where there is none."""
    paused = paused_now(connection, name, at, operator.zone)
    pauses.resume(connection, paused, at, policy, operator.author, operator.reason)
    return paused


def paused_now(connection: Connection, name: str, at: Instant, zone: ZoneInfo) -> StoredPause:
    """The pause that holds; ManometerError where there is none."""
    paused = pauses.current(connection, at).get(name)
    if paused is None:
        what = (
            "Sending is not stopped"
            if name == EVERYTHING
            else f"{pause_label(parse_target(name))} is not paused"
        )
        raise ManometerError(f"{what} as of {in_full(at, zone)}.")
    return paused


@dataclass(frozen=True, slots=True)
class PolicyChoices:
    """What each policy would do, in words, and how many journeys the pause holds up; None where nobody can
    tell.
    """

    words: Mapping[PausePolicy, str]
    overdue: int | None


def choices(
    connection: Connection, paused: StoredPause, playbook: Playbook | None, at: Instant
) -> PolicyChoices:
    """What each policy would do with what waits if the pause ended at the instant; without a playbook nobody
    can tell.
    """
    if playbook is None:
        return PolicyChoices(
            dict.fromkeys(POLICIES, "how much waits cannot be told, since no playbook can be read."), None
        )
    effects = effects_of(connection, paused.pause, playbook, at)
    words = {policy: _choice(policy, does, paused.pause, at) for policy, does in effects.items()}
    return PolicyChoices(words, effects["overdue"].decided)


def effects_of(
    connection: Connection, pause: Pause, playbook: Playbook, at: Instant
) -> dict[PausePolicy, ResumeEffect]:
    """What each policy would do to the journeys under way if the pause ended at the instant."""
    held = affected_triggers(pause, playbook)
    found = pauses.standings(connection, pause, at, at - playbook.grace, playbook)
    return {policy: effect(policy, found, held) for policy in POLICIES}


def _choice(policy: PausePolicy, does: ResumeEffect, pause: Pause, at: Instant) -> str:
    """What a policy does, in numbers; what it is not about is left out where there is none."""
    if does == ResumeEffect():
        return "no step waits."
    fell_due = f"{counted(does.decided, 'step')} fell due meanwhile, to go out now, under pressure and expiry"
    rest = f"{does.as_planned:,} more wait for their time"
    if policy == "skip":
        return f"{counted(does.skipped, 'step')} fell due meanwhile, to be skipped; {rest}."
    if policy == "overdue":
        return f"{fell_due}; {rest}."
    length = format_duration((at - pause.since) // SECOND * SECOND)
    up_to = "" if pause.scope == "trigger" else "up to "
    moved = f"{counted(does.moved, 'step')} under way, to move by {up_to}{length}"
    first = (
        moved
        if policy == "shift"
        else f"{counted(does.begun_anew, 'step')} under way, to begin their delays anew"
    )
    return (
        "; ".join([first, *([fell_due] if does.decided else []), *([rest] if does.as_planned else [])]) + "."
    )
