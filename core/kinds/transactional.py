"""An act within a transaction: a basket left, an order completed, shipped, refunded or returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.kinds import Cause, EventKind, cause_of
from core.model.events import Event
from core.model.triggers import Trigger

if TYPE_CHECKING:
    from core.engine.state import CustomerState


class Transactional(EventKind):
    """Fires on each event of the name for which `where` holds."""

    name = "transactional"

    def on_event(self, trigger: Trigger, event: Event, state: CustomerState, before: Any) -> Cause | None:
        """The event itself."""
        where = trigger.when.where
        if where is not None and not where.holds(state.facts(event)):
            return None
        return cause_of(trigger, event)


KIND = Transactional()
