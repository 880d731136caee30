"""The two years that the retailer's past covers, in local minutes, and when people shop in them.

Within this package an instant is a `Minute`: minutes by the wall clock since the first midnight. They add up
without time zones, and become ISO texts with the offset of their day.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

Minute = int

ZONE: Final = ZoneInfo("Europe/Zurich")
FIRST: Final = date(2023, 11, 1)
LAST: Final = date(2025, 11, 1)
"""The past ends with this day's first instant, where the clock of the furnished workspace stands."""
DAYS: Final = (LAST - FIRST).days
END: Final[Minute] = DAYS * 1440
_DATES: Final = tuple(FIRST + timedelta(days=number) for number in range(DAYS))
_STAMPS: Final = tuple(
    tuple(datetime(day.year, day.month, day.day, 12, tzinfo=ZONE).isoformat().split("12:00"))
    for day in _DATES
)


def stamp(at: Minute) -> str:
    """ISO 8601 with the offset of the day. The hour that a clock change leaves out or doubles is nobody's
    hour to shop.
    """
    day, minute = divmod(at, 1440)
    before, after = _STAMPS[day]
    return f"{before}{minute // 60:02d}:{minute % 60:02d}{after}"


def moment(day: str, clock: str) -> Minute:
    """A local instant of the second year, `10-16` and `18:10`; November and December are those of 2024."""
    of = date.fromisoformat(f"{2024 if day >= '11' else 2025}-{day}")
    return (of - FIRST).days * 1440 + int(clock[:2]) * 60 + int(clock[3:])


def day_of(given: date) -> int:
    """Days since the first; negative before it."""
    return (given - FIRST).days


def is_open(at: Minute) -> bool:
    """Whether the stores are: from nine to seven, never on Sundays."""
    return at < END and _DATES[at // 1440].weekday() < 6 and 540 <= at % 1440 < 1140


# ---- when people shop ----

_MONTHS: Final = (1.1, 0.7, 1.0, 1.1, 1.1, 1.0, 0.9, 0.8, 1.1, 1.2, 1.5, 1.6)
_SALE_BEGINS: Final = date(2025, 10, 24)
_SALE: Final = 2.5
"""The autumn sale of the last days: so much busier, and so much to do in the days that follow."""
_WEB_WEEK: Final = (1.1, 1.0, 1.0, 1.0, 0.9, 0.9, 1.4)
_STORE_WEEK: Final = (0.8, 0.9, 0.9, 1.2, 1.3, 2.2, 0.0)
_WEB_HOURS: Final = (1, 0, 0, 0, 0, 0, 2, 5, 5, 5, 6, 6, 8, 6, 4, 4, 5, 6, 7, 10, 13, 12, 7, 2)
_STORE_HOURS: Final = (0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 9, 9, 7, 9, 10, 10, 9)
_WEB_CLOCK: Final = tuple(accumulate(_WEB_HOURS))
_STORE_CLOCK: Final = tuple(accumulate(_STORE_HOURS))


def _busy(week: tuple[float, ...]) -> tuple[float, ...]:
    return (
        0.0,
        *accumulate(
            _MONTHS[day.month - 1] * week[day.weekday()] * (_SALE if day >= _SALE_BEGINS else 1)
            for day in _DATES
        ),
    )


_WEB_DAYS: Final = _busy(_WEB_WEEK)
_STORE_DAYS: Final = _busy(_STORE_WEEK)


def web_minute(dice: Random, first_day: int, end_day: int = DAYS) -> Minute:
    """Some time when people sit before the shop, of days from `first_day` to before `end_day`: Sunday
    evenings, before Christmas.
    """
    return _drawn(dice, _WEB_DAYS, _WEB_CLOCK, first_day, end_day)


def store_minute(dice: Random, first_day: int, end_day: int = DAYS) -> Minute:
    """Some time within the opening hours of the stores; on Sundays they are closed."""
    return _drawn(dice, _STORE_DAYS, _STORE_CLOCK, first_day, end_day)


def _drawn(
    dice: Random, days: tuple[float, ...], clock: tuple[int, ...], first_day: int, end_day: int
) -> Minute:
    roll: Callable[[], float] = dice.random
    day = bisect(days, days[first_day] + roll() * (days[end_day] - days[first_day])) - 1
    hour = bisect(clock, roll() * clock[-1])
    return min(day, end_day - 1) * 1440 + hour * 60 + int(roll() * 60)
