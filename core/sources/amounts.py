"""Numbers and amounts of money as people and programs write them, read strictly: a text is the number it says
under its decimal sign, or it is refused.

Read are `1234.50`, thousands in groups of three parted by one and the same sign (`1,234.50`, `1'234.50`, `1
234.50` with any of the blanks that are used for it), a minus in front or behind, accounts' parentheses for a
minus (`(33.52)`), `49.-` for no cents, and a currency on either side. Refused are groups of any other length
(`1,23,456`), two signs of thousands in one number, a sign of thousands behind the decimal sign, and powers of
ten (`4.17E+10`), since a spreadsheet has already dropped digits there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from core.sources.cells import CellError, ColumnChoice, bare, shown
from core.sources.currencies import DECIMALS, one_currency

DecimalSign: TypeAlias = Literal[".", ","]

LARGEST_NUMBER: Final = 10**15
LARGEST_AMOUNT: Final = 10**12
"""In minor units."""
_LONGEST: Final = 64

_MINUS: Final = "-\u2212\u2013"
_SIGN: Final = rf"[()+{re.escape(_MINUS)}]?"
_BESIDE: Final = rf"[^\s()+{re.escape(_MINUS)}]*"
_GROUP_SIGNS: Final = "'\u2019\u2018\u02bc\u00b4 \u00a0\u202f\u2009"
_PARTS: Final = re.compile(
    r"(?P<before>[^0-9.,]*(?:(?<=[^\W\d_])\.[^0-9.,]*)?)"  # a letter's dot is its own, as in `Fr.5`
    r"(?P<number>(?:(?<![^\W\d_])[.,])?[0-9](?:.*[0-9])?)(?P<after>[^0-9]*)",
    re.DOTALL,
)
_BEFORE: Final = re.compile(rf"\s*({_SIGN})\s*({_BESIDE})\s*({_SIGN})\s*")
_AFTER: Final = re.compile(
    rf"(?P<no_cents>[.,](?:--?|[\u2212\u2013\u2014]))?\s*({_SIGN})\s*({_BESIDE})\s*({_SIGN})\s*"
)
_NUMBERS: Final = {
    decimal: re.compile(
        rf"(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(?P<group>[{other}{_GROUP_SIGNS}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*)?"
        rf"(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_PLAIN: Final = {".": re.compile(r"-?[0-9]+(?:\.[0-9]+)?"), ",": re.compile(r"-?[0-9]+(?:,[0-9]+)?")}
_POWER_OF_TEN: Final = re.compile(r"[0-9.,]+[eE][+-]?[0-9]+")
_WHOLE: Final = re.compile(r"-?[0-9]+")
_OBVIOUS: Final = re.compile(r"-?[0-9]+([.,])(?:[0-9]{1,2}|[0-9]{4,})")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, and the currency that stood beside it (an ISO 4217 code), if one did."""

    number: Decimal
    currency: str | None = None


def read_number(cell: str, decimal: DecimalSign) -> Decimal:
    """The number of a cell; CellError where it is none under that decimal sign, or has a currency."""
    amount = read_amount(cell, decimal)
    if amount.currency is not None:
        raise CellError(f"{shown(cell)} is an amount of money where a plain number is expected")
    return amount.number


@lru_cache(maxsize=16_384)
def read_amount(cell: str, decimal: DecimalSign, home: str | None = None) -> Amount:
    """The number of a cell in major units and the currency beside it, `home` being what an ambiguous sign
    such as `$` means where it can; CellError where it is none under that decimal sign.
    """
    if len(cell) <= _LONGEST and _PLAIN[decimal].fullmatch(cell):
        return Amount(_within_reason(Decimal(cell.replace(",", ".")), cell))
    text = bare(cell)
    parts = _PARTS.fullmatch(text) if len(text) <= _LONGEST else None
    before = _BEFORE.fullmatch(parts["before"]) if parts else None
    after = _AFTER.fullmatch(parts["after"]) if parts else None
    if parts is None or before is None or after is None:
        raise CellError(_not_a_number(cell, text))
    number = _number(parts["number"], after["no_cents"], decimal, cell)
    names = tuple(name for name in (before[2], after[3]) if name)
    try:
        currency = one_currency(names, home) if names else None
    except CellError as error:
        raise CellError(f"{shown(cell)} is no amount: {error}") from None
    is_negative = _is_negative((before[1], before[3], after[2], after[4]), cell)
    return Amount(-number if is_negative else number, currency)


