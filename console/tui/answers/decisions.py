"""The log of decisions for the screens."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.tui.answers.held_up import held_up
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.terms import clauses, customer_of
from core.errors import ManometerError
from core.explain.words import BECAUSE, behind, in_short, in_words, localized, when
from core.model.customer import full_name
from core.model.decisions import OUTCOMES, Objection
from core.model.fates import fate_in_words, fate_of_message
from core.model.reasons import Reason
from screens.ports import Cancelled
from screens.ports.decisions import DecisionView, Listed, LoggedDecision
from screens.ports.terms import LogFilter
from storage import decisions, triggers
from storage.sql import LogQuery


class DecisionsAnswers:
    """Answers the questions of `screens.ports.decisions` from the workspace's database."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def ids(
        self, wanted: LogFilter, cancelled: Cancelled, found: Callable[[array[int]], None] | None = None
    ) -> Listed:
        """The decisions that are wanted, the newest first; `found` is told the first few before the rest is
        read.
        """
        with self._local.asking(cancelled) as connection:
            last = decisions.last_id(connection)
            ids, is_cut = decisions.ids(connection, self._log(connection, wanted), found)
            return Listed(ids, last, is_cut)

    def newer(self, wanted: LogFilter, after: int, cancelled: Cancelled) -> Listed:
        """Those that were written since `after` was the last one."""
        with self._local.asking(cancelled) as connection:
            last = decisions.last_id(connection)
            return Listed(
                decisions.newer(connection, self._log(connection, wanted), after)
                if last > after
                else array("q"),
                last,
            )

    def _log(self, connection: Connection, wanted: LogFilter) -> LogQuery:
        playbook = self._local.in_force().playbook
        names = tuple(triggers.in_force(connection)) or tuple(playbook.index.by_name)
        known = {
            "outcome": OUTCOMES,
            "reason": tuple(Reason),
            "trigger": names,
            "channel": tuple(playbook.channels),
        }
        return LogQuery(customer_of(connection, wanted), clauses(wanted, known), wanted.since, wanted.until)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, LoggedDecision]:
        """These decisions."""
        with self._local.asking(cancelled) as connection:
            found = list(decisions.rows(connection, ids, held_up(self._local, connection)))
        return {row.id: _row(row, self._local.place.zone) for row in found}

    def view(self, decision: int, cancelled: Cancelled) -> DecisionView:
        """One with its evidence; ManometerError where it is gone."""
        with self._local.asking(cancelled) as connection:
            row = next(decisions.rows(connection, [decision], held_up(self._local, connection)), None)
            found = decisions.one(connection, decision)
        if row is None or found is None:
            raise ManometerError(f"Decision {decision} is not in the log any more.")
        return DecisionView(
            row=_row(row, self._local.place.zone),
            words=in_words(_with_message(found, row), self._local.place.zone),
            planned_at=found["planned_at"],
            version=found["version"],
            rules=found["rules"],
            objections=[
                Objection(Reason(reason), localized(str(detail), self._local.place.zone), until)
                for reason, detail, until in found["objections"]
            ],
            message=found["message_id"],
            message_words=self._message(found, row),
        )

    def _message(self, found: Mapping[str, Any], row: decisions.ListedDecision) -> str:
        """What became of the message, in words; empty where there was none."""
        if found["state"] is None:
            return ""
        sent = (
            ""
            if found["sent_at"] is None
            else f", handed over {when(found['sent_at'], self._local.place.zone)}"
        )
        reason = BECAUSE.get(found["message_reason"] or "", in_short(found["message_reason"]))
        because = "; ".join(part for part in (reason, found["error"]) if part)
        fate = fate_of_message(found["state"], found["message_reason"], is_paused=bool(row.is_paused))
        return f"{fate_in_words(fate, found['state'])}{sent}{f': {because}' if because else ''}"


def _with_message(found: Mapping[str, Any], row: decisions.ListedDecision) -> Mapping[str, Any]:
    """The decision with what has become of its message, as sentences need it."""
    paused = "a pause or the emergency stop holds it up" if row.is_paused else None
    return {
        **found, "message_state": found["state"], "message_sent_at": found["sent_at"], "message_pause": paused
    }  # fmt: skip


def _row(row: decisions.ListedDecision, zone: ZoneInfo) -> LoggedDecision:
    name = full_name(row.first_name, row.last_name)
    return LoggedDecision(
        row.id, row.at, row.customer_id, row.customer, name, row.trigger, row.step, row.channel, row.outcome,
        row.reason, row.until,
        bool(row.late), behind(row.reason, json.loads(row.objections or "[]")),
        row.message_state, row.message_reason, bool(row.is_paused), localized(row.note or "", zone),
    )  # fmt: skip
