"""Which way a journey goes: the steps of the customer's variant, what applies at a step, and whether the step
waits for an event.
"""

from __future__ import annotations

from core.engine.state import CustomerState
from core.instants import Instant
from core.model.enrolment import Enrolment
from core.model.triggers import Step, Trigger, Wait


def following(trigger: Trigger, number: int, variant: str | None, to: int | None = None) -> int | None:
    """The number of the step after a step (0: of the first one), from `to` on where the journey jumps; None
    where it is over.

    Steps of other variants are no part of the journey.
    """
    if number == 0 and not trigger.split:
        return 1
    first = number if to is None else to - 1
    if first < 0:
        return None
    later = enumerate(trigger.steps[first:], first + 1)
    return next((place for place, step in later if step.is_for(variant)), None)


def effective_step(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Step:
    """The open step as it applies now: as it is for the customer's variant, or what its `else` says where
    `only_if` does not hold.
    """
    step = trigger.steps[enrolment.step - 1]
    for variant, other in step.by_variant:
        if variant == enrolment.variant:
            step = other
    while step.otherwise is not None and not condition_holds(step, enrolment, state):
        step = step.otherwise
    return step


def condition_holds(step: Step, enrolment: Enrolment, state: CustomerState) -> bool:
    """Whether `only_if` lets the customer have it."""
    return step.only_if is None or step.only_if.holds(state.facts(enrolment=enrolment))


def in_variant(enrolment: Enrolment, trigger: Trigger) -> bool:
    """Whether the open step is for the customer's variant; it may no longer be, under another playbook than
    the one that led to it.
    """
    return trigger.steps[enrolment.step - 1].is_for(enrolment.variant)


def waits(enrolment: Enrolment, trigger: Trigger) -> Wait | None:
    """What the open step still waits for."""
    return (
        trigger.steps[enrolment.step - 1].wait
        if enrolment.waited is None and enrolment.step <= len(trigger.steps)
        else None
    )


def due_at_latest(enrolment: Enrolment, trigger: Trigger) -> Instant:
    """When the open step comes up at the latest: at its planned instant, or when it has waited long
    enough.
    """
    wait = waits(enrolment, trigger)
    return enrolment.planned_at if wait is None else enrolment.planned_at + wait.timeout


def is_waiting(enrolment: Enrolment, state: CustomerState) -> bool:
    """Whether the open step still waits for an event, so that nobody can foresee when it comes up."""
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    return trigger is not None and waits(enrolment, trigger) is not None
