"""Workspaces of before orders were known by their number: orders built from the events, profiles folded anew.

It happens once, in one transaction, when such a database is opened. Nothing fires through it: events that
were played stay played, and customers whose sums or instants changed are planned anew. What changed is kept
as a fact and in the record of what was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, select, update

from core.instants import Instant
from core.model.orders import ORDER_ACTS
from core.sources.order_terms import OrderTerms
from core.sources.segment import AMOUNT_ACTS, Incoming, Rejected, amount_of
from storage import audit, playbooks
from storage.intake.orders import settle
from storage.intake.refolding import refold
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.migrations import ORDERS_TO_BUILD
from storage.store import Store, meta, set_meta

ORDERS_BUILT: Final = "orders_built"
"""The fact with what changed, as JSON: `customers` whose profile is another, `orders` and `revenue` (minor
units) before and after, `unreadable` events.
"""
CHUNK: Final = 5_000


def build_where_missing(store: Store, terms: OrderTerms, at: Instant, author: str) -> None:
    """Build the orders of a database that has none yet; of any other nothing is read but one fact."""
    with store.reading() as connection:
        if meta(connection, ORDERS_TO_BUILD) is None:
            return
    with store.writing() as connection:
        if meta(connection, ORDERS_TO_BUILD) is not None:  # another process was quicker
            build_orders(connection, terms, at, author)


def build_orders(connection: Connection, terms: OrderTerms, at: Instant, author: str) -> None:
    """Give the events their orders, decide which count, and fold the profiles anew."""
    unreadable = _read_events(connection, terms)
    in_force = playbooks.newest_version(connection) is not None
    keys = connection.execute(
        select(events.c.order_key).where(events.c.order_key.is_not(None)).distinct()
    ).scalars()
    orders = list(keys)
    for start in range(0, len(orders), CHUNK):
        settle(connection, orders[start : start + CHUNK], in_force=in_force)
    report = _fold_anew(connection) | {"unreadable": unreadable}
    set_meta(connection, ORDERS_TO_BUILD, None)
    set_meta(connection, ORDERS_BUILT, orjson.dumps(report).decode())
    audit.record(connection, at, author, "migrate", "orders", None, report)


def _read_events(connection: Connection, terms: OrderTerms) -> int:
    """Read the order, currency and amount of each event anew; gives how many could not be read, which stay as
    they are.
    """
    columns, unreadable, last = events.c, 0, 0
    statement = update(events).where(columns.id == bindparam("event"))
    query = select(
        columns.id, columns.dedup, columns.source, columns.name, columns.occurred_at, columns.properties,
        columns.channel, columns.amount,
    ).where(columns.name.in_(ORDER_ACTS), columns.kind == "track")  # fmt: skip
    while rows := connection.execute(query.where(columns.id > last).order_by(columns.id).limit(CHUNK)).all():
        found = []
        for identifier, *said in rows:
            try:
                found.append({"event": identifier, **_read(terms, said)})
            except Rejected:
                unreadable += 1
        if found:
            names = ("order_key", "currency", "own_amount", "rate", "amount")
            connection.execute(
                statement.values({name: bindparam(f"to_{name}") for name in names}), list(map(_named, found))
            )
        last = rows[-1].id
    return unreadable


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """Names of parameters must not be those of columns."""
    return {name if name == "event" else f"to_{name}": value for name, value in values.items()}


def _read(terms: OrderTerms, row: Sequence[Any]) -> dict[str, Any]:
    """What an event says of its order, by column; Rejected where that cannot be read."""
    dedup, source, name, at, text, channel, amount = row
    properties = orjson.loads(text)
    if name in AMOUNT_ACTS:
        amount = amount_of(name, properties)
    read = terms.read(Incoming(dedup, source, "track", name, at, (), properties, text, channel, amount))
    return {
        "order_key": read.order,
        "currency": read.currency,
        "own_amount": read.own_amount,
        "rate": read.rate,
        "amount": read.amount,
    }


_SUMS: Final = ("orders", "revenue", "last_activity_at")


def _fold_anew(connection: Connection) -> dict[str, Any]:
    """The profiles of all who have an order, or whose profile before what waits was kept in the old form."""
    report: dict[str, Any] = {"customers": 0, "orders": [0, 0], "revenue": [0, 0]}
    for row in _concerned(connection):
        anew = refold(connection, row.id)
        if any(anew[name] != getattr(row, name) for name in _SUMS):
            anew["planned_version"] = 0
            report["customers"] += 1
        for name in ("orders", "revenue"):
            report[name][0] += getattr(row, name)
            report[name][1] += anew[name]
        connection.execute(update(customers).where(customers.c.id == row.id).values(anew))
    return report


def _concerned(connection: Connection) -> Iterator[Any]:
    told = select(events.c.customer_id).where(events.c.name.in_(ORDER_ACTS))
    query = select(customers.c.id, *(customers.c[name] for name in _SUMS)).where(
        customers.c.id.in_(told) | customers.c.settled.is_not(None), customers.c.merged_into.is_(None)
    )
    last = 0
    while rows := connection.execute(
        query.where(customers.c.id > last).order_by(customers.c.id).limit(CHUNK)
    ).all():
        yield from rows
        last = rows[-1].id
