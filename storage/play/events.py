"""Rows of `events` as values of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from core.errors import ManometerError
from core.model.events import Event
from storage.schema.events import events

EVENT_COLUMNS = (
    events.c.id, events.c.kind, events.c.name, events.c.occurred_at, events.c.arrived_at, events.c.source,
    events.c.channel,
    events.c.amount, events.c.properties, events.c.history, events.c.order_key, events.c.standing,
    events.c.currency, events.c.rate, events.c.dedup, events.c.traits,
)  # fmt: skip
"""What `event_from` needs of a row, in its order."""


class UnreadableEventError(ManometerError):
    """The row of an event cannot be read; `event` is its number."""

    def __init__(self, event: int) -> None:
        super().__init__(f"Event {event} cannot be read: what its row says of it is no JSON.")
        self.event = event


def read_json(event: int, text: str) -> Any:
    """What a column of an event says; UnreadableEventError where that is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        raise UnreadableEventError(event) from None


def event_from(row: Sequence[Any]) -> Event:
    """An event from its `EVENT_COLUMNS`; UnreadableEventError where the row cannot be read."""
    (
        identifier, kind, name, occurred_at, arrived_at, source, channel, amount, properties, history, order,
        standing, currency, rate, dedup, said,
    ) = row  # fmt: skip
    return Event(
        identifier, kind, name, occurred_at, arrived_at, source, channel, amount,
        {} if properties == "{}" else read_json(identifier, properties), history == 1, order, standing,
        "1" if currency is None else rate, dedup, {} if said is None else read_json(identifier, said),
    )  # fmt: skip
