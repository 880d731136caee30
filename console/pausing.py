"""Pausing and resuming, for the command line and the console alike: what may be done, in what numbers, and the acts themselves.

Every act checks anew in the transaction that it is called in, so that two operators at once do not undo each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.errors import ManometerError
from core.instants import SECOND, Instant, format_duration
from core.pauses import Effect, effect, under
from core.playbook import Playbook
from core.triggers import EVERYTHING, Pause, PausePolicy
from core.words import counted, in_full
from storage import pauses
from storage.pauses import PauseRow

POLICIES: Final[tuple[PausePolicy, ...]] = get_args(PausePolicy)


def refuse_paused(connection: Connection, name: str, at: Instant, zone: ZoneInfo) -> None:
    """ManometerError where the trigger is paused already."""
    paused = pauses.current(connection, at).get(name)
    if paused is not None:
        since = in_full(paused.pause.since, zone)
        raise ManometerError(f"{name} has been paused since {since} by {paused.author}. `manometer triggers resume {name}` ends that.")


def refuse_stopped(stopped: PauseRow | None, transactional: bool, zone: ZoneInfo) -> None:
    """ManometerError where everything that is to be stopped is stopped already."""
    if stopped is not None and (stopped.pause.transactional or not transactional):
        since = in_full(stopped.pause.since, zone)
        raise ManometerError(f"All sending has been stopped since {since} by {stopped.author}. `manometer go` ends that.")


def pause(connection: Connection, pause: Pause, author: str, reason: str | None, zone: ZoneInfo) -> int:
    """Pause a trigger, and give the pause's number; ManometerError where it is paused already."""
    refuse_paused(connection, pause.trigger, pause.since, zone)
    return pauses.pause(connection, pause, author, reason)


def stop(connection: Connection, at: Instant, transactional: bool, author: str, reason: str | None, zone: ZoneInfo) -> None:
    """Stop all sending, or widen a stop to transactional messages; ManometerError where that is so already."""
    stopped = pauses.current(connection, at).get(EVERYTHING)
    refuse_stopped(stopped, transactional, zone)
    if stopped is None:
        pauses.pause(connection, Pause(EVERYTHING, at, transactional=transactional), author, reason)
    else:
        pauses.widen(connection, stopped, at, author, reason)


def resume(
    connection: Connection, name: str, at: Instant, policy: PausePolicy, author: str, reason: str | None, zone: ZoneInfo
) -> PauseRow:
    """End the pause of a trigger, or of everything under `*`, and give it as it was; ManometerError where there is none."""
    paused = paused_now(connection, name, at, zone)
    pauses.resume(connection, paused, at, policy, author, reason)
    return paused


def paused_now(connection: Connection, name: str, at: Instant, zone: ZoneInfo) -> PauseRow:
    """The pause that holds; ManometerError where there is none."""
    paused = pauses.current(connection, at).get(name)
    if paused is None:
        what = "Sending is not stopped" if name == EVERYTHING else f"{name} is not paused"
        raise ManometerError(f"{what} as of {in_full(at, zone)}.")
    return paused


@dataclass(frozen=True, slots=True)
class Choices:
    """What each policy would do, in words, and how many journeys the pause holds up; None where nobody can tell."""

    words: Mapping[PausePolicy, str]
    overdue: int | None


def choices(connection: Connection, paused: PauseRow, playbook: Playbook | None, at: Instant) -> Choices:
    """What each policy would do with what waits if the pause ended at the instant; without a playbook nobody can tell."""
    if playbook is None:
        return Choices(dict.fromkeys(POLICIES, "how much waits cannot be told, since no playbook can be read."), None)
    effects = effects_of(connection, paused.pause, playbook, at)
    words = {policy: _choice(policy, does, paused.pause, at) for policy, does in effects.items()}
    return Choices(words, effects["overdue"].decided)


def effects_of(connection: Connection, pause: Pause, playbook: Playbook, at: Instant) -> dict[PausePolicy, Effect]:
    """What each policy would do to the journeys under way if the pause ended at the instant."""
    held = under(pause, playbook)
    found = pauses.standings(connection, pause, at, at - playbook.grace, held)
    return {policy: effect(policy, found, held) for policy in POLICIES}


def _choice(policy: PausePolicy, does: Effect, pause: Pause, at: Instant) -> str:
    """What a policy does, in numbers; what it is not about is left out where there is none."""
    fell_due = f"{counted(does.decided, 'step')} fell due meanwhile, to go out now, under pressure and expiry"
    rest = f"{does.as_planned:,} more wait for their time"
    if policy == "skip":
        return f"{counted(does.skipped, 'step')} fell due meanwhile, to be skipped; {rest}."
    if policy == "overdue":
        return f"{fell_due}; {rest}."
    length = format_duration((at - pause.since) // SECOND * SECOND)
    moved = f"{counted(does.moved, 'step')} under way, to move by {'up to ' if pause.trigger == EVERYTHING else ''}{length}"
    first = moved if policy == "shift" else f"{counted(does.begun_anew, 'step')} under way, to begin their delays anew"
    return "; ".join([first, *([fell_due] if does.decided else []), *([rest] if does.as_planned else [])]) + "."
