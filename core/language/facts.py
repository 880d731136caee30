"""What a condition may ask about one customer at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from core.instants import Instant, Millis


class Happened(Protocol):
    """An event as conditions look back at it."""

    @property
    def occurred_at(self) -> Instant:
        """When it occurred."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties, in the units of its source."""


class Facts(Protocol):
    """The view of a customer that compiled conditions read; every missing value is None."""

    @property
    def now(self) -> Instant:
        """The instant the condition is asked for."""

    def field(self, name: str) -> Any:
        """A customer field of the catalogue: text, number, instant in ms, money in minor units, or date
        text.
        """

    def trait(self, name: str) -> Any:
        """A trait as the source gave it."""

    def property(self, name: str) -> Any:
        """A property of the event at hand, in the units of its source."""

    def happened(self, event: str, last: Millis | None) -> Sequence[Happened]:
        """The events of a name in (now - last, now], or up to now, by when they occurred."""

    def has_consent(self, channel: str, purpose: str | None) -> bool:
        """Whether the latest word on the channel, and on the purpose or all purposes where one is named, is a
        grant.
        """

    def reacted(self, what: str) -> bool:
        """Whether the customer has clicked, opened, ... since the last message of this enrolment."""
