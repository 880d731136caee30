"""What was told of orders: looked up by number, parted into what counts and what tells it again, and given to
the customer for whom the order counts.

An order that a known person and an anonymous visitor told of counts for the person alone; where nobody known
told of it, for the visitor who did so first. Two known people with one number have an order each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Dialect, bindparam, exists, select, update

from core.instants import Instant
from core.model.events import ELSEWHERE, FIRST, LONG_AFTER, OrderStanding
from core.model.orders import Telling, Told, is_told_once, number_of_return, standings, telling
from core.sources.segment import Incoming
from storage.intake.refolding import refold_all
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.intake import arrivals

_PROFILED: Final = frozenset({ELSEWHERE, LONG_AFTER})
"""Standings in which an order is nothing, or not the same, to its customer's profile."""
PERSONAL: Final = ("user", "email", "phone", "loyalty")
"""Kinds of identities that name a person, not only a device."""
CHUNK: Final = 500


# ---- the tellings of a batch ----


@dataclass(slots=True)
class ToldByCustomer:
    """One telling of an order, and whose it is."""

    event: int
    customer: int
    standing: OrderStanding
    telling: Telling


class OrderBook:
    """All that was told of the orders that a batch speaks of, before it and by it."""

    def __init__(self) -> None:
        self._by_order: dict[str, list[ToldByCustomer]] = {}
        self.unsure: set[str] = set()
        """Orders told again, or told of by several customers: `settle` decides how their tellings stand."""

    def read(self, connection: Connection, batch: Iterable[Incoming]) -> None:
        """Look up what is known of the batch's orders."""
        wanted = {one.order for one in batch if one.order is not None} - self._by_order.keys()
        for part in _chunks(sorted(wanted)):
            rows = connection.exec_driver_sql(_known_text(len(part), connection.dialect), tuple(part))
            for order, event, customer, standing, *said in rows:
                self._by_order.setdefault(order, []).append(
                    ToldByCustomer(event, customer, standing, _telling(said))
                )

    def known(self, order: str, customer: int) -> list[Telling]:
        """What was told of an order so far that counts for a customer."""
        return [
            one.telling
            for one in self._by_order.get(order, ())
            if one.customer == customer and one.standing != ELSEWHERE
        ]

    def add(self, order: str, event: int, customer: int, said: Telling) -> None:
        """One more telling, which stands first until `settle` has looked at it."""
        told = self._by_order.setdefault(order, [])
        if told and any(one.customer != customer or _says_the_same(one.telling, said) for one in told):
            self.unsure.add(order)
        told.append(ToldByCustomer(event, customer, FIRST, said))

    def move(self, customer: int, to: int) -> None:
        """One customer went into another."""
        for told in self._by_order.values():
            for one in told:
                if one.customer == customer:
                    one.customer = to

    def settle(self, connection: Connection, *, in_force: bool) -> set[int]:
        """Decide how the tellings of what is unsure stand, and write it; gives the customers for whom orders
        now count, or no longer do.
        """
        if not self.unsure:
            return set()
        changes = settle(connection, self.unsure, in_force=in_force)
        for order in self.unsure:
            for one in self._by_order.get(order, ()):
                one.standing = changes.standing.get(one.event, one.standing)
        self.unsure.clear()
        return changes.customers


def _says_the_same(one: Telling, other: Telling) -> bool:
    return one.act == other.act and one.mark == other.mark and is_told_once(one.act, one.mark)


_SAID = (
    events.c.name, events.c.occurred_at, events.c.amount, events.c.properties, events.c.currency,
    events.c.rate, events.c.source, events.c.dedup,
)  # fmt: skip


def _telling(row: Sequence[Any]) -> Telling:
    """What a row of the columns `_SAID` tells."""
    name, at, amount, properties, currency, rate, source, dedup = row
    said = {} if properties == "{}" else orjson.loads(properties)
    return telling(name, at, amount, said, "1" if currency is None else rate, source, dedup)


@lru_cache(maxsize=32)
def _known_text(count: int, dialect: Dialect) -> str:
    among = events.c.order_key.in_([bindparam(f"k{index}") for index in range(count)])
    columns = (events.c.order_key, events.c.id, events.c.customer_id, events.c.standing, *_SAID)
    query = select(*columns).where(among, events.c.order_key.is_not(None), events.c.customer_id.is_not(None))
    return str(query.order_by(events.c.id).compile(dialect=dialect))


# ---- how they stand ----


@dataclass(frozen=True, slots=True)
class Changes:
    """Standings that changed, by event, and the customers for whom an order now counts, or no longer does."""

    standing: Mapping[int, OrderStanding]
    customers: set[int]


