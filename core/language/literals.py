"""Values as written, before their meaning is settled, and fixed values in the units of what they are compared
with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from core.instants import Instant, day_start, parse_instant
from core.language.errors import ConditionError
from core.language.fields import Type
from core.language.tokens import Token
from core.language.tree import Operand, Property, Scalar

MINOR_UNITS = 100
LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value as written, its units not yet known."""

    value: str | bool | Decimal
    text: str = ""

    @property
    def described(self) -> str:
        """The value in a sentence, as in "'x' is text"."""
        if isinstance(self.value, bool):
            return f"{self.text} is true or false"
        return f"{self.text} is text" if isinstance(self.value, str) else f"{self.text} is a number"


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A name beside an event that may mean two things: the event's property where it carries one, else the
    customer's field.
    """

    name: str
    of_event: Operand
    of_customer: Operand
    text: str = ""

    def chosen(self, is_event: bool) -> Operand:
        """One of the two meanings."""
        return replace(self.of_event if is_event else self.of_customer, text=self.text)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name in no list: most likely the event's property, but on the right of a comparison a text without
    its quotes.
    """

    property: Property
    text: str = ""


Term: TypeAlias = Operand | GivenValue | Ambiguous


def as_number(value: Decimal, token: Token, text: str) -> int | float:
    """A whole number exactly, any other as the nearest double; ConditionError beyond 64 bits."""
    if abs(value) > LARGEST_INTEGER:
        raise ConditionError("This number is too large", token.start + 1, None, text)
    return int(value) if value == value.to_integral_value() else float(value)


def settled(given: GivenValue, kind: Type, name: str, token: Token, text: str) -> Scalar:
    """A fixed value in the units of the type it is compared with; ConditionError naming the operand where it
    does not fit.
    """
    value = given.value
    match kind:
        case Type.DYNAMIC:
            return as_number(value, token, text) if isinstance(value, Decimal) else value
        case Type.TEXT if isinstance(value, str):
            return value
        case Type.NUMBER if isinstance(value, Decimal):
            return as_number(value, token, text)
        case Type.MONEY if isinstance(value, Decimal):
            return as_number(value * MINOR_UNITS, token, text)
        case Type.DATE if isinstance(value, str):
            return _date(value, token, text)
    raise ConditionError(
        f"{name} is {kind.value}; {given.described}", token.start + 1, _advice(given, kind), text
    )


def _advice(given: GivenValue, kind: Type) -> str:
    numeric = isinstance(given.value, str) and given.value.replace(".", "", 1).isdecimal()
    match kind:
        case Type.NUMBER | Type.MONEY if numeric:
            return f"Write it without quotes: {given.value}"
        case Type.NUMBER:
            return "Compare it with a number, such as 10"
        case Type.MONEY:
            return "Compare it with an amount, such as 49.90"
        case Type.TEXT:
            return f"Write it in quotes: '{given.text}'"
        case _:
            return "Compare it with a date in quotes, such as '2025-03-01'"


def _date(value: str, token: Token, text: str) -> str:
    # Without a year every real day must be possible, 29 February too; 2000 is a leap year.
    complete = f"2000{value[1:]}" if value.startswith("--") else value
    try:
        if len(complete) == len("2000-01-01") and complete.isascii():
            date.fromisoformat(complete)
            return value
    except ValueError:
        pass
    suggestion = "Write it like '1990-05-21', or '--05-21' without a year"
    raise ConditionError(f"{value[:30]!r} is not a date", token.start + 1, suggestion, text)


def span_of(given: GivenValue, name: str, zone: ZoneInfo, token: Token, text: str) -> tuple[Instant, Instant]:
    """The first instant of what is written and the first after it: a whole local day, or one millisecond;
    ConditionError otherwise.
    """
    if not isinstance(given.value, str):
        suggestion = "Compare it with a date in quotes, such as '2025-03-01', or with ago('90d')"
        raise ConditionError(
            f"{name} is a point in time; {given.described}", token.start + 1, suggestion, text
        )
    try:
        if len(given.value) == len("2000-01-01"):
            day = date.fromisoformat(given.value)
            return parse_instant(given.value, zone), day_start(day + timedelta(days=1), zone)
        at = parse_instant(given.value, zone)
    except (ValueError, OverflowError):
        suggestion = "Write it like '2025-03-01' or '2025-03-01T08:00:00Z'"
        raise ConditionError(
            f"{given.value[:30]!r} is not a date", token.start + 1, suggestion, text
        ) from None
    return at, at + 1
