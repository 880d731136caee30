"""The journey of a trigger as a map with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.model.journey_map import JourneyMap
from core.model.triggers import Trigger
from screens.ports import Cancelled


@dataclass(frozen=True, slots=True)
class JourneyView:
    """The trigger as it is in force, and the numbers of those who entered within a span."""

    trigger: Trigger
    found: JourneyMap
    enters: str = ""
    """When a customer enters, in words."""


class JourneysPort(Protocol):
    """What is asked of journeys."""

    def view(self, trigger: str, days: int, cancelled: Cancelled) -> JourneyView:
        """Of those who entered within so many days; ManometerError where there is no such trigger."""
        ...
