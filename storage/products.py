"""What a customer did with products, and what the shop has sold of late. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, text

from core.instants import DAY, Instant, Millis
from core.model.events import FIRST
from core.products import LATEST, SALES_MOST, SALES_SPAN, SHOPPING, Sales, Shopping, shopping, told
from storage.customers import latest_events
from storage.schema.events import events

WEEK: Final[Millis] = 7 * DAY
_A_MONDAY: Final[Instant] = 4 * DAY  # 5 January 1970


def of_customer(connection: Connection, customer_id: int, until: Instant) -> Shopping:
    """The customer's lists up to an instant (ms UTC), from the latest events."""
    return shopping(latest_events(connection, customer_id, SHOPPING, until, LATEST))


def sales(connection: Connection, until: Instant) -> Sales:
    """What sold up to an instant, purchases of nobody known among them."""
    query = (
        select(events.c.properties)
        .where(
            text("name = 'Order Completed'"), events.c.standing == FIRST
        )  # word for word as in the partial index, or SQLite will not use it
        .where(events.c.occurred_at > until - SALES_SPAN, events.c.occurred_at <= until)
        .order_by(events.c.occurred_at.desc())
        .limit(SALES_MOST)
    )
    return Sales(told(each) for row in connection.execute(query) if (each := _read(row[0])) is not None)


def _read(properties: str) -> Mapping[str, Any] | None:
    """None where a row cannot be read: it says nothing of what sold, and holds up no message."""
    try:
        found: Mapping[str, Any] = orjson.loads(properties)
    except ValueError:
        return None
    return found


def judged_at(at: Instant) -> Instant:
    """The last Monday's beginning (UTC): what sells is judged once a week."""
    return at - (at - _A_MONDAY) % WEEK
