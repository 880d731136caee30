"""Everything the screens can ask, as one value that the composition root fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from core.instants import Instant
from screens.ports import WorkspacePlace

if TYPE_CHECKING:  # what a screen does not ask for is not imported
    from screens.ports.audit import AuditPort
    from screens.ports.backtest import BacktestPort
    from screens.ports.customers import CustomersPort
    from screens.ports.decisions import DecisionsPort
    from screens.ports.editing import EditingPort
    from screens.ports.exports import ExportsPort
    from screens.ports.journeys import JourneysPort
    from screens.ports.messages import MessagesPort
    from screens.ports.outbox import OutboxPort
    from screens.ports.overview import OverviewPort
    from screens.ports.people import PeoplePort
    from screens.ports.pressure import PressurePort
    from screens.ports.quarantine import QuarantinePort
    from screens.ports.segments import SegmentsPort
    from screens.ports.suppressions import SuppressionsPort
    from screens.ports.triggers import TriggersPort
    from screens.ports.ways import WaysPort
    from screens.ports.what_if import WhatIfPort
    from screens.ports.why import WhyPort


class Service(Protocol):
    """Everything the screens can ask; the files beside this one have the parts."""

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
    def editing(self) -> EditingPort:
        """Files that are changed in a copy."""
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
    def messages(self) -> MessagesPort:
        """Messages to read, and proofs of them."""
        ...

    @property
    def people(self) -> PeoplePort:
        """Who is who, and what operators decide of it."""
        ...

    @property
    def suppressions(self) -> SuppressionsPort:
        """Addresses that are not written to, and what operators add and lift."""
        ...

    @property
    def quarantine(self) -> QuarantinePort:
        """What is set aside because working on it failed."""
        ...

    @property
    def audit(self) -> AuditPort:
        """What operators did."""
        ...

    @property
    def ways(self) -> WaysPort:
        """Channels and sources."""
        ...

    @property
    def segments(self) -> SegmentsPort:
        """Named audiences, and those of triggers."""
        ...

    @property
    def journeys(self) -> JourneysPort:
        """Journeys as maps with numbers."""
        ...

    @property
    def exports(self) -> ExportsPort:
        """Files that people take away."""
        ...

    def take_commands(self) -> Sequence[str]:
        """The command lines of what was carried out since this was asked last; each gives the same state when
        it is run.
        """
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
