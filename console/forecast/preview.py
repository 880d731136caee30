"""The preview: the same `advance` run ahead of time, on one snapshot, writing nothing."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

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
from core.forecast.preview import PreviewCustomer, Totals, cell
from core.model.decisions import Decision
from core.model.dossier import Dossier
from core.model.events import Event
from core.playbook.playbook import Playbook
from storage.forecasts import previews
from storage.store import Store


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
        """Whom it concerns."""
        return ids_of(connection, self.question, self.playbook, self.planned_under)

    def part(self, connection: Connection, ids: Sequence[int]) -> PreviewPart:
        """The decisions of these customers within the span."""
        part = PreviewPart()
        if ids:
            dossiers = dossiers_of(connection, self.question, self.playbook, ids)
            again = imagined(connection, self.question, self.playbook, dossiers)
            for identifier, dossier in dossiers.items():
                self._look_ahead(part, dossier, again.get(identifier, ()))
            part.totals.trim()
        return part

    def _look_ahead(self, part: PreviewPart, dossier: Dossier, again: Sequence[Event]) -> None:
        question, zone = self.question, self.playbook.zone
        plan = played(with_events(dossier, again), self.playbook, question)
        decisions = decisions_of(plan, question)
        full = fullness_of(dossier, plan, question, self.playbook) if question.with_details else ()
        part.totals.add(PreviewCustomer(dossier.key, dossier.id, full), decisions, zone)
        new = only_imagined(dossier, decisions, self.playbook, question) if again else frozenset()
        if new:
            part.totals.imagined.update(
                cell(decision, zone) for rank, decision in enumerate(decisions) if rank in new
            )
        if question.with_details:
            part.details.extend(
                previews.row(dossier.id, dossier.key, rank, decision, rank in new)
                for rank, decision in enumerate(decisions)
            )
        if question.with_rows:
            part.rows.extend(
                (decision.at, dossier.key, rank, orjson.dumps(self._row(dossier.key, decision, rank in new)))
                for rank, decision in enumerate(decisions)
            )

    def _row(self, customer: str, decision: Decision, is_imagined: bool) -> Mapping[str, Any]:
        row = decision_row(customer, decision)
        return {**row, "imagined": is_imagined} if self.question.future == "replay" else row
