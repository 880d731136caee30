"""Each benchmark runs through on a small size and says its figures; they are read by people, so nothing is
judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.bench import (
    bench_console,
    bench_contest,
    bench_import,
    bench_preview,
    bench_replay,
    bench_smtp,
    bench_startup,
    bench_texts,
    bench_tick,
    bench_timeline,
)

SMALL: dict[str, Callable[[], Iterator[str]]] = {
    "import": lambda: bench_import.run(2_000),
    "tick": lambda: bench_tick.run(30, 120, 1_000),
    "preview": lambda: bench_preview.run(600),
    "contest": lambda: bench_contest.run(100),
    "replay": bench_replay.run,
    "timeline": lambda: bench_timeline.run(100, 2_000),
    "smtp": lambda: bench_smtp.run(100, 1),
    "texts": lambda: bench_texts.run(100, 1),
    "start": lambda: bench_startup.run(1),
    "console": lambda: bench_console.run(200, 1, moves=3, idle_s=0.5),
}


@pytest.mark.bench
@pytest.mark.parametrize("name", SMALL)
def test_the_benchmark_runs_through_and_says_its_figures(name: str) -> None:
    lines = list(SMALL[name]())
    print(*lines, sep="\n")
    assert all(line.startswith(name) for line in lines)
