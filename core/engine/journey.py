"""How an enrolment goes on: to its next step, past a wait, or to its end."""

from __future__ import annotations

from typing import Literal

from core.engine.branches import condition_holds, due_at_latest, effective_step, following, in_variant
from core.engine.goals import awaited, first_due
from core.engine.state import CustomerState
from core.instants import Instant, format_instant
from core.model.decisions import Decision, Objection
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.reasons import Reason
from core.model.triggers import Step, Trigger
from core.playbook.versions import Former


def next_step(enrolment: Enrolment, trigger: Trigger, state: CustomerState, to: int | None = None) -> None:
    """Go on, to the step of a number where one is named: it is planned at this one's planned instant plus its
    own `after`.

    After the last step the journey is done.
    """
    state.touch(enrolment)
    number = following(trigger, enrolment.step, enrolment.variant, to)
    if number is None:
        enrolment.release()
        end(enrolment, state, "done")
        return
    step = trigger.steps[number - 1]
    answered = enrolment.waited == "event" and step.wait is not None
    # one event ends one wait: the next one begins with the instant after it
    planned_at = enrolment.planned_at + max(step.after, int(answered))
    # decided late, it makes the next step late too
    reached_at = state.now if enrolment.due_at is None else min(enrolment.due_at, state.now)
    come_to_step(enrolment, trigger, number, planned_at, reached_at, state)


def come_to_step(
    enrolment: Enrolment,
    trigger: Trigger,
    number: int,
    planned_at: Instant,
    reached_at: Instant,
    state: CustomerState,
) -> None:
    """Open a step, which is not due before `reached_at`; one that waits for an event comes up with that
    event, which may be known already, or when it has waited long enough.
    """
    enrolment.open_step(number, planned_at)
    event = awaited(enrolment, trigger, state)
    if event is not None:
        end_wait(enrolment, event, reached_at, state)
    elif (due_at := max(due_at_latest(enrolment, trigger), reached_at)) != planned_at:
        enrolment.fall_due(due_at)


def begin_anew(enrolment: Enrolment, trigger: Trigger, event: Event, state: CustomerState) -> None:
    """Let the clock of the first step run from a newer event on; an older one changes nothing."""
    planned_at = first_due(trigger, event.occurred_at, enrolment.step)
    if event.occurred_at < enrolment.cause_at or planned_at < enrolment.planned_at:
        return
    state.touch(enrolment)
    enrolment.begin_anew(event.occurred_at, event.id, event.name, event.properties)
    come_to_step(enrolment, trigger, enrolment.step, planned_at, state.now, state)


def end_wait(enrolment: Enrolment, event: Event, at: Instant, state: CustomerState) -> None:
    """What the open step waits for has come: the step is planned at its occurrence, and due at an instant
    or then.
    """
    state.touch(enrolment)
    planned_at = max(enrolment.planned_at, event.occurred_at)
    enrolment.end_wait("event", planned_at, max(planned_at, at))


def pass_over(enrolment: Enrolment, trigger: Trigger, step: Step, state: CustomerState) -> bool:
    """Go on past the open step without a row where it is for another variant, or its `only_if` does not hold;
    whether it did.
    """
    if not in_variant(enrolment, trigger):
        next_step(enrolment, trigger, state)
        return True
    if not condition_holds(step, enrolment, state):
        next_step(enrolment, trigger, state, step.else_to)
        return True
    return False


def end(enrolment: Enrolment, state: CustomerState, ended_as: Literal["done", "exited"]) -> None:
    """Nothing more comes of this enrolment."""
    state.touch(enrolment)
    enrolment.end(ended_as, state.now)


def retire(enrolment: Enrolment, former: Former, state: CustomerState) -> None:
    """End it because the version that replaced its definition says so, with one row for the open step."""
    replaced = Objection(Reason.TRIGGER_RETIRED, f"the definition was replaced by version {former.left_by}")
    known = (
        former.trigger if former.trigger is not None and enrolment.step <= len(former.trigger.steps) else None
    )
    channel = effective_step(enrolment, known, state).channels[0] if known is not None else None
    version = state.playbook.version if former.left_by is None else former.left_by
    note_suppressed(enrolment, state, channel, Reason.TRIGGER_RETIRED, (replaced,), version)
    enrolment.release()
    end(enrolment, state, "exited")


def leave(enrolment: Enrolment, trigger: Trigger, state: CustomerState, goal: Event) -> None:
    """End it before its end because of an event, with one row for the open step that names it."""
    over = f" over {goal.channel}" if goal.channel is not None else ""
    late = f" on {format_instant(goal.occurred_at)}" if goal.occurred_at < state.now else ""
    end_early(enrolment, trigger, state, Objection(Reason.GOAL_REACHED, f"{goal.name}{over}{late}"))


def end_early(enrolment: Enrolment, trigger: Trigger, state: CustomerState, why: Objection) -> None:
    """End it before its end, with one row for the open step that says why."""
    note_suppressed(
        enrolment, state, effective_step(enrolment, trigger, state).channels[0], why.reason, (why,)
    )
    enrolment.release()
    end(enrolment, state, "exited")


def note_suppressed(
    enrolment: Enrolment,
    state: CustomerState,
    channel: str | None,
    reason: Reason,
    objections: tuple[Objection, ...] = (),
    version: int | None = None,
) -> None:
    """The row of an open step that was never weighed; `version` is that whose definition decides, unless said
    otherwise.
    """
    state.decisions.append(
        Decision(
            at=state.now,
            trigger=enrolment.trigger,
            cause_key=enrolment.cause_key,
            step=enrolment.step,
            channel=channel,
            outcome="suppress",
            planned_at=enrolment.planned_at,
            reason=reason,
            objections=objections,
            version=state.playbook.index.decides(enrolment.trigger, enrolment.version)
            if version is None
            else version,
            variant=enrolment.variant,
        )
    )
