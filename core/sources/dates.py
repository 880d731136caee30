"""Days and instants as people and programs write them, read strictly: a text is the day it says, or it is
refused.

Days are read with the year in front (`2024-06-09`, `2024/6/9`, `20240609`) or behind (`09.06.2024`,
`6/9/2024`), or with the month by name in the languages of the trade (`9. Juni 2024`, `Jun 9, 2024`). Where
the year stands behind, the column as a whole says whether the day or the month comes first, since one cell
such as `06/09/2024` cannot. With dots the day comes first unless the column shows otherwise: no locale of
CLDR writes the month first with dots. Two-digit years and the serial days of spreadsheets are read only where
the style of the column allows them.

A day with a time and an offset (`1993-01-11T23:00:00.000Z`) is the local day of that instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from core.instants import DAY, EARLIEST, LATEST, SECOND, Instant, from_local, local_date
from core.sources.cells import CellError, ColumnChoice, bare, shown
from core.text_folding import spellings

DayOrder: TypeAlias = Literal["day first", "month first"]


@dataclass(frozen=True, slots=True)
class DateStyle:
    """How the days of one column are written."""

    zone: ZoneInfo
    """Of times without an offset, and of the local day that an instant falls on."""
    order: DayOrder | None = None
    """None: a day that could be either is refused."""
    latest_short_year: date | None = None
    """The last day that a two-digit year can mean, the first being a hundred years before; None: refused."""
    has_serial_days: bool = False
    """Whether numbers are days since the end of 1899, as spreadsheets count them."""


class _Written(NamedTuple):
    day: date
    clock: time | None
    ahead: timedelta | None  # of UTC; None: local time


# ---- what is read ----


@lru_cache(maxsize=16_384)
def read_instant(cell: str, style: DateStyle) -> Instant:
    """The instant of a cell with a day and mostly a time, in milliseconds UTC; a day alone is its local
    midnight. CellError where it is none.
    """
    return _instant(_written(cell, style), style.zone, cell)


def read_instant_of(day_cell: str, clock_cell: str, style: DateStyle) -> Instant:
    """The instant of a day in one cell and a time of the day in another, in milliseconds UTC; CellError where
    one of them is missing or none.
    """
    written = _written(day_cell, style)
    clock = read_clock(clock_cell, has_serial_days=style.has_serial_days)
    if written.clock not in (None, time(), clock):
        raise CellError(f"{shown(day_cell)} and {shown(clock_cell)} say two different times")
    ahead = None if written.clock in (None, time()) else written.ahead
    return _instant(_Written(written.day, clock, ahead), style.zone, f"{day_cell} {clock_cell}")


@lru_cache(maxsize=16_384)
def read_day(cell: str, style: DateStyle) -> date:
    """The local day of a cell; CellError where it is none, or one of the days that stand for no value."""
    written = _written(cell, style)
    if written.ahead is None or written.clock is None:
        return written.day
    return local_date(_instant(written, style.zone, cell), style.zone)


def read_birthday(cell: str, style: DateStyle, today: date | None = None) -> str:
    """`YYYY-MM-DD` of a day from 1900 to `today`, or `--MM-DD` of a cell without a year (`--06-09`, `09.06.`,
    `6/9`); CellError where it is none.
    """
    text = bare(cell)
    yearless = _YEARLESS_ISO.fullmatch(text)
    if yearless:
        return _yearless(int(yearless[1]), int(yearless[2]), cell)
    short = _YEARLESS.fullmatch(text)
    if short:
        month, day = _month_and_day(int(short[1]), int(short[3]), short[2], style.order, cell)
        return _yearless(month, day, cell)
    born = read_day(cell, style)
    if born.year < _FIRST_YEAR_OF_BIRTH:
        raise CellError(f"{shown(cell)} is no birthday: it is before {_FIRST_YEAR_OF_BIRTH}")
    if today is not None and born > today:
        raise CellError(f"{shown(cell)} is no birthday: it is still to come")
    return born.isoformat()


def read_clock(cell: str, *, has_serial_days: bool = False) -> time:
    """The time of day of a cell of its own: `14:05`, `14:05:33`, `2:05 PM`, `14.05 Uhr`, `1405`, `140533`,
    also behind the day zero of a spreadsheet (`1899-12-30 14:05:00`), or its fraction of a day (`0.58`) where
    serial days are allowed; CellError where it is none.
    """
    text = bare(cell)
    if not text:
        raise CellError("there is no time of day")
    text = _DAY_ZERO.sub("", text)
    if has_serial_days and _FRACTION.fullmatch(text):
        return _clock_of_fraction(float(text.replace(",", ".")))
    match = _CLOCK_ALONE.fullmatch(text) or _CLOCK_DIGITS.fullmatch(text)
    if match is None:
        raise CellError(f"{shown(cell)} is no time of day")
    return _clock(match, cell)


def day_order_column(column: str) -> ColumnChoice[DayOrder]:
    """Finds the order of day and month of a column, given its header, from all of its cells."""
    names: dict[DayOrder, str] = {"day first": "the day first", "month first": "the month first"}
    return ColumnChoice(
        column, day_orders_of, names, "day first", 'Name the format in the profile, such as "%d/%m/%Y".'
    )


@lru_cache(maxsize=16_384)
def day_orders_of(cell: str) -> tuple[DayOrder, ...]:
    """The orders in which a cell can be read, none where it makes no difference or cannot be read at all."""
    text = _DAY_NAME.sub("", bare(cell), count=1)
    match = _YEARLESS.fullmatch(text) or _YEAR_BEHIND.match(text)
    if match is None:
        return ()
    first, sign, second = int(match[1]), match[2], int(match[3])
    day_first, month_first = _fits(second, first), _fits(first, second)
    if day_first and month_first:
        return () if first == second or sign == "." else ("day first", "month first")
    if day_first:
        return ("day first",)
    return ("month first",) if month_first else ()


# ---- its parts ----

_FIRST_YEAR_OF_BIRTH: Final = 1900
_CLOCK_TEXT: Final = (
    r"(?P<hour>[0-9]{1,2})[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\.?)?"
)
_WHEN: Final = re.compile(
    rf"(?P<day>.+?)(?:(?:(?<=[0-9])t|[\s,]+){_CLOCK_TEXT}"
    r"(?:\s*(?P<zone>z|utc|gmt|[+\-\u2212][0-9]{2}(?::?[0-9]{2})?)|\s+uhr)?)?",
    re.IGNORECASE | re.DOTALL,
)
_COMPACT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2}))?")
_CLOCK_ALONE: Final = re.compile(
    _CLOCK_TEXT.replace("[:h]", "[:h.]").replace("(?::", "(?:[:.]") + r"(?:\s*uhr)?", re.IGNORECASE
)
_CLOCK_DIGITS: Final = re.compile(
    r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?(?P<part>)(?P<half>)"
)
_DAY_ZERO: Final = re.compile(
    r"\A(?:1899-12-3[01]|3[01]\.12\.1899|12/3[01]/1899|1900-01-0[01]|0[01]\.01\.1900)[ T]"
)
_FRACTION: Final = re.compile(r"0?[.,][0-9]{1,20}|0")
_YEAR_IN_FRONT: Final = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_BEHIND: Final = re.compile(r"([0-9]{1,2})([-/.])\s?([0-9]{1,2})\2\s?([0-9]{4}|[0-9]{2})(?![0-9])")
_YEARLESS_ISO: Final = re.compile(r"--([0-9]{2})-([0-9]{2})")
_YEARLESS: Final = re.compile(r"([0-9]{1,2})(?:([./])\s?([0-9]{1,2})\.?)")
_DAY_NAME: Final = re.compile(r"[^\W\d_]{2,10}\.?,\s*")
_DAY_THEN_NAME: Final = re.compile(
    r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|\.|er)?[\s-]*(?:de\s+)?(?P<name>[^\W\d_]+)\.?(?:,|\s+de\b)?[\s-]*"
    r"(?P<year>[0-9]{4}|[0-9]{2})",
    re.IGNORECASE,
)
_NAME_THEN_DAY: Final = re.compile(
    r"(?P<name>[^\W\d_]+)\.?\s+(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?(?:,\s*|\s+)(?P<year>[0-9]{4}|[0-9]{2})",
    re.IGNORECASE,
)
_SERIAL: Final = re.compile(r"([0-9]{1,5})(?:[.,]([0-9]{1,20}))?")
_NUMBER: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SERIAL_ZERO: Final = date(1899, 12, 30)
_FIRST_SERIAL: Final = 61
"""1 March 1900; the spreadsheets' days before are counted around a 29 February 1900 that never was."""
_LAST_SERIAL: Final = 73_415
"""31 December 2100."""
_LIKE_A_YEAR: Final = range(1900, 2101)
_FURTHEST_AHEAD: Final = timedelta(hours=15)
_NO_VALUE: Final = frozenset({
    date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1),
    date(MAXYEAR, 12, 31),
})  # fmt: skip
"""The first and last days of databases and spreadsheets, which stand where there was no value."""

