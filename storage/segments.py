"""Named audiences counted and listed over all customers, in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from core.instants import Instant
from core.language import Condition
from storage import customers
from storage.conditions import add_functions, to_sql
from storage.schema.customers import customers as customers_table


def count(
    connection: Connection, condition: Condition, segments: Mapping[str, Condition], at: Instant
) -> int:
    """How many customers the condition holds for at the instant."""
    prepare(connection)
    return customers.count(connection, to_sql(condition, segments, at))


def members(
    connection: Connection, condition: Condition, segments: Mapping[str, Condition], at: Instant
) -> Iterator[Mapping[str, Any]]:
    """The customers it holds for, by key, as a stream."""
    prepare(connection)
    return customers.listing(connection, to_sql(condition, segments, at))


def those_in(condition: Condition, segments: Mapping[str, Condition], at: Instant) -> Select[int]:
    """The row ids of the customers it holds for, as a query that takes further conditions; the connection
    needs `prepare`.
    """
    return select(customers_table.c.id).where(to_sql(condition, segments, at))


def prepare(connection: Connection) -> None:
    """Give the connection the functions that conditions in SQL need."""
    add_functions(connection.connection.dbapi_connection)
