"""Sorting more rows than one wants to hold in memory: sorted runs go to a temporary file and are merged when
read.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final

Row = tuple[int, str, int, bytes]
"""Instant, customer, rank, and the row itself."""

RUN: Final = 200_000


class SortedRows:
    """Takes rows in any order and gives them back in order. A context manager."""

    def __init__(self, run: int = RUN) -> None:
        self._run = run
        self._held: list[Row] = []
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> SortedRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._runs:
            file.close()

    def add(self, rows: list[Row]) -> None:
        """Take more rows."""
        self._held.extend(rows)
        if len(self._held) >= self._run:
            self._spill()

    def _spill(self) -> None:
        self._held.sort()
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the whole
        for row in self._held:
            pickle.dump(row, file, protocol=pickle.HIGHEST_PROTOCOL)
        file.seek(0)
        self._runs.append(file)
        self._held = []

    def __iter__(self) -> Iterator[bytes]:
        self._held.sort()
        for row in heapq.merge(*map(_read, self._runs), self._held):
            yield row[3]


def _read(file: IO[bytes]) -> Iterator[Row]:
    while True:
        try:
            yield pickle.load(file)  # noqa: S301 - our own temporary file
        except EOFError:
            return
