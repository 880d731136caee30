"""One judgement of the numbers of a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.health import HealthFinding, Numbers, State, Trouble, judge, silence
from core.instants import HOUR, MINUTE, SECOND

NOW = 100 * HOUR
WELL = Numbers(
    at=NOW, silence=silence(MINUTE), last_tick=NOW - MINUTE, ended_at=None, overdue=0, failed_lately=0,
    uncertain=0,
    is_stopped=False, halted={}, troubles={},
)  # fmt: skip
GONE = ("the scheduler ended without a word", "it renews its lease no more")
SEEN = (HealthFinding("inbox", "day.csv waits", "for 2m"),)
CASES: list[tuple[dict[str, Any], State, list[tuple[str, str]]]] = [
    ({}, "healthy", []),
    ({"last_tick": None}, "idle", []),
    ({"last_tick": NOW - 16 * MINUTE}, "idle", []),
    ({"last_tick": NOW - 15 * MINUTE}, "healthy", []),
    ({"overdue": 3}, "degraded", [("3 customers overdue", "the ticks do not keep up")]),
    ({"overdue": 1, "last_tick": None}, "down", [("1 customer overdue", "nobody has ticked in time")]),
    ({"overdue": 1, "ended_at": NOW - SECOND}, "down",
        [GONE, ("1 customer overdue", "the scheduler ended without a word")]),
    ({"overdue": 1, "ended_at": NOW - HOUR}, "degraded",
        [("1 customer overdue", "the ticks do not keep up")]),
    ({"overdue": 1, "ended_at": NOW - SECOND, "was_stopped": True}, "down",
        [("1 customer overdue", "the scheduler was stopped")]),
    ({"ended_at": NOW - SECOND}, "degraded", [GONE]),
    ({"ended_at": NOW - SECOND, "was_stopped": True}, "idle", []),
    ({"clock": "it jumped"}, "degraded", [("clock distrusted", "it jumped")]),
    ({"clock": "it jumped", "troubles": {"clock": Trouble("held", 1)}}, "degraded", [("clock", "held")]),
    ({"seen": SEEN}, "degraded", [("day.csv waits", "for 2m")]),
    ({"ended_at": NOW - HOUR}, "healthy", []),
    ({"ended_at": NOW + HOUR}, "healthy", []),
    ({"failed_lately": 2}, "degraded", [("2 messages failed within a day", "")]),
    (
        {"failed_lately": 9, "failed_of": ("a", "b", "c", "d", "e")}, "degraded",
        [("9 messages failed within a day", "of a, b, c and 2 more")],
    ),
    ({"uncertain": 1}, "degraded", [("1 message uncertain", "nobody knows if it went")]),
    ({"is_stopped": True}, "degraded", [("all sending is stopped", "")]),
    ({"halted": {"email": Trouble("no such host", 1)}}, "degraded", [("email halted", "no such host")]),
    ({"troubles": {"tick": Trouble("locked", 1)}}, "degraded", [("tick", "locked")]),
    ({"shortage": "1.0 MB free"}, "degraded", [("disk", "1.0 MB free")]),
    ({"shortage": "1.0 MB free", "troubles": {"disk": Trouble("full", 1)}}, "degraded", [("disk", "full")]),
    ({"books_balance": False}, "down", [("the books do not balance", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "state", "said"), CASES, ids=[str(changed) for changed, _, _ in CASES])
def test_numbers_are_judged_in_one_place(
    changed: dict[str, Any], state: State, said: list[tuple[str, str]]
) -> None:
    found = judge(replace(WELL, **changed))
    assert found.state == state
    assert [(each.words, each.why) for each in found.findings] == said


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"ended_at": NOW - SECOND, "was_stopped": True},
            "the scheduler was stopped, and nothing has ticked since",
        ),
        ({"last_tick": None}, "nothing has ticked yet"),
        ({"last_tick": NOW - HOUR}, "nothing has ticked lately"),
        ({}, ""),
    ],
)
def test_who_is_idle_says_why(changed: dict[str, Any], why: str) -> None:
    found = judge(replace(WELL, **changed))
    assert (found.why, found.is_ticking) == (why, not why)


def test_a_slow_rhythm_has_a_longer_silence() -> None:
    assert [silence(tick) for tick in (SECOND, MINUTE, HOUR)] == [15 * MINUTE, 15 * MINUTE, 10 * HOUR]
