"""A tick with 1,000 due customers in a small and in a large base: it should cost what is due, not what is
stored.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from console.runs.tick import tick
from core.instants import MINUTE
from storage.store import Store
from tests.bench.bases import NOW, due_now, folder, opened, seconds, typical_workspace

DUE = 1_000
SMALL_BASE = 10_000
LARGE_BASE = 1_000_000
TIMES = 3
AIM = 1.5


def run(due: int = DUE, small: int = SMALL_BASE, large: int = LARGE_BASE) -> Iterator[str]:
    """The figures of one run, a line each: the median of three ticks on each base."""
    _tick(due, TIMES * due)  # statements are compiled once a process
    first = _tick(due, small)
    yield f"tick: {due:,} due of {small:,}: {first:.3f} s"
    second = _tick(due, large)
    yield f"tick: {due:,} due of {large:,}: {second:.3f} s, {second / first:.2f} times (aim: {AIM:g})"


def _tick(due: int, size: int) -> float:
    with folder() as place:
        typical_workspace(place)
        store, playbook = opened(place)
        with store:
            due_now(store, size, due, TIMES)
        taken = []
        for number in range(TIMES):
            with Store.open(place / "manometer.db") as fresh:
                began = perf_counter()
                decided = sum(1 for _ in tick(fresh, playbook, NOW + number * MINUTE))
                taken.append(seconds(began))
            assert due // 3 <= decided < due, f"{decided} decisions: not the wave of this tick alone fell due"
        return median(taken)


if __name__ == "__main__":
    for line in run(*map(int, sys.argv[1:])):
        print(line, flush=True)
