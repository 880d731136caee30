"""What is counted and listed of the database for people. Instants are ms UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from core.model.fates import Fate, fate_of, why_never


@dataclass(frozen=True, slots=True)
class JourneyCount:
    """How many customers of one variant, without one, or kept out entered, are under way, and reached the
    goal.
    """

    variant: str | None
    is_holdout: bool
    entered: int
    under_way: int
    reached: int


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How often something was decided for a reason, with what has become of the messages."""

    outcome: str
    reason: str | None
    number: int
    message_state: str | None = None
    message_reason: str | None = None
    is_paused: bool = False

    @property
    def fate(self) -> Fate:
        """What has become of it."""
        return fate_of(
            self.outcome, self.reason, self.message_state, self.message_reason, is_paused=self.is_paused
        )

    @property
    def why(self) -> str | None:
        """The reason that tells: the message's, where there is a message."""
        return why_never(self.reason, self.message_state, self.message_reason)


def fates_of(counts: Iterable[OutcomeCount]) -> Counter[Fate]:
    """How many became what."""
    found: Counter[Fate] = Counter()
    for each in counts:
        found[each.fate] += each.number
    return found
