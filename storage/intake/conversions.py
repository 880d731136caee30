"""Amounts in a currency that had no rate when they were taken in, converted once there is one.

An order that was not converted counts, and adds nothing to the sums. Its conversion is a recorded arrival, an
`Order Updated` at the instant of the apply, so that a mark it passes is crossed then. What went back of
orders is converted where it stands, since less money crosses no mark; so is what an earlier release took in,
for nothing is to fire through a migration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, select, update

from core.instants import Instant
from core.model.events import ELSEWHERE, ORDER_UPDATED
from core.model.orders import GOING_BACK
from core.sources.amounts import from_minor_units
from core.sources.order_terms import UNNUMBERED, OrderTerms, converted
from core.sources.segment import Incoming, dedup_key, encode
from storage.intake.batch import Concerns, take
from storage.intake.order_migration import report_of
from storage.intake.refolding import refold_all
from storage.schema.events import events
from storage.schema.identities import identities

SOURCE: Final = "rates"
"""The source of the events that conversions are."""
_WAITING: Final = (events.c.currency.is_not(None), events.c.rate.is_(None))


def convert(connection: Connection, terms: OrderTerms, at: Instant, concerns: Concerns | None) -> int:
    """Convert what a rate now fits, each by the local day on which it occurred; gives how many amounts."""
    found = [
        (row, rate) for row in _waiting(connection) if (rate := terms.rate(row.currency, row.occurred_at))
    ]
    if not found:
        return 0
    former = _last_of_before(connection)
    in_place = [_in_place(row, rate, former) for row, rate in found]
    arrivals = list(_arrivals(connection, [each for each in found if each[0].id > former], at))
    statement = update(events).where(events.c.id == bindparam("event"))
    connection.execute(statement.values(rate=bindparam("to_rate"), amount=bindparam("to_amount")), in_place)
    silent = [row for row, _ in found if row.name in GOING_BACK or row.id <= former]
    refold_all(connection, {row.customer_id for row in silent if row.customer_id is not None})
    if arrivals:
        take(connection, arrivals, arrived_at=at, concerns=concerns)
    return len(found)


def _waiting(connection: Connection) -> Sequence[Any]:
    columns = events.c
    query = select(
        columns.id, columns.customer_id, columns.identity_id, columns.name, columns.occurred_at,
        columns.source, columns.dedup, columns.properties, columns.currency, columns.own_amount,
        columns.order_key, columns.standing, columns.channel,
    ).where(*_WAITING)  # fmt: skip
    return connection.execute(query.order_by(columns.id)).all()


def _last_of_before(connection: Connection) -> int:
    """The last event that an earlier release took in; 0 where this one took in all."""
    report = report_of(connection)
    return 0 if report is None else int(report.get("last_event", 0))


def _in_place(row: Any, rate: Decimal, former: int) -> dict[str, Any]:
    """The rate stands with the event from now on; its amount only where no arrival brings it."""
    is_brought = row.customer_id is not None and row.name not in GOING_BACK and row.id > former
    amount = None if is_brought or row.own_amount is None else converted(row.own_amount, row.currency, rate)
    return {"event": row.id, "to_rate": str(rate), "to_amount": amount}


def _arrivals(
    connection: Connection, found: Sequence[tuple[Any, Decimal]], at: Instant
) -> Iterator[Incoming]:
    """An update for each order whose latest amount was not converted."""
    by_order: dict[tuple[int, str], list[tuple[Any, Decimal]]] = defaultdict(list)
    for row, rate in found:
        is_known = row.customer_id is not None and row.standing != ELSEWHERE
        if is_known and row.name not in GOING_BACK and row.own_amount is not None:
            by_order[row.customer_id, row.order_key].append((row, rate))
    for (customer, order), told in by_order.items():
        row, rate = max(told, key=lambda each: (each[0].occurred_at, each[0].name, each[0].dedup))
        if not _is_overtaken(connection, customer, order, row.occurred_at):
            yield _update(connection, row, rate, at)


def _is_overtaken(connection: Connection, customer: int, order: str, since: Instant) -> bool:
    """Whether a later telling of the order has an amount that counts already."""
    columns = events.c
    later = select(columns.id).where(
        columns.order_key == order, columns.customer_id == customer, columns.name.not_in(GOING_BACK),
        columns.occurred_at > since, columns.amount.is_not(None),
    )  # fmt: skip
    return connection.execute(later.limit(1)).first() is not None


def _update(connection: Connection, row: Any, rate: Decimal, at: Instant) -> Incoming:
    kind, value = connection.execute(
        select(identities.c.kind, identities.c.value)
        .where(identities.c.customer_id == row.customer_id)
        .order_by(identities.c.id != row.identity_id, identities.c.id)
        .limit(1)
    ).one()
    number = orjson.loads(row.properties).get("order_id")
    said = {
        "currency": row.currency,
        "revenue": float(from_minor_units(row.own_amount, row.currency)),
        "rate": str(rate),
    }
    if not row.order_key.startswith(UNNUMBERED):
        said = {"order_id": number, **said}
    return Incoming(
        dedup_key(SOURCE, row.dedup.hex()), SOURCE, "track", ORDER_UPDATED, at, ((kind, value),), said,
        encode(said), row.channel, converted(row.own_amount, row.currency, rate),
        order=row.order_key, currency=row.currency, own_amount=row.own_amount, rate=str(rate),
    )  # fmt: skip