@dataclass(frozen=True, slots=True)
class _Row:
    event: int
    order: str
    customer: int
    standing: OrderStanding
    arrived_at: Instant
    told: Told


def settle(connection: Connection, orders: Collection[str], *, in_force: bool) -> Changes:
    """Decide how the tellings of orders stand, and write what changed.

    With a playbook in force what the engine has played counts before what it has not, and else what arrived
    first; without one, what occurred first.
    """
    by_order: dict[str, list[_Row]] = defaultdict(list)
    for row in _rows(connection, orders, in_force=in_force):
        by_order[row.order].append(row)
    shared = {order: told for order, told in by_order.items() if len({row.customer for row in told}) > 1}
    personal = _personal(connection, {row.customer for told in shared.values() for row in told})
    changed: dict[int, OrderStanding] = {}
    concerned: set[int] = set()
    for order, told in by_order.items():
        for row, standing in _stand(told, _owners(told, personal) if order in shared else None):
            if standing != row.standing:
                changed[row.event] = standing
                if _PROFILED & {standing, row.standing}:
                    concerned.add(row.customer)
    if changed:
        statement = update(events).where(events.c.id == bindparam("event"))
        connection.execute(
            statement.values(standing=bindparam("to")),
            [{"event": event, "to": standing} for event, standing in changed.items()],
        )
    return Changes(changed, concerned)


def settle_customers(connection: Connection, concerned: Collection[int], *, in_force: bool) -> set[int]:
    """The same for all orders that some customers told of, where it has changed who these are; gives the
    customers whose profiles are to be worked out anew.
    """
    told = select(events.c.order_key).where(
        events.c.customer_id.in_(list(concerned)), events.c.order_key.is_not(None)
    )
    orders = set(connection.execute(told.distinct()).scalars())
    return settle(connection, orders, in_force=in_force).customers if orders else set()


def settle_merged(connection: Connection, survivor: int, *, in_force: bool) -> None:
    """Two customers became one: an order that both told of is one order. Called once the events have gone
    over.
    """
    twice = (
        select(events.c.order_key)
        .where(events.c.customer_id == survivor, events.c.order_key.is_not(None))
        .limit(1)
    )
    if connection.execute(twice).first() is not None:
        refold_all(connection, {survivor, *settle_customers(connection, [survivor], in_force=in_force)})


def _rows(connection: Connection, orders: Collection[str], *, in_force: bool) -> Iterator[_Row]:
    columns = events.c
    waits = exists().where(arrivals.c.customer_id == columns.customer_id, arrivals.c.event_id == columns.id)
    for part in _chunks(sorted(orders)):
        query = select(
            columns.id, columns.order_key, columns.customer_id, columns.standing, columns.arrived_at,
            columns.name, columns.properties, columns.occurred_at, columns.source, columns.dedup, waits,
        ).where(
            columns.order_key.in_(part), columns.order_key.is_not(None), columns.customer_id.is_not(None)
        )  # fmt: skip
        for (
            event,
            order,
            customer,
            standing,
            arrived_at,
            name,
            properties,
            at,
            source,
            dedup,
            is_waiting,
        ) in connection.execute(query.order_by(columns.id)):
            mark = number_of_return(name, orjson.loads(properties)) if "_id" in properties else None
            place = (is_waiting, arrived_at) if in_force else ()
            told = Told(name, mark, (*place, at, source, dedup), at)
            yield _Row(event, order, customer, standing, arrived_at, told)


def _stand(told: Sequence[_Row], owners: Collection[int] | None) -> Iterator[tuple[_Row, OrderStanding]]:
    by_customer: dict[int, list[_Row]] = defaultdict(list)
    for row in told:
        by_customer[row.customer].append(row)
    for customer, own in by_customer.items():
        if owners is not None and customer not in owners:
            yield from ((row, ELSEWHERE) for row in own)
        else:
            yield from zip(own, standings([row.told for row in own]))


def _owners(told: Sequence[_Row], personal: Collection[int]) -> Collection[int]:
    """The customers for whom an order counts that several told of."""
    known = {row.customer for row in told if row.customer in personal}
    return known or {min(told, key=lambda row: row.told.before[-3:]).customer}


def _personal(connection: Connection, wanted: Collection[int]) -> set[int]:
    """Those of the customers of whom more than a device is known."""
    found: set[int] = set()
    for part in _chunks(sorted(wanted)):
        named = select(identities.c.customer_id).where(
            identities.c.customer_id.in_(part), identities.c.kind.in_(PERSONAL)
        )
        found.update(connection.execute(named.distinct()).scalars())
    return found


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
