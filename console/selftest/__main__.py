"""The process in which the self-test plays, with the failing disk preloaded; prints one JSON object a seed.

It is started by `manometer selftest` with one argument, the request as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from console import clock
from console.selftest import disk
from console.selftest.acts import Act, acts_of, as_json, from_json, sweep
from console.selftest.player import Player, Playthrough, warm_up
from console.selftest.shrinking import shrunk


@dataclass(frozen=True, slots=True)
class SelftestRequest:
    """What to play: seeds from `first` on, so many or for so many seconds, with so many acts each; or the
    acts of a file under the first seed.
    """

    first: int = 1
    seeds: int | None = None
    seconds: float | None = None
    acts: int = 40
    file: str | None = None
    shrinks: bool = True
    sweep: int | None = None
    """In place of random acts a small story with a fault at every n-th change of each of its acts."""


def rows(request: SelftestRequest) -> Iterator[dict[str, Any]]:
    """One row a seed; a failure ends it, with the shortest acts that still fail."""
    with tempfile.TemporaryDirectory(prefix="manometer-selftest-") as folder:
        warm_up(Path(folder) / "world")
    until = None if request.seconds is None else clock.steady() + request.seconds
    for seed, acts in _plays(request):
        found = _played(seed, acts)
        yield _row(found, acts, request.shrinks)
        if found.failure is not None or (until is not None and clock.steady() >= until):
            return


def _plays(request: SelftestRequest) -> Iterator[tuple[int, Sequence[Act]]]:
    if request.sweep is not None:
        yield from ((request.first, acts) for acts in sweep(request.sweep))
        return
    for seed in _seeds(request):
        yield seed, _acts(request, seed)


def _seeds(request: SelftestRequest) -> Iterator[int]:
    if request.file is not None:
        return iter((request.first,))
    return (
        count(request.first)
        if request.seeds is None
        else iter(range(request.first, request.first + request.seeds))
    )


def _acts(request: SelftestRequest, seed: int) -> Sequence[Act]:
    if request.file is not None:
        return from_json(Path(request.file).read_text(encoding="utf-8"))
    return acts_of(seed, request.acts, disk=disk.can_fail())


def _played(seed: int, acts: Sequence[Act]) -> Playthrough:
    with tempfile.TemporaryDirectory(prefix="manometer-selftest-") as folder:
        return Player(Path(folder) / "world", seed).play(acts)


def _row(found: Playthrough, acts: Sequence[Act], shrinks: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seed": found.seed,
        "acts": len(acts),
        "holds": found.failure is None,
        "digest": found.digest,
        "counts": found.counts,
        "problems": [],
        "shortest": None,
    }
    if found.failure is not None:
        row["problems"] = list(found.failure.problems)
        upto = acts[: found.failure.number + 1]
        row["shortest"] = as_json(shrunk(upto, lambda fewer: _fails(found.seed, fewer)) if shrinks else upto)
    return row


def _fails(seed: int, acts: Sequence[Act]) -> bool:
    return _played(seed, acts).failure is not None


if __name__ == "__main__":
    for told in rows(SelftestRequest(**json.loads(sys.argv[1]))):
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