def _number(text: str, no_cents: str | None, decimal: DecimalSign, cell: str) -> Decimal:
    match = _NUMBERS[decimal].fullmatch(text)
    if match is None or (no_cents and (no_cents[0] != decimal or match["fraction"])):
        raise CellError(_not_under(cell, text, decimal))
    whole = match["whole"] or "0"
    if match["group"]:
        whole = whole.replace(match["group"], "")
    number = Decimal(f"{whole}.{match['fraction'] or '0'}" if match["fraction"] else whole)
    return _within_reason(number, cell)


def _is_negative(signs: tuple[str, ...], cell: str) -> bool:
    said = "".join(signs)
    if said in ("", "+"):
        return False
    if said == "()" or (len(said) == 1 and said in _MINUS):
        return True
    raise CellError(f"{shown(cell)} is no number: its signs do not fit together")


def _within_reason(number: Decimal, cell: object) -> Decimal:
    if not number.is_finite() or abs(number) >= LARGEST_NUMBER:
        raise CellError(f"{shown(cell)} is beyond all reason")
    return number


def _not_a_number(cell: str, text: str) -> str:
    if not text:
        return "the cell is empty"
    return f"{shown(cell)} is {'no number' if len(text) <= _LONGEST else 'too long for a number'}"


def _not_under(cell: str, number: str, decimal: DecimalSign) -> str:
    if _POWER_OF_TEN.fullmatch(number):
        return f"{shown(cell)} is written with a power of ten, which drops digits"
    return f"{shown(cell)} is no number whose decimal sign is {decimal!r}"


def read_json_amount(value: object, home: str | None = None) -> Amount:
    """The amount of a JSON value in major units: a number exactly as it was written, or a text with a decimal
    point; CellError for anything else, booleans, NaN and infinities too.
    """
    if isinstance(value, str):
        return read_amount(value, ".", home)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise CellError(f"{shown(value)} is no number" if value is not None else "there is no number")
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        raise CellError("the number is beyond all reason")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return Amount(_within_reason(number, value))


# ---- minor units ----


def to_minor_units(number: Decimal, currency: str) -> int:
    """An amount in major units as whole minor units of its currency, a half rounded away from zero; CellError
    for an unknown currency, or more than 10^12 of them.
    """
    decimals = _decimals(currency)
    rounded = _within_reason(number, number).quantize(Decimal((0, (1,), -decimals)), ROUND_HALF_UP)
    amount = int(rounded.scaleb(decimals))
    if abs(amount) > LARGEST_AMOUNT:
        raise CellError(f"{number} {currency} is beyond all reason")
    return amount


def from_minor_units(amount: int, currency: str) -> Decimal:
    """Whole minor units of a currency as major units, exactly; CellError for an unknown currency."""
    return Decimal(amount).scaleb(-_decimals(currency))


def _decimals(currency: str) -> int:
    try:
        return DECIMALS[currency]
    except KeyError:
        raise CellError(f"{shown(currency)} is no currency") from None


# ---- the decimal sign of a column ----


def decimal_column(column: str) -> ColumnChoice[DecimalSign]:
    """Finds the decimal sign of a column, given its header, from all of its cells; whole numbers fit both."""
    names: dict[DecimalSign, str] = {".": "a decimal point", ",": "a decimal comma"}
    return ColumnChoice(column, decimal_signs_of, names, ".", 'Set `decimal` to "." or "," in the profile.')


def decimal_signs_of(cell: str) -> tuple[DecimalSign, ...]:
    """The decimal signs a cell can be read with, none where it makes no difference or cannot be read at
    all.
    """
    if _WHOLE.fullmatch(cell):
        return ()
    if obvious := _OBVIOUS.fullmatch(cell):
        return (".",) if obvious[1] == "." else (",",)
    with_point, with_comma = _read_or_none(cell, "."), _read_or_none(cell, ",")
    if with_point is not None and with_comma is not None:
        return () if with_point == with_comma else (".", ",")
    if with_point is not None:
        return (".",)
    return () if with_comma is None else (",",)


def _read_or_none(cell: str, decimal: DecimalSign) -> Amount | None:
    try:
        return read_amount(cell, decimal, None)
    except CellError:
        return None
