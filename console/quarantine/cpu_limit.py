"""A limit on the processor time of one piece of pure work, such as a template or one customer's decisions.

A thread looks every 50 ms, only while something is limited, and raises an exception in the thread that has
used up its time. That ends loops and everything that comes back to Python now and then; what stays in one
call of a library does not hear it. Processor time is counted, not that of the clock: on a busy machine
nothing is cut off for having waited.
"""

from __future__ import annotations

import ctypes
import time
from threading import Lock, Thread, get_ident
from types import TracebackType
from typing import Final, Self

from core.errors import ManometerError

LOOKED_EVERY: Final = 0.05
_LINGERS: Final = 40
"""Looks without any work, after which the thread ends."""
_TURNS: Final = 1_000
"""Turns of a loop within which an exception has arrived, or was swallowed by a callback of the garbage
collector.
"""
_AGAIN: Final = 0.5
"""Seconds after which it is raised once more, where somebody has swallowed it."""


class CpuLimitError(ManometerError):
    """A piece of work has used up its processor time, in seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it takes longer than {seconds:g} s of processor time")


class _ExpiredError(BaseException):
    """Raised in the thread whose time is over; no handler of ordinary errors holds it up."""


class CpuLimit:
    """While it lasts, this thread may use so many seconds of processor time; CpuLimitError at its end where
    it used more. A context manager for one use.
    """

    __slots__ = ("_before", "clock", "end", "is_active", "seconds", "thread", "was_raised")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = 0.0
        self.is_active = True
        self.was_raised = False

    def __enter__(self) -> Self:
        self.thread = get_ident()
        self.clock = time.pthread_getcpuclockid(self.thread)
        self.renew()
        self._before = _limits.get(self.thread)
        if self._before is not None:
            self.end = min(self.end, self._before.end)
        _limits[self.thread] = self
        if _watch.thread is None:
            _watch.start()
        return self

    def renew(self) -> None:
        """Count anew from here on."""
        self.end = time.clock_gettime(self.clock) + self.seconds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            self.is_active = False
        if self._before is None:
            _limits.pop(self.thread, None)
        else:
            _limits[self.thread] = self._before
        if self.was_raised:
            _take_in(self.thread)
            raise CpuLimitError(self.seconds) from None


_limits: Final[dict[int, CpuLimit]] = {}
"""By thread, the innermost limit."""
_lock: Final = Lock()


class _Watch:
    """The thread that looks, while there is anything to look at."""

    def __init__(self) -> None:
        self.thread: Thread | None = None

    def start(self) -> None:
        with _lock:
            if self.thread is None:
                self.thread = Thread(target=self._look, name="manometer-cpu-limit", daemon=True)
                self.thread.start()

    def _look(self) -> None:
        mine, idle = self.thread, 0
        while True:
            time.sleep(LOOKED_EVERY)
            for limit in list(_limits.values()):
                _end(limit)
            idle = 0 if _limits else idle + 1
            if idle > _LINGERS:
                self.thread = None
                if not _limits:
                    return
                if not self._goes_on(mine):
                    return
                idle = 0

    def _goes_on(self, mine: Thread | None) -> bool:
        """Somebody came in between: whether no other thread was started for that."""
        with _lock:
            is_needed = self.thread is None
            self.thread = self.thread or mine
        return is_needed


_watch: Final = _Watch()


def _end(limit: CpuLimit) -> None:
    """Raise it in the thread of a limit that is over."""
    try:
        if not limit.is_active or time.clock_gettime(limit.clock) < limit.end:
            return
    except OSError:  # the thread has ended
        return
    with _lock:
        if limit.is_active:
            limit.was_raised = True
            limit.end += _AGAIN
            _raise_in(limit.thread, _ExpiredError)


def _take_in(thread: int) -> None:
    """Let the exception arrive in this thread, which may not have got it yet, and drop it.

    Taking it back with NULL would leave the interpreter (CPython 3.11) for ever believing that there is one:
    each call would look for it, and under a trace function would never get further.
    """
    while True:
        try:
            _raise_in(thread, _ExpiredError)  # in place of the one that has not arrived
            for _ in range(_TURNS):
                pass
        except _ExpiredError:
            return


def _raise_in(thread: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
