"""Dates that come again: a birthday, the anniversary of the registration (every year, or exactly the
third).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from core.anniversaries import Anniversary, day_in, parse_anniversary
from core.instants import EARLIEST, Instant, Millis, from_local, local_date
from core.kinds import Cause, SilentKind
from core.model.customer import TRAIT_FIELDS
from core.model.triggers import Trigger, When

if TYPE_CHECKING:
    from core.engine.state import CustomerState


LAST_YEAR: Final = 8_999
"""The last year of which instants are read."""


class Recurring(SilentKind):
    """Fires at a local time of day on each anniversary of a date of the profile, `offset` days off it."""

    name = "recurring"

    def is_clocked(self, when: When) -> bool:
        """Always."""
        return True

    def upcoming(self, trigger: Trigger, state: CustomerState, after: Instant) -> Cause | None:
        """The next anniversary, keyed by its year."""
        when = trigger.when
        anniversary = date_of(when, state)
        if anniversary is None:
            return None
        begin, month, day = anniversary
        if when.years:
            dates = _named(begin, month, day, when.years, when.offset_days, when.offset, when.at, state.zone)
        else:
            around = local_date(after if after > EARLIEST else EARLIEST, state.zone).year
            dates = _consecutive(
                begin, month, day, around, when.offset_days, when.offset, when.at, state.zone
            )
        entered = state.entries.get(trigger.name)
        for key, at in dates:
            if at > after and (entered is None or entered.cause_key != key):
                return Cause(key, at)
        return None


def date_of(when: When, state: CustomerState) -> Anniversary | None:
    """The date that comes again, as her profile has it; None where it has none."""
    name = when.date or ""
    trait = _trait_of(name)
    value = state.profile.field(name) if trait is None else state.profile.traits.get(trait)
    if isinstance(value, str):
        return parse_anniversary(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    day = local_date(value, state.zone)
    return Anniversary(day.year, day.month, day.day)


@lru_cache(maxsize=256)
def _trait_of(name: str) -> str | None:
    """The trait that a date's name means; None where it is another field of the profile."""
    return name[6:] if name.startswith("trait.") else TRAIT_FIELDS.get(name)


@lru_cache(maxsize=8_192)
def _named(
    begin: int | None,
    month: int,
    day: int,
    years: frozenset[int],
    days: int,
    offset: Millis,
    at: tuple[int, int],
    zone: ZoneInfo,
) -> tuple[tuple[str, Instant], ...]:
    """Key and instant of the anniversaries asked for, as far as instants go."""
    wanted = sorted(begin + number for number in years) if begin is not None else ()
    return tuple(
        (f"year:{year}", _occurrence(month, day, year, days, offset, at, zone))
        for year in wanted
        if year <= LAST_YEAR
    )


@lru_cache(maxsize=65536)
def _consecutive(
    begin: int | None,
    month: int,
    day: int,
    around: int,
    days: int,
    offset: Millis,
    at: tuple[int, int],
    zone: ZoneInfo,
) -> tuple[tuple[str, Instant], ...]:
    """Key and instant of the anniversaries of some years, beginning with the first that can lie in or after
    the year `around`.
    """
    earliest = around - 1 - max(days, 0) // 365
    first = earliest if begin is None else max(earliest, begin + 1)
    last = max(first, around) + abs(days) // 365 + 2
    return tuple(
        (f"year:{year}", _occurrence(month, day, year, days, offset, at, zone))
        for year in range(first, last + 1)
    )


def occurrence(anniversary: Anniversary, year: int, when: When, zone: ZoneInfo) -> Instant:
    """The instant of one anniversary; 29 February falls on the 28th in years that have none."""
    return _occurrence(anniversary.month, anniversary.day, year, when.offset_days, when.offset, when.at, zone)


@lru_cache(maxsize=65536)
def _occurrence(
    month: int, day: int, year: int, days: int, offset: Millis, at: tuple[int, int], zone: ZoneInfo
) -> Instant:
    falls_on = day_in(Anniversary(None, month, day), year)
    return from_local(datetime.combine(falls_on + timedelta(days=days), time(*at)), zone) + offset


KIND = Recurring()
