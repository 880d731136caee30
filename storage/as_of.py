"""Customers as of an instant: what is stamped later counts in no listing, segment or screen before its time.

A row of `customers` sums up all events that were taken in, also those whose time has not come. Few have any;
of these the profile is worked out anew up to the instant, and stands in for the row while a question is
asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, select

from core.instants import Instant
from storage.intake.refolding import refolded
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import future_events
from storage.schema.profiles import profile_columns
from storage.sql import portions

_TABLE: Final = "customers_as_of"


@contextmanager
def seen_as_of(connection: Connection, now: Instant) -> Iterator[None]:
    """Within it, questions of this connection see the customers as of `now` (ms UTC). The database itself is
    not written.
    """
    later = _with_later_events(connection, now)
    if not later:
        yield
        return
    connection.exec_driver_sql("PRAGMA query_only=OFF")  # what is temporary is written nowhere else
    columns = _overlay(connection, later, now)
    seen = ", ".join(
        f"iif(a.id IS NULL, c.{name}, a.{name}) AS {name}" if name in columns else f"c.{name}"
        for name in (column.name for column in customers.c)
    )
    connection.exec_driver_sql(
        f"CREATE TEMP VIEW customers AS SELECT {seen} FROM main.customers AS c "  # noqa: S608 - own names
        f"LEFT JOIN temp.{_TABLE} AS a ON a.id = c.id"
    )
    connection.exec_driver_sql("PRAGMA query_only=ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("DROP VIEW temp.customers")
        connection.exec_driver_sql(f"DROP TABLE temp.{_TABLE}")
        connection.exec_driver_sql("PRAGMA query_only=ON")


def _with_later_events(connection: Connection, now: Instant) -> list[int]:
    query = (
        select(events.c.customer_id)
        .join_from(future_events, events, events.c.id == future_events.c.event_id)
        .where(future_events.c.occurred_at > now, events.c.customer_id.is_not(None))
    )
    return sorted(connection.execute(query.distinct()).scalars())


def _overlay(connection: Connection, later: list[int], now: Instant) -> frozenset[str]:
    """A table of their profiles as of then; gives its columns."""
    names: tuple[str, ...] = ()
    for ids in portions(later):
        rows = [
            {"id": customer} | profile_columns(profile)
            for customer, profile, _ in refolded(connection, ids, until=now)
        ]
        if rows and not names:
            names = tuple(rows[0])
            typed = ", ".join(("id INTEGER PRIMARY KEY", *names[1:]))
            connection.exec_driver_sql(f"CREATE TEMP TABLE {_TABLE} ({typed})")
        marks = ", ".join("?" * len(names))
        for row in rows:
            values = f"INSERT INTO {_TABLE} VALUES ({marks})"  # noqa: S608 - own names
            connection.exec_driver_sql(values, tuple(row.values()))
    return frozenset(names)
