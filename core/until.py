"""The end of a pause as a person writes it. Instants are ms UTC."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant, from_local, local, parse_duration, parse_instant

_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})")
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2}|today|tomorrow)(?:[ T]+(\d{1,2}):(\d{2}))?")


def parse_until(text: str, now: Instant, zone: ZoneInfo) -> Instant:
    """When a pause ends, as a person writes it: `18:00`, `tomorrow 9:00`, `2025-11-03`, `2025-11-03 18:00`,
    `3d`, or an instant.

    Times are local, a day alone is its beginning, a time alone its next coming; ValueError in words.
    """
    text = text.strip()
    if (match := _TIME.fullmatch(text)) is not None:
        return _next(_clock(match[1], match[2], text), now, zone)
    if (match := _DAY.fullmatch(text.lower())) is not None:
        at = _clock(match[2], match[3], text) if match[2] else time()
        return from_local(datetime.combine(_day(match[1], now, zone), at), zone)
    try:
        return now + parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_instant(text, zone)
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is no time. Write 18:00, tomorrow 9:00, 2025-11-03 18:00 (times of {zone.key}), "
            "or how long: 16h, 3d."
        ) from None


def _clock(hour: str, minute: str, text: str) -> time:
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError(
            f"{text[:40]!r}: there is no time {hour}:{minute}. Hours go to 23, minutes to 59."
        ) from None


def _day(text: str, now: Instant, zone: ZoneInfo) -> date:
    today = local(now, zone).date()
    if text in ("today", "tomorrow"):
        return today + timedelta(days=text == "tomorrow")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no day of the calendar. Write year-month-day, such as {today}."
        ) from None


def _next(at: time, now: Instant, zone: ZoneInfo) -> Instant:
    today = local(now, zone).date()
    coming = from_local(datetime.combine(today, at), zone)
    return coming if coming > now else from_local(datetime.combine(today + timedelta(days=1), at), zone)
