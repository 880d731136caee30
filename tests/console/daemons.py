"""The scheduler as a process of its own, for tests that watch it, signal it and kill it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds that a loaded machine may take for what usually takes one; who waits for it goes on at once."""


def heed_signals() -> None:
    """Signals have their usual meaning for the scheduler, also where the suite runs under `nohup`."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Daemon:
    """`manometer run` on a workspace; `lines` are the log lines it has written so far."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        house: Path = ROOT,
    ) -> None:
        command = [sys.executable, "-m", "console", "-w", str(folder), "run", "--log", "json", *options]
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []
        self.process = subprocess.Popen(
            command, cwd=house, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            text=True,
            env=os.environ | dict(environment or {}), start_new_session=True, preexec_fn=heed_signals,
        )  # fmt: skip
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._news:
                    if line.startswith("{"):
                        self.lines.append(json.loads(line))
                    else:
                        self.other.append(line)
                    self._news.notify_all()

    def wait_for(self, event: str, patience: float = PATIENCE, **fields: object) -> dict[str, Any]:
        """The first line of that event with these fields; AssertionError where none comes."""
        with self._news:
            assert self._news.wait_for(lambda: self.find(event, **fields) is not None, patience), (
                event,
                self.lines,
                self.other,
            )
        found = self.find(event, **fields)
        assert found is not None
        return found

    def find(self, event: str, **fields: object) -> dict[str, Any] | None:
        """The first such line so far."""
        return next(
            (line for line in self.lines if line["event"] == event and fields.items() <= line.items()), None
        )

    def end(self, number: int = signal.SIGTERM, patience: float = PATIENCE) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.wait(patience)

    def wait(self, patience: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(patience)
        self._reader.join(patience)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


class Lateness:
    """How late this machine is at most, in seconds, with what should be done at once, while it lasts."""

    def __init__(self) -> None:
        self.most = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.01):
            now = time.monotonic()
            self.most = max(self.most, now - last - 0.01)
            last = now

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()


def until(true: Any, patience: float = PATIENCE) -> None:
    """Wait until something holds; AssertionError where it never does."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
