"""Send windows: when a channel may hand over, in the customer's local time; outside them are the quiet
hours.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from core.instants import DAY, Instant, from_local, local_date

Minutes: TypeAlias = int
"""Wall-clock minutes since the midnight that begins a day; above 1440 on the day after."""
Hours: TypeAlias = tuple[Minutes, Minutes]
"""Start, included, and end, excluded."""

_DAY_MINUTES: Final[Minutes] = 1_440
_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_NAMES = {f"{name}day": name[:3] for name in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")}
_LINE = re.compile(r"(.+?)\s+(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", re.ASCII)
_EXAMPLE = "Write it like 'Mon-Fri 08:00-18:00', 'Mon,Wed 09:00-12:00' or 'Sat 22:00-06:00'."
# A weekly window can fall into a gap of the clock in one week, never in three on end.
_DAYS_AHEAD = 23
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SendWindows:
    """The open hours of a week. They run from the first time the local clock shows the start to the first
    time it shows the end.

    So hours inside a spring gap are empty on that day, hours that begin in it begin at its end, and hours
    that reach over the repeated hour of autumn stay open throughout; hours that lie inside it are open once,
    at its first pass.
    """

    lines: tuple[str, ...]
    week: tuple[tuple[Hours, ...], ...]
    """The hours that begin on Monday, Tuesday and so on, by start."""
    always_open: bool

    def __hash__(self) -> int:
        return hash(self.lines)

    def is_open(self, at: Instant, zone: ZoneInfo) -> bool:
        """Whether a message may be handed over at that instant to somebody in that zone."""
        return self.opens(at, zone) == at

    def opens(self, at: Instant, zone: ZoneInfo) -> Instant:
        """`at` itself where open, else the next opening."""
        if self.always_open:
            return at
        for opening, closing in _ahead(self, at // DAY, zone):
            if closing > at:
                return opening if opening > at else at
        raise AssertionError("hours that open every week open within three")

    def open_minutes(self, day: date) -> Minutes:
        """How many minutes of a local day are open, by the wall clock."""
        if self.always_open:
            return _DAY_MINUTES
        begun = [
            *self.week[day.weekday()],
            *((a - _DAY_MINUTES, b - _DAY_MINUTES) for a, b in self.week[day.weekday() - 1]),
        ]
        return len(
            {minute for start, end in begun for minute in range(max(start, 0), min(end, _DAY_MINUTES))}
        )


@lru_cache(maxsize=16_384)
def _ahead(windows: SendWindows, utc_day: int, zone: ZoneInfo) -> tuple[tuple[Instant, Instant], ...]:
    """The open hours that end after the begin of a UTC day, up to the first that end after all of it."""
    begin, found = utc_day * DAY, list[tuple[Instant, Instant]]()
    day = local_date(begin, zone) - _ONE_DAY
    for _ in range(_DAYS_AHEAD):
        found += [span for span in _openings(windows.week[day.weekday()], day, zone) if span[1] > begin]
        if found and found[-1][1] >= begin + DAY:
            break
        day += _ONE_DAY
    return tuple(found)


def _openings(hours: tuple[Hours, ...], day: date, zone: ZoneInfo) -> Iterator[tuple[Instant, Instant]]:
    spans = ((_clock(day, start, zone), _clock(day, end, zone)) for start, end in hours)
    return (span for span in spans if span[0] < span[1])


def _clock(day: date, minutes: Minutes, zone: ZoneInfo) -> Instant:
    return from_local(datetime(day.year, day.month, day.day) + timedelta(minutes=minutes), zone)  # noqa: DTZ001 - wall-clock time


# ---- reading ----


def parse_send_windows(lines: Sequence[str]) -> SendWindows:
    """The send windows of lines such as `Mon-Fri 08:00-18:00`; none at all is always open; ValueError names
    the line and what to write.
    """
    lines = (lines,) if isinstance(lines, str) else tuple(lines)
    week: list[set[Hours]] = [set() for _ in _DAY_NAMES]
    for line in lines:
        days, hours = _parse_line(line)
        for day in days:
            week[day].add(hours)
    ordered = tuple(tuple(sorted(day)) for day in week)
    return SendWindows(lines, ordered, not lines or _covers_the_week(ordered))


ALWAYS_OPEN: Final = SendWindows((), ((),) * 7, True)


def _parse_line(line: object) -> tuple[list[int], Hours]:
    match = _LINE.fullmatch(line.strip()) if isinstance(line, str) else None
    if match is None:
        raise ValueError(f"{line!r} is not a send window. {_EXAMPLE}")
    start, end = _minutes(match[2], match[3], line), _minutes(match[4], match[5], line)
    if start == end:
        raise ValueError(
            f"send window {line!r} begins where it ends and never opens. For the whole day write 00:00-24:00."
        )
    if start == _DAY_MINUTES:
        raise ValueError(f"send window {line!r} cannot begin at 24:00. Begin at 00:00 of the next day.")
    return _parse_days(match[1], line), (start, end if end > start else end + _DAY_MINUTES)


def _minutes(hour: str, minute: str, line: object) -> Minutes:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > _DAY_MINUTES:
        raise ValueError(f"send window {line!r}: there is no {hour}:{minute}. Times go from 00:00 to 24:00.")
    return minutes


def _parse_days(text: str, line: object) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.replace("–", "-").partition("-"))
        begin = _weekday(first, line)
        length = (_weekday(last, line) - begin) % 7 if dash else 0
        days.extend((begin + step) % 7 for step in range(length + 1))
    return days


def _weekday(name: str, line: object) -> int:
    short = _LONG_NAMES.get(name.lower(), name.lower())
    if short in _DAY_NAMES:
        return _DAY_NAMES.index(short)
    near = get_close_matches(short, (*_DAY_NAMES, *_LONG_NAMES), n=1)
    hint = f" Did you mean {near[0].title()!r}?" if near else ""
    raise ValueError(f"send window {line!r}: {name!r} is not a weekday.{hint} {_EXAMPLE}")


def _covers_the_week(week: tuple[tuple[Hours, ...], ...]) -> bool:
    length = 7 * _DAY_MINUTES
    covered = bytearray(length)
    for day, hours in enumerate(week):
        for start, end in hours:
            for minute in range(day * _DAY_MINUTES + start, day * _DAY_MINUTES + end):
                covered[minute % length] = 1
    return all(covered)
