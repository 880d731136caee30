"""Named audiences and those of triggers: counted, compared, and who came and went. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.instants import Instant
from core.model.audiences import AudienceChanges, AudienceLine, AudienceOverlap
from screens.ports import Cancelled
from screens.ports.customers import CustomerLine


@dataclass(frozen=True, slots=True)
class AudiencesPage:
    """All of them, uncounted, and how many customers there are."""

    at: Instant
    lines: Sequence[AudienceLine]
    customers: int


class SegmentsPort(Protocol):
    """What is asked of audiences; all of it is of customers as of now."""

    def page(self, cancelled: Cancelled) -> AudiencesPage:
        """All of them; costs nothing to speak of."""
        ...

    def count(self, line: AudienceLine, cancelled: Cancelled) -> int:
        """How many customers are in one; may take seconds."""
        ...

    def overlap(self, one: AudienceLine, other: AudienceLine, cancelled: Cancelled) -> AudienceOverlap:
        """How many are in each of two, and in both."""
        ...

    def changes(
        self, line: AudienceLine, since: Instant, cancelled: Cancelled, tell: Callable[[int, int], None]
    ) -> AudienceChanges:
        """Who came and went since an instant; may take minutes, and `tell` hears how many of how many
        customers were looked at.
        """
        ...

    def customers(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        """Customers by their rows."""
        ...
