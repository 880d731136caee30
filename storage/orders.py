"""Orders as they stand, out of the log of events; amounts are in each order's own currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, func, select

from core.instants import Instant
from core.model.events import ELSEWHERE, ORDER_COMPLETED, ORDER_UPDATED
from core.model.orders import ORDER_ACTS, OrderState, order_state, telling
from core.sources.currencies import DECIMALS
from core.sources.order_fields import HUNDREDTHS
from core.sources.order_terms import UNNUMBERED
from storage.schema.customers import customers
from storage.schema.events import events


@dataclass(frozen=True, slots=True)
class OrderListed:
    """One order. Amounts are in major units of `currency`; `amount` and `net` are None where the order itself
    is not known, but only what went back of it. `people` is of how many known customers its number was told.
    """

    order: str | None
    customer: str | None
    at: Instant
    source: str
    status: str
    currency: str
    amount: Decimal | None
    refunded: Decimal
    net: Decimal | None
    products: Sequence[Mapping[str, Any]]
    people: int


def unconverted(connection: Connection) -> dict[str, int]:
    """How many amounts have no rate yet, by currency."""
    currency = events.c.currency
    query = select(currency, func.count()).where(currency.is_not(None), events.c.rate.is_(None))
    rows = connection.execute(query.group_by(currency).order_by(currency)).all()
    return {str(name): int(number) for name, number in rows}


def listing(
    connection: Connection, home: str, customer: int | None = None, until: Instant | None = None
) -> list[OrderListed]:
    """All orders, or those of one customer, oldest first, by what was told of them up to an instant; `home`
    is the workspace's currency.
    """
    shared = _shared(connection)
    found = [
        listed
        for (order, _), told in groupby(
            _told(connection, customer, until), key=lambda row: (row.place, row.customer)
        )
        if (listed := _listed(list(told), home, shared.get(order, 1))) is not None
    ]
    return sorted(found, key=lambda each: (each.at, each.order or "", each.customer or ""))


def _told(connection: Connection, customer: int | None, until: Instant | None) -> Iterator[Any]:
    """The tellings that count, order by order; one without a number is an order of its own."""
    columns = events.c
    place = func.coalesce(columns.order_key, func.printf("%s%d", UNNUMBERED, columns.id)).label("place")
    query = (
        select(
            columns.order_key, columns.name, columns.occurred_at, columns.source, columns.dedup,
            columns.amount, columns.properties, columns.currency, columns.own_amount, columns.id,
            columns.customer_id.label("customer"), customers.c.key, place,
        )
        .outerjoin_from(events, customers, customers.c.id == columns.customer_id)
        .where(columns.name.in_(ORDER_ACTS), columns.kind == "track", columns.standing != ELSEWHERE)
        .order_by(place, columns.customer_id, columns.occurred_at, columns.id)
    )  # fmt: skip
    if customer is not None:
        query = query.where(columns.customer_id == customer)
    if until is not None:
        query = query.where(columns.occurred_at <= until)
    return iter(connection.execute(query.execution_options(yield_per=1_000)))


def _shared(connection: Connection) -> dict[str, int]:
    """The orders that more than one customer has, with how many do."""
    rows = connection.execute(_shared_query())
    return {str(order): int(number) for order, number in rows}


def _shared_query() -> Select[Any]:
    columns = events.c
    people = func.count(columns.customer_id.distinct())
    query = select(columns.order_key, people).where(
        columns.order_key.is_not(None), columns.standing != ELSEWHERE, columns.name == ORDER_COMPLETED
    )
    return query.group_by(columns.order_key).having(people > 1)


def shared_orders(connection: Connection) -> Iterator[tuple[str, list[tuple[int, str, Instant]]]]:
    """Each order that several customers have: its number, and these by row id and key with the instant at
    which they were told to have completed it first, the earliest first.
    """
    columns, first = events.c, func.min(events.c.occurred_at)
    shared = _shared_query().with_only_columns(columns.order_key)
    query = (
        select(columns.order_key, columns.customer_id, customers.c.key, first)
        .join(customers, customers.c.id == columns.customer_id)
        .where(
            columns.order_key.in_(shared), columns.standing != ELSEWHERE, columns.name == ORDER_COMPLETED,
        )
        .group_by(columns.order_key, columns.customer_id)
        .order_by(columns.order_key, first, columns.customer_id)
    )  # fmt: skip
    for order, told in groupby(connection.execute(query).all(), key=lambda row: row[0]):
        yield str(order), [(customer, key, at) for _, customer, key, at in told]


def _listed(told: Sequence[Any], home: str, people: int) -> OrderListed | None:
    """One order of its tellings; None where there was an update or a cancellation alone."""
    began = next((row for row in told if row.name == ORDER_COMPLETED), told[0])
    currency = began.currency or home
    decimals = HUNDREDTHS if began.currency is None else DECIMALS[currency]
    own = [row for row in told if (row.currency or home) == currency]
    scale = str(Decimal(1).scaleb(decimals - HUNDREDTHS))
    state = order_state(
        telling(
            row.name, row.occurred_at, row.amount if row.currency is None else row.own_amount,
            orjson.loads(row.properties), scale, row.source, row.dedup,
        )
        for row in own
    )  # fmt: skip
    if state.completed_at is None and not state.returns:
        return None
    is_known = state.completed_at is not None
    key = began.order_key
    return OrderListed(
        order=None if key is None or key.startswith(UNNUMBERED) else key,
        customer=began.key,
        at=state.completed_at if state.completed_at is not None else began.occurred_at,
        source=began.source,
        status=state.status,
        currency=currency,
        amount=_major(state.amount, decimals) if is_known else None,
        refunded=_major(state.returned, decimals),
        net=_major(_net(state), decimals) if is_known else None,
        products=_products(told),
        people=people,
    )


def _net(state: OrderState) -> int:
    return 0 if state.is_cancelled else state.amount - state.returned


def _major(amount: int, decimals: int) -> Decimal:
    return Decimal(amount).scaleb(-decimals)


_NAMED: Final = (ORDER_COMPLETED, ORDER_UPDATED)


def _products(told: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    """As the latest telling has them that names any."""
    for row in sorted(
        (row for row in told if row.name in _NAMED), key=attrgetter("occurred_at"), reverse=True
    ):
        products = orjson.loads(row.properties).get("products")
        if isinstance(products, list):
            return [product for product in products if isinstance(product, dict)]
    return ()
