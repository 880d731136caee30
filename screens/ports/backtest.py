"""A trigger tried on the past: what it would have sent, what would have held it back, what it would have
pushed aside.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.forecast.backtest import Backtested
from core.forecast.preview_filter import PreviewFilter
from core.instants import Instant
from screens.ports import Cancelled, Progress
from screens.ports.pressure import ForecastDecision


@dataclass(frozen=True, slots=True)
class Tried:
    """A trigger in (first, last], as if it had been active."""

    number: int
    """Which backtest of this console it is; the newest alone can be asked about."""
    trigger: str
    first: Instant
    last: Instant
    days: int
    sums: Backtested


class BacktestPort(Protocol):
    """What is asked of the past."""

    def run(self, trigger: str, days: int, cancelled: Cancelled, progress: Progress) -> Tried:
        """Try it on so many days of 24 hours before now. One that is cancelled leaves the last as it was."""
        ...

    def ids(self, tried: Tried, behind: PreviewFilter, cancelled: Cancelled) -> array[int]:
        """Numbers of its decisions, by instant."""
        ...

    def rows(self, tried: Tried, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ForecastDecision]:
        """These of them."""
        ...
