"""The first screen: whether the engine runs, what goes out today, what needs somebody, and how much the
customers bear.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from core.health import Health
from core.instants import Instant
from core.model.audit import OperatorAct
from core.model.outbox import TodayFigure
from screens.ports import Cancelled
from screens.ports.pauses import PauseView


@dataclass(frozen=True, slots=True)
class Engine:
    """How the engine is doing."""

    version: int
    """Of the playbook in force; 0 where none was applied yet."""
    leader: str | None
    """The scheduler that leads, as HOST:PID:START; None where none does."""
    leader_since: Instant | None
    last_tick: Instant | None
    last_dispatch: Instant | None
    due: int
    """Customers whose instant has come or who are to be planned anew, `to_plan_anew` of them the latter."""
    to_plan_anew: int
    events_waiting: int
    stopped: PauseView | None
    """The emergency stop."""

    @property
    def decided_until(self) -> Instant:
        """What falls due later is not decided yet."""
        return -1 if self.last_tick is None else self.last_tick


@dataclass(frozen=True, slots=True)
class ChannelToday:
    """What a channel has handed over today, what is due or on its way in its outbox for today, what waits for
    an approval or is held whenever it was planned for, and how much it takes a day.
    """

    channel: str
    sent: int
    waiting: int
    held: int
    capacity: int | None
    to_approve: int = 0


@dataclass(frozen=True, slots=True)
class NextSteps:
    """A trigger's next step of somebody under way, and for how many that step falls due within a day."""

    trigger: str
    at: Instant
    step: int
    within_a_day: int


@dataclass(frozen=True, slots=True)
class Written:
    """The numbers of the rows that were written last, by which sums that are dear to read are carried on."""

    events: int = 0
    decisions: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """Everything that is quick to say, in one snapshot at `at`."""

    at: Instant
    engine: Engine
    today: tuple[ChannelToday, ...]
    paused: Mapping[str, PauseView]
    """By what is paused, as `core.model.triggers.Pause.trigger` has it, in that order."""
    health: Health
    """By the judgement that `manometer status` prints, the books left out."""
    soon: tuple[NextSteps, ...]
    acts: tuple[OperatorAct, ...]
    written: Written = Written()


@dataclass(frozen=True, slots=True)
class Pulse:
    """When the engine last ticked and dispatched, as of an instant."""

    at: Instant
    last_tick: Instant | None
    last_dispatch: Instant | None


@dataclass(frozen=True, slots=True)
class BaseGauge:
    """The customer base against a limit on contacts that holds for everybody."""

    at: Instant
    rule: str
    limit: int
    window: str
    customers: int
    contacts: Mapping[int, int]
    """Contacts in the window of now -> customers, from one contact on."""
    rules: tuple[str, ...] = ()
    """Every rule that such a gauge can show, the tightest first."""


@dataclass(frozen=True, slots=True)
class DayAhead:
    """What the engine would decide within a day if nothing new happened."""

    at: Instant
    customers: int
    sends: Mapping[str, tuple[Instant, ...]] | None
    """By channel, until the end of today, in order; None where too many customers are due to look ahead at
    each of them.
    """
    first: Mapping[str, tuple[Instant, int]]
    """Trigger -> its first decision to send within a day, and how many there are."""


@dataclass(frozen=True, slots=True)
class Books:
    """Whether every event, decision and message is accounted for."""

    at: Instant
    balance: bool
    events: int
    decisions: int
    messages: int
    written: Written = Written()
    """When they were added up."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """What waits for somebody's word although nothing is broken."""

    conflicts: int
    """Of identities, as the list of who is who has them."""
    unconverted: Mapping[str, int]
    """Amounts that no rate fits and no sum counts, by currency."""


class OverviewPort(Protocol):
    """The questions of the first screen, the cheap ones first."""

    def page(self, cancelled: Cancelled) -> OverviewPage:
        """What is quick to say."""
        ...

    def pulse(self, cancelled: Cancelled) -> Pulse:
        """Whether the engine still ticks; costs nothing."""
        ...

    def gauge(self, rule: str | None, cancelled: Cancelled) -> BaseGauge | None:
        """The named rule's, or the tightest one's. Reads one window of contacts; None where no rule limits
        the contacts of everybody.
        """
        ...

    def customers_with(self, rule: str, contacts: range, cancelled: Cancelled) -> array[int]:
        """The rows of the customers who have so many contacts in the rule's window of now, as `gauge` counts
        them.
        """
        ...

    def messages(self, channel: str, figure: TodayFigure, cancelled: Cancelled) -> array[int]:
        """The messages that a number of the table of today counts."""
        ...

    def ahead(self, cancelled: Cancelled) -> DayAhead:
        """Plays the customers who are due within a day, where they are few enough to be quick."""
        ...

    def undecided(self, cancelled: Cancelled) -> Undecided:
        """Reads every identity that several people say, and every customer that was merged."""
        ...

    def books(self, cancelled: Cancelled) -> Books:
        """Reads every decision and message: seconds on a large database."""
        ...

    def confirm_clock(self, reason: str) -> str:
        """Say that this machine's clock is right; what was done, in words. ManometerError where the console
        is for reading only.
        """
        ...
