"""Work on many customers at once: a stream of chunks, shared by several processes where there are many, all on one snapshot.

While the processes begin theirs, the write lock is held for a moment so that nobody commits.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection

from core.errors import ManometerError
from storage import previews
from storage.store import Store

CHUNK: Final = 500
LARGE: Final = 4_000
"""From so many customers on it pays to start further processes."""
GARBAGE: Final = 200_000
"""New objects of a worker between two searches for cycles: dossiers hold none, and come and go by the hundred thousand."""
BEAT: Final = 0.1
"""Seconds after which, while the processes work, the one who asks is heard."""

P = TypeVar("P")
Given = TypeVar("Given", covariant=True)


class Job(Protocol[Given]):
    """What is done to a chunk of customers, reading only."""

    def ids(self, connection: Connection) -> Sequence[int]:
        """Whom it concerns."""

    def part(self, connection: Connection, ids: Sequence[int]) -> Given:
        """What these customers give; of none, an empty part."""


class Asking(Protocol[Given]):
    """A question that can be handed to another process, which makes its own job of it."""

    @property
    def database(self) -> Path:
        """The file of the database."""

    def job(self, store: Store) -> Job[Given]:
        """What is to be done."""


def shared(asking: Asking[P], job: Job[P], store: Store, workers: int | None = None) -> Generator[tuple[P, int, int], None]:
    """The parts of the answer as they come, each with the customers done so far and in all.

    While there is nothing new empty parts come now and then, so that who has changed his mind can stop; closing it ends the work.
    """
    with store.reading() as connection:
        ids = job.ids(connection)
        processes = min(workers or os.cpu_count() or 1, len(ids) // LARGE + 1)
        if processes == 1:
            yield from _alone(connection, job, ids)
            return
    yield from _by_several(asking, job, store, processes)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _alone(connection: Connection, job: Job[P], ids: Sequence[int]) -> Iterator[tuple[P, int, int]]:
    done = 0
    for chunk in _chunks(ids):
        part = job.part(connection, chunk)
        done += len(chunk)
        yield part, done, len(ids)


# ---- several processes ----


def _by_several(asking: Asking[P], job: Job[P], store: Store, processes: int) -> Iterator[tuple[P, int, int]]:
    """Hand chunks to idle workers and pass on what comes back, in whatever order."""
    context = multiprocessing.get_context("spawn")  # a forked child would inherit open SQLite connections
    with redirect_stderr(sys.__stderr__):  # what stands there while the console draws has no file to hand on
        resource_tracker.ensure_running()
    with store.reading() as connection:
        nothing = job.part(connection, ())
    with ExitStack() as stack:
        pipes = [_start(context, asking, stack) for _ in range(processes)]
        for pipe in pipes:
            while not pipe.poll(BEAT):
                yield nothing, 0, 0
            _receive(pipe)
        with store.writer.connect() as lock, lock.begin() as held:
            for pipe in pipes:
                pipe.send(None)
            for pipe in pipes:
                _receive(pipe)
            reading = stack.enter_context(store.reading())
            ids = job.ids(reading)
            held.rollback()
        yield from _gather(pipes, list(_chunks(ids)), len(ids), nothing)


def _start(context: Any, asking: Asking[Any], stack: ExitStack) -> Pipe:
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


def _gather(pipes: Sequence[Pipe], chunks: list[Sequence[int]], total: int, nothing: P) -> Iterator[tuple[P, int, int]]:
    waiting, done = iter(chunks), 0
    busy: dict[Pipe, int] = {}

    def give(pipe: Pipe) -> None:
        chunk = next(waiting, None)
        if chunk is not None:
            pipe.send(chunk)
            busy[pipe] = len(chunk)

    for pipe in pipes:
        give(pipe)
    while busy:
        for pipe in [pipe for pipe in wait(list(busy), BEAT) if isinstance(pipe, Pipe)]:
            part = _receive(pipe)
            done += busy.pop(pipe)
            give(pipe)
            yield part, done, total
        yield nothing, done, total


def _receive(pipe: Pipe) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise ManometerError("A preview process has died. Try again; with --workers 1 it runs in one process.") from None
    if isinstance(answer, ManometerError):
        raise answer
    return answer


def _work(pipe: Pipe, asking: Asking[Any]) -> None:
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
