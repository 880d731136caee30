"""A clock that leaps ahead costs each job of the ticker one turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.daemon import ticker
from core.instants import SECOND

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("leap", [timedelta(days=20), timedelta(seconds=59.5), timedelta(0)])
def test_of_the_turns_that_a_clock_leaps_over_one_is_left(leap: timedelta) -> None:
    every = ticker._interval(5 * SECOND)
    now, turn, turns = NOON + leap, NOON, []
    while turn <= now:
        turns.append(turn)
        turn = every.get_next_fire_time(turn, now)
    assert len(turns) <= 3
    assert now < turn <= now + timedelta(seconds=5)
    assert (turn - NOON) % timedelta(seconds=5) == timedelta(0), "the rhythm stays"
