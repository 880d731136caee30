"""What changed when a database of an earlier release got its orders, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.explain.words import counted
from core.sources.amounts import from_minor_units


def words_of(report: Mapping[str, Any], currency: str) -> str:
    """A report as `storage.intake.order_migration.ORDERS_BUILT` has it, with what the operator can do."""
    return " ".join(_sentences(report, currency))


def _sentences(report: Mapping[str, Any], currency: str) -> Iterator[str]:
    (orders, orders_now), (revenue, revenue_now) = report["orders"], report["revenue"]
    before, now = (f"{from_minor_units(sum_, currency):,}" for sum_ in (revenue, revenue_now))
    yield (
        "The database is of an earlier release: orders were built from its events, and nothing fired by "
        f"that. {counted(report['customers'], 'profile')} changed; orders {orders:,} -> {orders_now:,}, "
        f"revenue {before} -> {now} {currency}."
    )
    if report.get("baskets"):
        yield f"{counted(report['baskets'], 'basket')} can be asked for now."
    if report.get("addresses"):
        yield f"{counted(report['addresses'], 'guest')} can be written to at the address of an order."
    if report.get("converted"):
        yield f"{counted(report['converted'], 'amount')} in other currencies converted by the rates in force."
    if report.get("set_aside"):
        named = ", ".join(f"{number:,} in {name}" for name, number in sorted(report["set_aside"].items()))
        yield (
            f"Not converted and in no sum, since no rate fits: {named}; `rates` in [workspace] names the "
            "table, and `manometer apply` converts them, firing nothing."
        )
    if report.get("unreadable"):
        yield f"{counted(report['unreadable'], 'event')} could not be read anew and count as before."
    if report.get("kept"):
        yield (
            f"{counted(report['kept'], 'join')} would not be made today and stand; "
            "`manometer merges --conflicts` lists them."
        )
    yield "`manometer audit` keeps this under `migrate`."
