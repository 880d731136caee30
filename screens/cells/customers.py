"""The list of customers in cells. Instants are ms UTC, money minor units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, money, plain
from screens.cells.line import Cell, Cells
from screens.cells.moments import moment
from screens.ports.customers import CustomerLine, CustomerSort

COLUMNS: Final = (
    Column("key", "KEY", 10, grow=1),
    Column("name", "NAME", 16, grow=3),
    Column("city", "CITY", 10, least=76, grow=2),
    Column("email", "E-MAIL", 24, least=150, grow=3),
    Column("orders", "ORDERS", 6, right=True),
    Column("revenue", "REVENUE", 11, right=True, least=92),
    Column("last_activity", "LAST SEEN", 12, right=True, least=104),
    Column("contacts", "GOT 7D", 6, right=True),
    Column("next_due", "NEXT DUE", 12, right=True),
)
EXPORTED: Final[Fields] = (
    *plain("key", "name", "email", "city", "country", "orders"), *money("revenue"),
    *instants("last_activity"), *plain("contacts"),
    *instants("next_due"),
)  # fmt: skip
HINT: Final = "words that all hit; city: country: email: phone: key: name: segment:NAME !not"
SORTS: Final[tuple[CustomerSort, ...]] = ("key", "name", "orders", "revenue", "last_activity", "next_due")
TITLES: Final[dict[CustomerSort, str]] = {
    "key": "key", "name": "name", "orders": "orders", "revenue": "revenue", "last_activity": "last seen",
    "next_due": "next due",
}  # fmt: skip
GREATEST_FIRST: Final[frozenset[CustomerSort]] = frozenset({"orders", "revenue", "last_activity"})
"""By these the greatest or latest come first, unless turned round."""


def next_sort(now: CustomerSort) -> CustomerSort:
    """What is sorted by after this."""
    return SORTS[(SORTS.index(now) + 1) % len(SORTS)]


def is_downwards(sort: CustomerSort, is_reverse: bool) -> bool:
    """Whether the greatest or latest come first."""
    return (sort in GREATEST_FIRST) != is_reverse


def cells(row: CustomerLine, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One customer in the `COLUMNS`."""
    return (
        row.key, Cell(row.name, "strong") if row.name else Cell("–", "dim"), place(row), row.email or "",
        str(row.orders) if row.orders else Cell("0", "dim"), amount(row.revenue),
        moment(row.last_activity, now, zone),
        str(row.contacts) if row.contacts else Cell("0", "dim"), due(row.next_due, now, zone),
    )  # fmt: skip


def place(row: CustomerLine) -> str:
    """The city, else the country."""
    return row.city or row.country or ""


def amount(minor: int) -> str:
    """Money in major units, without the currency: `1,234.50`."""
    return f"{minor / 100:,.2f}"


def due(at: Instant | None, now: Instant, zone: ZoneInfo) -> Cell:
    """When the engine looks at the customer next."""
    if at is not None and at <= now:
        return Cell("now", "accent")
    return Cell(moment(at, now, zone))


def chip(
    found: int, total: int | None, text: str, sort: CustomerSort, is_reverse: bool, note: str = ""
) -> str:
    """What the second line says of the list: the filter with its hits, and the order where it is not the
    usual one.
    """
    number = f"{found:,}"
    among = "" if total is None else f" of {total:,}"
    parts = [f"/ {text} — {number}{among}" if text else f"{number} customers"]
    if sort != "key" or is_reverse:
        parts.append(f"by {TITLES[sort]} {'↓' if is_downwards(sort, is_reverse) else '↑'}")
    return ", ".join([*parts, *([note] if note else [])])
