"""The preview: the same `advance` run ahead of time, on one snapshot, writing nothing."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from console.cli.options import Future
from console.forecast import shards
from console.playbooks.applied import load_in_force, with_under_way
from console.reports.sorted_rows import Row
from console.runs.tick import decision_row
from console.workspace import Workspace, read_files, read_workspace
from core.engine import advance
from core.engine.state import CustomerState
from core.explain.words import in_full
from core.forecast.diff import only_in
from core.forecast.preview import Fullness, PreviewCustomer, Totals, cell, contacts_until, fullness
from core.forecast.replayed_future import identifying, imagine
from core.forecast.what_if import PlaybookChange, Reach, changed, reach
from core.instants import DAY, Instant
from core.limits.pressure import PressureRule
from core.limits.windows import Span
from core.model.decisions import Decision
from core.model.dossier import BEGINNING, Dossier, Plan, settled
from core.model.events import Event
from core.playbook.playbook import Playbook
from storage.forecasts import previews
from storage.play.dossiers import in_order, load
from storage.play.past import load_past
from storage.store import Store

WEEK: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: all instants in (first, last], seen from `now`, with what dealing with the unknown
    future, under which rules.

    The rules are those in force, or those of `playbook_folder`; `drafts` are files by relative path that are
    put over them, their triggers taken as active; `changes` come last. With the future `replay` the acts of
    the last `weeks` happen again.
    """

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
    changes: tuple[PlaybookChange, ...] = ()
    drafts: tuple[tuple[str, str], ...] = ()
    weeks: int = 1

    @property
    def is_past(self) -> bool:
        """Whether it begins before now, so that dossiers must be folded back."""
        return self.first < self.now

    @property
    def changed_at(self) -> Instant:
        """Since when other rules than those in force are taken to hold."""
        return min(self.first, self.now)

    @property
    def is_changed(self) -> bool:
        """Whether it is asked under other rules than those in force."""
        return self.playbook_folder is not None or bool(self.changes) or bool(self.drafts)

    def job(self, store: Store) -> PreviewJob:
        """What a process does for it."""
        playbook = in_question(store, self)
        return PreviewJob(self, as_asked(self, playbook), playbook)


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

    While there is nothing new empty parts come now and then, so that who has changed his mind can stop;
    closing it ends the work.
    """
    planned_under = load_in_force(store, question.folder).playbook if question.is_changed else playbook
    is_alone = current_thread() is main_thread()  # another thread would take the time of the one that draws
    joins_in = is_alone and not question.with_rows and not question.with_details
    return shards.shared(
        question,
        PreviewJob(question, as_asked(question, playbook), planned_under),
        store,
        workers,
        joins_in=joins_in,
    )


def as_asked(question: Question, playbook: Playbook) -> Playbook:
    """The playbook as the preview takes it: what was never in force counts as activated at the begin, as in a
    replay.

    A draft never runs, but the preview of it alone shows what it would do.
    """

    def activation(activated_at: Instant | None) -> Instant:
        return (
            question.first
            if activated_at is None or (question.is_past and activated_at > question.first)
            else activated_at
        )

    asked = playbook.trigger(question.trigger) if question.trigger is not None else None
    if asked is not None and asked.status == "draft":
        tried = tuple(
            replace(trigger, status="active") if trigger is asked else trigger
            for trigger in playbook.triggers
        )
        playbook = as_if_applied(replace(playbook, triggers=tried), question.first)
    triggers = tuple(
        replace(trigger, activated_at=activation(trigger.activated_at))
        if trigger.status == "active"
        else trigger
        for trigger in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


def as_if_applied(playbook: Playbook, at: Instant) -> Playbook:
    """One version on, put in force at the instant: every customer counts as planned under an older one."""
    return replace(playbook, version=playbook.version + 1, applied_at=at) if playbook.version else playbook


# ---- whom it concerns ----


def ids_of(
    connection: Connection, question: Question, playbook: Playbook, planned_under: Playbook
) -> list[int]:
    """Whom a question under a playbook concerns, where the customers' next instants were planned under
    another.
    """
    if question.is_past:
        return previews.known_by(
            connection, question.last if question.future == "as-it-was" else question.first
        )
    touched: Reach = reach(as_asked(replace(question, trigger=None), planned_under), playbook)
    if touched == "all":
        return previews.everyone(connection)
    due = previews.due_by(connection, question.last, planned_under.version, with_waiting=touched == "waiting")
    if question.future != "replay":
        return due
    return sorted(
        {
            *due,
            *previews.active_since(connection, question.first - question.weeks * WEEK - DAY, question.first),
        }
    )


# ---- a chunk of them ----


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


def dossiers_of(
    connection: Connection, question: Question, playbook: Playbook, ids: Sequence[int]
) -> dict[int, Dossier]:
    """The dossiers as of the question's begin, with what will have arrived by its end where that is known."""
    if not question.is_past:
        return load(connection, ids, playbook)
    feed_until = question.last if question.future == "as-it-was" else None
    return load_past(connection, ids, playbook, question.first, feed_until, with_state=True)


def imagined(
    connection: Connection, question: Question, playbook: Playbook, dossiers: Mapping[int, Dossier]
) -> Mapping[int, tuple[Event, ...]]:
    """What these customers are imagined to do in the span; nothing unless the question asks for it."""
    if question.future != "replay":
        return {}
    known = previews.acts(
        connection, list(dossiers), question.first - question.weeks * WEEK - DAY, question.first
    )
    names = identifying(playbook)
    return {
        identifier: imagine(
            acts,
            dossiers[identifier].profile.zone(playbook.zone),
            question.first,
            question.last,
            question.weeks,
            names,
        )
        for identifier, acts in known.items()
    }


