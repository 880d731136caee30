"""A trigger's journey in numbers: who entered within a span, by day, and what became of them at each step.
Instants are ms UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.instants import Instant
from core.model.fates import Fate


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """What became of those who came to one step, each counted once, by where they stand now: who waits before
    it is `later`.
    """

    fates: Counter[Fate] = field(default_factory=Counter)

    @property
    def came(self) -> int:
        """All who came to it."""
        return self.fates.total()

    @property
    def went_on(self) -> int:
        """Who should come to the next step: all but those who wait before this one, or reached the goal."""
        return self.came - self.fates[Fate.LATER] - self.fates[Fate.GOAL_REACHED]


@dataclass(frozen=True, slots=True)
class JourneyMap:
    """Those who entered a trigger in (since, at]."""

    since: Instant
    at: Instant
    days: Sequence[tuple[date, int]]
    """Entries of each local day, those kept out aside, the oldest day first; days of none are there too."""
    steps: Mapping[int, JourneyStep] = field(default_factory=dict)
    variants: Mapping[str, int] = field(default_factory=dict)
    holdout: int = 0
    """Kept out on purpose."""
    under_way: int = 0
    reached: int = 0
    """Who reached the goal."""

    @property
    def entered(self) -> int:
        """All who entered, those kept out aside."""
        return sum(number for _, number in self.days)
