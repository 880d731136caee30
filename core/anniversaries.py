"""Dates that come again every year: what a date text says, and on which day of a year it falls."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.instants import local_date, parse_instant

DATE = re.compile(r"(?:(\d{4})|-)-(\d\d)-(\d\d)")


class Anniversary(NamedTuple):
    """A day of the year, and the year it began in where that is known."""

    year: int | None
    month: int
    day: int


@lru_cache(maxsize=4096)
def parse_anniversary(text: str, zone: ZoneInfo) -> Anniversary | None:
    """A `YYYY-MM-DD` or `--MM-DD` date, or the local day in `zone` of an ISO 8601 date with a time; None for
    anything else.
    """
    found = DATE.match(text)
    if found is None:
        return None
    if found.end() < len(text.rstrip()):
        return _local_day(text, zone) if found.group(1) and text[found.end()] in "Tt " else None
    year, month, day = found.group(1), int(found.group(2)), int(found.group(3))
    try:
        date(int(year) if year else 2000, month, day)
    except ValueError:
        return None
    return Anniversary(int(year) if year else None, month, day)


def _local_day(text: str, zone: ZoneInfo) -> Anniversary | None:
    try:
        day = local_date(parse_instant(text, zone), zone)
    except ValueError:
        return None
    return Anniversary(day.year, day.month, day.day)


def day_in(anniversary: Anniversary, year: int) -> date:
    """Its day in a year; 29 February falls on the 28th in years that have none."""
    month, day = anniversary.month, anniversary.day
    if (month, day) == (2, 29) and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        day = 28
    return date(year, month, day)


def years_passed(anniversary: Anniversary, today: date) -> int | None:
    """How many of its anniversaries have come up to and with a day; None where its year is not known."""
    if anniversary.year is None:
        return None
    return today.year - anniversary.year - (today < day_in(anniversary, today.year))


def days_ahead(anniversary: Anniversary, today: date) -> int | None:
    """How many days a day is before the next anniversary, 0 on the day itself; None at the end of the
    calendar.
    """
    years = (year for year in (today.year, today.year + 1) if year <= date.max.year)
    return next(
        ((day_in(anniversary, year) - today).days for year in years if day_in(anniversary, year) >= today),
        None,
    )
