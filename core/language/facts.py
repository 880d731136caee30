"""What a condition may ask about one customer at one instant."""

from __future__ import annotations

from typing import Any, Protocol

from core.instants import Instant, Millis
from core.language.tree import Scalar


class Facts(Protocol):
    """The view of a customer that compiled conditions read; every missing value is None."""

    @property
    def now(self) -> Instant:
        """The instant the condition is asked for."""

    def field(self, name: str) -> Any:
        """A customer field of the catalogue: text, number, instant in ms, money in minor units, or date text."""

    def trait(self, name: str) -> Any:
        """A trait as the source gave it."""

    def property(self, name: str) -> Any:
        """A property of the event at hand, in the units of its source."""

    def count(self, event: str, last: Millis | None, equals: tuple[tuple[str, Scalar], ...]) -> int:
        """The number of events of a name in (now - last, now], or up to now, whose properties equal (see `is_equal`)."""

    def has_consent(self, channel: str, purpose: str | None) -> bool:
        """Whether the latest word on the channel, and on the purpose or all purposes where one is named, is a grant."""

    def reacted(self, what: str) -> bool:
        """Whether the customer has clicked, opened, ... since the last message of this enrolment."""


def is_equal(found: object, wanted: object) -> bool:
    """Equality in the sense of the language: numbers with numbers, text with text, true and false with themselves."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool) and isinstance(found, str | int | float)
