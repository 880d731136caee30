"""Contact pressure ahead of time: the preview as the screens show it, and the decisions behind each of its
numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from core.forecast.diff import Diff
from core.forecast.preview import ChannelDemand, Totals
from core.forecast.preview_filter import PreviewFilter
from core.forecast.what_if import PlaybookChange
from core.instants import Instant
from screens.ports import Cancelled, Progress

Future = Literal["known", "replay", "as-it-was"]
"""Nothing new happens, the last week happens again, or what came in as many days before now."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """What is taken to be otherwise than it is: other rules, another future, or a draft alone as if it were
    active.
    """

    changes: tuple[PlaybookChange, ...] = ()
    future: Future = "known"
    trigger: str | None = None
    """Only this trigger's decisions."""
    words: tuple[str, ...] = field(default=(), compare=False)
    """What is otherwise, in words with what it is now."""

    @property
    def is_what_if(self) -> bool:
        """Whether anything is supposed that is not so."""
        return bool(self.changes) or self.future != "known"


PRESENT = Supposed()


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A rule with a limit: so many contacts, or thousandths of a point, in its window."""

    rule: str
    limit: int
    unit: str
    window: str
    for_all: bool
    """Whether it holds for every customer."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What (first, last] would bring, under the playbook in force if nothing new happened unless something
    else is supposed.
    """

    number: int
    """Which run of this console it is; of its sort (present, what if, one trigger) the newest alone can be
    asked about.
    """
    first: Instant
    last: Instant
    days: int
    playbook: int
    """Version; 0 for files that were not applied yet."""
    totals: Totals
    channels: tuple[str, ...]
    capacities: Mapping[str, int]
    """So many a day, for the channels that have such a capacity."""
    limits: tuple[LimitLine, ...]
    supposed: Supposed = PRESENT
    diff: Diff | None = None
    """The rules in force against the changed ones; None where none are changed."""
    limits_before: tuple[LimitLine, ...] = ()
    asked: tuple[ChannelDemand, ...] = ()
    """What channels with a capacity are asked for, by channel and day."""


@dataclass(frozen=True, slots=True)
class Since:
    """What was written after a forecast's snapshot, of what it depends on."""

    events: int
    decisions: int
    acts: int
    """Of operators."""
    playbook: bool
    """Whether another playbook is in force."""

    def __bool__(self) -> bool:
        return self.playbook or bool(self.events or self.decisions or self.acts)


@dataclass(frozen=True, slots=True)
class ForecastDecision:
    """One decision of a forecast, as it is listed."""

    id: int
    at: Instant
    customer_id: int
    customer: str
    name: str
    trigger: str
    step: int
    channel: str | None
    outcome: str
    reason: str | None
    until: Instant | None
    imagined: bool = False
    """It comes of something that is only imagined to happen again."""
    message: int | None = None
    """The message that waits in the outbox for it, where it was decided already."""


class PressurePort(Protocol):
    """The questions of the pressure screen."""

    @property
    def last(self) -> Forecast | None:
        """The newest forecast that was finished."""
        ...

    def run(
        self, days: int, cancelled: Cancelled, progress: Progress, supposed: Supposed = PRESENT
    ) -> Forecast:
        """Look so many days of 24 hours ahead, or back at as many as they came. One that is cancelled leaves
        the last as it was.
        """
        ...

    def since(self, forecast: Forecast, cancelled: Cancelled) -> Since:
        """What has happened since its snapshot."""
        ...

    def ids(self, forecast: Forecast, behind: PreviewFilter, cancelled: Cancelled) -> array[int]:
        """Numbers of the decisions, by instant, customer and rank."""
        ...

    def rows(
        self, forecast: Forecast, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, ForecastDecision]:
        """Decisions by number."""
        ...

    def why(self, forecast: Forecast, id: int, cancelled: Cancelled) -> str:
        """One decision in words, with what filled the windows."""
        ...

    def taken(self, name: str, cancelled: Cancelled) -> str | None:
        """What is kept under the name already, in words; None where nothing is. ManometerError where it is no
        name.
        """
        ...

    def keep(
        self, forecast: Forecast, name: str, note: str | None, replace: bool, cancelled: Cancelled
    ) -> tuple[str, int]:
        """Keep the forecast under the name, as `preview --save` does; its path, and how many decisions are in
        it.
        """
        ...

    def export(self, forecast: Forecast, behind: PreviewFilter, cancelled: Cancelled) -> tuple[str, int]:
        """Write the decisions to a new CSV file that spreadsheets read as text; its path, and how many there
        are.
        """
        ...