def with_events(dossier: Dossier, events: Sequence[Event]) -> Dossier:
    """The dossier with further arrivals."""
    return replace(dossier, arrivals=in_order((*dossier.arrivals, *events))) if events else dossier


def played(dossier: Dossier, playbook: Playbook, question: Question) -> Plan:
    """The customer's life up to the end of the span."""
    not_before = BEGINNING if question.is_past else question.now - playbook.grace
    return advance(dossier, playbook, question.last, not_before=not_before)


def decisions_of(plan: Plan, question: Question) -> list[Decision]:
    """The decisions that are asked for."""
    return [
        decision
        for decision in plan.decisions
        if _is_in_span(decision, question)
        and (question.trigger is None or decision.trigger == question.trigger)
    ]


def only_imagined(
    dossier: Dossier, decisions: Sequence[Decision], playbook: Playbook, question: Question
) -> frozenset[int]:
    """The places of the decisions that would not be taken, or not so, if nothing new happened."""
    known = decisions_of(played(dossier, playbook, question), question)
    new = {id(decision) for decision in only_in(decisions, known)}
    return frozenset(rank for rank, decision in enumerate(decisions) if id(decision) in new)


def fullness_of(dossier: Dossier, plan: Plan, question: Question, playbook: Playbook) -> tuple[Fullness, ...]:
    """How full the windows of the rules that hold for her get in the span; nothing where she has no
    contact.
    """
    ledger = contacts_until(dossier.contacts, plan.decisions, question.first)
    if not len(ledger):
        return ()
    return fullness(
        _rules(dossier, plan, playbook),
        ledger,
        Span(question.first, question.last),
        plan.profile.zone(playbook.zone),
    )


def _rules(dossier: Dossier, plan: Plan, playbook: Playbook) -> Sequence[PressureRule]:
    return (
        CustomerState(settled(dossier, plan), playbook).rules()
        if playbook.index.rules_with_audience
        else playbook.rules
    )


# ---- the playbook asked about ----


def _is_in_span(decision: Decision, question: Question) -> bool:
    """Whether it lies within the span; what a changed playbook lets go or ends, it does at once, which is at
    the begin.
    """
    at_once = question.is_changed and decision.at == question.first and decision.outcome != "defer"
    return question.first < decision.at or at_once


def in_question(store: Store, question: Question) -> Playbook:
    """The playbook asked about: that in force, or other files under the pauses and activations in force, with
    the changes.
    """
    workspace = load_in_force(store, question.folder)
    playbook = workspace.playbook
    if not question.is_changed:
        return playbook
    files = (
        workspace.files if question.playbook_folder is None else _workspace(question.playbook_folder).files
    )
    if question.playbook_folder is None and not question.drafts:
        after = as_if_applied(playbook, question.changed_at)
    else:
        draft = under_way(_drafted(files, question), playbook, question.changed_at)
        with store.reading() as connection:
            after = with_under_way(connection, draft, playbook, question.folder)
    return changed(after, question.changes, question.changed_at)


def _workspace(folder: Path) -> Workspace:
    from console.channels import adapter_kinds

    return read_workspace(folder, channel_kinds=adapter_kinds())


def _drafted(files: Mapping[str, str], question: Question) -> Playbook:
    """The files with the drafts over them, whose triggers count as active; a template that is there already
    stays as it is.
    """
    from console.channels import adapter_kinds

    tried = {
        path[len("triggers/") : -len(".toml")] for path, _ in question.drafts if path.startswith("triggers/")
    }
    over = {path: text for path, text in question.drafts if path.startswith("triggers/") or path not in files}
    playbook = read_files({**files, **over}, question.folder, channel_kinds=adapter_kinds()).playbook
    triggers = tuple(
        replace(each, status="active") if each.name in tried and each.status == "draft" else each
        for each in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


def under_way(draft: Playbook, playbook: Playbook, at: Instant) -> Playbook:
    """A draft with what the database knows of the triggers that it shares with the playbook in force."""
    known = {
        trigger.name: trigger.activated_at for trigger in playbook.triggers if trigger.status == "active"
    }
    triggers = tuple(replace(trigger, activated_at=known.get(trigger.name)) for trigger in draft.triggers)
    return as_if_applied(
        replace(draft, triggers=triggers, pauses=playbook.pauses, version=playbook.version), at
    )


class Spanned(Protocol):
    """What says which span is looked at, and how the unknown future is dealt with."""

    @property
    def first(self) -> Instant:
        """Begin, not included."""

    @property
    def last(self) -> Instant:
        """End, included."""

    @property
    def future(self) -> Future:
        """What is taken to happen."""

    @property
    def weeks(self) -> int:
        """How many weeks happen again."""


def span_in_words(question: Spanned, zone: ZoneInfo) -> str:
    """What the preview covers, in local time, and what it cannot know."""
    span = f"{in_full(question.first, zone)} to {in_full(question.last, zone)}"
    if question.future == "replay":
        ago = "the week" if question.weeks == 1 else f"the {question.weeks} weeks"
        return f"{span}, if what people did in {ago} before happens again. That is imagined, and counted apart from what is known."
    if question.future == "as-it-was":
        return f"{span}, with the events as they came. What messages would have changed in people's behaviour is not in it."
    return f"{span}, if nothing new happens: events still to come are not known and not in it."