_MONTH_NAMES: Final = (
    "jan january januar jänner jän janvier janv gennaio gen enero ene januari",
    "feb february februar feber février févr fév febbraio febrero februari",
    "mar march märz mär mrz mars marzo maart mrt",
    "apr april avril avr aprile abril abr",
    "may mai maggio mag mayo mei",
    "jun june juni juin giugno giu junio",
    "jul july juli juillet juil luglio lug julio",
    "aug august août aout agosto ago augustus",
    "sep sept september septembre settembre set septiembre",
    "oct october okt oktober octobre ottobre ott octubre",
    "nov november novembre noviembre",
    "dec december dez dezember décembre déc dicembre dic diciembre",
)
_MONTHS: Final = {
    spelling: number
    for number, names in enumerate(_MONTH_NAMES, 1)
    for name in names.split()
    for spelling in spellings(name)
}


def _written(cell: str, style: DateStyle) -> _Written:
    text = _DAY_NAME.sub("", bare(cell), count=1)
    if compact := _COMPACT.fullmatch(text):
        return _compact(compact, cell)
    if _NUMBER.fullmatch(text) and not _YEARLESS.fullmatch(text):
        return _serial(text, style, cell)
    match = _WHEN.fullmatch(text) if len(text) <= 80 else None
    if match is None:
        raise CellError(f"{shown(cell)} is no day" if text else "there is no day")
    day = _day(match["day"], style, cell)
    clock = None if match["hour"] is None else _clock(match, cell)
    if day in _NO_VALUE or (day == _EPOCH.date() and clock == time()):
        raise CellError(f"{shown(cell)} is a day that stands for no value")
    return _Written(day, clock, None if clock is None else _ahead(match["zone"], cell))


