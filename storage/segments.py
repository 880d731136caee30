"""Named audiences counted and listed over all customers, in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from core.instants import Instant
from core.language import Condition
from storage import customers
from storage.conditions import add_functions, to_sql


def count(connection: Connection, condition: Condition, segments: Mapping[str, Condition], at: Instant) -> int:
    """How many customers the condition holds for at the instant."""
    _prepare(connection)
    return customers.count(connection, to_sql(condition, segments, at))


def members(connection: Connection, condition: Condition, segments: Mapping[str, Condition], at: Instant) -> Iterator[Mapping[str, Any]]:
    """The customers it holds for, by key, as a stream."""
    _prepare(connection)
    return customers.listing(connection, to_sql(condition, segments, at))


def _prepare(connection: Connection) -> None:
    add_functions(connection.connection.dbapi_connection)
