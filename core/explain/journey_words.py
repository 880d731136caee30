"""A trigger in words, line by line: what makes a customer enter, each step with its ways, and what ends the
journey.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from core.explain.words import any_of
from core.instants import format_duration
from core.model.triggers import ALWAYS, NEVER, OVER, Goal, Step, Trigger, Wait

Role = Literal["", "name", "mark", "aside"]
"""What a word is: plain, a name that is looked for first, the number or place of a step, or what is said in
passing.
"""

LIMITS: Final = {
    "defer": "waits where the limit is full",
    "drop": "dropped where the limit is full",
    "fallback": "next channel where the limit is full",
}


class JourneyWord(NamedTuple):
    """A part of a line and what it is."""

    text: str
    role: Role = ""


Words = tuple[JourneyWord, ...]


def told(trigger: Trigger, currency: str) -> Iterator[str]:
    """The whole of it as plain lines; money is in major units of the currency."""
    lines = [
        *about(trigger, currency),
        *(line for number, step in enumerate(trigger.steps, 1) for line in of_step(number, step, trigger)),
    ]
    yield from ("".join(word.text for word in line) for line in lines)


# ---- what holds for the whole of it ----


def about(trigger: Trigger, currency: str) -> Iterator[Words]:
    """How a customer enters, who may, under which rules, what ends it, what it is for, and how it is shared
    out.
    """
    said = {
        "Enters": trigger.when.words(currency),
        "Audience": "" if trigger.audience is None else trigger.audience.text,
        "Rules": " · ".join(part for part in _rules(trigger) if part),
        "Ends": f"on {any_of(trigger.exits)}" if trigger.exits else "",
        "Goal": "" if trigger.goal is None else goal_words(trigger.goal),
        "Split": split_words(trigger),
    }
    yield from (
        (JourneyWord(f"{name} ", "name"), JourneyWord(words)) for name, words in said.items() if words
    )


def _rules(trigger: Trigger) -> Iterator[str]:
    yield f"purpose {trigger.purpose}"
    yield f"priority {trigger.priority}"
    yield {ALWAYS: "", NEVER: "once in a lifetime"}.get(
        trigger.reentry, f"again after {format_duration(trigger.reentry)}"
    )
    yield f"{trigger.holdout:.0%} kept out to measure" if trigger.holdout else ""
    yield f"tags {' '.join(sorted(trigger.tags))}" if trigger.tags else ""


def split_words(trigger: Trigger) -> str:
    """`50 % plain, 50 % offer`; empty where there is no split."""
    return ", ".join(f"{share * 100:g} % {name}" for name, share in trigger.split)


def goal_words(goal: Goal) -> str:
    """What reaches the goal, and what that does."""
    where = f" where {goal.where.text}" if goal.where is not None else ""
    end = ", which ends it" if goal.exit else ""
    return f"{any_of(goal.events)}{where} within {format_duration(goal.within)}{end}"


# ---- one step ----


def of_step(number: int, step: Step, trigger: Trigger) -> Iterator[Words]:
    """A step with its ways, what full limits do to it, and what may be sent in its place."""
    when = f"{format_duration(step.after)} later" if step.after else "at once"
    named = f"{step.name}: " if step.name else ""
    yield (
        JourneyWord(f"{number}. ", "mark"),
        JourneyWord(named, "name"),
        JourneyWord(f"{when} over "),
        *_message(step),
    )
    for words in ways(step, trigger):
        yield (JourneyWord(f"   {words}", "aside"),)
    yield (JourneyWord(f"   {' · '.join(_handling(step, trigger))}", "aside"),)
    for place, other in places(step):
        if place:
            yield JourneyWord(f"   {place}: ", "mark"), JourneyWord("over "), *_message(other)
        if place.startswith("else"):
            yield from ((JourneyWord(f"      {words}", "aside"),) for words in ways(other, trigger))


def _message(step: Step) -> Words:
    channels = " and ".join(step.channels) if step.mode == "all" else ", else ".join(step.channels)
    return JourneyWord(channels, "name"), JourneyWord(f" · template {step.template}")


def _handling(step: Step, trigger: Trigger) -> Iterator[str]:
    yield LIMITS[step.on_limit]
    yield f"expires after {format_duration(step.expires)}"
    if step.prefer:
        yield "her preferred channel first"
    if step.digest:
        yield "shares a message with others of its instant"
    approval = step.approval or trigger.approval
    if approval is not None:
        over = approval.batches_over
        yield "needs approval" if over is None else f"batches over {over:,} need approval"


def wait_words(wait: Wait, trigger: Trigger) -> str:
    """What a step waits for, how long, and what happens then."""
    where = f" where {wait.where.text}" if wait.where is not None else ""
    then = "sent all the same" if wait.sends else _skipped(wait.goes_to, trigger)
    return f"waits up to {format_duration(wait.timeout)} for {any_of(wait.events)}{where}, else {then}"


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
    """What may be sent at a step, the step itself first under an empty name: `for offer`, `else`, `else
    else`.
    """
    yield "", step
    for name, other in step.by_variant:
        yield f"for {name}", other
    place, inner = "else", step.otherwise
    while inner is not None:
        yield place, inner
        place, inner = f"{place} else", inner.otherwise
