"""Products as templates see them: what the customer did with them up to the moment of handing over, and what
goes with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.instants import Instant, local
from core.products import LISTS, Product, Sales, Shopping, told
from storage import products

Lists = Callable[[Collection[str], Mapping[str, Any], Instant, ZoneInfo], Mapping[str, Any]]
"""From the names of the lists wanted, the cause's properties, an instant and the customer's zone to those
lists.
"""

NO_LISTS: Final[Mapping[str, Any]] = dict.fromkeys(LISTS, ())
_OF_THE_SHOP: Final = frozenset({"similar", "upgrades", "goes_with"})
_WEEKS: Final = 60
"""Weeks of which is remembered what sold, in one pass or replay."""


class Products:
    """The lists of any customer; what sold is looked up once a week. `asking` opens a snapshot of the
    database.
    """

    def __init__(self, asking: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._asking = asking
        self._sales: dict[Instant, Sales] = {}

    def of(self, customer_id: int) -> Lists:
        """The lists of one customer, looked up when they are asked for."""

        def lists(
            wanted: Collection[str], cause: Mapping[str, Any], at: Instant, zone: ZoneInfo
        ) -> Mapping[str, Any]:
            with self._asking() as connection:
                own = products.of_customer(connection, customer_id, at)
                sales = (
                    self._sold(connection, products.judged_at(at))
                    if _OF_THE_SHOP & set(wanted)
                    else Sales(())
                )
            return {name: [_dated(item, zone) for item in _list(name, own, sales, cause)] for name in wanted}

        return lists

    def _sold(self, connection: Connection, until: Instant) -> Sales:
        if until not in self._sales:
            if len(self._sales) >= _WEEKS:
                self._sales.clear()
            self._sales[until] = products.sales(connection, until)
        return self._sales[until]


def _list(name: str, own: Shopping, sales: Sales, cause: Mapping[str, Any]) -> Iterable[Product]:
    """One list; similar is what is like the products of the cause, else those the customer viewed, else those
    the customer bought.
    """
    if name == "similar":
        return sales.similar(list(told(cause)) or own.viewed or own.bought, own.known)
    if name == "upgrades":
        return sales.upgrades(own.bought, own.known)
    if name == "goes_with":
        return sales.goes_with(own.bought, own.known)
    listed: Iterable[Product] = getattr(own, name)
    return listed


def _dated(item: Product, zone: ZoneInfo) -> Product:
    at = item.get("at")
    return item if at is None else {**item, "at": local(at, zone).date().isoformat()}
