"""Customers played one by one, where a chunk of them failed: who or what fails by itself is set aside, and
everybody else goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Final, TypeAlias

from sqlalchemy import Connection

from console.quarantine.cpu_limit import CpuLimit, CpuLimitError
from console.quarantine.failures import FailureLedger
from console.quarantine.work_notes import CrashedError, WorkNote, alone
from core.engine import advance
from core.instants import Instant
from core.model.decisions import Decision
from core.model.dossier import Dossier, Plan
from core.model.quarantine import Suspect
from core.playbook.playbook import Playbook
from storage import customers, pauses, quarantine
from storage.event_json import UnreadableEventError
from storage.play import dossiers, plans
from storage.sqlite import StoreError
from storage.store import Store

Played: TypeAlias = tuple[list[tuple[Dossier, Plan]], list[tuple[Decision, int | None]]]
"""Customers with their plans, and the decisions as they were written."""
MOST_EVENTS: Final = 3
"""So many events of a customer are set aside in one pass; then it is the customer who is."""


SECONDS: Final = 3.0
"""Of processor time that the decisions of one customer may take."""


def play(known: Iterable[Dossier], playbook: Playbook, now: Instant) -> list[tuple[Dossier, Plan]]:
    """What follows for these customers by `now`; CpuLimitError where one of them takes too long."""
    with CpuLimit(SECONDS) as limit:
        played = []
        for dossier in known:
            limit.renew()
            played.append((dossier, advance(dossier, playbook, now, not_before=now - playbook.grace)))
        return played


class Isolation:
    """Who is left out of one pass, and how what fails is found."""

    def __init__(self, store: Store, playbook: Playbook, now: Instant, note: WorkNote) -> None:
        self._store = store
        self._playbook = playbook
        self._now = now
        self._ledger = FailureLedger(store)
        self._failed: set[int] = set()
        self._note = note
        self.put_off: frozenset[int] = frozenset()
        """Customers whose turn comes after that of all others."""

    def look_back(self) -> None:
        """Learn from the note what the process before was working on when it was killed: those of a chunk are
        suspects, and who was being played alone at two kills is set aside.
        """
        left, before = self._note.left, self._note.suspects
        if len(left) == 1:
            self._note_crash(left[0])
        with self._store.reading() as connection:
            watched = quarantine.watched_for_a_crash(connection, "customer")
        self._note.suspect(dict.fromkeys((*left, *watched, *before)))
        self.put_off = frozenset(map(int, self._note.suspects))

    def _note_crash(self, subject: str) -> None:
        with self._store.reading() as connection:
            key = customers.key_of(connection, int(subject))
        error = CrashedError()
        suspect = Suspect("customer", subject, key)
        self._ledger.note(suspect, error, self._now, crashed=True, said=str(error))

    def suspects(self, limit: int) -> Sequence[int]:
        """Once everybody else was decided for: the next of those who were being played when a process was
        killed, who are played one by one; nobody where none of them is due.
        """
        put_off, self.put_off = self.put_off, frozenset()
        found = [number for number in self.next_ids(limit + len(put_off)) if number in put_off][:limit]
        if found:
            self.put_off = put_off.difference(found)
        else:
            self._note.suspect(())
        return found

    def begin(self, ids: Sequence[int]) -> None:
        """Note that these are being played."""
        self._note.begin([str(number) for number in ids])

    def left_out(self, connection: Connection) -> frozenset[int]:
        """Customers who are set aside, or have failed in this pass."""
        return quarantine.customers_left_out(connection) | self._failed

    def playbook(self, connection: Connection) -> Playbook:
        """The playbook of the pass with the pauses of this transaction: who ends a pause wakes whom it held,
        and a pass that began before would put them to sleep again, for good.
        """
        found = pauses.all_of(connection)
        if found != self._playbook.pauses:
            self._playbook = replace(self._playbook, pauses=found)
        return self._playbook

    def next_ids(self, limit: int) -> Sequence[int]:
        """The customers whose turn it is."""
        with self._store.reading() as connection:
            left_out = self.left_out(connection) | self.put_off
            return dossiers.due_ids(connection, self._now, self._playbook.version, limit, left_out)

    def play(self, customer: int) -> Played:
        """Play a customer in a transaction of its own; what fails twice is set aside, and where that is an
        event the customer goes on without it.
        """
        for attempt in range(MOST_EVENTS + 1):
            error: Exception | None = None
            for _ in range(2):
                try:
                    return self._play(customer)
                except StoreError:
                    raise
                except CpuLimitError as raised:  # it has taken so long twice by now, with others and alone
                    error = raised
                    break
                except Exception as raised:  # the border of a customer
                    error = raised
            assert error is not None
            suspect = self._suspect(customer, error, may_be_event=attempt < MOST_EVENTS)
            self._ledger.note(suspect, error, self._now, at_once=True)
            if suspect.kind == "customer":
                break
        self._failed.add(customer)
        return [], []

    def _play(self, customer: int) -> Played:
        is_suspected = str(customer) in self._note.suspects
        with alone() if is_suspected else nullcontext():
            played = self._played(customer, is_suspected=is_suspected)
        self._note.clear(str(customer))
        return played

    def _played(self, customer: int, *, is_suspected: bool) -> Played:
        self._note.begin([str(customer)])
        with self._store.writing() as connection:
            playbook = self.playbook(connection)
            known = dossiers.load(connection, [customer], playbook).values()
            played = play(known, playbook, self._now)
            written = plans.save(connection, played, playbook.version) if played else []
            if is_suspected:
                quarantine.forget_watched(connection, Suspect("customer", str(customer), ""))
            self.begin(())  # a kill while the disk is waited for accuses nobody
            return played, written

    # ---- whose fault it is ----

    def _suspect(self, customer: int, error: Exception, *, may_be_event: bool) -> Suspect:
        with self._store.reading() as connection:
            key = customers.key_of(connection, customer)
            event = self._event(connection, customer, error) if may_be_event else None
        if event is None:
            return Suspect("customer", str(customer), key)
        return Suspect("event", str(event), f"{event} of customer {key}")

    def _event(self, connection: Connection, customer: int, error: Exception) -> int | None:
        """The event without which the customer can be played; None where it is no single one."""
        if isinstance(error, UnreadableEventError):
            return None if error.event in dossiers.events_left_out(connection) else error.event
        if isinstance(error, CpuLimitError):
            return None
        try:
            known = dossiers.load(connection, [customer], self._playbook)[customer]
        except Exception:  # the border of a customer: it cannot be read at all
            return None
        numbers = sorted({event.id for event in (*known.history, *known.arrivals)})
        if not numbers or not self._works(connection, customer, numbers):
            return None
        return self._first_fault(connection, customer, numbers)

    def _first_fault(self, connection: Connection, customer: int, numbers: Sequence[int]) -> int:
        """The first event with which it fails, all later ones left out; found by halving."""
        low, high = 0, len(numbers) - 1
        while low < high:
            middle = (low + high) // 2
            if self._works(connection, customer, numbers[middle + 1 :]):
                low = middle + 1
            else:
                high = middle
        return numbers[low]

    def _works(self, connection: Connection, customer: int, without: Collection[int]) -> bool:
        try:
            known = dossiers.load(connection, [customer], self._playbook, without).values()
            play(known, self._playbook, self._now)
        except Exception:  # the border of a customer, as above
            return False
        return True
