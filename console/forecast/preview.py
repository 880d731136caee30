"""The preview: the same `advance` run ahead of time, on one snapshot, writing nothing."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from console.forecast import shards
from console.forecast.asked_playbook import as_previewed, asked_playbook
from console.forecast.projection import (
    decisions_of,
    dossiers_of,
    fullness_of,
    ids_of,
    imagined,
    only_imagined,
    played,
    with_events,
)
from console.forecast.question import Question
from console.forecast.sorted_rows import Row
from console.playbooks.applied import load_in_force
from console.runs.tick import decision_row
from core.engine.pauses import message_pause
from core.engine.state import CustomerState
from core.forecast.decided_already import PauseOf, PreviewRow, UnsentMessage, with_waiting
from core.forecast.preview import PreviewCustomer, Totals, cell
from core.instants import Instant
from core.model.dossier import Dossier
from core.model.events import Event
from core.model.pauses import Pause
from core.model.reasons import Reason
from core.playbook.playbook import Playbook, Purpose
from storage.forecasts import previews
from storage.quarantine import customers_left_out
from storage.store import Store

_UNKNOWN: Final = Purpose("", obeys=True, counts=True)
"""Of a message whose purpose is no longer declared: what it is held by is not known, so that all hold it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A question asked as a preview, which every process can make its own job of."""

    question: Question

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.question.database

    def job(self, store: Store) -> PreviewJob:
        """What a process does for it."""
        playbook = asked_playbook(store, self.question)
        return PreviewJob(self.question, as_previewed(self.question, playbook), playbook)


@dataclass(slots=True)
class PreviewPart:
    """What a chunk of customers gave."""

    totals: Totals = field(default_factory=Totals)
    rows: list[Row] = field(default_factory=list)
    details: list[previews.Row] = field(default_factory=list)


def preview(
    question: Question, store: Store, playbook: Playbook, workers: int | None = None
) -> Generator[tuple[PreviewPart, int, int], None]:
    """The parts of the answer as they come, each with the customers done so far and in all.

    While there is nothing new, empty parts come now and then, so that the one who asked can stop; closing it
    ends the work.
    """
    planned_under = load_in_force(store, question.folder).playbook if question.is_changed else playbook
    is_alone = current_thread() is main_thread()  # another thread would take the time of the one that draws
    joins_in = is_alone and not question.with_rows and not question.with_details
    job = PreviewJob(question, as_previewed(question, playbook), planned_under)
    return shards.shared(Preview(question), job, store, workers, joins_in=joins_in)


@dataclass(frozen=True, slots=True)
class PreviewJob:
    """A preview's work on a chunk of customers."""

    question: Question
    playbook: Playbook
    planned_under: Playbook

    def ids(self, connection: Connection) -> list[int]:
        """Whom it concerns: whose future is to be played, and for whom a message waits in the outbox."""
        played_ones = ids_of(connection, self.question, self.playbook, self.planned_under)
        return sorted({*played_ones, *previews.waiting_for(connection, self.question.last)})

    def part(self, connection: Connection, ids: Sequence[int]) -> PreviewPart:
        """The decisions of these customers within the span, and what waits in the outbox for them."""
        part = PreviewPart()
        if ids:
            waiting = previews.waiting_messages(connection, ids, self.question.last)
            left_out = customers_left_out(connection).intersection(waiting)
            alive = [identifier for identifier in ids if identifier not in left_out]
            dossiers = dossiers_of(connection, self.question, self.playbook, alive)
            again = imagined(connection, self.question, self.playbook, dossiers)
            for identifier, dossier in dossiers.items():
                self._look_ahead(part, dossier, again.get(identifier, ()), waiting.pop(identifier, ()))
            for identifier, messages in waiting.items():
                self._list_waiting(part, PreviewCustomer(messages[0].customer, identifier), messages)
            part.totals.trim()
        return part

    def _look_ahead(
        self,
        part: PreviewPart,
        dossier: Dossier,
        again: Sequence[Event],
        waiting: Sequence[UnsentMessage],
    ) -> None:
        question, zone = self.question, self.playbook.zone
        plan = played(with_events(dossier, again), self.playbook, question)
        decisions = decisions_of(plan, question)
        full = fullness_of(dossier, plan, question, self.playbook) if question.with_details else ()
        new = only_imagined(dossier, decisions, self.playbook, question) if again else frozenset()
        if new:
            part.totals.imagined.update(
                cell(decision, zone) for rank, decision in enumerate(decisions) if rank in new
            )
        rows = with_waiting(decisions, self._asked(waiting), question.first, self._pauses_of(dossier))
        self._add(part, PreviewCustomer(dossier.key, dossier.id, full), rows, new)

    def _list_waiting(
        self, part: PreviewPart, person: PreviewCustomer, waiting: Sequence[UnsentMessage]
    ) -> None:
        """What waits for a customer whom nothing is decided for, being set aside: it waits for that."""
        held = [
            message if message.state == "held" else message._replace(state="held", reason=Reason.SET_ASIDE)
            for message in self._asked(waiting)
        ]
        self._add(part, person, with_waiting((), held, self.question.first, lambda *_: None), frozenset())

    def _asked(self, waiting: Sequence[UnsentMessage]) -> Sequence[UnsentMessage]:
        """Those of the trigger that is asked about."""
        name = self.question.trigger
        return waiting if name is None else [each for each in waiting if each.trigger == name]

    def _pauses_of(self, dossier: Dossier) -> PauseOf:
        """What holds up this customer's messages."""
        state = CustomerState(dossier, self.playbook)

        def pause_of(message: UnsentMessage, at: Instant) -> Pause | None:
            state.now = at
            purpose = self.playbook.purposes.get(message.purpose, _UNKNOWN)
            return message_pause(message.trigger, message.channel, purpose, state)

        return pause_of

    def _add(
        self, part: PreviewPart, person: PreviewCustomer, rows: Sequence[PreviewRow], new: frozenset[int]
    ) -> None:
        """Count and list the rows of one customer; those whose place is `new` are only imagined."""
        question = self.question
        already = [row.decision for row in rows if row.is_decided_already]
        part.totals.add(person, [row.decision for row in rows], self.playbook.zone, already)
        if question.with_details:
            part.details.extend(
                previews.row(
                    person.id,
                    person.key,
                    rank,
                    row.decision,
                    rank in new,
                    row.message,
                    row.is_decided_already,
                )
                for rank, row in enumerate(rows)
            )
        if question.with_rows:
            part.rows.extend(
                (row.decision.at, person.key, rank, orjson.dumps(self._row(person.key, row, rank in new)))
                for rank, row in enumerate(rows)
            )

    def _row(self, customer: str, row: PreviewRow, is_imagined: bool) -> Mapping[str, Any]:
        listed = decision_row(customer, row.decision, row.message)
        return {**listed, "imagined": is_imagined} if self.question.future == "replay" else listed
