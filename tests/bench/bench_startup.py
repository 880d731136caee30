"""How long a listing command takes to start on a small workspace, against Python that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter

from tests.bench.bases import due_within, folder, opened, seconds, typical_workspace

SIZE = 200
TIMES = 5
AIM = 0.7
COMMANDS = ("decisions", "customers", "triggers", "outbox", "status")


def run(times: int = TIMES) -> Iterator[str]:
    """The figures of one run, a line each: the median of some starts."""
    with folder() as place:
        typical_workspace(place)
        store, _ = opened(place)
        with store:
            due_within(store, SIZE)
        bare = _start(("-c", "pass"), times)
        yield f"start: python -c pass: {bare:.3f} s"
        for command in COMMANDS:
            taken = _start(("-m", "console", "-w", str(place), command, "--json"), times)
            yield f"start: manometer {command}: {taken:.3f} s, {taken / bare:.1f} times (at most {AIM:g} s)"


def _start(arguments: Sequence[str], times: int) -> float:
    return median(_once(arguments) for _ in range(times))


def _once(arguments: Sequence[str]) -> float:
    began = perf_counter()
    done = subprocess.run(
        (sys.executable, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    taken = seconds(began)
    assert not done.stderr, done.stderr.decode()  # `status` exits with 1 where nothing is running
    return taken


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
