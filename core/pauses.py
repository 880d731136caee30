"""What the end of a pause does to a customer under way: the policy that was chosen for what waits.

`overdue`: everything overdue goes out now, under pressure and expiry. `skip`: what fell due while paused is skipped, the
rest goes on. `shift`: all waiting instants move by the length of the pause. `restart`: waiting delays begin anew.
Dates (a birthday) never move.
"""

from __future__ import annotations

from typing import Final

from core.decisions import Decision, Enrolment
from core.instants import Instant, Millis
from core.journey import next_step, no_longer_waits
from core.life import Life
from core.playbook import Purpose
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
    policy = _policy(pause, enrolment, trigger)
    if policy == "shift":
        _move(enrolment, end - max(pause.since, enrolment.entered_at))
    elif policy == "restart":
        _begin_anew(enrolment, trigger, end)
    elif _fell_due(pause, enrolment, end):
        if policy == "skip":
            _skip(enrolment, trigger, pause, life)
        else:
            enrolment.due_at = end
            no_longer_waits(enrolment)


def _policy(pause: Pause, enrolment: Enrolment, trigger: Trigger) -> PausePolicy:
    """Dates do not move, and a delay that had run out before the pause does not begin anew."""
    if pause.policy in ("shift", "restart") and trigger.when.kind == "recurring":
        return "overdue"
    return "overdue" if pause.policy == "restart" and enrolment.planned_at < pause.since else pause.policy


def _fell_due(pause: Pause, enrolment: Enrolment, end: Instant) -> bool:
    """Whether the pause holds the open step up, or would have, had anybody looked at it meanwhile."""
    if enrolment.due_at is None:
        return enrolment.waits_for is reason_of(pause)
    return pause.since <= enrolment.due_at < end


def _move(enrolment: Enrolment, by: Millis) -> None:
    enrolment.planned_at += by
    is_deferred = enrolment.waits_until is not None and enrolment.waits_for not in HOLDING
    enrolment.due_at = enrolment.waits_until + by if is_deferred and enrolment.waits_until is not None else enrolment.planned_at
    no_longer_waits(enrolment)


def _begin_anew(enrolment: Enrolment, trigger: Trigger, at: Instant) -> None:
    delay = trigger.steps[enrolment.step - 1].after + (trigger.when.after if enrolment.step == 1 else 0)
    enrolment.planned_at = enrolment.due_at = at + delay
    no_longer_waits(enrolment)


def _skip(enrolment: Enrolment, trigger: Trigger, pause: Pause, life: Life) -> None:
    """Skip every step that fell due in the pause; the first that did not goes on as planned."""
    end = pause.until or life.now
    is_skipped = True
    while is_skipped:
        step = trigger.steps[enrolment.step - 1]
        life.decisions.append(
            Decision(
                at=life.now, trigger=trigger.name, cause_key=enrolment.cause_key, step=enrolment.step, channel=step.channels[0],
                outcome="suppress", planned_at=enrolment.planned_at, reason=reason_of(pause), version=life.playbook.version,
            )
        )  # fmt: skip
        next_step(enrolment, trigger, life)
        is_skipped = enrolment.state == "open" and enrolment.planned_at < end
