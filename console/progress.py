"""A progress bar with rate and remaining time for long work; silent without a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich takes a tenth of a second to import, and scripts see no bar
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Progress:
    """A context manager; `at(done, total)` moves the bar."""

    def __init__(self, what: str, unit: str) -> None:
        self.what = what
        self.unit = unit
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self.done = 0

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._begin()
        return self

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        rate = TextColumn("{task.fields[rate]}")
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            rate,
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self.what, total=None, rate="")
        self._bar.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def more(self, done: int) -> None:
        """So much more is done, of nobody knows how much."""
        self.done += done
        self.at(self.done)

    def at(self, done: int, total: int | None = None) -> None:
        """So much is done, of so much where that is known."""
        if self._bar is None or self._task is None:
            return
        speed = self._bar.tasks[0].speed
        rate = f"{speed:,.0f} {self.unit}/s" if speed else ""
        self._bar.update(self._task, completed=done, total=total, rate=rate)
