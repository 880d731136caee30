"""The outbox for the screens: lists, what acts would do, and the acts."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from console.operating import approvals
from console.tui.answers.held_up import held_up
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.terms import clauses, customer_of
from core.explain.words import counted, localized
from core.model.fates import Fate
from core.model.outbox import STATES, Act, ActEffect, ListedMessage
from core.model.reasons import Reason
from screens.ports import Cancelled
from screens.ports.terms import LogFilter
from storage import triggers
from storage.outbox import acts as outbox_acts
from storage.outbox import listing as outbox_listing
from storage.outbox.acts import ACTS
from storage.sql import LogQuery

DONE: Final[Mapping[Act, str]] = {
    "approve": "approved",
    "reject": "rejected",
    "retry": "to be tried again",
    "cancel": "cancelled",
}


class OutboxAnswers:
    """Answers the questions of `screens.ports.outbox` from the workspace's database, and carries out what
    operators decide.
    """

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def counts(self, cancelled: Cancelled) -> Mapping[Fate, int]:
        """What becomes of the messages in open states."""
        with self._local.asking(cancelled) as connection:
            return outbox_listing.open_counts(connection, held_up(self._local, connection))

    def ids(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        """The messages that are wanted: those in open states in their order, then the newest of the
        others.
        """
        playbook = self._local.in_force().playbook
        with self._local.asking(cancelled) as connection:
            names = tuple(triggers.in_force(connection)) or tuple(playbook.index.by_name)
            known = {
                "state": STATES,
                "trigger": names,
                "channel": tuple(playbook.channels),
                "reason": tuple(Reason),
            }
            customer = customer_of(connection, wanted)
            rows = LogQuery(customer, clauses(wanted, known), wanted.since, wanted.until)
            return outbox_listing.ids(connection, rows)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ListedMessage]:
        """These messages."""
        with self._local.asking(cancelled) as connection:
            found = list(outbox_listing.rows(connection, ids, held_up(self._local, connection)))
        return {row.id: _for_people(row, self._local.place.zone) for row in found}

    def effect(self, action: Act, ids: Sequence[int], cancelled: Cancelled) -> ActEffect:
        """What an act would do to these."""
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            found = outbox_acts.effect(connection, action, ids, at)
            playbook = self._local.in_force().playbook
            told = approvals.notes(connection, playbook, action, found.ids, at, cancelled, names_one=False)
            notes = tuple(told)
            held, _ = approvals.held_up(connection, playbook, found.ids, at)
        return replace(found, notes=notes, held=held)

    def act(self, action: Act, ids: Sequence[int], reason: str) -> str:
        """Do it, with its audit lines in one transaction, and say what was done; OutboxError, and nothing
        changed, where one refuses.
        """
        with self._local.acting() as connection:
            number = ACTS[action](
                connection, ids, self._local.place.author, self._local.now(), reason or None
            )
        asked = ("--yes",) if action in ("approve", "reject") else ()
        self._local.note_command("outbox", action, *map(str, ids), *asked, reason=reason)
        return f"{counted(number, 'message')} {DONE[action]}."


def _for_people(row: ListedMessage, zone: ZoneInfo) -> ListedMessage:
    """The message with the instants in its error as people say them."""
    return row if row.error is None else replace(row, error=localized(row.error, zone))
