"""The guard of the clock: a clock that jumps, or that a machine has wrong when it starts, decides nothing and
sends nothing until it has proved itself or an operator confirms it. Instants and durations are ms UTC.

While it is distrusted, `now` goes on from the last instant that was trusted, by the kernel's counter: no
instant of a lying clock gets into the database, and nothing expires for a jump alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from console import clock
from core.clock_trust import (
    USUAL_LIMITS,
    ClockLimits,
    ClockReading,
    KnownTime,
    known_from,
    objection,
)
from core.instants import MINUTE, Instant, Millis
from storage import audit, leases, status
from storage.store import Store, meta, set_meta

KNOWN: Final = status.CLOCK_KNOWN
HELD: Final = "clock_held"
"""The fact that the clock is distrusted: JSON of `reason` and `since`."""
KEPT_EVERY: Final[Millis] = MINUTE


@dataclass(frozen=True, slots=True)
class ClockSources:
    """What the guard reads: everything at once, which takes some microseconds, and the two that change."""

    reading: Callable[[], ClockReading]
    now: Callable[[], Instant]
    uptime: Callable[[], Millis]


SOURCES: Final = ClockSources(lambda: clock.reading(), lambda: clock.now(), lambda: clock.uptime())
"""Those of this machine."""


@dataclass(frozen=True, slots=True)
class ClockDistrust:
    """Why nothing is decided and sent, and since when."""

    reason: str
    since: Instant


class ClockGuard:
    """The guard of one process; use it from any thread."""

    def __init__(self, sources: ClockSources, limits: ClockLimits = USUAL_LIMITS) -> None:
        self.limits = limits
        self._sources = sources
        self._lock = Lock()
        self._known: KnownTime | None = None
        self._base: Millis = sources.now() - sources.uptime()  # of the fast counter, while trusted
        self._kept_at: Millis | None = None
        self._distrust: ClockDistrust | None = None
        self._has_jumped = False

    @property
    def is_held(self) -> bool:
        """Whether nothing may be decided and sent; costs nothing."""
        return self._has_jumped or self._distrust is not None

    @property
    def distrust(self) -> ClockDistrust | None:
        """Why that is so, as of the last review."""
        return self._distrust

    def now(self) -> Instant:
        """The instant, of a clock that has jumped the one that it would show without the jump."""
        now, uptime = self._sources.now(), self._sources.uptime()
        if not self.is_held and abs(now - uptime - self._base) <= self.limits.jump:
            return now
        self._has_jumped = True  # the next review says more
        return self._estimate(uptime)

    def _estimate(self, uptime: Millis) -> Instant:
        known = self._known
        if known is None:
            return uptime + self._base
        reading = self._sources.reading()
        return reading.uptime + known.offset if reading.boot == known.boot else uptime + self._base

    def review(self, store: Store) -> ClockDistrust | None:
        """Look at everything once more; why the clock is distrusted, None where it is trusted. What is known
        is kept in the database once a minute and whenever that changes.
        """
        with self._lock:
            reading = self._sources.reading()
            if self._known is None or self.is_held:
                with store.reading() as connection:
                    self._known = known_time(
                        connection, reading.now
                    )  # an operator may have confirmed the clock
            reason = objection(self._known, reading, self.limits)
            if reason is None:
                self._trust(store, reading)
            else:
                self._hold(store, reason)
            return self._distrust

    def _trust(self, store: Store, reading: ClockReading) -> None:
        was_held = self.is_held
        self._base = self._sources.now() - self._sources.uptime()
        self._distrust, self._has_jumped = None, False
        is_new = self._known is None or self._known.boot != reading.boot
        self._known = _followed(self._known, reading)
        is_due = self._kept_at is None or reading.uptime - self._kept_at >= KEPT_EVERY
        if was_held or is_new or is_due:
            with store.writing() as connection:
                keep(connection, self._known)
            self._kept_at = reading.uptime

    def _hold(self, store: Store, reason: str) -> None:
        before = self._distrust
        if before is not None and before.reason == reason:
            return
        since = before.since if before is not None else self._estimate(self._sources.uptime())
        self._distrust = ClockDistrust(reason, since)
        with store.writing() as connection:
            kept = json.dumps({"reason": reason, "since": since})
            if meta(connection, HELD) != kept:
                set_meta(connection, HELD, kept)


def _followed(known: KnownTime | None, reading: ClockReading) -> KnownTime:
    """What is known now. A clock that is steered a little is followed as slowly as clocks drift, so that many
    small steps are seen as the large one that they are; a time service is followed at once.
    """
    found = known_from(reading)
    if known is None or known.boot != reading.boot or reading.service == "synchronised":
        return found
    most = max(0, found.at - known.at) // 1_000 + 1
    drift = max(-most, min(most, found.offset - known.offset))
    return KnownTime(found.at, known.offset + drift, found.boot)


# ---- what the database knows ----


def known_time(connection: Connection, now: Instant) -> KnownTime | None:
    """The last reading that was trusted; of a database without one, the newest instant that a scheduler or a
    pass has left where that is after `now`. None where nothing speaks against the clock.
    """
    kept = meta(connection, KNOWN)
    if kept is not None:
        found = json.loads(kept)
        return KnownTime(int(found["at"]), int(found["offset"]), str(found["boot"]))
    lease, ticked = leases.current(connection), meta(connection, status.LAST_TICK_AT)
    newest = max(0 if lease is None else lease.renewed_at, 0 if ticked is None else int(ticked))
    return KnownTime(newest, 0, "") if newest > now else None


def why_distrusted(connection: Connection, limits: ClockLimits) -> str | None:
    """Why this machine's clock is not to be trusted now; None where it is."""
    reading = SOURCES.reading()
    return objection(known_time(connection, reading.now), reading, limits)


def held_by_clock(connection: Connection) -> ClockDistrust | None:
    """Why a guard holds deciding and sending; None where none does."""
    kept = meta(connection, HELD)
    if kept is None:
        return None
    found = json.loads(kept)
    return ClockDistrust(str(found["reason"]), int(found["since"]))


def keep(connection: Connection, known: KnownTime) -> None:
    """Remember a reading that is trusted: nothing is held any more, and what passes of a clock that was ahead
    have left of themselves says no longer when the last one ran.
    """
    set_meta(connection, KNOWN, json.dumps({"at": known.at, "offset": known.offset, "boot": known.boot}))
    if meta(connection, HELD) is None:
        return
    set_meta(connection, HELD, None)
    for name in (status.LAST_TICK_AT, status.LAST_DISPATCH_AT):
        left = meta(connection, name)
        if left is not None and int(left) > known.at:
            set_meta(connection, name, None)


def confirm(connection: Connection, reading: ClockReading, author: str, reason: str | None) -> None:
    """An operator says that the clock is right; every guard of this machine goes by it from its next look
    on.
    """
    before = held_by_clock(connection)
    set_meta(connection, HELD, json.dumps({"reason": "", "since": reading.now}))
    keep(connection, known_from(reading))
    detail = {"held_for": None if before is None else before.reason}
    audit.record(connection, reading.now, author, "confirm", "clock", reason, detail)
