"""What several statements share: rows by their ids, and conditions that a filter line makes on a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    column,
    false,
    func,
    not_,
    or_,
    select,
)

from core.instants import Instant

NO_ROW: Final[ColumnElement[bool]] = false()
"""The condition that holds for no row."""

# ---- rows by their ids ----

WANTED: Final = select(func.json_each(bindparam("ids")).table_valued(column("value", Integer)).c.value)
"""The ids that `named` gives to a statement.

They are one parameter whatever their number, so that a statement is prepared once: a list of marks would be
built anew for each chunk.
"""


def named(ids: Iterable[int]) -> dict[str, str]:
    """The parameter of a statement with `WANTED` in it."""
    return {"ids": orjson.dumps(list(ids)).decode()}


def rows_of(connection: Connection, query: Select[Any], ids: Iterable[int] = ()) -> Sequence[Any]:
    """All rows as the driver gives them, half the price of SQLAlchemy's; for columns without conversion,
    `ids` filling in for `WANTED`.
    """
    with connection.execute(query, named(ids)) as result:
        return result.cursor.fetchall() if result.cursor is not None else ()


# ---- conditions of a filter line ----


@dataclass(frozen=True, slots=True)
class ColumnClause:
    """Values by column, any of which makes it true of a row; `negated` turns it round."""

    values: Mapping[str, tuple[str, ...]]
    negated: bool = False

    def only(self, column: str) -> tuple[str, ...] | None:
        """The values of a column where it asks for them and for nothing else."""
        return self.values[column] if not self.negated and self.values.keys() == {column} else None

    def holds(self, table: Table) -> ColumnElement[bool]:
        """The same as a condition on a row; an empty column has none of the values."""
        one = [func.coalesce(table.c[name].in_(values), False) for name, values in self.values.items()]
        return not_(or_(*one)) if self.negated else or_(*one)

    def leaves(self, column: str, values: Iterable[str]) -> tuple[str, ...]:
        """Of these values of a column those that rows can have for which it holds."""
        if self.values.keys() != {column}:
            return tuple(values)
        return tuple(value for value in values if (value in self.values[column]) is not self.negated)


LONGEST_WORD: Final = 4_096


def containing(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Whether a text contains the word, whose `%` and `_` are letters like others; an empty column does
    not, and none a word longer than any name.
    """
    if len(word) > LONGEST_WORD:  # SQLite refuses patterns of some 50,000 bytes
        return false()
    escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return func.coalesce(column.like(f"%{escaped}%", escape="/"), false())


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which rows of a log are asked for: all clauses hold, and the log's instant lies in [since, until).

    Instants are milliseconds UTC; None leaves an end open, or asks for all customers.
    """

    customer_id: int | None = None
    clauses: tuple[ColumnClause, ...] = ()
    since: Instant | None = None
    until: Instant | None = None

    def one_of(self, column: str) -> str | None:
        """The one value of a column that is left, where a clause asks for it alone."""
        asked = (clause.only(column) for clause in self.clauses)
        return next((values[0] for values in asked if values is not None and len(values) == 1), None)

    def among(self, column: str, known: Iterable[str]) -> tuple[str, ...]:
        """Of these values of a column those that are asked for."""
        for clause in self.clauses:
            known = clause.leaves(column, known)
        return tuple(known)

    def bounds(self, table: Table, at: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        """The conditions that an index of the customer or of the instant answers."""
        yield from equal(table, customer_id=self.customer_id)
        yield from within(at, self.since, self.until)

    def holds(self, table: Table, at: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        """All conditions on a row."""
        yield from self.bounds(table, at)
        yield from (clause.holds(table) for clause in self.clauses)


def equal(table: Table, **values: int | str | None) -> Iterator[ColumnElement[bool]]:
    """That columns have these values; None asks for nothing."""
    return (table.c[name] == value for name, value in values.items() if value is not None)


def within(
    at: ColumnElement[Any], since: Instant | None, until: Instant | None
) -> Iterator[ColumnElement[bool]]:
    """That an instant lies in [since, until), in ms UTC; None leaves an end open."""
    if since is not None:
        yield at >= since
    if until is not None:
        yield at < until


_Value = TypeVar("_Value")


def portions(values: Sequence[_Value], size: int = 400) -> Iterator[Sequence[_Value]]:
    """The values in pieces that fit into one statement."""
    return (values[first : first + size] for first in range(0, len(values), size))
