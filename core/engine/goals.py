"""What an event means to a journey: it ends it before its end, reaches its goal, or is what a step waits
for.
"""

from __future__ import annotations

from core.engine.branches import due_at_latest, following, waits
from core.engine.state import CustomerState
from core.instants import Instant
from core.model.decisions import GoalReached
from core.model.enrolment import Enrolment
from core.model.events import LONG_AFTER, Event
from core.model.triggers import Trigger
from core.model.when import ANY_EVENT
from core.placeholders import per_value


def first_due(trigger: Trigger, cause_at: Instant, number: int = 1) -> Instant:
    """When the first step (of the customer's variant, by number) is planned: the cause, plus the kind's
    `after`, plus the step's own.
    """
    return cause_at + trigger.when.after + trigger.steps[number - 1].after


def ends(event: Event, enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> bool:
    """Whether an event ends an enrolment: by `unless`, by `[exit]`, by the goal, or by what its kind waits
    for.

    It counts when it occurred, not when it arrived; an order told again long after it was completed does not
    count. With `per` an event with another key ends nothing; one
    without the property ends every running enrolment.
    """
    if event.id == enrolment.cause_event or _has_other_key(event, enrolment, trigger):
        return False
    is_act = event.standing != LONG_AFTER
    ending = trigger.when.ends_on()
    if (is_act and event.name in ending) or (event.is_activity and ANY_EVENT in ending):
        return trigger.when.ends(enrolment, event)
    began_at = min(enrolment.cause_at, enrolment.entered_at)  # the clock may have begun anew since
    if not is_act or event.occurred_at < began_at or restarts(event, enrolment, trigger, state):
        return False
    if event.name in trigger.exits or _ends_by_goal(event, enrolment, trigger, state):
        return True
    return event.name in trigger.when.unless and _is_before_first_step(event, enrolment, trigger)


def restarts(event: Event, enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> bool:
    """Whether an event begins the clock of a journey anew, whose first step is not decided yet."""
    return (
        trigger.when.restart
        and _is_before_first_step(event, enrolment, trigger)
        and trigger.when.restarts(enrolment, event, state)
    )


def _is_before_first_step(event: Event, enrolment: Enrolment, trigger: Trigger) -> bool:
    return event.occurred_at <= due_at_latest(enrolment, trigger) and enrolment.step == following(
        trigger, 0, enrolment.variant
    )


def _ends_by_goal(event: Event, enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> bool:
    goal = trigger.goal
    if (
        goal is None
        or not goal.exit
        or event.name not in goal.events
        or event.occurred_at > enrolment.entered_at + goal.within
    ):
        return False
    return goal.where is None or goal.where.holds(state.facts(event))


def reached(event: Event, trigger: Trigger, state: CustomerState) -> GoalReached | None:
    """What an event that the trigger's goal names has reached; None where the goal's `where` does not
    hold.
    """
    goal = trigger.goal
    if goal is None or (goal.where is not None and not goal.where.holds(state.facts(event))):
        return None
    return GoalReached(trigger.name, event.id, event.occurred_at, goal.within, trigger.when.key_of(event))


def ends_wait(event: Event, enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> bool:
    """Whether an event is what the open step waits for: it occurred within the wait, its first and last
    instants included.
    """
    wait = waits(enrolment, trigger)
    if (
        wait is None
        or event.standing == LONG_AFTER
        or event.name not in wait.events
        or event.id == enrolment.cause_event
        or _has_other_key(event, enrolment, trigger)
    ):
        return False
    if not enrolment.planned_at <= event.occurred_at <= enrolment.planned_at + wait.timeout:
        return False
    return wait.where is None or wait.where.holds(state.facts(event))


def awaited(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Event | None:
    """The first event known already that the open step waits for."""
    wait = waits(enrolment, trigger)
    if wait is None:
        return None
    known = state.log.of(wait.events, enrolment.planned_at - 1, enrolment.planned_at + wait.timeout)
    return next((event for event in known if ends_wait(event, enrolment, trigger, state)), None)


def active_since(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Instant | None:
    """When the customer was last active, where any activity ends the journey and that was since its silence
    began.
    """
    last = state.profile.last_activity
    if last is None or ANY_EVENT not in trigger.when.ends_on():
        return None
    return last if last > trigger.when.silent_since(enrolment) else None


def _has_other_key(event: Event, enrolment: Enrolment, trigger: Trigger) -> bool:
    value = trigger.when.key_of(event)
    own = per_value(enrolment.key_value)  # earlier releases kept it as the source wrote it
    return value is not None and own is not None and value != own
