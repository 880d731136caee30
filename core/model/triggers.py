"""What a trigger file says, as values: when it fires, for whom, and the journey of steps that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from core.instants import Instant, Millis
from core.model.predicate import Predicate
from core.model.when import When

Status = Literal["draft", "active", "retired"]
OnLimit = Literal["defer", "drop", "fallback"]
Mode = Literal["first", "all"]
OnChange = Literal["finish", "move", "leave"]

ALWAYS: Millis = 0
NEVER: Millis = -1
OVER: Final = 0
"""In place of a step's number: the end of the journey."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a step waits for before it is decided: one of these events within `timeout` of its planned
    instant.
    """

    events: frozenset[str]
    timeout: Millis
    where: Predicate | None = None
    sends: bool = False  # decide the step all the same where none came
    goes_to: int | None = None  # else on to the step of that number, or OVER; None: the next


@dataclass(frozen=True, slots=True)
class Goal:
    """What the journey is for; with `exit` reaching it ends the journey."""

    events: frozenset[str]
    within: Millis  # since the entry
    where: Predicate | None = None
    exit: bool = True


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody has to approve before it goes out: each message, or batches over a number of them."""

    batches_over: int | None = None
    """The number of messages up to which a batch goes out unasked; None: each message waits."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a journey: over which channels, how long after the previous one, and until when.

    Steps are named by their numbers, from 1; jumps go forward only.
    """

    channels: tuple[str, ...]
    template: str
    after: Millis = 0
    expires: Millis = 7 * 86_400_000
    only_if: Predicate | None = None
    on_limit: OnLimit = "defer"
    mode: Mode = "first"
    approval: Approval | None = None
    weight: int | None = None  # thousandths of a point; None: the channel's
    prefer: bool = False  # whether the customer's preferred channel comes first
    digest: bool = False  # whether it may share a message with another step of the same instant
    name: str | None = None
    otherwise: Step | None = None  # what is sent instead where `only_if` does not hold
    else_to: int | None = None  # or where the journey goes on then, or OVER; None: the next step
    then: int | None = None  # where it goes on after the step was decided, or OVER; None: the next step
    wait: Wait | None = None
    variants: frozenset[str] = frozenset()  # only for these; empty: for all
    by_variant: tuple[tuple[str, Step], ...] = ()  # the step as it is for some of them

    def contents(self) -> Iterator[Step]:
        """All that may be sent at this step: itself, what it is for a variant, and what its `else` says."""
        yield self
        for _, other in self.by_variant:
            yield other
        if self.otherwise is not None:
            yield from self.otherwise.contents()

    def going_to(self, then: int | None) -> Step:
        """The same, and what its `else` says, with the journey going on there."""
        otherwise = None if self.otherwise is None else self.otherwise.going_to(then)
        return replace(self, then=then if self.then is None else self.then, otherwise=otherwise)

    def is_for(self, variant: str | None) -> bool:
        """Whether the step belongs to the journey of a variant."""
        return not self.variants or variant in self.variants


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger file, checked and complete."""

    name: str
    title: str
    purpose: str
    when: When
    steps: tuple[Step, ...]
    status: Status = "draft"
    priority: int = 50
    audience: Predicate | None = None
    holdout: float = 0.0
    reentry: Millis = ALWAYS  # NEVER, ALWAYS, or the least time since the last entry
    max_age: Millis = 86_400_000
    tags: frozenset[str] = frozenset()
    exits: frozenset[str] = frozenset()
    approval: Approval | None = None
    on_change: OnChange = "move"  # what happens to customers under way when this definition takes effect
    activated_at: Instant | None = None  # since when it is in force; instants before it do not fire
    goal: Goal | None = None
    split: tuple[tuple[str, float], ...] = ()  # variants and their shares, which add up to 1

    def contents(self) -> Iterator[Step]:
        """All that may be sent on the way."""
        for step in self.steps:
            yield from step.contents()
