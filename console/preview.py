"""The preview: the same `advance` run ahead of time, on one snapshot, writing nothing.

Customers are independent of each other, so the work is a stream of chunks; when it is large, several processes share it.
All of them read the same snapshot: while they begin theirs, the write lock is held for a moment so that nobody commits.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from console.in_force import load_in_force
from console.sorted_rows import Row
from console.tick import decision_row
from core.decisions import Decision
from core.dossier import BEGINNING, Dossier, Plan, settled
from core.engine import advance
from core.errors import ManometerError
from core.instants import Instant
from core.life import Life
from core.playbook import Playbook
from core.pressure import PressureRule
from core.preview import Fullness, Person, Totals, contacts_until, fullness
from core.windows import Span
from core.words import in_full
from storage import previews
from storage.dossiers import load
from storage.past import load_past
from storage.store import Store

CHUNK: Final = 500
LARGE: Final = 4_000
"""From so many customers on it pays to start further processes."""
GARBAGE: Final = 200_000
"""New objects of a worker between two searches for cycles: dossiers hold none, and come and go by the hundred thousand."""
BEAT: Final = 0.1
"""Seconds after which, while the processes work, the one who asks is heard."""

Future = Literal["known", "as-it-was"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: all instants in (first, last], seen from `now`, with what dealing with the unknown future."""

    folder: Path
    database: Path
    now: Instant
    first: Instant
    last: Instant
    future: Future = "known"
    trigger: str | None = None
    playbook_folder: Path | None = None
    with_rows: bool = False
    with_details: bool = False

    @property
    def is_past(self) -> bool:
        """Whether it begins before now, so that dossiers must be folded back."""
        return self.first < self.now


@dataclass(slots=True)
class Part:
    """What a chunk of customers gave."""

    totals: Totals = field(default_factory=Totals)
    rows: list[Row] = field(default_factory=list)
    details: list[previews.Row] = field(default_factory=list)


def preview(
    question: Question, store: Store, playbook: Playbook, workers: int | None = None
) -> Generator[tuple[Part, int, int], None, None]:
    """The parts of the answer as they come, each with the customers done so far and in all.

    While there is nothing new empty parts come now and then, so that who has changed his mind can stop; closing it ends the work.
    """
    asked = as_asked(question, playbook)
    with store.reading() as connection:
        ids = _ids(connection, question, asked)
        processes = min(workers or os.cpu_count() or 1, len(ids) // LARGE + 1)
        if processes == 1:
            yield from _alone(connection, question, asked, ids)
            return
    yield from _shared(question, store, asked, processes)


def as_asked(question: Question, playbook: Playbook) -> Playbook:
    """The playbook as the preview takes it: what was never in force counts as activated at the begin, as in a replay.

    A draft never runs, but the preview of it alone shows what it would do.
    """

    def activation(activated_at: Instant | None) -> Instant:
        return question.first if activated_at is None or (question.is_past and activated_at > question.first) else activated_at

    asked = playbook.trigger(question.trigger) if question.trigger is not None else None
    if asked is not None and asked.status == "draft":
        tried = tuple(replace(trigger, status="active") if trigger is asked else trigger for trigger in playbook.triggers)
        playbook = _as_if_applied(replace(playbook, triggers=tried), question.first)
    triggers = tuple(
        replace(trigger, activated_at=activation(trigger.activated_at)) if trigger.status == "active" else trigger
        for trigger in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


def _as_if_applied(playbook: Playbook, at: Instant) -> Playbook:
    """One version on, put in force at the instant: every customer counts as planned under an older one."""
    return replace(playbook, version=playbook.version + 1, applied_at=at) if playbook.version else playbook


def _ids(connection: Connection, question: Question, playbook: Playbook) -> list[int]:
    if question.is_past:
        known_by = question.last if question.future == "as-it-was" else question.first
        return previews.known_by(connection, known_by)
    return previews.due_by(connection, question.last, playbook.version)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _alone(connection: Connection, question: Question, playbook: Playbook, ids: Sequence[int]) -> Iterator[tuple[Part, int, int]]:
    done = 0
    for chunk in _chunks(ids):
        part = look_ahead(connection, question, playbook, chunk)
        done += len(chunk)
        yield part, done, len(ids)


def look_ahead(connection: Connection, question: Question, playbook: Playbook, ids: Sequence[int]) -> Part:
    """The decisions of these customers within the span."""
    part = Part()
    for dossier in _dossiers(connection, question, playbook, ids).values():
        plan = _plan(dossier, question, playbook)
        decisions = _decisions(plan, question)
        full = _fullness(dossier, plan, question, playbook) if question.with_details else ()
        part.totals.add(Person(dossier.key, dossier.id, full), decisions, playbook.zone)
        if question.with_details:
            part.details.extend(previews.row(dossier.id, dossier.key, rank, decision) for rank, decision in enumerate(decisions))
        if question.with_rows:
            part.rows.extend(
                (decision.at, dossier.key, rank, orjson.dumps(decision_row(dossier.key, decision)))
                for rank, decision in enumerate(decisions)
            )
    return part


def _dossiers(connection: Connection, question: Question, playbook: Playbook, ids: Sequence[int]) -> dict[int, Dossier]:
    if not question.is_past:
        return load(connection, ids, playbook)
    feed_until = question.last if question.future == "as-it-was" else None
    return load_past(connection, ids, playbook, question.first, feed_until, with_state=True)


def _plan(dossier: Dossier, question: Question, playbook: Playbook) -> Plan:
    not_before = BEGINNING if question.is_past else question.now - playbook.grace
    return advance(dossier, playbook, question.last, not_before=not_before)


def _fullness(dossier: Dossier, plan: Plan, question: Question, playbook: Playbook) -> tuple[Fullness, ...]:
    """How full the windows of the rules that hold for her get in the span; nothing where she has no contact."""
    ledger = contacts_until(dossier.contacts, plan.decisions, question.first)
    if not len(ledger):
        return ()
    return fullness(_rules(dossier, plan, playbook), ledger, Span(question.first, question.last), plan.profile.zone(playbook.zone))


def _rules(dossier: Dossier, plan: Plan, playbook: Playbook) -> Sequence[PressureRule]:
    return Life(settled(dossier, plan), playbook).rules() if playbook.roster.rules_with_audience else playbook.rules


def _decisions(plan: Plan, question: Question) -> list[Decision]:
    return [
        decision
        for decision in plan.decisions
        if question.first < decision.at and (question.trigger is None or decision.trigger == question.trigger)
    ]


# ---- several processes ----


def _shared(question: Question, store: Store, playbook: Playbook, processes: int) -> Iterator[tuple[Part, int, int]]:
    """Hand chunks to idle workers and pass on what comes back, in whatever order."""
    context = multiprocessing.get_context("spawn")  # a forked child would inherit open SQLite connections
    with redirect_stderr(sys.__stderr__):  # what stands there while the console draws has no file to hand on
        resource_tracker.ensure_running()
    with ExitStack() as stack:
        pipes = [_start(context, question, stack) for _ in range(processes)]
        for pipe in pipes:
            while not pipe.poll(BEAT):
                yield Part(), 0, 0
            _receive(pipe)
        with store.writer.connect() as lock, lock.begin() as held:
            for pipe in pipes:
                pipe.send(None)
            for pipe in pipes:
                _receive(pipe)
            reading = stack.enter_context(store.reading())
            ids = _ids(reading, question, playbook)
            held.rollback()
        yield from _gather(pipes, list(_chunks(ids)), len(ids))


def _start(context: Any, question: Question, stack: ExitStack) -> Pipe:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, question), daemon=True)
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


