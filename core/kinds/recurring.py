"""Dates that come again: a birthday, the anniversary of the registration (every year, or exactly the third)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.anniversaries import Anniversary, day_in, parse_anniversary
from core.instants import EARLIEST, Instant, Millis, from_local, local_date
from core.kinds import Cause, SilentKind
from core.triggers import Trigger, When

if TYPE_CHECKING:
    from core.life import Life


class Recurring(SilentKind):
    """Fires at a local time of day on each anniversary of a date of the profile, `offset` days off it."""

    name = "recurring"

    def is_clocked(self, when: When) -> bool:
        """Always."""
        return True

    def upcoming(self, trigger: Trigger, life: Life, after: Instant) -> Cause | None:
        """The next anniversary, keyed by its year."""
        when = trigger.when
        anniversary = date_of(when, life)
        if anniversary is None:
            return None
        entered = life.entries.get(trigger.name)
        if when.years:
            dates: Iterable[tuple[str, Instant]] = _named(anniversary, when, life.zone)
        else:
            around = local_date(max(after, EARLIEST), life.zone).year
            dates = _consecutive(*anniversary, around, when.offset_days, when.offset, when.at, life.zone)
        for key, at in dates:
            if at > after and (entered is None or entered.cause_key != key):
                return Cause(key, at)
        return None


def date_of(when: When, life: Life) -> Anniversary | None:
    """The date that comes again, as her profile has it; None where it has none."""
    name = when.date or ""
    value = life.profile.traits.get(name[6:]) if name.startswith("trait.") else life.profile.field(name)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        day = local_date(value, life.zone)
        return Anniversary(day.year, day.month, day.day)
    return parse_anniversary(value) if isinstance(value, str) else None


def _named(anniversary: Anniversary, when: When, zone: ZoneInfo) -> Iterator[tuple[str, Instant]]:
    """The anniversaries asked for, one by one: years far ahead lie beyond the calendar."""
    if anniversary.year is not None:
        for number in sorted(when.years):
            year = anniversary.year + number
            yield f"year:{year}", occurrence(anniversary, year, when, zone)


@lru_cache(maxsize=65536)
def _consecutive(
    begin: int | None, month: int, day: int, around: int, days: int, offset: Millis, at: tuple[int, int], zone: ZoneInfo
) -> tuple[tuple[str, Instant], ...]:
    """Key and instant of the anniversaries of some years, beginning with the first that can lie in or after the year `around`."""
    earliest = around - 1 - max(days, 0) // 365
    first = earliest if begin is None else max(earliest, begin + 1)
    last = max(first, around) + abs(days) // 365 + 2
    return tuple((f"year:{year}", _occurrence(month, day, year, days, offset, at, zone)) for year in range(first, last + 1))


def occurrence(anniversary: Anniversary, year: int, when: When, zone: ZoneInfo) -> Instant:
    """The instant of one anniversary; 29 February falls on the 28th in years that have none."""
    return _occurrence(anniversary.month, anniversary.day, year, when.offset_days, when.offset, when.at, zone)


@lru_cache(maxsize=65536)
def _occurrence(month: int, day: int, year: int, days: int, offset: Millis, at: tuple[int, int], zone: ZoneInfo) -> Instant:
    falls_on = day_in(Anniversary(None, month, day), year)
    return from_local(datetime.combine(falls_on + timedelta(days=days), time(*at)), zone) + offset


KIND = Recurring()
