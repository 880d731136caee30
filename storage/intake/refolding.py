"""Profiles worked out anew from the log of events, where what has become known changes what counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from core.instants import Instant
from core.model.customer import Profile
from core.model.events import Event
from storage.play.events import EVENT_COLUMNS, event_from
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.profiles import dump_profile, profile_columns
from storage.sql import WANTED, named, portions, rows_of


def refold(connection: Connection, customer: int) -> dict[str, Any]:
    """The columns of a customer's profile, worked out anew from its events in order of arrival, with what the
    engine has settled.
    """
    ((_, profile, settled),) = refolded(connection, [customer])
    return columns_of(profile, settled)


def columns_of(profile: Profile, settled: Profile | None) -> dict[str, Any]:
    """The columns of a profile and of what is settled of it."""
    return profile_columns(profile) | {"settled": None if settled is None else dump_profile(settled)}


def refold_all(connection: Connection, wanted: Iterable[int]) -> None:
    """Write the profiles of these customers anew."""
    own = update(customers).where(customers.c.id == bindparam("customer"))  # the rest of a row is its values
    for ids in portions(sorted(set(wanted))):
        found = [
            {"customer": customer, **columns_of(profile, settled)}
            for customer, profile, settled in refolded(connection, ids)
        ]
        if found:
            connection.execute(own, found)


def refolded(
    connection: Connection, ids: Sequence[int], until: Instant | None = None
) -> Iterator[tuple[int, Profile, Profile | None]]:
    """The profiles of these customers, each with what the engine has settled of it where events wait; in the
    order of their ids, as far as there is such a customer. With `until`, of events that occurred by then.
    """
    columns, whose = customers.c, events.c.customer_id
    details = select(columns.id, columns.detail).where(columns.id.in_(WANTED)).order_by(columns.id)
    waiting: dict[int, set[int]] = defaultdict(set)
    rows = select(arrivals.c.customer_id, arrivals.c.event_id).where(arrivals.c.customer_id.in_(WANTED))
    for customer, event in rows_of(connection, rows, ids):
        waiting[customer].add(event)
    own = select(whose, *EVENT_COLUMNS).where(whose.in_(WANTED)).order_by(whose, events.c.id)
    if until is not None:
        own = own.where(events.c.occurred_at <= until)
    told = groupby(connection.execute(own, named(ids)), key=lambda row: row[0])
    customer, rest = next(told, (None, iter(())))
    for number, detail in rows_of(connection, details, ids):
        lost = frozenset(orjson.loads(detail).get("lost", ()))
        while customer is not None and customer < number:  # its customer is gone
            customer, rest = next(told, (None, iter(())))
        said = rest if customer == number else ()
        yield number, *_folded((event_from(row[1:]) for row in said), lost, waiting.get(number, set()))


def _folded(
    told: Iterable[Event], lost: frozenset[str], waiting: Collection[int]
) -> tuple[Profile, Profile | None]:
    profile, settled = Profile(), Profile()
    profile.lost = settled.lost = lost
    for event in told:
        profile.fold(event)
        if waiting and event.id not in waiting:
            settled.fold(event)
    return profile, settled if waiting else None
