"""The guard of the clock, with a clock that is set, a machine that sleeps and is started anew, and a real one
that lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.safeguards.clock_guard import ClockGuard, ClockSources, confirm, held_by_clock, known_time
from core.clock_trust import ClockLimits, ClockReading, TimeService
from core.instants import DAY, HOUR, MINUTE, SECOND, Instant, Millis
from storage import audit, leases
from storage.status import LAST_TICK_AT
from storage.store import Store, meta, set_meta

START: Instant = 1_767_225_600_000  # 2026-01-01
LIMITS = ClockLimits(5 * MINUTE, 2 * DAY)


@dataclass
class Machine:
    """A machine: true time, a clock that may show another, and starts."""

    true: Instant = START
    off: Millis = 0
    booted: Instant = START - DAY
    boots: int = 1
    service: TimeService = "unknown"

    def now(self) -> Instant:
        return self.true + self.off

    def uptime(self) -> Millis:
        return self.true - self.booted

    def reading(self) -> ClockReading:
        return ClockReading(self.now(), self.uptime(), f"boot {self.boots}", self.service)

    def restart(self, after: Millis = MINUTE) -> None:
        self.true += after
        self.booted, self.boots = self.true, self.boots + 1

    def guard(self) -> ClockGuard:
        return ClockGuard(ClockSources(self.reading, self.now, self.uptime), LIMITS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "manometer.db") as store:
        yield store


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_clock_that_goes_on_is_trusted_over_sleep_and_small_corrections(
    machine: Machine, store: Store
) -> None:
    guard = machine.guard()
    assert guard.review(store) is None
    for step in (SECOND, 3 * DAY, HOUR):  # three days asleep: the kernel's counter has gone on
        machine.true += step
        assert guard.now() == machine.true
        assert guard.review(store) is None
    machine.off = SECOND  # a leap second, or a time service that steps
    assert guard.now() == machine.now()
    assert guard.review(store) is None


@pytest.mark.parametrize("jump", [20 * DAY, -20 * DAY, 6 * MINUTE, -6 * MINUTE])
def test_a_jump_holds_at_the_next_look_and_no_lying_instant_is_given(
    machine: Machine, store: Store, jump: Millis
) -> None:
    guard = machine.guard()
    guard.review(store)
    machine.true += 10 * SECOND
    machine.off = jump
    assert guard.now() == machine.true  # before any review
    machine.true += 5 * SECOND
    distrust = guard.review(store)
    assert distrust is not None
    assert guard.now() == machine.true
    with store.reading() as connection:
        assert held_by_clock(connection) == distrust
    machine.true += 20 * SECOND
    machine.off = 0
    assert guard.review(store) is None
    assert not guard.is_held
    assert guard.now() == machine.true
    with store.reading() as connection:
        assert held_by_clock(connection) is None


def test_a_library_that_changes_every_clock_but_the_kernels_own_is_seen(
    machine: Machine, store: Store
) -> None:
    shown = [0]
    guard = ClockGuard(
        ClockSources(machine.reading, machine.now, lambda: machine.uptime() + shown[0]), LIMITS
    )
    guard.review(store)
    machine.off = shown[0] = 20 * DAY
    assert guard.review(store) is not None
    assert guard.now() == machine.true


def test_a_time_service_that_vouches_ends_the_hold(machine: Machine, store: Store) -> None:
    guard = machine.guard()
    guard.review(store)
    machine.off = 20 * DAY
    assert guard.review(store) is not None
    machine.service = "unsynchronised"
    assert guard.review(store) is not None
    machine.service = "synchronised"
    assert guard.review(store) is None
    assert guard.now() == machine.now()


def test_an_operator_who_confirms_ends_the_hold_of_the_running_guard(machine: Machine, store: Store) -> None:
    guard = machine.guard()
    guard.review(store)
    machine.off = -20 * DAY
    with store.writing() as connection:
        set_meta(connection, LAST_TICK_AT, str(machine.true))
    assert guard.review(store) is not None
    with store.writing() as connection:
        confirm(connection, machine.reading(), "ann", "the battery was empty")
    machine.true += 2 * SECOND
    assert guard.review(store) is None
    assert guard.now() == machine.now()
    with store.reading() as connection:
        (act,) = audit.entries(connection)
        assert meta(connection, LAST_TICK_AT) is None  # it was of a clock that was ahead
    assert (act["action"], act["author"], act["reason"]) == ("confirm", "ann", "the battery was empty")
    assert "back by 20d" in str(json.loads(str(act["detail"]))["held_for"])


@pytest.mark.parametrize(
    ("off", "is_trusted"),
    [(0, True), (DAY, True), (-MINUTE, True), (20 * DAY, False), (-DAY, False), (-20 * DAY, False)],
)
def test_a_clock_that_a_machine_has_wrong_when_it_starts_is_held(
    machine: Machine, store: Store, off: Millis, is_trusted: bool
) -> None:
    machine.guard().review(store)
    machine.restart()
    machine.off = off
    guard = machine.guard()
    assert (guard.review(store) is None) is is_trusted
    if not is_trusted:
        machine.service = "synchronised"
        assert guard.review(store) is None


def test_a_machine_that_was_off_for_a_month_needs_a_time_service_or_a_word(
    machine: Machine, store: Store
) -> None:
    machine.guard().review(store)
    machine.restart(30 * DAY)
    assert machine.guard().review(store) is not None
    machine.service = "synchronised"
    assert machine.guard().review(store) is None


def test_many_small_steps_are_seen_as_the_large_one_that_they_are(machine: Machine, store: Store) -> None:
    guard = machine.guard()
    guard.review(store)
    held = []
    for _ in range(4):
        machine.true += 5 * SECOND
        machine.off += 2 * MINUTE
        held.append(guard.review(store) is not None)
    assert held == [False, False, True, True]


def test_a_clock_before_what_an_older_release_has_left_is_held(machine: Machine, store: Store) -> None:
    with store.writing() as connection:
        leases.acquire(connection, "host:1:1", START + 20 * DAY)
    with store.reading() as connection:
        assert known_time(connection, START + 21 * DAY) is None
    assert machine.guard().review(store) is not None


def test_a_commands_guard_knows_what_the_schedulers_knew(machine: Machine, store: Store) -> None:
    machine.guard().review(store)
    machine.true += HOUR
    machine.off = 20 * DAY
    assert machine.guard().review(store) is not None
    machine.off = 0
    assert machine.guard().review(store) is None


def test_what_is_known_is_kept_once_a_minute(machine: Machine, store: Store) -> None:
    guard = machine.guard()
    kept = []
    for _ in range(61):
        guard.review(store)
        with store.reading() as connection:
            known = known_time(connection, machine.now())
        assert known is not None
        kept.append(known.at)
        machine.true += 2 * SECOND
    assert len(set(kept)) == 3
