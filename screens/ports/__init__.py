"""What the screens ask and what they get: ports that the composition root fills. No screen knows a database.

Each noun has its file: the values that a screen shows, and a Protocol of the questions and acts that give them. Every method of those
runs in a worker thread, never in the one that draws. A question takes `cancelled`, asks it now and then, and ends with `CancelledError`
where it says yes; whatever else goes wrong is a ManometerError with a sentence for people. Instants are milliseconds UTC, money minor
units of the workspace's currency, points thousandths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from core.instants import Instant

if TYPE_CHECKING:  # they name what stands here
    from screens.ports.backtest import Backtests
    from screens.ports.customers import Customers
    from screens.ports.decisions import Decisions
    from screens.ports.exports import Exports
    from screens.ports.outbox import Outbox
    from screens.ports.overview import Overview
    from screens.ports.pressure import Pressure
    from screens.ports.triggers import Triggers
    from screens.ports.what_if import WhatIf
    from screens.ports.why import Why

Cancelled: TypeAlias = Callable[[], bool]
"""Whether nobody waits for the answer any more."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told how many are done, of how many in all."""


class CancelledError(Exception):
    """The question was given up; there is no answer."""


@dataclass(frozen=True, slots=True)
class Place:
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
    def place(self) -> Place:
        """Where the console stands."""
        ...

    @property
    def customers(self) -> Customers:
        """Customers, found and in full."""
        ...

    @property
    def why(self) -> Why:
        """Why a customer got something, or nothing."""
        ...

    @property
    def overview(self) -> Overview:
        """How the engine and the customer base are doing."""
        ...

    @property
    def pressure(self) -> Pressure:
        """Contact pressure ahead of time."""
        ...

    @property
    def what_if(self) -> WhatIf:
        """Rules that are only tried."""
        ...

    @property
    def backtests(self) -> Backtests:
        """Triggers tried on the past."""
        ...

    @property
    def triggers(self) -> Triggers:
        """Triggers, and pausing."""
        ...

    @property
    def decisions(self) -> Decisions:
        """The log of what was decided."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Messages, and what operators decide about them."""
        ...

    @property
    def exports(self) -> Exports:
        """Files that people take away."""
        ...

    def now(self) -> Instant:
        """The instant that the screens are about: the simulated clock where there is one, else now."""
        ...

    def version(self) -> int:
        """A number that changes whenever any process has written; cheap enough to be asked twice a second, from one thread at a time."""
        ...

    def close(self) -> None:
        """Give back what is open; questions still under way end with an error."""
        ...
