"""The time of one process of the self-test, and the points at which another may come between. Instants and
durations are ms UTC.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import Connection

from core.instants import Instant, Millis
from storage.restored import last_term
from storage.store import Fence, Store


class TurnPipes(NamedTuple):
    """How a process asks for its turn, and how it hears that it has come."""

    asking: int
    hearing: int


class Turns:
    """A clock that stands still unless time is taken, and the turns of a process that plays beside others:
    each time it pauses, whoever plays them decides who goes on.
    """

    def __init__(self, now: Instant, pipes: TurnPipes | None = None) -> None:
        self.now = now
        self.elapsed: Millis = 0
        """Taken since the last turn."""
        self._pipes = pipes

    def take(self, duration: Millis) -> None:
        """Something lasts so long."""
        self.now += duration
        self.elapsed += duration

    def pause(self, wrote: int | None = None, began: int | None = None) -> None:
        """Let others come between. `wrote`: something was just written under that term; `began`: the term
        that now stands in the database, after a try to begin one.
        """
        if self._pipes is None:
            return
        told = [self.elapsed, wrote or 0, began or 0]
        os.write(self._pipes.asking, " ".join(map(str, told)).encode() + b"\n")
        self.elapsed = 0
        self.wait()

    def wait(self) -> None:
        """Until it is this process's turn; it ends where nobody gives one any more."""
        if self._pipes is None:
            return
        heard = os.read(self._pipes.hearing, 64)
        if not heard:
            os._exit(1)
        self.now = int(heard)


class StoreInTurns(Store):
    """A database between whose transactions others may come; never within one that writes."""

    turns: Turns
    term: int | None = None
    """Under which it writes."""
    is_seeking = False
    """A term may begin."""

    @classmethod
    def of(cls, path: Path, turns: Turns) -> Self:
        """The database, made where there is none."""
        store = cls.open(path) if path.exists() else cls.create(path)
        assert isinstance(store, cls)
        store.turns = turns
        return store

    def fenced_as(self, fence: Fence, term: int) -> StoreInTurns:
        """The same, of a leader of that term."""
        store = StoreInTurns(self.path, fence=fence)
        store.turns, store.term = self.turns, term
        return store

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As the store's, with a turn before and after."""
        self.turns.pause()
        with super().writing() as connection:
            yield connection
            began = last_term(connection) if self.is_seeking else None
        self.turns.pause(self.term, began)
