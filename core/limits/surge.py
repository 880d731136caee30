"""The blast-radius stop: how many messages of one trigger go out at most before somebody has looked. Instants
are ms UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class SurgeLimits:
    """A trigger is held that would send more than `times` its forecast of a day, if that is more than
    `least`, or more than so many within an hour.
    """

    times: float = 5.0
    least: int = 1_000
    per_hour: int | None = None
    per_hour_of: Mapping[str, int] = field(default_factory=dict)
    """By trigger, instead of `per_hour`."""

    def of_hour(self, trigger: str) -> int | None:
        """How many of a trigger may go within an hour; None: any number."""
        return self.per_hour_of.get(trigger, self.per_hour)

    def of_day(self, forecast: int) -> int:
        """How many may go on a day for which so many were foreseen."""
        return max(self.least, int(self.times * forecast))


USUAL_SURGE: Final = SurgeLimits()


@dataclass(frozen=True, slots=True)
class SurgeBound:
    """A trigger may send so many from an instant on; more of them are held for the reason."""

    trigger: str
    most: int
    since: Instant
    reason: str