def _gather(pipes: Sequence[Pipe], chunks: list[Sequence[int]], total: int) -> Iterator[tuple[Part, int, int]]:
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
        yield Part(), done, total


def _receive(pipe: Pipe) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise ManometerError("A preview process has died. Try again; with --workers 1 it runs in one process.") from None
    if isinstance(answer, ManometerError):
        raise answer
    return answer


def _work(pipe: Pipe, question: Question) -> None:
    """A worker: ready, begin the snapshot on the word, then chunk after chunk until the pipe closes."""
    gc.set_threshold(GARBAGE)
    try:
        with Store.open(question.database, writer=False) as store:
            playbook = as_asked(question, in_question(store, question))
            pipe.send("ready")
            pipe.recv()
            with store.reading() as connection:
                previews.begin(connection)
                pipe.send("begun")
                while True:
                    pipe.send(look_ahead(connection, question, playbook, pipe.recv()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    except ManometerError as error:
        _tell(pipe, error)
    except Exception as error:  # the border of a process: what it raises is told to the one who asked
        _tell(pipe, ManometerError(f"A preview process failed: {type(error).__name__}: {error}"))


def _tell(pipe: Pipe, error: ManometerError) -> None:
    with suppress(OSError):  # nobody asks any more
        pipe.send(error)


def in_question(store: Store, question: Question) -> Playbook:
    """The playbook asked about: that in force, or the files of another folder under the pauses and activations in force."""
    playbook = load_in_force(store, question.folder).playbook
    if question.playbook_folder is None:
        return playbook
    from console.channels import adapter_kinds
    from console.workspace import read_workspace

    draft = read_workspace(question.playbook_folder, channel_kinds=adapter_kinds()).playbook
    return under_way(draft, playbook, question.first)


def under_way(draft: Playbook, playbook: Playbook, at: Instant) -> Playbook:
    """A draft with what the database knows of the triggers that it shares with the playbook in force."""
    known = playbook.roster.by_name
    triggers = tuple(
        replace(trigger, activated_at=known[trigger.name].activated_at if trigger.name in known else None) for trigger in draft.triggers
    )
    return _as_if_applied(replace(draft, triggers=triggers, pauses=playbook.pauses, version=playbook.version), at)


def span_in_words(question: Question, zone: ZoneInfo) -> str:
    """What the preview covers, in local time, and what it cannot know."""
    span = f"{in_full(question.first, zone)} to {in_full(question.last, zone)}"
    if question.future == "as-it-was":
        return f"{span}, with the events as they came. What messages would have changed in people's behaviour is not in it."
    return f"{span}, if nothing new happens: events still to come are not known and not in it."
