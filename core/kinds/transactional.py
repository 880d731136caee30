"""An act within a transaction: a basket left, an order completed, shipped, refunded or returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from core.kinds._events import EventKind, warn_of_own_event
from core.kinds._kind import WhenReader
from core.model.events import Event
from core.model.when import Cause, PlayedCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactional(EventKind):
    """Fires on each event of the name for which `where` holds."""

    kind: ClassVar[str] = "transactional"
    keys: ClassVar[tuple[str, ...]] = ("event", "where", "after", "unless", "per", "restart")
    place: ClassVar[int] = 1

    @classmethod
    def read(cls, table: WhenReader) -> Self:
        """The kind as a table has it."""
        when = cls(
            events=table.event_name(),
            where=table.condition("where"),
            after=table.duration("after") or 0,
            unless=table.event_names("unless"),
            per=table.text("per"),
            restart=table.switch("restart", False),
        )
        warn_of_own_event(table, when)
        return when

    def on_event(self, event: Event, customer: PlayedCustomer, before: Any) -> Cause | None:
        """The event itself."""
        return self.cause_of(event) if self.matches(event, customer) else None


KIND = Transactional
