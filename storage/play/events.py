"""Rows of `events` as values of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.model.events import Event
from storage.event_json import read_json
from storage.schema.events import events

EVENT_COLUMNS = (
    events.c.id, events.c.kind, events.c.name, events.c.occurred_at, events.c.arrived_at, events.c.source,
    events.c.channel,
    events.c.amount, events.c.properties, events.c.history, events.c.order_key, events.c.standing,
    events.c.currency, events.c.rate, events.c.dedup, events.c.traits,
)  # fmt: skip
"""What `event_from` needs of a row, in its order."""


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
