"""Work on many customers at once: a stream of chunks, shared by several processes where there are many, all
on one snapshot.

While the processes begin theirs, the write lock is held for a moment so that nobody commits. The one who asks
may work along: it then begins while the others start, and what it has done until they read the same snapshot
counts only if nobody has committed since.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from core.errors import ManometerError
from storage.forecasts import previews
from storage.store import Store

CHUNK: Final = 500
LARGE: Final = 4_000
"""From so many customers on it pays to start further processes."""
GARBAGE: Final = 200_000
"""New objects between two searches for cycles: dossiers hold none, and come and go by the hundred thousand.
"""
_USUAL: Final = gc.get_threshold()
BEAT: Final = 0.1
"""Seconds after which, while the processes work, the one who asks is heard."""

P = TypeVar("P")
Given = TypeVar("Given", covariant=True)


class ShardJob(Protocol[Given]):
    """What is done to a chunk of customers, reading only."""

    def ids(self, connection: Connection) -> Sequence[int]:
        """Whom it concerns."""

    def part(self, connection: Connection, ids: Sequence[int]) -> Given:
        """What these customers give; of none, an empty part."""


class ShardQuestion(Protocol[Given]):
    """A question that can be handed to another process, which makes its own job of it."""

    @property
    def database(self) -> Path:
        """The file of the database."""

    def job(self, store: Store) -> ShardJob[Given]:
        """What is to be done."""


def shared(
    asking: ShardQuestion[P],
    job: ShardJob[P],
    store: Store,
    workers: int | None = None,
    *,
    joins_in: bool = False,
) -> Generator[tuple[P, int, int], None]:
    """The parts of the answer as they come, each with the customers done so far and in all.

    While there is nothing new, empty parts come now and then, so that the one who asked can stop; closing it
    ends the work. With `joins_in` this process is one of the `workers`: for who has nothing else
    to do meanwhile, and gets answers of few bytes.
    """
    version = store.data_version()
    with store.reading() as connection:
        ids = job.ids(connection)
        processes = min(workers or os.cpu_count() or 1, len(ids) // LARGE + 1)
        if processes == 1:
            yield from _alone(connection, job, ids)
        else:
            yield from _Several(asking, job, store, connection, ids, version, joins_in=joins_in).parts(
                processes
            )


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _alone(connection: Connection, job: ShardJob[P], ids: Sequence[int]) -> Iterator[tuple[P, int, int]]:
    done = 0
    for chunk in _chunks(ids):
        part = _part(connection, job, chunk)
        done += len(chunk)
        yield part, done, len(ids)


def _part(connection: Connection, job: ShardJob[P], chunk: Sequence[int]) -> P:
    gc.set_threshold(GARBAGE)
    try:
        return job.part(connection, chunk)
    finally:
        gc.set_threshold(*_USUAL)


# ---- several processes ----


AHEAD: Final = 2
"""Chunks a worker has at hand, so that it has work while this process is busy."""


class _Several(Generic[P]):
    """One answer by several processes; `connection` reads the snapshot of `version`, in which `ids` are whom
    it concerns.
    """

    def __init__(
        self,
        asking: ShardQuestion[P],
        job: ShardJob[P],
        store: Store,
        connection: Connection,
        ids: Sequence[int],
        version: int,
        *,
        joins_in: bool,
    ) -> None:
        self.asking, self.job, self.store, self.joins_in = asking, job, store, joins_in
        self.connection, self.version = connection, version
        self.nothing = job.part(connection, ())
        self._take(ids)

    def _take(self, ids: Sequence[int]) -> None:
        self.total, self.done, self.waiting = len(ids), 0, deque(_chunks(ids))
        self.early: list[P] = []

    def parts(self, processes: int) -> Iterator[tuple[P, int, int]]:
        """Hand chunks to idle workers and pass on what comes back, in whatever order."""
        context = multiprocessing.get_context("spawn")  # a forked child would inherit open SQLite connections
        with redirect_stderr(
            sys.__stderr__
        ):  # what stands there while the console draws has no file to hand on
            resource_tracker.ensure_running()
        with ExitStack() as stack:
            pipes = [_start(context, self.asking, stack) for _ in range(processes - self.joins_in)]
            for pipe in pipes:
                while not pipe.poll(0 if self._has_own_work() else BEAT):
                    self.early += self._own()
                    yield self.nothing, 0, 0
                _receive(pipe)
            self._begin_alike(pipes, stack)
            for part in self.early:
                yield part, self.done, self.total
            yield from self._gather(pipes)

    def _begin_alike(self, pipes: Sequence[Pipe], stack: ExitStack) -> None:
        """Let the workers begin their snapshots; where it is no longer this process's, what it has done is
        done anew.
        """
        with self.store.writer.connect() as lock, lock.begin() as held:
            for pipe in pipes:
                pipe.send(None)
            for pipe in pipes:
                _receive(pipe)
            if self.store.data_version() != self.version:
                self.connection = stack.enter_context(self.store.reading())
                self._take(self.job.ids(self.connection))
            held.rollback()

    def _gather(self, pipes: Sequence[Pipe]) -> Iterator[tuple[P, int, int]]:
        busy: dict[Pipe, deque[int]] = {pipe: deque() for pipe in pipes}
        for pipe in [*pipes] * AHEAD:
            self._give(pipe, busy)
        while any(busy.values()) or self.waiting:
            ready = wait(
                [pipe for pipe, lengths in busy.items() if lengths], 0 if self._has_own_work() else BEAT
            )
            for pipe in [pipe for pipe in ready if isinstance(pipe, Pipe)]:
                part = _receive(pipe)
                self.done += busy[pipe].popleft()
                self._give(pipe, busy)
                yield part, self.done, self.total
            for part in self._own():
                yield part, self.done, self.total
            yield self.nothing, self.done, self.total

    def _give(self, pipe: Pipe, busy: Mapping[Pipe, deque[int]]) -> None:
        if self.waiting:
            chunk = self.waiting.popleft()
            pipe.send(chunk)
            busy[pipe].append(len(chunk))

    def _has_own_work(self) -> bool:
        return self.joins_in and bool(self.waiting)

    def _own(self) -> Iterator[P]:
        """What the next chunk gives, done here; nothing where this process does not join in."""
        if self._has_own_work():
            chunk = self.waiting.popleft()
            part = _part(self.connection, self.job, chunk)
            self.done += len(chunk)
            yield part


def _start(context: Any, asking: ShardQuestion[Any], stack: ExitStack) -> Pipe:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, asking), daemon=True)
    process.start()
    theirs.close()
    stack.callback(_end, process, ours)
    pipe: Pipe = ours
    return pipe


def _end(process: Any, pipe: Pipe) -> None:
    """Let a worker end by itself where it has nothing to do, else end it: it only reads."""
    pipe.close()
    process.join(BEAT)
    if process.is_alive():
        process.terminate()
        process.join(5)


def _receive(pipe: Pipe) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise ManometerError(
            "A preview process has died. Try again; with --workers 1 it runs in one process."
        ) from None
    if isinstance(answer, ManometerError):
        raise answer
    return answer


def _work(pipe: Pipe, asking: ShardQuestion[Any]) -> None:
    """A worker: ready, begin the snapshot on the word, then chunk after chunk until the pipe closes."""
    gc.set_threshold(GARBAGE)
    try:
        with Store.open(asking.database, writer=False) as store:
            job = asking.job(store)
            pipe.send("ready")
            pipe.recv()
            with store.reading() as connection:
                previews.begin(connection)
                pipe.send("begun")
                while True:
                    pipe.send(job.part(connection, pipe.recv()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    except ManometerError as error:
        _tell(pipe, error)
    except Exception as error:  # the border of a process: what it raises is told to the one who asked
        _tell(pipe, ManometerError(f"A preview process failed: {type(error).__name__}: {error}"))


def _tell(pipe: Pipe, error: ManometerError) -> None:
    with suppress(OSError):  # nobody asks any more
        pipe.send(error)
