"""The windows of pressure rules: which span of contacts a candidate at an instant is counted in, and when a
contact has left it.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias, cast
from zoneinfo import ZoneInfo

from core.instants import Instant, Millis, day_start, local_date, parse_duration

Unit: TypeAlias = Literal["day", "week", "month", "quarter", "year"]

UNITS: tuple[Unit, ...] = ("day", "week", "month", "quarter", "year")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MOST_DAYS = 3_660
_DAYS = re.compile(r"([0-9]{1,6}) ?days?")
_FORMS = ("7d", "16h", "3 days", *(f"calendar {unit}" for unit in UNITS))


class Span(NamedTuple):
    """From the first to the last instant, both included."""

    first: Instant
    last: Instant


@dataclass(frozen=True, slots=True)
class Window(ABC):
    """A rule that gives every instant its span; the first of the span never moves back as the instant moves
    on.
    """

    text: str

    @abstractmethod
    def span(self, at: Instant, zone: ZoneInfo) -> Span:
        """The instants counted for a candidate at `at`."""

    @abstractmethod
    def frees(self, contact_at: Instant, zone: ZoneInfo) -> Instant:
        """The earliest candidate instant whose span begins after the contact."""

    @abstractmethod
    def origin(self, at: Instant, zone: ZoneInfo) -> Instant:
        """Where the window of a candidate at `at` begins, as `extend` takes it: the edge itself of a rolling
        window.
        """

    @abstractmethod
    def reaches(self, origin: Instant, zone: ZoneInfo) -> Instant:
        """The earliest candidate instant whose window begins at `origin` or later."""


@dataclass(frozen=True, slots=True)
class RollingWindow(Window):
    """Elapsed time, half open: a contact exactly `length` ago no longer counts."""

    length: Millis

    def span(self, at: Instant, zone: ZoneInfo) -> Span:  # noqa: ARG002 - elapsed time is the same everywhere
        return Span(at - self.length + 1, at)

    def frees(self, contact_at: Instant, zone: ZoneInfo) -> Instant:  # noqa: ARG002
        return contact_at + self.length

    def origin(self, at: Instant, zone: ZoneInfo) -> Instant:  # noqa: ARG002
        return at - self.length

    def reaches(self, origin: Instant, zone: ZoneInfo) -> Instant:  # noqa: ARG002
        return origin + self.length


@dataclass(frozen=True, slots=True)
class WholeDaysWindow(Window):
    """The local day of the candidate and the `days - 1` before it, however many hours they have."""

    days: int

    def span(self, at: Instant, zone: ZoneInfo) -> Span:
        return _days_span(local_date(at, zone), self.days, zone)

    def frees(self, contact_at: Instant, zone: ZoneInfo) -> Instant:
        return day_start(local_date(contact_at, zone) + timedelta(days=self.days), zone)

    def origin(self, at: Instant, zone: ZoneInfo) -> Instant:
        return self.span(at, zone).first

    def reaches(self, origin: Instant, zone: ZoneInfo) -> Instant:
        return self.frees(origin - 1, zone)


@dataclass(frozen=True, slots=True)
class CalendarWindow(Window):
    """The local day, week, month, quarter or year that holds the candidate."""

    unit: Unit
    week_begins: int
    """Weekday on which weeks begin, Monday 0."""

    def span(self, at: Instant, zone: ZoneInfo) -> Span:
        return _period_span(local_date(at, zone), self.unit, self.week_begins, zone)

    def frees(self, contact_at: Instant, zone: ZoneInfo) -> Instant:
        return self.span(contact_at, zone).last + 1

    def origin(self, at: Instant, zone: ZoneInfo) -> Instant:
        return self.span(at, zone).first

    def reaches(self, origin: Instant, zone: ZoneInfo) -> Instant:
        return self.frees(origin - 1, zone)


@dataclass(frozen=True, slots=True)
class ExtendedWindow(Window):
    """Another window, stretched backwards and forwards to whole calendar periods."""

    base: Window
    period: CalendarWindow

    def span(self, at: Instant, zone: ZoneInfo) -> Span:
        last = max(at, self.base.span(at, zone).last)
        return Span(self.origin(at, zone), self.period.span(last, zone).last)

    def frees(self, contact_at: Instant, zone: ZoneInfo) -> Instant:
        return self.base.reaches(self.period.frees(contact_at, zone), zone)

    def origin(self, at: Instant, zone: ZoneInfo) -> Instant:
        return self.period.span(self.base.origin(at, zone), zone).first

    def reaches(self, origin: Instant, zone: ZoneInfo) -> Instant:
        return self.frees(origin - 1, zone)


# ---- reading ----


def parse_window(text: str, extend: str | None = None, week_starts: str = "monday") -> Window:
    """The window of `7d`, `3 days` or `calendar week`, stretched by `extend`; ValueError says what is wrong
    and suggests.
    """
    week_begins = _weekday(week_starts)
    base = _parse_base(" ".join(_text(text, "window").split()).lower(), week_begins)
    if extend is None:
        return base
    period = _parse_base(" ".join(_text(extend, "extend").split()).lower(), week_begins)
    if not isinstance(period, CalendarWindow):
        raise ValueError(
            f"extend {extend!r} is not a calendar period. Write one of: {', '.join(_FORMS[3:])}."
        )
    return ExtendedWindow(f"{base.text} extended to {period.text}", base, period)


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text such as '7d', '3 days' or 'calendar week', not {value!r}.")
    return value


def _weekday(name: str) -> int:
    if str(name).lower() in WEEKDAYS:
        return WEEKDAYS.index(name.lower())
    raise ValueError(
        f"week_starts {name!r} is not a weekday.{_near(str(name), WEEKDAYS)} Write one of: "
        f"{', '.join(WEEKDAYS)}."
    )


def _parse_base(text: str, week_begins: int) -> Window:
    if match := _DAYS.fullmatch(text):
        return _whole_days(text, int(match[1]))
    if text.startswith("calendar ") and text[9:] in UNITS:
        return CalendarWindow(text, cast(Unit, text[9:]), week_begins)
    try:
        length = parse_duration(text)
    except ValueError:
        raise ValueError(_not_a_window(text)) from None
    if length == 0:
        raise ValueError(f"window {text!r} is empty. Write at least one second.")
    return RollingWindow(text, length)


def _whole_days(text: str, days: int) -> Window:
    if not 1 <= days <= _MOST_DAYS:
        raise ValueError(f"window {text!r} must hold 1 to {_MOST_DAYS} days.")
    return WholeDaysWindow(text, days)


def _not_a_window(text: str) -> str:
    near = _near(text, (*UNITS, *_FORMS), {unit: f"calendar {unit}" for unit in UNITS})
    return (
        f"{text!r} is not a window.{near} Write elapsed time ('7d', '16h'), whole local days ('3 days') or "
        f"'calendar {'|'.join(UNITS)}'."
    )


def _near(text: str, known: Sequence[str], meant: dict[str, str] | None = None) -> str:
    match = get_close_matches(text.lower(), known, n=1, cutoff=0.7)
    return f" Did you mean {(meant or {}).get(match[0], match[0])!r}?" if match else ""


# ---- days and periods ----


@lru_cache(maxsize=65_536)
def _days_span(day: date, days: int, zone: ZoneInfo) -> Span:
    return Span(day_start(day - timedelta(days=days - 1), zone), day_start(day + timedelta(days=1), zone) - 1)


@lru_cache(maxsize=65_536)
def _period_span(day: date, unit: Unit, week_begins: int, zone: ZoneInfo) -> Span:
    first = period_first(day, unit, week_begins)
    return Span(day_start(first, zone), day_start(_period_next(first, unit), zone) - 1)


def period_first(day: date, unit: Unit, week_begins: int = 0) -> date:
    """The first day of the calendar period that holds the day; weeks begin on `week_begins`, Monday 0."""
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=(day.weekday() - week_begins) % 7)
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, day.month - (day.month - 1) % 3, 1)
    return date(day.year, 1, 1)


def _period_next(first: date, unit: Unit) -> date:
    if unit in ("day", "week"):
        return first + timedelta(days=1 if unit == "day" else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)
