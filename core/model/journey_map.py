"""A trigger's journey in numbers: who entered within a span, by day, and what became of them at each step.
Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.instants import Instant


@dataclass(slots=True)
class JourneyStep:
    """What became of those who came to one step, each counted once, by where they stand now."""

    standing: int = 0
    """They wait before it."""
    pending: int = 0
    """Its message is made and not handed over yet."""
    sent: int = 0
    goal: int = 0
    """They had reached the goal, and so got nothing more."""
    never: int = 0
    """It is not sent to them, for another reason."""

    @property
    def came(self) -> int:
        """All who came to it."""
        return self.standing + self.pending + self.sent + self.goal + self.never


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
