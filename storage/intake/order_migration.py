"""Workspaces of before orders were known by their number: orders built from the events, profiles folded anew.

It happens once, in one transaction, when such a database is opened. Nothing fires through it: events that
were played stay played, and customers whose sums or instants changed are planned anew. What changed is kept
as a fact and in the record of what was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, select, update

from core.instants import Instant
from core.model.orders import ORDER_ACTS
from core.sources.order_terms import OrderTerms
from core.sources.segment import AMOUNT_ACTS, Incoming, Rejected, amount_of
from storage import audit, playbooks
from storage.intake.orders import settle
from storage.intake.refolding import columns_of, refolded
from storage.orders import unconverted
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities, identity_decisions
from storage.schema.migrations import ORDERS_TO_BUILD
from storage.sql import portions
from storage.store import Store, meta, set_meta

ORDERS_BUILT: Final = "orders_built"
"""The fact with what changed, as JSON: `customers` whose profile is another, `orders` and `revenue` (minor
units) before and after, `baskets` that are known now, `addresses` of guests that can be written to, amounts
`converted` and `set_aside` (by currency), `unreadable` events, joins that are `kept` against the rules, and
the `last_event` of before.
"""
REPORT_TOLD: Final = "orders_built_told"
"""The fact that somebody has read it."""
CHUNK: Final = 5_000


def build_where_missing(
    store: Store, terms: OrderTerms, at: Instant, author: str
) -> Mapping[str, Any] | None:
    """Build the orders of a database that has none yet; gives what changed, as `ORDERS_BUILT` has it. Of any
    other nothing is read but one fact, and None given.
    """
    with store.reading() as connection:
        if meta(connection, ORDERS_TO_BUILD) is None:
            return None
    with store.writing() as connection:
        if meta(connection, ORDERS_TO_BUILD) is None:  # another process was quicker
            return None
        return build_orders(connection, terms, at, author)


def report_of(connection: Connection) -> Mapping[str, Any] | None:
    """What the migration changed, as `ORDERS_BUILT` has it; None where there was nothing to migrate."""
    kept = meta(connection, ORDERS_BUILT)
    return None if kept is None else dict(orjson.loads(kept))


def build_orders(connection: Connection, terms: OrderTerms, at: Instant, author: str) -> Mapping[str, Any]:
    """Give the events their orders, decide which count, and fold the profiles anew; gives what changed."""
    unreadable = _read_events(connection, terms)
    addresses = _tell_addresses(connection)
    in_force = playbooks.newest_version(connection) is not None
    keys = connection.execute(
        select(events.c.order_key).where(events.c.order_key.is_not(None)).distinct()
    ).scalars()
    orders = list(keys)
    for start in range(0, len(orders), CHUNK):
        settle(connection, orders[start : start + CHUNK], in_force=in_force)
    report = _fold_anew(connection) | {
        "addresses": addresses,
        "unreadable": unreadable,
        "converted": _number(connection, events, events.c.rate.is_not(None)),
        "set_aside": unconverted(connection),
        "kept": _number(connection, identity_decisions, identity_decisions.c.verdict == "kept"),
        "last_event": connection.execute(select(func.max(events.c.id))).scalar() or 0,
    }
    set_meta(connection, ORDERS_TO_BUILD, None)
    set_meta(connection, ORDERS_BUILT, orjson.dumps(report).decode())
    audit.record(connection, at, author, "migrate", "orders", None, report)
    return report


def _number(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one())


def _tell_addresses(connection: Connection) -> int:
    """Events that name their customer by a mail address tell it, as those that come in today do; gives how
    many customers have one by that who had none.
    """
    named = select(identities.c.id).where(identities.c.kind == "email")
    address = select(identities.c.value).where(identities.c.id == events.c.identity_id).scalar_subquery()
    through = (
        events.c.traits.is_(None), events.c.kind.in_(("track", "page")), events.c.identity_id.in_(named)
    )  # fmt: skip
    guests = select(func.count(events.c.customer_id.distinct())).where(
        *through, events.c.customer_id.in_(select(customers.c.id).where(customers.c.email.is_(None)))
    )
    found = int(connection.execute(guests).scalar_one())
    connection.execute(update(events).where(*through).values(traits=func.json_object("email", address)))
    return found


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


_TOLD: Final = ("orders", "revenue", "returned", "returns", "last_activity_at", "email")
"""What a condition asks of a profile, by the column it is compared by."""


def _fold_anew(connection: Connection) -> dict[str, Any]:
    """The profiles of all who did anything; who is another by that is planned anew."""
    report: dict[str, Any] = {"customers": 0, "orders": [0, 0], "revenue": [0, 0], "baskets": 0}
    statement = update(customers).where(customers.c.id == bindparam("customer"))
    for rows in _living(connection):
        before = {row.id: row for row in rows}
        found = []
        for customer, profile, settled in refolded(connection, list(before)):
            row, anew = before[customer], columns_of(profile, settled)
            has_basket = profile.basket_items is not None
            is_another = has_basket or any(anew[name] != getattr(row, name) for name in _TOLD)
            report["customers"] += is_another
            report["baskets"] += has_basket
            for name in ("orders", "revenue"):
                report[name][0] += getattr(row, name)
                report[name][1] += anew[name]
            anew["planned_version"] = 0 if is_another else row.planned_version
            found.append({"customer": customer, **anew})
        connection.execute(statement, found)
    return report


def _living(connection: Connection) -> Iterator[Sequence[Any]]:
    """The customers of whom there is an event, in portions."""
    columns = customers.c
    did = select(events.c.id).where(events.c.customer_id == columns.id).exists()
    query = select(columns.id, columns.planned_version, *(columns[name] for name in _TOLD)).where(
        columns.merged_into.is_(None), columns.erased_at.is_(None), did
    )
    last = 0
    while rows := connection.execute(query.where(columns.id > last).order_by(columns.id).limit(CHUNK)).all():
        yield from portions(rows)
        last = rows[-1].id
