"""Where a journey goes, in words: what a step waits for, what is sent instead, and where it goes on."""

from __future__ import annotations

from collections.abc import Iterator

from core.instants import format_duration
from core.triggers import OVER, Goal, Step, Trigger, Wait


def split_words(trigger: Trigger) -> str:
    """`50 % plain, 50 % offer`; empty where there is no split."""
    return ", ".join(f"{share * 100:g} % {name}" for name, share in trigger.split)


def goal_words(goal: Goal) -> str:
    """What reaches the goal, and what that does."""
    where = f" where {goal.where.text}" if goal.where is not None else ""
    return f"{' or '.join(sorted(goal.events))}{where} within {format_duration(goal.within)}{', which ends it' if goal.exit else ''}"


def wait_words(wait: Wait, trigger: Trigger) -> str:
    """What a step waits for, how long, and what happens then."""
    where = f" where {wait.where.text}" if wait.where is not None else ""
    then = "sent all the same" if wait.sends else _skipped(wait.goes_to, trigger)
    return f"waits up to {format_duration(wait.timeout)} for {' or '.join(sorted(wait.events))}{where}, else {then}"


def _skipped(number: int | None, trigger: Trigger) -> str:
    return "left out" if number is None else goes_to(number, trigger)


def goes_to(number: int, trigger: Trigger) -> str:
    """`the journey ends`, or `on to step 3 (last)`."""
    if number == OVER:
        return "the journey ends"
    name = trigger.steps[number - 1].name
    return f"on to step {number}{f' ({name})' if name else ''}"


def ways(step: Step, trigger: Trigger) -> Iterator[str]:
    """For whom the step is, what it waits for, and where it leads, one phrase each."""
    if step.variants:
        yield f"only for {' and '.join(sorted(step.variants))}"
    if step.wait is not None:
        yield wait_words(step.wait, trigger)
    if step.only_if is not None:
        yield f"only if {step.only_if.text}"
    if step.else_to is not None:
        yield f"else {goes_to(step.else_to, trigger)}"
    if step.then is not None:
        yield f"then {goes_to(step.then, trigger)}"


def places(step: Step) -> Iterator[tuple[str, Step]]:
    """What may be sent at a step, the step itself first under an empty name: `for offer`, `else`, `else else`."""
    yield "", step
    for name, other in step.by_variant:
        yield f"for {name}", other
    place, inner = "else", step.otherwise
    while inner is not None:
        yield place, inner
        place, inner = f"{place} else", inner.otherwise
