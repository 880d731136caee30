"""Instants and numbers as cells show them: local time, short where it is near. Instants are ms UTC."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from core.instants import Instant, local


def moment(at: Instant | None, now: Instant, zone: ZoneInfo) -> str:
    """`10:02` today, `03 Nov 10:02` within half a year, else `03 Nov 2024`; empty for None."""
    if at is None:
        return ""
    then, today = local(at, zone), local(now, zone)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    near = abs((then.date() - today.date()).days) < 180
    return f"{then:%d %b %H:%M}" if near else f"{then:%d %b %Y}"


def in_full(at: Instant, zone: ZoneInfo) -> str:
    """`Mon 03 Nov 2025 10:02 CET`."""
    return f"{local(at, zone):%a %d %b %Y %H:%M %Z}"


def number(value: int) -> str:
    """`1,204`; a middle dot for nothing, so that what is not nothing stands out."""
    return f"{value:,}" if value else "·"


def share(part: int, whole: int) -> str:
    """A share as whole percent; small ones are not nothing, large ones not all."""
    if not whole or not part:
        return "0 %"
    percent = round(100 * part / whole)
    if percent == 0:
        return "< 1 %"
    return "> 99 %" if percent == 100 and part < whole else f"{percent} %"
