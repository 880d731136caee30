"""Profiles worked out anew from the log of events, where what has become known changes what counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, select, update

from core.model.customer import Profile
from storage.play.events import EVENT_COLUMNS, event_from
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.profiles import dump_profile, profile_columns


def refold(connection: Connection, customer: int) -> dict[str, Any]:
    """The columns of a customer's profile, worked out anew from its events in order of arrival, with what the
    engine has settled.
    """
    waiting = set(
        connection.execute(select(arrivals.c.event_id).where(arrivals.c.customer_id == customer)).scalars()
    )
    profile, settled = Profile(), Profile()
    detail = connection.execute(select(customers.c.detail).where(customers.c.id == customer)).scalar_one()
    profile.lost = settled.lost = frozenset(orjson.loads(detail).get("lost", ()))
    own = select(*EVENT_COLUMNS).where(events.c.customer_id == customer).order_by(events.c.id)
    for row in connection.execute(own):
        event = event_from(row)
        profile.fold(event)
        if waiting and event.id not in waiting:
            settled.fold(event)
    return profile_columns(profile) | {"settled": dump_profile(settled) if waiting else None}


def refold_all(connection: Connection, wanted: Iterable[int]) -> None:
    """Write the profiles of these customers anew."""
    for customer in wanted:
        connection.execute(
            update(customers).where(customers.c.id == customer).values(refold(connection, customer))
        )
