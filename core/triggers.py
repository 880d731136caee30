"""What a trigger file says, as values: when it fires, for whom, and the journey of steps that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.instants import Instant, Millis
from core.predicate import Predicate

Status = Literal["draft", "active", "retired"]
OnLimit = Literal["defer", "drop", "fallback"]
Mode = Literal["first", "all"]
PausePolicy = Literal["skip", "overdue", "shift", "restart"]

ALWAYS: Millis = 0
NEVER: Millis = -1


@dataclass(frozen=True, slots=True)
class When:
    """The `[when]` table of any kind; fields a kind does not know stay at their defaults.

    Instants and durations in milliseconds; `reaches` in the unit of `metric`: minor units for money, else a plain number.
    """

    kind: str
    events: frozenset[str] = frozenset()
    where: Predicate | None = None
    after: Millis = 0
    unless: frozenset[str] = frozenset()
    per: str | None = None
    at_least: int = 1
    within: Millis | None = None
    change: float | None = None
    date: str | None = None
    offset_days: int = 0
    offset: Millis = 0  # what `offset` says beyond whole days
    at: tuple[int, int] = (9, 0)  # local hour and minute
    years: frozenset[int] = frozenset()  # empty: every year
    metric: str | None = None
    metric_event: str | None = None
    metric_property: str | None = None
    reaches: int | float | None = None
    inactive_for: Millis | None = None
    activity: frozenset[str] = frozenset()  # empty: any activity
    on_activation: Literal["ignore", "enrol"] = "ignore"


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a journey: over which channels, how long after the previous one, and until when."""

    channels: tuple[str, ...]
    template: str
    after: Millis = 0
    expires: Millis = 7 * 86_400_000
    only_if: Predicate | None = None
    on_limit: OnLimit = "defer"
    mode: Mode = "first"
    approval: bool | int = False
    weight: int | None = None  # thousandths of a point; None: the channel's
    prefer: bool = False  # whether her preferred channel comes first
    digest: bool = False  # whether it may share a message with another step of the same instant


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
    approval: bool | int = False
    activated_at: Instant | None = None  # since when it is in force; instants before it do not fire


@dataclass(frozen=True, slots=True)
class Pause:
    """A span in which a trigger (or everything, under the name `*`) holds; `until` is open while it lasts."""

    trigger: str
    since: Instant
    until: Instant | None = None
    policy: PausePolicy = "skip"
    transactional: bool = False  # an emergency stop that holds transactional messages too

    def holds(self, at: Instant) -> bool:
        """Whether the pause is on at the instant; its end is the first instant that is free again."""
        return self.since <= at and (self.until is None or at < self.until)


EVERYTHING = "*"
