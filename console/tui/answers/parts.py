"""Long work that comes in parts, for a screen: given up within a part, with how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

from screens.ports import Cancelled, CancelledError, Progress

P = TypeVar("P")


def take_parts(
    parts: Generator[tuple[P, int, int], None],
    take: Callable[[P], object],
    cancelled: Cancelled,
    progress: Progress,
) -> None:
    """Hand each part to `take`, then tell how many customers of how many are done. CancelledError once nobody
    waits any more; whatever ends it, the processes behind the parts are gone afterwards.
    """
    with closing(parts):
        for part, done, total in parts:
            if cancelled():
                raise CancelledError
            take(part)
            progress(done, total)
