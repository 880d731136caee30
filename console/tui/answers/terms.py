"""From the terms of a filter line to conditions on rows: what was written is looked up among what there
is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sqlalchemy import Connection

from core.errors import ManometerError
from core.suggestions import near
from screens.ports.terms import LogFilter
from storage import customers
from storage.sql import ColumnClause

FEW: Final = 8
"""So many names are told to one who has written an unknown one."""

Known = Mapping[str, Collection[str]]
"""The values there are, by field."""


def customer_of(connection: Connection, terms: LogFilter) -> int | None:
    """The row of the customer that is asked for; ManometerError where there is none."""
    return None if terms.customer is None else customers.resolve(connection, terms.customer)


def clauses(terms: LogFilter, known: Known) -> tuple[ColumnClause, ...]:
    """The conditions; ManometerError where a term names nothing that there is."""
    return (
        *_only(terms, known),
        *(ColumnClause(_meant(field, value, known), negated=True) for field, value in terms.without),
    )


def _only(terms: LogFilter, known: Known) -> Iterator[ColumnClause]:
    for field in sorted({field for field, _ in terms.only} - {"word"}):
        values = {
            found for name, value in terms.only if name == field for found in _meant(name, value, known)[name]
        }
        yield ColumnClause({field: tuple(sorted(values))})
    yield from (ColumnClause(_meant(field, value, known)) for field, value in terms.only if field == "word")


def _meant(field: str, value: str, known: Known) -> dict[str, tuple[str, ...]]:
    """The values that contain what was written, by field; of one that is equal only that."""
    fields = known if field == "word" else {field: known[field]}
    found = {name: matches for name, values in fields.items() if (matches := _matches(value, values))}
    if not found:
        what = "nothing called" if field == "word" else f"no {field}"
        every = [each for values in fields.values() for each in values]
        hint = (
            near(value, every)
            or f"There are: {', '.join(sorted(every)[:FEW])}{', …' if len(every) > FEW else ''}."
        )
        raise ManometerError(f"There is {what} {value[:60]!r} here. {hint if every else ''}".rstrip())
    return found


def _matches(value: str, values: Collection[str]) -> tuple[str, ...]:
    wanted = value.casefold().replace("-", "_")
    names = {each: each.casefold().replace("-", "_") for each in values}
    equal = tuple(each for each, name in names.items() if name == wanted)
    return equal or tuple(sorted(each for each, name in names.items() if wanted in name))