def _day(text: str, style: DateStyle, cell: str) -> date:
    if match := _YEAR_IN_FRONT.fullmatch(text):
        return _date(int(match[1]), int(match[3]), int(match[4]), cell)
    if match := _YEAR_BEHIND.fullmatch(text):
        month, day = _month_and_day(int(match[1]), int(match[3]), match[2], style.order, cell)
        return _date_of_year(match[4], month, day, style, cell)
    if match := _DAY_THEN_NAME.fullmatch(text) or _NAME_THEN_DAY.fullmatch(text):
        named = _MONTHS.get(spellings(match["name"])[0])
        if named is not None:
            return _date_of_year(match["year"], named, int(match["day"]), style, cell)
    raise CellError(f"{shown(cell)} is no day")


def _month_and_day(first: int, second: int, sign: str, order: DayOrder | None, cell: str) -> tuple[int, int]:
    if order is None and (sign == "." or first == second or not _fits(first, second)):
        order = "day first"
    if order is None and _fits(second, first):
        raise CellError(f"{shown(cell)} is two days: nothing says whether day or month comes first")
    return (second, first) if order == "day first" else (first, second)


def _fits(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _date_of_year(year: str, month: int, day: int, style: DateStyle, cell: str) -> date:
    if len(year) == 4:
        return _date(int(year), month, day, cell)
    latest = style.latest_short_year
    if latest is None:
        raise CellError(f"{shown(cell)} has a year of two digits, which the profile does not allow")
    within = latest.year - latest.year % 100 + int(year)
    is_past = (within, month, day) <= (latest.year, latest.month, latest.day)
    return _date(within if is_past else within - 100, month, day, cell)


def _date(year: int, month: int, day: int, cell: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise CellError(f"{shown(cell)} is a day that does not exist") from None


def _yearless(month: int, day: int, cell: str) -> str:
    return f"-{_date(2000, month, day, cell).isoformat()[4:]}"


def _clock(match: re.Match[str], cell: str) -> time:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    half = (match["half"] or "").lower()
    if half and hour in range(1, 13):
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half and half != ("a" if hour == 0 else "p"):  # Magento writes 24 hours, and the half beside them
        raise CellError(f"{shown(cell)} has an hour that its half of the day does not have")
    try:
        return time(hour, minute, second, int((match["part"] or "").ljust(6, "0")[:6]))
    except ValueError:
        raise CellError(f"{shown(cell)} has a time of day that does not exist") from None


def _ahead(zone: str | None, cell: str) -> timedelta | None:
    if zone is None:
        return None
    if zone.lower() in ("z", "utc", "gmt"):
        return timedelta()
    digits = zone[1:].replace(":", "")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if length > _FURTHEST_AHEAD or int(digits[2:] or 0) > 59:
        raise CellError(f"{shown(cell)} has an offset that no place has")
    return length if zone[0] == "+" else -length


def _compact(match: re.Match[str], cell: str) -> _Written:
    year, month, day, hour, minute, second = (int(part) for part in match.groups("0"))
    written = _date(year, month, day, cell)
    if written in _NO_VALUE:
        raise CellError(f"{shown(cell)} is a day that stands for no value")
    try:
        return _Written(written, time(hour, minute, second) if match[4] else None, None)
    except ValueError:
        raise CellError(f"{shown(cell)} has a time of day that does not exist") from None


def _serial(text: str, style: DateStyle, cell: str) -> _Written:
    match = _SERIAL.fullmatch(text)
    if match is None or not style.has_serial_days:
        raise CellError(f"{shown(cell)} is a number where a day is expected")
    days = int(match[1])
    if not _FIRST_SERIAL <= days <= _LAST_SERIAL or (days in _LIKE_A_YEAR and not match[2]):
        raise CellError(f"{shown(cell)} is no serial day of a spreadsheet, which count from 1900 to 2100")
    clock = _clock_of_fraction(float(f"0.{match[2]}")) if match[2] else None
    return _Written(_SERIAL_ZERO + timedelta(days=days), clock, None)


def _clock_of_fraction(fraction: float) -> time:
    seconds = min(round(fraction * 86_400), 86_399)
    return time(seconds // 3_600, seconds // 60 % 60, seconds % 60)


def _instant(written: _Written, zone: ZoneInfo, cell: str) -> Instant:
    naive = datetime.combine(written.day, written.clock or time())
    if not 2 <= naive.year < MAXYEAR:
        raise CellError(f"{shown(cell)} is out of range: years go from 1000 to 8999")
    if written.ahead is None:
        at = from_local(naive, zone)
    else:
        since = naive.replace(tzinfo=UTC) - written.ahead - _EPOCH
        at = since.days * DAY + since.seconds * SECOND + since.microseconds // 1_000
    if not EARLIEST <= at <= LATEST:
        raise CellError(f"{shown(cell)} is out of range: years go from 1000 to 8999")
    if at == 0 or (naive == _EPOCH.replace(tzinfo=None)):
        raise CellError(f"{shown(cell)} is an instant that stands for no value")
    return at
