"""A trigger in words, line by line: what makes a customer enter, each step with its ways, and what ends the
journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from core.instants import format_duration
from core.model.triggers import ALWAYS, NEVER, OVER, Goal, Step, Trigger, Wait, When

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
        "Enters": entry_words(trigger.when, currency),
        "Audience": "" if trigger.audience is None else trigger.audience.text,
        "Rules": " · ".join(part for part in _rules(trigger) if part),
        "Ends": f"on {_or(trigger.exits)}" if trigger.exits else "",
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


def entry_words(when: When, currency: str = "") -> str:
    """When a customer enters, as a sentence without its end."""
    if when.kind == "recurring":
        return _recurring(when)
    if when.kind == "threshold":
        return _threshold(when, currency)
    words = f"when {_occurrence(when)}"
    if when.where is not None:
        words += f", where {when.where.text}"
    if when.after:
        words += f"; {format_duration(when.after)} later"
    if when.unless:
        words += f", unless {_or(when.unless)} came"
    return words + (f"; once for each {when.per}" if when.per else "")


def _occurrence(when: When) -> str:
    if when.change is not None:
        return _rhythm(when, when.change)
    many = f" {when.at_least} times" if when.at_least > 1 else ""
    return f"{_or(when.events)} comes{many}{'' if when.within is None else f' within {format_duration(when.within)}'}"


def _rhythm(when: When, change: float) -> str:
    known = f", known from at least {when.at_least} intervals" if when.at_least > 1 else ""
    if change > 1:
        return f"{change:g} times her usual interval has passed since {_or(when.events)}{known}"
    return f"{_or(when.events)} comes after at most {change:g} times her usual interval{known}"


def _recurring(when: When) -> str:
    days = (
        f"{abs(when.offset_days)} days {'before' if when.offset_days < 0 else 'after'} "
        if when.offset_days
        else ""
    )
    years = (
        f", in year {', '.join(str(year) for year in sorted(when.years))}" if when.years else " every year"
    )
    return f"{days or 'on '}{when.date} at {when.at[0]:02d}:{when.at[1]:02d}{years}"


def _threshold(when: When, currency: str) -> str:
    if when.inactive_for is not None:
        return (
            f"after {format_duration(when.inactive_for)} without {_or(when.activity) or 'any sign of life'}"
        )
    money = when.metric in ("revenue", "revenue_gross")
    mark = f"{currency} {(when.reaches or 0) / 100:,.2f}" if money else f"{when.reaches or 0:,g}"
    within = "" if when.within is None else f" within {format_duration(when.within)}"
    of = f" of {when.metric_event}" if when.metric_event else ""
    return f"when {when.metric}{of} reaches {mark}{within}"


def _or(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))


def split_words(trigger: Trigger) -> str:
    """`50 % plain, 50 % offer`; empty where there is no split."""
    return ", ".join(f"{share * 100:g} % {name}" for name, share in trigger.split)


def goal_words(goal: Goal) -> str:
    """What reaches the goal, and what that does."""
    where = f" where {goal.where.text}" if goal.where is not None else ""
    return f"{_or(goal.events)}{where} within {format_duration(goal.within)}{', which ends it' if goal.exit else ''}"


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
    return f"waits up to {format_duration(wait.timeout)} for {_or(wait.events)}{where}, else {then}"


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
