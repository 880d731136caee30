"""What ends an enrolment before its end: the goal is reached, over whatever channel or source."""

from __future__ import annotations

from core.decisions import Enrolment
from core.events import Event
from core.instants import Instant
from core.kinds import ANY_EVENT
from core.life import Life
from core.triggers import Trigger


def first_due(trigger: Trigger, cause_at: Instant) -> Instant:
    """When the first step is planned: the cause, plus the kind's `after`, plus the step's own."""
    return cause_at + trigger.when.after + trigger.steps[0].after


def ends(event: Event, enrolment: Enrolment, trigger: Trigger, life: Life) -> bool:
    """Whether an event ends an enrolment: by `unless`, by `[exit]`, or by what its kind waits for.

    It counts when it occurred, not when it arrived. With `per` an event with another key ends nothing; one without the
    property ends every running enrolment.
    """
    if event.id == enrolment.cause_event or _has_other_key(event, enrolment, trigger):
        return False
    kind = life.playbook.roster.kinds[trigger.when.kind]
    if event.name in kind.ends_on(trigger.when) or (event.is_activity and ANY_EVENT in kind.ends_on(trigger.when)):
        return kind.ends(trigger, enrolment, event)
    if event.occurred_at < enrolment.cause_at:
        return False
    if event.name in trigger.exits:
        return True
    waits_for_first = enrolment.step == 1 and event.occurred_at <= enrolment.planned_at
    return event.name in trigger.when.unless and waits_for_first


def _has_other_key(event: Event, enrolment: Enrolment, trigger: Trigger) -> bool:
    if enrolment.key_value is None or trigger.when.per is None:
        return False
    value = event.properties.get(trigger.when.per)
    return value is not None and str(value) != enrolment.key_value
