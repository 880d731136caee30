"""Named audiences counted and listed over all customers, in SQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import OperationalError

from core.errors import ManometerError
from core.instants import Instant
from core.language import Condition
from storage import customers
from storage.conditions import add_functions, to_sql
from storage.schema.customers import customers as customers_table
from storage.sqlite import interruptible

SECONDS: Final = 30.0
"""Of processor time that a condition may take over all customers, where nothing waits for it."""
SECONDS_IN_A_PASS: Final = 2.0
"""The same where something does."""
STEPS: Final = 5_000
"""Of SQLite's machine between two looks at the time: less than a millisecond."""


class ConditionTimeError(ManometerError):
    """A condition takes too long over all customers; nothing was changed."""


@contextmanager
def limited(connection: Connection, what: str, seconds: float) -> Iterator[Callable[[], None]]:
    """While it lasts the statements of a connection may take so many seconds of processor time; then they are
    broken off with a ConditionTimeError, which says `what` took so long. What it gives counts anew.
    """
    ends = time.thread_time() + seconds
    is_over = False

    def look() -> bool:
        nonlocal is_over
        is_over = time.thread_time() > ends
        return is_over

    def renew() -> None:
        nonlocal ends
        ends = time.thread_time() + seconds

    try:
        with interruptible(connection, look, STEPS):
            yield renew
    except OperationalError as error:
        if not is_over:
            raise
        raise ConditionTimeError(
            f"{what} takes longer than {seconds:g} s of processor time over all customers and was broken "
            "off. Make it simpler, or have it look at less of the past (`within`). Nothing was changed."
        ) from error


def segment_named(*names: str) -> str:
    """Whose condition it is, and where it stands, for `limited`."""
    return f"segments.toml: the condition of {' or '.join(map(repr, names))}"


def count(
    connection: Connection,
    condition: Condition,
    segments: Mapping[str, Condition],
    at: Instant,
    what: str = "the condition",
) -> int:
    """How many customers the condition holds for at the instant; ConditionTimeError where that takes too
    long, which says `what` it is.
    """
    prepare(connection)
    with limited(connection, what, SECONDS):
        return customers.count(connection, to_sql(condition, segments, at))


def members(
    connection: Connection,
    condition: Condition,
    segments: Mapping[str, Condition],
    at: Instant,
    what: str = "the condition",
) -> Iterator[Mapping[str, Any]]:
    """The customers it holds for, by key, as a stream; ConditionTimeError where it takes too long until the
    next.
    """
    prepare(connection)
    with limited(connection, what, SECONDS) as renew:
        for row in customers.listing(connection, to_sql(condition, segments, at)):
            yield row
            renew()


def those_in(condition: Condition, segments: Mapping[str, Condition], at: Instant) -> Select[int]:
    """The row ids of the customers it holds for, as a query that takes further conditions; the connection
    needs `prepare`.
    """
    return select(customers_table.c.id).where(to_sql(condition, segments, at))


def prepare(connection: Connection) -> None:
    """Give the connection the functions that conditions in SQL need."""
    add_functions(connection.connection.dbapi_connection)
