"""The backtest: a trigger on the past, with the events as they came and under the rules of today beside it,
writing nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from sqlalchemy import Connection

from console.forecast import shards
from console.forecast.asked_playbook import as_previewed, asked_playbook
from console.forecast.projection import decisions_of, dossiers_of, played
from console.forecast.question import Question
from console.forecast.sorted_rows import Row
from console.runs.tick import decision_row
from core.forecast.backtest import AFTERWARDS, Backtested
from core.forecast.diff import differences
from core.forecast.preview import PreviewCustomer
from core.forecast.what_if import PlaybookChange, changed
from core.model.dossier import Dossier
from core.playbook.playbook import Playbook
from storage.forecasts import previews
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Backtest:
    """What is asked: a trigger, as if active, in the past span of the question, whose future is
    `as-it-was`.
    """

    question: Question
    trigger: str

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.question.database

    def job(self, store: Store) -> Backtesting:
        """What a process does for it."""
        return backtesting(self, asked_playbook(store, self.question))


@dataclass(slots=True)
class BacktestPart:
    """What a chunk of customers gave; rows are the trigger's decisions as `decision_row` makes them, details
    those and every decision of another trigger that is not the same without it.
    """

    sums: Backtested = field(default_factory=Backtested)
    rows: list[Row] = field(default_factory=list)
    details: list[previews.Row] = field(default_factory=list)


def backtest(
    asked: Backtest, store: Store, workers: int | None = None
) -> Generator[tuple[BacktestPart, int, int], None]:
    """The parts of the answer as they come, each with the customers done so far and in all; see
    `shards.shared`.
    """
    return shards.shared(asked, asked.job(store), store, workers)


def backtesting(asked: Backtest, playbook: Playbook) -> Backtesting:
    """The work of a backtest under a playbook that holds the trigger."""
    activated = changed(
        playbook, [PlaybookChange("trigger", asked.trigger, "status", "active")], asked.question.first
    )
    with_it = as_previewed(asked.question, activated)
    return Backtesting(asked, with_it, _without(with_it, asked.trigger))


def _without(playbook: Playbook, name: str) -> Playbook:
    triggers = tuple(
        replace(trigger, status="retired") if trigger.name == name else trigger
        for trigger in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


@dataclass(frozen=True, slots=True)
class Backtesting:
    """A backtest's work on a chunk of customers: the past with the trigger and without it."""

    asked: Backtest
    with_it: Playbook
    without: Playbook

    def ids(self, connection: Connection) -> list[int]:
        """Whom it concerns: who was known by the end of the span."""
        return previews.known_by(connection, self.asked.question.last)

    def part(self, connection: Connection, ids: Sequence[int]) -> BacktestPart:
        """What would have been decided for these customers."""
        part = BacktestPart()
        if ids:
            longer = replace(self.asked.question, last=self.asked.question.last + AFTERWARDS)
            for dossier in dossiers_of(connection, longer, self.with_it, ids).values():
                self._play(part, dossier)
        return part

    def _play(self, part: BacktestPart, dossier: Dossier) -> None:
        question, name = self.asked.question, self.asked.trigger
        plan = played(dossier, self.with_it, question)
        taken = decisions_of(plan, question)
        own = [decision for decision in taken if decision.trigger == name]
        others = [decision for decision in taken if decision.trigger != name]
        before = others
        if own or self.with_it.look_ahead:  # else nothing of it stood in anybody's way
            before = [
                each
                for each in decisions_of(played(dossier, self.without, question), question)
                if each.trigger != name
            ]
        person = PreviewCustomer(dossier.key, dossier.id)
        found = differences(before, others)
        part.sums.add(person, own, (before, others), self.with_it.zone, found)
        part.sums.enter(each for each in plan.enrolments if each.trigger == name and each.id is None)
        part.sums.follow(own, (*dossier.history, *dossier.arrivals))
        if question.with_details:
            kept = [*own, *(each.either for each in found)]
            part.details.extend(
                previews.row(dossier.id, dossier.key, rank, decision) for rank, decision in enumerate(kept)
            )
        if question.with_rows:
            part.rows.extend(
                (decision.at, dossier.key, rank, orjson.dumps(decision_row(dossier.key, decision)))
                for rank, decision in enumerate(own)
            )
