"""What a customer's orders come to in a span of time, or those of one sort alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.instants import Instant
from core.model.events import ORDER_COMPLETED, ORDER_UPDATED, Event
from core.model.orders import OrderSums, order_sums, telling_of
from core.model.predicate import Predicate
from core.model.when import PlayedCustomer


def order_metric(
    metric: str,
    told: Iterable[Event],
    after: Instant | None,
    where: Predicate | None,
    customer: PlayedCustomer,
) -> int:
    """A metric over the orders that events tell of, money in minor units.

    With `after`, orders completed since, as they are known to be by now, and what went back since, of earlier
    orders too; with `where`, the orders for whose properties it holds.
    """
    sums = [
        _in_span(known, after)
        for known in _by_order(told).values()
        if where is None or where.holds(customer.facts(_whole(known)))
    ]
    if metric == "orders":
        return sum(each.at is not None for each in sums)
    if metric == "revenue":
        return sum(each.gross - each.returned for each in sums)
    by_metric = {"revenue_gross": "gross", "returns": "returns", "units": "units"}
    return sum(getattr(each, by_metric[metric]) for each in sums)


def _by_order(told: Iterable[Event]) -> Mapping[object, list[Event]]:
    """The events by the order they speak of; one without a number is an order of its own."""
    found: dict[object, list[Event]] = {}
    for event in told:
        found.setdefault(event.id if event.order is None else event.order, []).append(event)
    return found


def _in_span(known: Sequence[Event], after: Instant | None) -> OrderSums:
    now = _sums(known)
    if after is None:
        return now
    before = _sums([event for event in known if event.occurred_at <= after])
    returned, returns = max(0, now.returned - before.returned), max(0, now.returns - before.returns)
    if now.at is None or now.at <= after:
        return OrderSums(None, 0, returned, returns, 0)
    return now._replace(returned=returned, returns=returns)


def _sums(known: Iterable[Event]) -> OrderSums:
    return order_sums([said for event in known if (said := telling_of(event)) is not None])


def _whole(known: Sequence[Event]) -> Event:
    """The order as one event: its properties as the latest telling has them, and its channel among them."""
    own = [event for event in known if event.name in (ORDER_COMPLETED, ORDER_UPDATED)] or known
    properties: dict[str, Any] = {}
    for event in own:
        if event.channel is not None:
            properties.setdefault("channel", event.channel)
        properties |= event.properties
    return own[0]._replace(properties=properties)
