"""What the screens ask and what they get: ports that the composition root fills. No screen knows a database.

Each noun has its file: the values that a screen shows, and a Protocol of the questions and acts that give
them. Every method of those runs in a worker thread, never in the one that draws. A question takes
`cancelled`, asks it now and then, and ends with `CancelledError` where it says yes; whatever else goes wrong
is a ManometerError with a sentence for people. Instants are milliseconds UTC, money minor units of the
workspace's currency, points thousandths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from core.instants import Instant

if TYPE_CHECKING:  # they name what stands here
    from screens.ports.backtest import BacktestPort
    from screens.ports.customers import CustomersPort
    from screens.ports.decisions import DecisionsPort
    from screens.ports.exports import ExportsPort
    from screens.ports.outbox import OutboxPort
    from screens.ports.overview import OverviewPort
    from screens.ports.pressure import PressurePort
    from screens.ports.triggers import TriggersPort
    from screens.ports.what_if import WhatIfPort
    from screens.ports.why import WhyPort

Cancelled: TypeAlias = Callable[[], bool]
"""Whether nobody waits for the answer any more."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told how many are done, of how many in all."""


class CancelledError(Exception):
    """The question was given up; there is no answer."""


@dataclass(frozen=True, slots=True)
class WorkspacePlace:
    """Where the console stands: what every screen shows of the workspace."""

    workspace: str
    zone: ZoneInfo
    currency: str
    author: str
    simulated: bool
    """The clock is the workspace's own, as in a replay; it goes with its ticks."""
    read_only: str | None
    """Why nothing can be changed; None where it can."""
    consent_assumed: bool
    """Consent is assumed, not recorded: test data only."""
    stopped: bool = False
    """The emergency stop is on."""


class Service(Protocol):
    """Everything the screens can ask; see the files beside this one for the parts."""

    @property
    def place(self) -> WorkspacePlace:
        """Where the console stands."""
        ...

    @property
    def customers(self) -> CustomersPort:
        """Customers, found and in full."""
        ...

    @property
    def why(self) -> WhyPort:
        """Why a customer got something, or nothing."""
        ...

    @property
    def overview(self) -> OverviewPort:
        """How the engine and the customer base are doing."""
        ...

    @property
    def pressure(self) -> PressurePort:
        """Contact pressure ahead of time."""
        ...

    @property
    def what_if(self) -> WhatIfPort:
        """Rules that are only tried."""
        ...

    @property
    def backtests(self) -> BacktestPort:
        """Triggers tried on the past."""
        ...

    @property
    def triggers(self) -> TriggersPort:
        """Triggers, and pausing."""
        ...

    @property
    def decisions(self) -> DecisionsPort:
        """The log of what was decided."""
        ...

    @property
    def outbox(self) -> OutboxPort:
        """Messages, and what operators decide about them."""
        ...

    @property
    def exports(self) -> ExportsPort:
        """Files that people take away."""
        ...

    def now(self) -> Instant:
        """The instant that the screens are about: the simulated clock where there is one, else now."""
        ...

    def version(self) -> int:
        """A number that changes whenever any process has written; cheap enough to be asked twice a second,
        from one thread at a time.
        """
        ...

    def close(self) -> None:
        """Give back what is open; questions still under way end with an error."""
        ...
