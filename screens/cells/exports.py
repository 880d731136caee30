"""Rows as values to take away: names of fields and plain values, not the cells that a screen has room for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from core.instants import format_instant

Holds: TypeAlias = Literal["plain", "instant", "money"]
MINOR_DIGITS: Final = 2
"""Of money: a franc has a hundred centimes."""


@dataclass(frozen=True, slots=True)
class ExportField:
    """A field of the rows, by its name: taken away as it is, as an instant in ISO 8601 UTC, or as money in
    major units.
    """

    name: str
    holds: Holds = "plain"
    of: str = ""
    """The value of the row that has the field; empty where the row has it itself."""


Fields: TypeAlias = tuple[ExportField, ...]
"""The fields of an export, in their order."""


def plain(*names: str, of: str = "") -> Fields:
    """Fields that are taken away as they are; `of` names the value of the row that has them."""
    return tuple(ExportField(name, of=of) for name in names)


def instants(*names: str) -> Fields:
    """Fields that hold instants."""
    return tuple(ExportField(name, "instant") for name in names)


def money(*names: str) -> Fields:
    """Fields that hold money in minor units."""
    return tuple(ExportField(name, "money") for name in names)


def heads(taken: Fields, currency: str) -> list[str]:
    """The names of the fields; money with its currency, such as `revenue_CHF`."""
    return [f"{field.name}_{currency}" if field.holds == "money" else field.name for field in taken]


def values(taken: Fields, row: object) -> list[object]:
    """The fields of a row."""
    return [_value(field, getattr(_owner(field, row), field.name)) for field in taken]


def _owner(field: ExportField, row: object) -> object:
    return getattr(row, field.of) if field.of else row


def _value(field: ExportField, value: object) -> object:
    if not isinstance(value, int) or field.holds == "plain":
        return value
    return format_instant(value) if field.holds == "instant" else Decimal(value).scaleb(-MINOR_DIGITS)
