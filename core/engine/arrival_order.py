"""In which order the events of one instant are taken in, so that no order of lines in a file decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.instants import Instant
from core.model.events import Event

OF_A_PERSON: Final = frozenset({"identify", "alias", "group"})
"""The kinds of calls that say something of a person, and are no act of hers."""
WORDS_ON_CONSENT: Final = (
    "Consent Requested", "Consent Confirmed", "Consent Granted", "Consent Withdrawn", "Consent Objected",
)  # fmt: skip
WORDS_ON_AN_ORDER: Final = (
    "Order Completed", "Order Updated", "Order Cancelled", "Order Returned", "Order Refunded",
)  # fmt: skip
_PLACES: Final = {
    name: (words[0], place)
    for words in (WORDS_ON_CONSENT, WORDS_ON_AN_ORDER)
    for place, name in enumerate(words)
}

OccurrenceKey = tuple[Instant, bool, tuple[str, int], str, str, bytes, int]
ArrivalKey = tuple[Instant, bool, OccurrenceKey]


def in_order(found: Iterable[Event]) -> tuple[Event, ...]:
    """Events in the order in which they became known.

    Of those that arrive at one instant what is said of a person comes before acts, and what occurred earlier
    before what occurred later. Where that is one instant too, the words on consent and those on an order each
    have their own order (an order is completed before it is returned), all else goes by name, then source,
    then message.
    """
    return tuple(sorted(found, key=_arrival))


def by_occurrence(event: Event) -> OccurrenceKey:
    """Sorts events by when they occurred, those of one instant as `in_order` does."""
    return (
        event.occurred_at, event.kind not in OF_A_PERSON, _PLACES.get(event.name, (event.name, 0)),
        event.name, event.source, event.tie, event.id,
    )  # fmt: skip


def _arrival(event: Event) -> ArrivalKey:
    return event.arrived_at, event.kind not in OF_A_PERSON, by_occurrence(event)
