"""The only place that reads the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.instants import Instant, parse_instant

if TYPE_CHECKING:  # the database's libraries are slower to import than an emergency stop may take
    from storage.store import Store

SIMULATED_AT = "simulated_at"
"""The fact under which a replayed workspace keeps where its clock stands, in milliseconds UTC."""


def now() -> Instant:
    """The current instant, in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def steady() -> float:
    """Seconds on a clock that nobody sets and that never goes back; only differences mean something."""
    return time.monotonic()


def workspace_now(store: Store, at: str | None, zone: ZoneInfo) -> Instant:
    """The instant a command is about: `at` (local time of `zone` without an offset), else the simulated
    clock, else now; ValueError.
    """
    if at is not None:
        return parse_instant(at, zone)
    simulated = simulated_at(store)
    return now() if simulated is None else simulated


def simulated_at(store: Store) -> Instant | None:
    """Where the clock of a replayed workspace stands; None where the workspace lives in the present."""
    from storage.store import meta  # see above

    with store.reading() as connection:
        simulated = meta(connection, SIMULATED_AT)
    return None if simulated is None else int(simulated)
