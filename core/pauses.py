"""What the end of a pause does to a customer under way: the policy that was chosen for what waits.

`overdue`: everything overdue goes out now, under pressure and expiry. `skip`: what fell due while paused is skipped, the
rest goes on. `shift`: all waiting instants move by the length of the pause. `restart`: waiting delays begin anew.
Dates (a birthday) never move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from core.branches import content, following, latest, waits
from core.decisions import Decision, Enrolment, Waited
from core.instants import Instant, Millis
from core.journey import next_step, no_longer_waits
from core.life import Life
from core.playbook import Playbook, Purpose
from core.reasons import Reason
from core.triggers import EVERYTHING, Pause, PausePolicy, Trigger

HOLDING: Final = frozenset({Reason.TRIGGER_PAUSED, Reason.STOPPED})


def reason_of(pause: Pause) -> Reason:
    """The reason of what a pause holds up."""
    return Reason.STOPPED if pause.trigger == EVERYTHING else Reason.TRIGGER_PAUSED


def stops_purpose(stop: Pause, purpose: Purpose) -> bool:
    """Whether an emergency stop holds messages of a purpose: transactional ones only on request."""
    return stop.transactional or purpose.obeys or purpose.counts


def next_resumption(enrolment: Enrolment, life: Life) -> Instant | None:
    """The end of the next pause that has still to be carried out on this enrolment; None where none ends."""
    ends = [pause.until for pause in _pauses(enrolment, life) if pause.until is not None]
    return min((end for end in ends if end > _handled(enrolment)), default=None)


def resume(enrolment: Enrolment, life: Life) -> None:
    """Carry out the policies of the pauses that have ended by now."""
    ended = [p for p in _pauses(enrolment, life) if p.until is not None and _handled(enrolment) < p.until <= life.now]
    for pause in sorted(ended, key=lambda p: p.until or 0):
        _carry_out(pause, enrolment, life)
        enrolment.resumed_at = pause.until
        life.touch(enrolment)


def _handled(enrolment: Enrolment) -> Instant:
    return enrolment.entered_at if enrolment.resumed_at is None else max(enrolment.resumed_at, enrolment.entered_at)


def _pauses(enrolment: Enrolment, life: Life) -> list[Pause]:
    roster = life.playbook.roster
    trigger = roster.by_name.get(enrolment.trigger)
    purpose = life.playbook.purposes.get(trigger.purpose) if trigger is not None else None
    stops = [stop for stop in roster.stops if purpose is None or stops_purpose(stop, purpose)]
    return [*roster.pauses.get(enrolment.trigger, ()), *stops]


def _carry_out(pause: Pause, enrolment: Enrolment, life: Life) -> None:
    trigger = life.playbook.roster.by_name.get(enrolment.trigger)
    end = pause.until
    if trigger is None or end is None or enrolment.state != "open":
        return
    had_run_out = enrolment.waited is not None or latest(enrolment, trigger) < pause.since
    policy = policy_for(pause.policy, trigger, had_run_out)
    if policy == "shift":
        _move(enrolment, trigger, end - max(pause.since, enrolment.entered_at))
    elif policy == "restart":
        _begin_anew(enrolment, trigger, pause, end)
    elif _fell_due(pause, enrolment, end):
        if policy == "skip":
            _skip(enrolment, trigger, pause, life)
        else:
            enrolment.due_at = end
            no_longer_waits(enrolment)


def policy_for(asked: PausePolicy, trigger: Trigger, had_run_out: bool) -> PausePolicy:
    """Dates do not move, and a delay that `had_run_out` before the pause does not begin anew."""
    if asked in ("shift", "restart") and trigger.when.kind == "recurring":
        return "overdue"
    return "overdue" if asked == "restart" and had_run_out else asked


def _fell_due(pause: Pause, enrolment: Enrolment, end: Instant) -> bool:
    """Whether the pause holds the open step up, or would have, had anybody looked at it meanwhile."""
    if enrolment.due_at is None:
        return enrolment.waits_for is reason_of(pause)
    return pause.since <= enrolment.due_at < end


def _move(enrolment: Enrolment, trigger: Trigger, by: Millis) -> None:
    enrolment.planned_at += by
    is_deferred = enrolment.waits_until is not None and enrolment.waits_for not in HOLDING
    enrolment.due_at = enrolment.waits_until + by if is_deferred and enrolment.waits_until is not None else latest(enrolment, trigger)
    no_longer_waits(enrolment)


def _begin_anew(enrolment: Enrolment, trigger: Trigger, pause: Pause, at: Instant) -> None:
    """The delay, or where that had run out before the pause the wait for an event."""
    is_wait_alone = waits(enrolment, trigger) is not None and enrolment.planned_at < pause.since
    enrolment.planned_at = at if is_wait_alone else at + _delay(trigger, enrolment.step, enrolment.variant)
    enrolment.due_at = latest(enrolment, trigger)
    no_longer_waits(enrolment)


def _delay(trigger: Trigger, step: int, variant: str | None = None) -> Millis:
    """After its cause, or after the step before it."""
    known = trigger.steps[step - 1 : step]
    return sum(each.after for each in known) + (trigger.when.after if step in (1, following(trigger, 0, variant)) else 0)


def _has_wait(trigger: Trigger, step: int) -> bool:
    return any(each.wait is not None for each in trigger.steps[step - 1 : step])


def _skip(enrolment: Enrolment, trigger: Trigger, pause: Pause, life: Life) -> None:
    """Skip every step that fell due in the pause; the first that did not goes on as planned."""
    _skip_step(enrolment, trigger, pause, life)
    while enrolment.state == "open" and latest(enrolment, trigger) < (pause.until or life.now):
        _skip_step(enrolment, trigger, pause, life)


def _skip_step(enrolment: Enrolment, trigger: Trigger, pause: Pause, life: Life) -> None:
    """Go on past it; only what would have been sent leaves a row."""
    wait = waits(enrolment, trigger)
    enrolment.planned_at = latest(enrolment, trigger)
    if wait is not None and not wait.sends:
        next_step(enrolment, trigger, life, wait.goes_to)
        return
    step = content(enrolment, trigger, life)
    life.decisions.append(
        Decision(
            at=life.now, trigger=trigger.name, cause_key=enrolment.cause_key, step=enrolment.step, channel=step.channels[0],
            outcome="suppress", planned_at=enrolment.planned_at, reason=reason_of(pause), version=life.playbook.version,
            variant=enrolment.variant,
        )
    )  # fmt: skip
    next_step(enrolment, trigger, life, step.then)


def steps_due(
    trigger: Trigger, step: int, planned_at: Instant, end: Instant, variant: str | None = None, waited: Waited | None = None
) -> int:
    """How many steps of a journey were due before the end of the pause that holds up its open one, that one included.

    Later steps that wait for an event count as if none came.
    """
    walk = Enrolment(trigger.name, "", planned_at, planned_at, step, planned_at, None, variant=variant, waited=waited)
    number, is_first = 0, True
    while is_first or latest(walk, trigger) < end:
        wait, over_at = waits(walk, trigger), latest(walk, trigger)
        number += wait is None or wait.sends
        known = trigger.steps[walk.step - 1 : walk.step]
        to = wait.goes_to if wait is not None and not wait.sends else known[0].then if known else None
        later = following(trigger, walk.step, variant, to)
        if later is None:
            break
        walk.step, walk.waited, is_first = later, None, False
        walk.planned_at = over_at + trigger.steps[later - 1].after
    return number


# ---- what a policy would do ----


@dataclass(frozen=True, slots=True)
class Standing:
    """Open journeys that are alike for the end of a pause: at the same step of the same trigger, and in four ways."""

    trigger: str
    step: int
    is_under: bool
    """It was under way before the end, and not under another pause until then; else this one does nothing to it."""
    had_run_out: bool
    """The delay of the open step had run out before the pause."""
    is_held: bool
    """The open step fell due in the pause."""
    is_due_moved: bool
    """It would be due at once even if it moved by the length of the pause."""
    journeys: int
    steps_due: int
    """All their steps that fell due in the pause; 0 where none is held."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a policy would do: the steps it skips, and the journeys by what becomes of their open step."""

    skipped: int = 0
    decided: int = 0
    """At once, under pressure and expiry."""
    moved: int = 0
    begun_anew: int = 0
    as_planned: int = 0


