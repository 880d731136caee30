"""Ctrl-C that waits for the end of a transaction: one that breaks into it leaves a batch half remembered. To
be told to end (SIGTERM) is the same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that nothing is left behind by a command it ends.
    Where another thread asks, or the program has its own way with the signal, nothing changes.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """A first Ctrl-C raises KeyboardInterrupt at the end of the block, a second one at once. Where another
    thread asks, or the program has its own way with the signal, nothing changes.
    """
    usual = signal.default_int_handler
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [
        number for number in (signal.SIGINT, signal.SIGTERM) if is_main and signal.getsignal(number) is usual
    ]
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            usual(number, frame)
        came = True

    for number in numbers:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, usual)
    if came:
        raise KeyboardInterrupt
