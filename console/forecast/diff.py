"""The comparison of two previews: the same customers under two playbooks, one customer after the other,
writing nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
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
from core.forecast.diff import DecisionDifference, Diff, differences, side_by_side
from core.forecast.preview import PreviewCustomer, Totals, cell, contacts_in
from core.forecast.what_if import loads_alike
from core.model.decisions import Decision
from core.model.dossier import Dossier, Plan
from core.model.events import Event
from core.playbook.playbook import Playbook
from storage.forecasts import previews
from storage.forecasts.comparisons import CustomerChanges
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is asked: the rules in force against those of the question, for all customers or for the one of a
    row.

    The windows are counted where that is asked for, or details are: it takes a fifth of the time.
    """

    question: Question
    customer_id: int | None = None
    with_windows: bool = False

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.question.database

    def job(self, store: Store) -> Comparing:
        """What a process does for it."""
        before = load_in_force(store, self.question.folder).playbook
        return comparing(self, before, asked_playbook(store, self.question))


@dataclass(slots=True)
class DiffPart:
    """What a chunk of customers gave; rows are JSON objects with the fields of `difference_row`."""

    diff: Diff = field(default_factory=Diff)
    rows: list[Row] = field(default_factory=list)
    sides: list[tuple[list[Decision], list[Decision]]] = field(
        default_factory=list
    )  # of the one customer asked for
    before: list[previews.Row] = field(default_factory=list)  # details of those whose decisions change
    after: list[previews.Row] = field(default_factory=list)  # details of everybody
    changes: list[CustomerChanges] = field(default_factory=list)


def compare(
    comparison: Comparison, store: Store, workers: int | None = None
) -> Generator[tuple[DiffPart, int, int], None]:
    """The parts of the answer as they come, each with the customers done so far and in all; see
    `shards.shared`.
    """
    return shards.shared(comparison, comparison.job(store), store, workers)


@dataclass(frozen=True, slots=True)
class Comparing:
    """A comparison's work on a chunk of customers, under two playbooks as the preview takes them."""

    comparison: Comparison
    before: Playbook
    after: Playbook
    planned_under: Playbook

    def ids(self, connection: Connection) -> list[int]:
        """Whom it concerns: who falls due under either."""
        one = self.comparison.customer_id
        return (
            [one]
            if one is not None
            else ids_of(connection, self.comparison.question, self.after, self.planned_under)
        )

    def part(self, connection: Connection, ids: Sequence[int]) -> DiffPart:
        """What is different for these customers."""
        part = DiffPart()
        if ids:
            question = self.comparison.question
            old = dossiers_of(connection, question, self.before, ids)
            new = (
                old
                if loads_alike(self.before, self.after)
                else dossiers_of(connection, question, self.after, ids)
            )
            again = imagined(connection, question, self.after, old)
            for identifier, dossier in old.items():
                self._compare(part, dossier, new[identifier], again.get(identifier, ()))
        return part

    def _compare(self, part: DiffPart, old: Dossier, new: Dossier, again: Sequence[Event]) -> None:
        question = self.comparison.question
        had = played(with_events(old, again), self.before, question)
        has = played(with_events(new, again), self.after, question)
        before, after = decisions_of(had, question), decisions_of(has, question)
        found = differences(before, after)
        persons = self._person(old, had, before, self.before), self._person(new, has, after, self.after)
        part.diff.add(persons[0], before, after, found, self.after.zone, persons[1])
        if question.with_details:
            self._detail(part, (old, new), (before, after), found, bool(again))
        if question.with_rows:
            part.rows.extend(
                (each.at, old.key, rank, orjson.dumps(difference_row(old.key, old.id, each)))
                for rank, each in enumerate(found)
            )
        if self.comparison.customer_id is not None:
            part.sides.append((before, after))

    def _person(
        self, dossier: Dossier, plan: Plan, decisions: Sequence[Decision], playbook: Playbook
    ) -> PreviewCustomer:
        """The customer; with how full the windows get, where that is asked for and anything is decided."""
        question = self.comparison.question
        is_counted = decisions and (question.with_details or self.comparison.with_windows)
        return PreviewCustomer(
            dossier.key, dossier.id, fullness_of(dossier, plan, question, playbook) if is_counted else ()
        )

    def _detail(
        self,
        part: DiffPart,
        dossiers: tuple[Dossier, Dossier],
        sides: tuple[list[Decision], list[Decision]],
        found: Sequence[DecisionDifference],
        with_imagined: bool,
    ) -> None:
        """The decisions of both sides row by row, and what belongs together."""
        kept = (part.before, part.diff.before, self.before), (part.after, part.diff.after, self.after)
        for number, (rows, totals, playbook) in enumerate(kept):
            details = self._rows(dossiers[number], sides[number], playbook, totals, with_imagined)
            rows.extend(details if found or rows is part.after else ())
        if found:
            part.changes.append(changes_of(dossiers[0], *sides, found))

    def _rows(
        self,
        dossier: Dossier,
        decisions: list[Decision],
        playbook: Playbook,
        totals: Totals,
        with_imagined: bool,
    ) -> list[previews.Row]:
        question = self.comparison.question
        new = only_imagined(dossier, decisions, playbook, question) if with_imagined else frozenset()
        totals.imagined.update(
            cell(decision, playbook.zone) for rank, decision in enumerate(decisions) if rank in new
        )
        return [
            previews.row(dossier.id, dossier.key, rank, decision, rank in new)
            for rank, decision in enumerate(decisions)
        ]


def changes_of(
    dossier: Dossier, before: list[Decision], after: list[Decision], found: Sequence[DecisionDifference]
) -> CustomerChanges:
    """What changes for one customer, with the places of the decisions that belong together."""
    ranks = {id(decision): rank for decisions in (before, after) for rank, decision in enumerate(decisions)}
    return CustomerChanges(
        dossier.id,
        dossier.key,
        len(found),
        contacts_in(before),
        contacts_in(after),
        tuple(
            (
                each.change,
                None if each.before is None else ranks[id(each.before)],
                None if each.after is None else ranks[id(each.after)],
            )
            for each in side_by_side(before, after, found)
        ),
        tuple(sorted({each.either.trigger for each in found})),
    )


def comparing(comparison: Comparison, before: Playbook, after: Playbook) -> Comparing:
    """The work of a comparison of two playbooks."""
    asked = replace(
        comparison.question, trigger=None
    )  # a draft that is only looked at is not made active by that
    return Comparing(comparison, as_previewed(asked, before), as_previewed(asked, after), before)


def difference_row(customer: str, customer_id: int, found: DecisionDifference) -> Mapping[str, Any]:
    """One difference; `before` and `after` are decision rows as `decision_row` makes them, or None."""
    decision = found.either
    return {
        "at": found.at,
        "customer": customer,
        "customer_id": customer_id,
        "trigger": decision.trigger,
        "step": decision.step,
        "cause": decision.cause_key,
        "channel": decision.channel,
        "change": found.change,
        "before": None if found.before is None else decision_row(customer, found.before),
        "after": None if found.after is None else decision_row(customer, found.after),
    }