def under(pause: Pause, playbook: Playbook) -> Mapping[str, Trigger]:
    """The triggers that a pause, or the emergency stop, holds up, by name."""
    known = playbook.roster.by_name
    if pause.trigger != EVERYTHING:
        return {name: known[name] for name in [pause.trigger] if name in known}
    return {name: trigger for name, trigger in known.items() if stops_purpose(pause, playbook.purposes[trigger.purpose])}


def held_from(pause: Pause, at: Instant, not_before: Instant) -> Instant | None:
    """From which due instant on a pause that ends at the instant holds a step up; None: from any, where a pass decides none before it."""
    return None if pause.since <= not_before < at else pause.since


def effect(policy: PausePolicy, standings: Iterable[Standing], triggers: Mapping[str, Trigger]) -> Effect:
    """What the end of a pause does under a policy to the journeys that it holds up."""
    skipped = 0
    journeys: Counter[str] = Counter()
    for each in standings:
        trigger = triggers[each.trigger]
        does = policy_for(policy, trigger, each.had_run_out)
        if not each.is_under:
            journeys["as_planned"] += each.journeys
        elif does == "shift":
            journeys["decided" if each.is_due_moved else "moved"] += each.journeys
        elif does == "restart":
            journeys["begun_anew" if _delay(trigger, each.step) or _has_wait(trigger, each.step) else "decided"] += each.journeys
        elif does == "skip" and each.is_held:
            skipped += each.steps_due
        else:
            journeys["decided" if each.is_held else "as_planned"] += each.journeys
    return Effect(skipped, **journeys)
