"""The explanation of one trigger beside others of the same customer, as they are listed."""

from __future__ import annotations

from dataclasses import dataclass

from core.explain.why import Check, Explanation
from core.instants import Instant


@dataclass(frozen=True, slots=True)
class TriggerExplanation:
    """One trigger's explanation for a customer, and when it was last decided, in ms UTC."""

    trigger: str
    title: str
    status: str
    explanation: Explanation
    since: Instant | None

    @property
    def stop(self) -> Check | None:
        """The first check that does not hold now; None where nothing stands against a message."""
        return next((check for check in self.explanation.trace if not check.holds), None)
