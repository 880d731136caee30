"""Dates that come again: a birthday, the anniversary of the registration (every year, or exactly the
third).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import ClassVar, Final, Self
from zoneinfo import ZoneInfo

from core.anniversaries import Anniversary, day_in, parse_anniversary
from core.instants import DAY, EARLIEST, Instant, Millis, from_local, local_date
from core.kinds._kind import Kind, WhenReader
from core.kinds._nearness import has_entered, last_entry, local_time
from core.model.customer import TRAIT_FIELDS
from core.model.events import ORDER_COMPLETED
from core.model.nearness import EntryQuestion, Nearness
from core.model.pauses import PausePolicy
from core.model.triggers import Trigger
from core.model.when import Cause, PlayedCustomer

DATES: Final = ("birthday", "registered_at", "first_order", "last_order")
"""The dates of a profile; others are traits."""
ORDER_DATES: Final = frozenset({"first_order", "last_order"})
LAST_YEAR: Final = 8_999
"""The last year of which instants are read."""
ORDINALS: Final = {1: "1st", 2: "2nd", 3: "3rd"}
_TRAIT: Final = re.compile(r"trait\.[^\W\d][\w.]*")
_ANY_DATE: Final = f"Write one of: {', '.join(DATES)}, trait.NAME."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring(Kind):
    """Fires at a local time of day on each anniversary of a date of the profile, `offset` off it."""

    kind: ClassVar[str] = "recurring"
    keys: ClassVar[tuple[str, ...]] = ("date", "offset", "at", "years")
    place: ClassVar[int] = 3
    is_date: ClassVar[bool] = True
    moves_with_traits: ClassVar[bool] = True

    date: str | None = None
    offset_days: int = 0
    offset: Millis = 0  # what `offset` says beyond whole days
    at: tuple[int, int] = (9, 0)  # local hour and minute
    years: frozenset[int] = frozenset()  # empty: every year

    @classmethod
    def read(cls, table: WhenReader) -> Self:
        """The kind as a table has it."""
        offset = table.duration("offset", signed=True) or 0
        days = int(offset / DAY)
        return cls(
            date=_date(table),
            offset_days=days,
            offset=offset - days * DAY,
            at=table.time_of_day("at") or (9, 0),
            years=_years(table),
        )

    # ---- what concerns it ----

    def moved_by(self) -> frozenset[str]:
        """An order, where the date is that of one."""
        return frozenset({ORDER_COMPLETED}) if self.date in ORDER_DATES else frozenset()

    def fires_without_event(self) -> bool:
        """Always."""
        return True

    # ---- what makes a customer enter ----

    def upcoming(self, trigger: Trigger, customer: PlayedCustomer, after: Instant) -> Cause | None:
        """The next anniversary, keyed by its year."""
        anniversary = self.anniversary(customer)
        if anniversary is None:
            return None
        days, offset, at, zone = self.offset_days, self.offset, self.at, customer.zone
        if self.years:
            dates = _in_years(anniversary, self.years, days, offset, at, zone)
        else:
            around = local_date(after if after > EARLIEST else EARLIEST, zone).year
            dates = _consecutive(anniversary, around, days, offset, at, zone)
        entered = customer.entries.get(trigger.name)
        for key, instant in dates:
            if instant > after and (entered is None or entered.cause_key != key):
                return Cause(key, instant)
        return None

    def anniversary(self, customer: PlayedCustomer) -> Anniversary | None:
        """The date that comes again, as the customer's profile has it; None where it has none."""
        name = self.date or ""
        trait = _trait_of(name)
        value = customer.profile.field(name) if trait is None else customer.profile.traits.get(trait)
        if isinstance(value, str):
            return parse_anniversary(value, customer.zone)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        day = local_date(value, customer.zone)
        return Anniversary(day.year, day.month, day.day)

    def occurrence(self, anniversary: Anniversary, year: int, zone: ZoneInfo) -> Instant:
        """The instant of one anniversary; 29 February falls on the 28th in years that have none."""
        _, month, day = anniversary
        return _occurrence(month, day, year, self.offset_days, self.offset, self.at, zone)

    # ---- what becomes of a journey ----

    def resume_policy(self, asked: PausePolicy) -> PausePolicy:
        """A date does not move: what would move or begin anew goes out at once."""
        return "overdue" if asked in ("shift", "restart") else asked

    # ---- words ----

    def words(self, currency: str) -> str:
        """On which day and at what time."""
        side = "before" if self.offset_days < 0 else "after"
        days = f"{abs(self.offset_days)} days {side} " if self.offset_days else "on "
        named = ", ".join(str(year) for year in sorted(self.years))
        years = f", in year {named}" if self.years else " every year"
        return f"{days}{self.date} at {self.at[0]:02d}:{self.at[1]:02d}{years}"

    # ---- nearness ----

    def nearness(self, question: EntryQuestion) -> Nearness:
        """When the date comes up next, or why it does not."""
        cause = self.upcoming(question.trigger, question.customer, question.customer.now)
        entered, last = has_entered(question), last_entry(question)
        if cause is not None:
            return Nearness(entered, f"comes up {local_time(cause.at, question)}{last}", cause.at)
        if self.date is not None and self.anniversary(question.customer) is None:
            return Nearness(False, f"{self.date} is missing or no date")
        return Nearness(entered, f"{self._no_more()}{last}")

    def _no_more(self) -> str:
        years = " and ".join(ORDINALS.get(number, f"{number}th") for number in sorted(self.years))
        if not years:
            return "nothing is coming up"
        return f"the {years} anniversary of {self.date} is not to come any more"


