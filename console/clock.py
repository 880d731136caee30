"""The only place that reads the clock."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from core.clock_trust import ClockReading, TimeService
from core.instants import SECOND, Instant, Millis, parse_instant

if TYPE_CHECKING:  # the database's libraries are slower to import than an emergency stop may take
    from sqlalchemy import Connection

    from storage.store import Store

SIMULATED_AT = "simulated_at"
"""The fact under which a replayed workspace keeps where its clock stands, in milliseconds UTC."""


def now() -> Instant:
    """The current instant, in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def steady() -> float:
    """Seconds on a clock that nobody sets and that never goes back; only differences mean something."""
    return time.monotonic()


_COUNTER: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_UPTIME: Final = Path("/proc/uptime")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/time")
_STATUS: Final = Path("/proc/self/status")
ASK_KERNEL_TIME: Final = "MANOMETER_ASK_KERNEL_TIME"
"""The variable by which a systemd unit says that its filter lets the kernel be asked for the time service."""
_UNSYNCHRONISED: Final = 0x40
_TIME_ERROR: Final = 5


def uptime() -> Millis:
    """Milliseconds on a counter that nobody sets and that runs on while the machine sleeps."""
    return time.clock_gettime_ns(_COUNTER) // 1_000_000


def reading() -> ClockReading:
    """One look at everything that tells the time; the counter as the kernel writes it down, which no library
    in between can change, where it does.
    """
    counted = _kernel_uptime()
    return ClockReading(now(), uptime() if counted is None else counted, _boot(), _time_service())


def _kernel_uptime() -> Millis | None:
    try:
        return int(float(_UPTIME.read_bytes().split()[0]) * SECOND)
    except (OSError, ValueError, IndexError):
        return None


@cache
def _boot() -> str:
    with suppress(OSError):
        namespace = _NAMESPACE.readlink() if _NAMESPACE.is_symlink() else ""
        return f"{_BOOT.read_text().strip()} {namespace}".strip()
    return ""


def _time_service() -> TimeService:
    """What the kernel was told by a time service (chrony, ntpd, systemd-timesyncd); setting the clock by hand
    takes its word back. Where the kernel's own time is another than ours, ours was tampered with.
    """
    if _may_be_killed_for_asking():
        return "unknown"
    from ctypes import CDLL, c_long, get_errno  # slower to import than a listing may wait for

    adjtimex = getattr(CDLL(None, use_errno=True), "adjtimex", None)
    if adjtimex is None:
        return "unknown"
    told = (c_long * 64)()
    state = adjtimex(told)
    if state < 0:
        return "unknown" if get_errno() else "unsynchronised"
    is_ours = abs(told[9] * SECOND - now()) < 3 * SECOND
    is_vouched = state != _TIME_ERROR and not told[5] & _UNSYNCHRONISED and is_ours
    return "synchronised" if is_vouched else "unsynchronised"


@cache
def _may_be_killed_for_asking() -> bool:
    """Whether the process runs under a filter of system calls of systemd's, whose usual answer to a call that
    it does not list is to kill; our own unit lists this one, and says so.
    """
    if "INVOCATION_ID" not in os.environ or os.environ.get(ASK_KERNEL_TIME) == "1":
        return False
    try:
        return "Seccomp:\t0" not in _STATUS.read_text()
    except OSError:
        return True


def workspace_now(store: Store, at: str | None, zone: ZoneInfo) -> Instant:
    """The instant a command is about: `at` (local time of `zone` without an offset), else the simulated
    clock, else now; ValueError.
    """
    if at is not None:
        return parse_instant(at, zone)
    simulated = simulated_at(store)
    return now() if simulated is None else simulated


def own_clock(connection: Connection) -> Instant | None:
    """Where the clock of a replayed workspace stands; None where the workspace lives in the present."""
    from storage.store import meta  # see above

    simulated = meta(connection, SIMULATED_AT)
    return None if simulated is None else int(simulated)


def simulated_at(store: Store) -> Instant | None:
    """The same, asked of its database by itself."""
    with store.reading() as connection:
        return own_clock(connection)
