"""A terminal for tests: runs a program under a pty, sends keys, and keeps every byte that came back with its
time.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, perf_counter
from types import TracebackType
from typing import Final, Self, TypeAlias

DOWN: Final = b"\x1b[B"
PAGE_DOWN: Final = b"\x1b[6~"
ESCAPE: Final = b"\x1b"
RESTORED: Final = (b"\x1b[?1049l", b"\x1b[?25h")
"""What a program that leaves the terminal whole sends at the end: back from the second screen, cursor shown.
"""

PATIENCE: Final = 60.0
"""Seconds that a loaded machine may take for what usually takes one."""

Environment: TypeAlias = Mapping[str, str | None]
"""Variables over those of the tests themselves; None removes one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a key brought: seconds to the first and to the last byte, and how many bytes."""

    first: float
    last: float
    bytes: int


class Terminal:
    """A program under a pty of that size; killed at the end if it still runs."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        environment: Environment | None = None,
    ) -> None:
        self.output = b""
        self.began = perf_counter()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            _become(command, environment or {})
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self._file)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout: float) -> bytes:
        """What comes within that many seconds; empty where nothing does."""
        ready, _, _ = select.select([self._file], [], [], max(0, timeout))
        if not ready:
            return b""
        try:
            got = os.read(self._file, 1 << 20)
        except OSError:  # the program has gone
            return b""
        self.output += got
        return got

    def wait_for(self, pattern: bytes, timeout: float = PATIENCE) -> float:
        """Seconds since the start (or the last `forget`) until the output matches; TimeoutError with its end
        where it never does.
        """
        wanted = re.compile(pattern)
        end = monotonic() + timeout
        while not wanted.search(self.output):
            if not self.read(min(0.5, end - monotonic())) and monotonic() > end:
                raise TimeoutError(f"{pattern!r} never came; at last: {self.output[-2000:]!r}")
        return perf_counter() - self.began

    def settle(self, gap: float = 0.4, timeout: float = 20) -> None:
        """Read until nothing has come for `gap` seconds."""
        end = monotonic() + timeout
        while monotonic() < end and self.read(gap):
            pass

    def forget(self) -> None:
        """Begin anew with what is waited for."""
        self.output = b""
        self.began = perf_counter()

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._file, keys)

    def press(self, key: bytes, gap: float = 0.12) -> Reply:
        """Press one key and read what it brings, until nothing has come for `gap` seconds."""
        began = perf_counter()
        self.send(key)
        first = last = 0.0
        number = 0
        while got := self.read(gap if number else 5):
            last = perf_counter() - began
            first = first or last
            number += len(got)
        return Reply(first, last, number)

    def suspend(self, timeout: float = PATIENCE) -> None:
        """Suspend it as a shell does: only once it has really stopped is the terminal the shell's;
        TimeoutError where it does not stop.
        """
        os.kill(self.pid, signal.SIGTSTP)
        end = monotonic() + timeout
        while monotonic() < end:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                while self.read(0.05):
                    pass
                return
        raise TimeoutError("it does not stop")

    def resume(self) -> None:
        """Bring it to the foreground again, as `fg` does."""
        os.kill(self.pid, signal.SIGCONT)

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit code once the program has ended; TimeoutError where it does not."""
        end = monotonic() + timeout
        while monotonic() < end:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0.05):
                    pass
                return os.waitstatus_to_exitcode(status)
        raise TimeoutError("it does not end")


def _become(command: Sequence[str], environment: Environment) -> None:
    wanted = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX"):
        if name not in environment:
            wanted.pop(name, None)
    os.execvpe(
        command[0], list(command), {name: value for name, value in wanted.items() if value is not None}
    )
