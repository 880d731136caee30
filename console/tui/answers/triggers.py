"""Triggers for the screens: numbers from index spans, the file in force, and pausing. Instants are ms UTC."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection

from console.operating import pausing
from console.playbooks.migration import by_definition
from console.safeguards.stop_file import StopNote
from console.safeguards.stopping import write_row
from console.tui.answers.held_up import held_up
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.pauses import pause_view
from core.engine.pauses import pause_label
from core.errors import ManometerError
from core.explain.words import counted, in_full
from core.instants import DAY, MINUTE, Instant, Millis, format_instant
from core.model.counts import JourneyCount, OutcomeCount, fates_of
from core.model.customer import full_name
from core.model.fates import Fate
from core.model.pauses import EVERYTHING, Pause, PausePolicy, parse_target, target_key
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook
from core.suggestions import near
from screens.ports import Cancelled
from screens.ports.pauses import PauseEffect, PauseLine, PolicyEffect
from screens.ports.triggers import (
    LATELY,
    MONTH,
    MOST_WAITING,
    HistoryLine,
    State,
    TriggerLine,
    TriggerView,
    WaitingView,
)
from storage import audit, pauses, triggers
from storage.pauses import StoredPause
from storage.triggers import AppliedTrigger

UNDO_FOR: Final[Millis] = 10 * MINUTE
"""So long after a pause it can be taken back."""


class TriggersAnswers:
    """Answers the questions of `screens.ports.triggers` from the workspace's database, and pauses."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local
        self._lock = Lock()
        self._sent_before: dict[str, tuple[Instant, int]] = {}
        self._made: dict[str, tuple[int, Instant]] = {}

    # ---- what there is ----

    def lines(self, cancelled: Cancelled) -> Sequence[TriggerLine]:
        """All triggers, by name; retired ones last."""
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            paused, waiting = pauses.current(connection, at), triggers.under_way(connection)
            lines = [
                self._line(connection, row, at, paused, waiting.get(row.name, 0))
                for row in self._known(connection).values()
            ]
        return sorted(lines, key=lambda line: (line.state == "retired", line.name))

    def _known(self, connection: Connection) -> dict[str, AppliedTrigger]:
        """Those in force; those of the files where none were applied yet."""
        known = triggers.in_force(connection)
        if known:
            return known
        files = self._local.in_force().playbook.triggers
        return {
            t.name: AppliedTrigger(t.name, t.title, t.when.kind, t.status, None, 0)
            for t in sorted(files, key=lambda each: each.name)
        }

    def _line(
        self,
        connection: Connection,
        row: AppliedTrigger,
        at: Instant,
        paused: Mapping[str, StoredPause],
        waiting: int,
    ) -> TriggerLine:
        pause, stop = paused.get(row.name), paused.get(EVERYTHING)
        holding = pause or stop
        lately = fates_of(
            triggers.outcomes(connection, row.name, at - LATELY, held_up(self._local, connection))
        )
        return TriggerLine(
            name=row.name,
            title=row.title,
            kind=row.kind,
            state=_state(row, pause, stop),
            pause=None if holding is None else pause_view(holding),
            waiting=waiting,
            sent=self._sent(connection, row.name, at),
            sent_lately=triggers.sent(connection, row.name, at - LATELY),
            lately=lately,
            last_fired=triggers.last_entry(connection, row.name),
            next_due=triggers.next_due(connection, row.name),
            goal_reached_lately=lately[Fate.GOAL_REACHED],
            later_lately=lately[Fate.LATER],
            never_lately=lately[Fate.NEVER],
        )

    def _sent(self, connection: Connection, name: str, at: Instant) -> int:
        """All that was ever sent; what is older than a day does not change and is counted once."""
        with self._lock:
            until, before = self._sent_before.get(name, (None, 0))
        if until is None or at - until > 2 * DAY or at < until:
            until = at - DAY
            before = triggers.sent(connection, name, until=until)
            with self._lock:
                self._sent_before[name] = (until, before)
        return before + triggers.sent(connection, name, since=until)

    def view(self, name: str, cancelled: Cancelled) -> TriggerView:
        """One trigger; ManometerError where there is none of that name."""
        at, workspace = self._local.now(), self._local.in_force()
        with self._local.asking(cancelled) as connection:
            row = self._row(connection, name)
            waiting = triggers.waiting_by_step(connection, name)
            line = self._line(connection, row, at, pauses.current(connection, at), sum(waiting.values()))
            outcomes = triggers.outcomes(connection, name, at - MONTH, held_up(self._local, connection))
            return TriggerView(
                line=line,
                trigger=workspace.playbook.trigger(name),
                activated_at=row.activated_at,
                waiting_by_step=waiting,
                entered=triggers.entered(connection, name, at - MONTH),
                outcomes=sorted(outcomes, key=lambda each: (-each.number, each.outcome, each.reason or "")),
                history=sorted(self._history(connection, name), key=lambda each: each.at, reverse=True),
                definition=workspace.files.get(f"triggers/{name}.toml", ""),
                journeys=_journeys(connection, workspace.playbook.trigger(name)),
                version=workspace.playbook.version,
                by_version=by_definition(connection, name, workspace.playbook),
                sent=triggers.sent(connection, name, at - MONTH),
                outcomes_since=at - MONTH,
            )

    def decision_ids(
        self, name: str, since: Instant, counted: Collection[OutcomeCount], cancelled: Cancelled
    ) -> array[int]:
        """The decisions behind some of the numbers of a view."""
        with self._local.asking(cancelled) as connection:
            return triggers.decision_ids(connection, name, since, counted, held_up(self._local, connection))

    def _row(self, connection: Connection, name: str) -> AppliedTrigger:
        known = self._known(connection)
        if name not in known:
            raise ManometerError(
                f"There is no trigger {name[:80]!r}. "
                f"{near(name, known) or 'The list of triggers has them all.'}"
            )
        return known[name]

    def _history(self, connection: Connection, name: str) -> Iterator[HistoryLine]:
        for row in audit.entries(connection, subject=name):
            yield _history_line(row)
        for change in triggers.changes(connection, name):
            yield HistoryLine(
                change.at,
                change.author,
                "apply",
                None,
                f"playbook {change.version}: {', '.join(change.sorts)}",
            )

    # ---- who waits ----

    def waiting_ids(self, name: str, cancelled: Cancelled) -> array[int]:
        """Who is under way: those that wait for an operator first, then by due instant."""
        with self._local.asking(cancelled) as connection:
            return triggers.waiting_ids(connection, name, MOST_WAITING)

    def waiting_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, WaitingView]:
        """These of them."""
        with self._local.asking(cancelled) as connection:
            return {row.id: _waiting_view(row) for row in triggers.waiting_rows(connection, ids)}

    # ---- pausing ----

    def pause_effect(self, name: str, cancelled: Cancelled) -> PauseEffect:
        """The numbers for pausing or resuming a trigger, or for the emergency stop under `*`."""
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            title = self._title(connection, Pause(parse_target(name), at))
            paused = pauses.current(connection, at).get(name)
            held = pausing.waiting(
                connection,
                paused.pause if paused else Pause(parse_target(name), at),
                self._local.in_force().playbook,
                at,
            )
            choices = pausing.PolicyChoices({}, None)
            if paused is not None:
                choices = pausing.choices(connection, paused, self._local.in_force().playbook, at)
        policies = [PolicyEffect(policy, words) for policy, words in choices.words.items()]
        overdue = held.overdue if choices.overdue is None else choices.overdue
        view = None if paused is None else pause_view(paused)
        return PauseEffect(
            name, title, held.customers, held.enrolments, overdue, held.messages, at, view, policies
        )

    def _title(self, connection: Connection, pause: Pause) -> str:
        """What a pause is about, in words; ManometerError where there is no such thing."""
        if pause.scope == "trigger":
            return self._row(connection, pause.name).title
        if pause.scope in ("channel", "segment"):
            pausing.refuse_unknown(pause, self._local.in_force().playbook)
        return pause_label(pause.target)

    def pauses(self, cancelled: Cancelled) -> Sequence[PauseLine]:
        """What is paused, and then the channels and segments that are not."""
        at, playbook = self._local.now(), self._local.in_force().playbook
        free = [
            *(target_key("channel", name) for name in playbook.channels),
            *(target_key("segment", name) for name in sorted(playbook.segments)),
        ]
        with self._local.asking(cancelled) as connection:
            held = pauses.current(connection, at)
            lines = [self._pause_line(connection, row, playbook, at) for _, row in sorted(held.items())]
        return [*lines, *(PauseLine(name, None) for name in free if name not in held)]

    def _pause_line(
        self, connection: Connection, row: StoredPause, playbook: Playbook, at: Instant
    ) -> PauseLine:
        waits = pausing.waiting(connection, row.pause, playbook, at)
        overdue = pausing.effects_of(connection, row.pause, playbook, at)["overdue"].decided
        return PauseLine(
            row.pause.target.key, pause_view(row), waits.customers, waits.enrolments, overdue, waits.messages
        )

    def pause(self, name: str, until: Instant | None, reason: str, transactional: bool = False) -> str:
        """Pause a trigger, a channel, a segment or a customer; ManometerError where it is paused already or
        `until` is past.
        """
        at = self._local.now()
        if until is not None and until <= at:
            raise ManometerError(
                f"{self._when(until)} is not after {self._when(at)}. Name a later instant; nothing was "
                "changed."
            )
        with self._local.acting() as connection:
            pause = Pause(parse_target(name), at, until, transactional=transactional)
            self._title(connection, pause)
            held = pausing.waiting(connection, pause, self._local.in_force().playbook, at)
            number = pausing.pause(connection, pause, self._operator(reason))
        self._made[name] = (number, at)
        ends = () if until is None else ("--until", format_instant(until))
        self._note("pause", name, *ends, *_spares(transactional), reason=reason)
        end = "" if until is None else f" until {self._when(until)}"
        numbers = (
            f"{counted(held.customers, 'customer')} under way, {counted(held.messages, 'message')} waiting"
        )
        return f"{pause_label(pause.target)} is paused{end}: {numbers}."

    def undo_pause(self, name: str) -> str:
        """Take back the pause this console has just made, as if it had not been; ManometerError where there
        is none.
        """
        at = self._local.now()
        number, made = self._made.get(name, (None, at))
        if number is None:
            raise ManometerError(
                f"There is nothing to undo: this console has not paused {pause_label(parse_target(name))}. "
                "U resumes "
                "it."
            )
        if at - made > UNDO_FOR:
            raise ManometerError(
                f"{name} has been paused for more than ten minutes. U resumes it, and says what becomes of "
                "what waited."
            )
        with self._local.acting() as connection:
            paused = pausing.paused_now(connection, name, at, self._local.place.zone)
            if paused.id != number:
                raise ManometerError(f"Somebody else has paused {name} since then. U resumes it.")
            pauses.resume(connection, paused, at, "overdue", self._local.place.author, "undone")
        del self._made[name]
        self._note("resume", name, "--policy", "overdue", reason="undone")
        return f"The pause of {pause_label(paused.pause.target)} is undone; it goes on as if it had not been."

    def resume(self, name: str, policy: PausePolicy, reason: str) -> str:
        """End a pause; ManometerError where there is none."""
        words = self._resume(name, policy, reason)
        self._note("resume", name, "--policy", policy, reason=reason)
        return f"{pause_label(parse_target(name))} goes on. {words}"

    def stop(self, transactional: bool, reason: str) -> str:
        """Stop all sending; ManometerError where it is stopped already."""
        at, operator = self._local.now(), self._operator(reason)
        note = StopNote(at, operator.author, operator.reason, transactional)
        was_stopped = self._local.place.stopped
        no_file = self._local.stop_by_file(note)
        with self._local.acting() as connection:
            if was_stopped:
                stopped = pauses.current(connection, at).get(EVERYTHING)
                pausing.refuse_stopped(stopped, transactional, operator.zone, "`!`")
            held = pauses.waiting(connection, EVERYTHING, at)
            write_row(connection, note, at, operator.zone)
        self._local.note_command("stop", *_spares(transactional), "--yes", reason=reason)
        spared = "" if transactional else ", transactional messages go on"
        return f"All sending is stopped{spared}: {counted(held.messages, 'message')} waiting.{no_file}"

    def go(self, policy: PausePolicy, reason: str) -> str:
        """End the emergency stop; ManometerError where there is none."""
        words = self._resume(EVERYTHING, policy, reason, self._local.stop_file.remove)
        self._local.note_command("go", "--policy", policy, "--yes", reason=reason)
        return f"Sending goes on. {words}"

    def _resume(
        self, name: str, policy: PausePolicy, reason: str, lastly: Callable[[], None] = lambda: None
    ) -> str:
        at, playbook = self._local.now(), self._local.in_force().playbook
        with self._local.acting() as connection:
            choices = pausing.choices(
                connection, pausing.paused_now(connection, name, at, self._local.place.zone), playbook, at
            )
            pausing.resume(connection, name, at, policy, self._operator(reason))
            lastly()
        self._made.pop(name, None)
        return f"{policy}: {choices.words[policy]}"

    def _note(self, command: str, name: str, *words: str, reason: str) -> None:
        """The command of what was done to a trigger, channel, segment or customer."""
        target = parse_target(name)
        self._local.note_command(command, f"--{target.scope}", target.name, *words, "--yes", reason=reason)

    def _operator(self, reason: str) -> pausing.Operator:
        place = self._local.place
        return pausing.Operator(place.author, reason or None, place.zone, "`U`")

    def _when(self, at: Instant) -> str:
        return in_full(at, self._local.place.zone)


def _state(row: AppliedTrigger, pause: StoredPause | None, stop: StoredPause | None) -> State:
    if row.status == "active":
        return "paused" if pause is not None else "active" if stop is None else "stopped"
    return "draft" if row.status == "draft" else "retired"


def _spares(transactional: bool) -> tuple[str, ...]:
    return ("--transactional",) if transactional else ()


def _history_line(row: Mapping[str, Any]) -> HistoryLine:
    detail = ", ".join(
        f"{key} {value}" for key, value in json.loads(row["detail"]).items() if value not in (None, False)
    )
    return HistoryLine(row["at"], row["author"], row["action"], row["reason"], detail)


def _journeys(connection: Connection, trigger: Trigger | None) -> Sequence[JourneyCount]:
    """Only where they are shown: counting reads all that ever entered."""
    if trigger is None or (trigger.goal is None and not trigger.split):
        return ()
    return triggers.journeys(connection, trigger.name)


def _waiting_view(row: triggers.WaitingRow) -> WaitingView:
    name = full_name(row.first_name, row.last_name)
    return WaitingView(row.id, row.customer_id, row.customer, name, row.step, row.due_at, row.waits_for)
