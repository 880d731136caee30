"""The functions that speak of local days, one meaning for closures and SQL."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from core.anniversaries import Anniversary, days_ahead, parse_anniversary, years_passed
from core.instants import EARLIEST, LATEST, Instant, local_date


def years_since(value: object, now: Instant, zone: str) -> int | None:
    """The anniversaries of a date text or an instant that have come by now; None where it is neither, or has
    no year.
    """
    anniversary = _anniversary(value, zone)
    return None if anniversary is None else years_passed(anniversary, local_date(now, _zone(zone)))


def days_until(value: object, now: Instant, zone: str) -> int | None:
    """The local days from now to the next anniversary of a date text or an instant, 0 on the day; None where
    it is neither.
    """
    anniversary = _anniversary(value, zone)
    return None if anniversary is None else days_ahead(anniversary, local_date(now, _zone(zone)))


def _anniversary(value: object, zone: str) -> Anniversary | None:
    if isinstance(value, str):
        return parse_anniversary(value, _zone(zone))
    if not isinstance(value, int) or not EARLIEST <= value <= LATEST:
        return None
    day = local_date(value, _zone(zone))
    return Anniversary(day.year, day.month, day.day)


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