def _date(table: WhenReader) -> str | None:
    date = table.required("date", _ANY_DATE)
    if date is None or date in DATES or _TRAIT.fullmatch(date):
        return date
    table.no_such("date", "profile date", DATES, _ANY_DATE)
    return None


def _years(table: WhenReader) -> frozenset[int]:
    value = table.raw("years")
    if value is None:
        return frozenset()
    years = value if isinstance(value, list) else [value]
    if not years or not all(_is_year(year) for year in years):
        table.wrong("years", "a whole number from 0 to 150, or a list of them, such as [1, 3]")
        return frozenset()
    return frozenset(years)


def _is_year(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 150


@lru_cache(maxsize=256)
def _trait_of(name: str) -> str | None:
    """The trait that a date's name means; None where it is another field of the profile."""
    return name[6:] if name.startswith("trait.") else TRAIT_FIELDS.get(name)


@lru_cache(maxsize=8_192)
def _in_years(
    anniversary: Anniversary,
    years: frozenset[int],
    days: int,
    offset: Millis,
    at: tuple[int, int],
    zone: ZoneInfo,
) -> tuple[tuple[str, Instant], ...]:
    """Key and instant of the anniversaries asked for, as far as instants go."""
    begin, month, day = anniversary
    wanted = sorted(begin + number for number in years) if begin is not None else ()
    return tuple(
        (f"year:{year}", _occurrence(month, day, year, days, offset, at, zone))
        for year in wanted
        if year <= LAST_YEAR
    )


@lru_cache(maxsize=65536)
def _consecutive(
    anniversary: Anniversary, around: int, days: int, offset: Millis, at: tuple[int, int], zone: ZoneInfo
) -> tuple[tuple[str, Instant], ...]:
    """Key and instant of the anniversaries of some years, beginning with the first that can lie in or after
    the year `around`.
    """
    begin, month, day = anniversary
    earliest = around - 1 - max(days, 0) // 365
    first = earliest if begin is None else max(earliest, begin + 1)
    last = max(first, around) + abs(days) // 365 + 2
    return tuple(
        (f"year:{year}", _occurrence(month, day, year, days, offset, at, zone))
        for year in range(first, last + 1)
    )


@lru_cache(maxsize=65536)
def _occurrence(
    month: int, day: int, year: int, days: int, offset: Millis, at: tuple[int, int], zone: ZoneInfo
) -> Instant:
    falls_on = day_in(Anniversary(None, month, day), year)
    return from_local(datetime.combine(falls_on + timedelta(days=days), time(*at)), zone) + offset


KIND = Recurring
