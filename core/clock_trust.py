"""Whether a clock can be trusted: what it says now beside what is known of it. Pure; instants and durations
are milliseconds, UTC.

A clock that jumps has either lied before or lies now, and nobody but a time service or a person can say
which. Time that a machine slept, or was off, is no jump: a counter that the kernel keeps runs on in sleep,
and a new start has a name of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.instants import DAY, MINUTE, SECOND, Instant, Millis, format_duration, format_instant

TimeService: TypeAlias = Literal["synchronised", "unsynchronised", "unknown"]


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """How far a clock may move by itself: against the kernel's counter, and from one start of the machine to
    the next.
    """

    jump: Millis = 5 * MINUTE
    gap: Millis = 2 * DAY


USUAL_LIMITS: Final = ClockLimits()


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One look at everything that tells the time."""

    now: Instant
    uptime: Millis
    """Since the machine was started, sleep included; only differences mean something."""
    boot: str
    """Names this start of the machine; empty where nobody can tell it from others."""
    service: TimeService = "unknown"

    @property
    def offset(self) -> Millis:
        """What stays the same while the clock is not set."""
        return self.now - self.uptime


@dataclass(frozen=True, slots=True)
class KnownTime:
    """The last reading that was trusted."""

    at: Instant
    offset: Millis
    boot: str


def known_from(reading: ClockReading) -> KnownTime:
    """What is to be remembered of a reading that is trusted."""
    return KnownTime(reading.now, reading.offset, reading.boot)


def objection(known: KnownTime | None, reading: ClockReading, limits: ClockLimits) -> str | None:
    """Why the clock is not to be trusted, in words; None where it is. What a time service vouches for is."""
    if known is None or reading.service == "synchronised":
        return None
    if reading.boot and reading.boot == known.boot:
        return _jump(reading.offset - known.offset, limits.jump)
    return _gap(reading.now - known.at, known.at, limits)


def _jump(jump: Millis, limit: Millis) -> str | None:
    if abs(jump) <= limit:
        return None
    way = "forward" if jump > 0 else "back"
    return f"the clock was set {way} by {in_words(jump)}"


def _gap(gap: Millis, known: Instant, limits: ClockLimits) -> str | None:
    if gap < -limits.jump:
        return f"the clock is {in_words(gap)} before the newest instant known, {format_instant(known)}"
    if gap > limits.gap:
        return (
            f"the clock is {in_words(gap)} after the newest instant known, {format_instant(known)}, and no "
            "time service vouches for it"
        )
    return None


def in_words(duration: Millis) -> str:
    """A duration of whatever sign, rounded to the second or coarser."""
    length = abs(duration)
    unit = next((each for each in (DAY, 60 * MINUTE, MINUTE) if length >= 10 * each), SECOND)
    return format_duration(max(SECOND, (length + unit // 2) // unit * unit))
