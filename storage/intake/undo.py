"""Taking an import back: its events go, and with them what they alone had brought about.

What was sent stays sent, and so does the log of decisions. A journey whose cause is gone ends, and its
messages that were not handed over are cancelled. Where nothing of such a journey was ever sent, the same
cause may make the customer enter again, for example when the corrected file comes in. An operator's act is
an arrival at its own instant: the engine decides anew about every customer concerned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from core.errors import ManometerError
from core.instants import Instant
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.outbox import UNSENT
from core.model.reasons import Reason
from core.people import IdentityRules
from storage import audit
from storage.intake.identities import chunks
from storage.intake.imports import spans_of
from storage.intake.listed_consents import tell_anew
from storage.intake.orders import settle, settle_customers
from storage.intake.refolding import columns_of, refolded
from storage.intake.unsaying import Unsaying, remove_identities
from storage.outbox import digests
from storage.outbox.dispatch import change, wake
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import identities, merges
from storage.schema.intake import ImportRow, arrivals
from storage.schema.messages import messages
from storage.session import session
from storage.sql import WANTED, portions, rows_of
from storage.suppressions import take_back

NOBODY: Final = 0
"""Whose a consent is that was taken back: the ledger keeps its rows, but they speak for no customer."""
_USUAL_RULES: Final = IdentityRules()
_NEVER_SENT: Final = (*UNSENT, "cancelled", "expired", "failed")
"""The states of messages that nobody has got."""


@dataclass(frozen=True, slots=True)
class UndoEffect:
    """What goes with an import, and what stays sent; all are numbers of rows."""

    events: int
    customers: int
    """Those whom nothing else knows."""
    consents: int
    journeys: int
    """Under way, whose cause goes."""
    messages: int
    """Not yet handed over, cancelled."""
    sent: int
    """Handed over for a cause that goes: they stay."""
    suppressions: int
    """Of addresses that nobody else has reported."""
    soft_bounces: int
    joins: int
    """Of customers whom nothing else joins: they are parted."""


@dataclass(frozen=True, slots=True)
class UndoRules:
    """By which rules it is asked anew who is one person, and which addresses bounced too often."""

    identities: IdentityRules = _USUAL_RULES
    bounces: BounceLimit = USUAL_LIMIT


def undo(
    connection: Connection,
    number: int,
    rules: UndoRules,
    *,
    author: str,
    at: Instant,
    reason: str | None,
    is_played: bool,
) -> UndoEffect:
    """Take an import back, in the caller's transaction; `is_played` says that a playbook is in force.

    ManometerError where there is no such import, it was taken back already, or an earlier release took it in
    and kept no record of its events.
    """
    entry = _entry(connection, number)
    taking = _Undoing(connection, number, f"import {number} ({entry.path}) was taken back", at)
    effect = taking.all(entry.at, is_played, rules)
    with session(connection) as opened:
        opened.add(entry)
        entry.undone_at = at
    audit.record(
        connection, at, author, "undo import", str(number), reason, {"path": entry.path} | asdict(effect)
    )
    return effect


def _entry(connection: Connection, number: int) -> ImportRow:
    with session(connection) as opened:
        entry = opened.get(ImportRow, number)
    if entry is None:
        raise ManometerError(f"There is no import {number}. `manometer imports` lists them.")
    if entry.undone_at is not None:
        raise ManometerError(f"Import {number} was taken back already. `manometer imports` lists them.")
    if entry.taken and not spans_of(connection, number):
        raise ManometerError(
            f"Import {number} came in under an earlier release, which kept no record of its events. It "
            "cannot be taken back; restore a backup from before it."
        )
    return entry


class _Undoing:
    """One import on its way out."""

    def __init__(self, connection: Connection, number: int, words: str, at: Instant) -> None:
        self.connection = connection
        self.number = number
        self.words = words
        self.at = at
        self.spans = spans_of(connection, number)

    def all(self, came_at: Instant, is_played: bool, reading: UndoRules) -> UndoEffect:
        concerned, orders, names = self._customers(), self._orders(), self._names()
        taken_back = self._take_back_consents()
        suppressed, bounced = take_back(self.connection, self.spans, reading.bounces)
        removed = self._remove_events()
        unsaying = Unsaying(self.connection, self.spans, names, came_at, f"import {self.number}")
        unsaid = unsaying.all(reading.identities, at=self.at, wake=is_played)
        concerned = self._living(concerned | unsaid.touched)
        tell_anew(self.connection, names, concerned)
        forgotten = self._unknown(concerned)
        journeys = self._journeys(forgotten)
        cancelled = self._cancel(journeys)
        ended = self._end(journeys)
        sent, free = self._free_causes(journeys)
        gone = self._remove_customers(forgotten)
        others = settle(self.connection, orders, in_force=is_played).customers
        others |= settle_customers(self.connection, unsaid.touched - gone, in_force=is_played)
        kept = sorted((concerned | others) - gone)
        self._fold_anew(kept, free, is_played)
        return UndoEffect(
            removed, len(gone), taken_back, ended, cancelled, sent, suppressed, bounced, unsaid.joins
        )

    # ---- events and consents ----

    def _within(self, column: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        """Conditions, of which each holds for events of one span."""
        return (column.between(first, last) for first, last in self.spans)

    def _customers(self) -> set[int]:
        found: set[int] = set()
        for within in self._within(events.c.id):
            whose = select(events.c.customer_id).where(within, events.c.customer_id.is_not(None)).distinct()
            found.update(self.connection.execute(whose).scalars())
        return found

    def _living(self, wanted: Collection[int]) -> set[int]:
        """Those of the customers who have not gone into another one."""
        found: set[int] = set()
        for ids in chunks(sorted(wanted)):
            living = select(customers.c.id).where(customers.c.id.in_(ids), customers.c.merged_into.is_(None))
            found.update(self.connection.execute(living).scalars())
        return found

    def _names(self) -> set[int]:
        """The identities that its events name."""
        found: set[int] = set()
        for within in self._within(events.c.id):
            told = select(events.c.identity_id, events.c.others).where(
                within, events.c.identity_id.is_not(None)
            )
            for through, others in self.connection.execute(told):
                found.add(through)
                found.update(() if others is None else orjson.loads(others))
        return found

    def _orders(self) -> set[str]:
        """The orders that it told of: others may count once it no longer does."""
        found: set[str] = set()
        for within in self._within(events.c.id):
            told = select(events.c.order_key).where(within, events.c.order_key.is_not(None)).distinct()
            found.update(self.connection.execute(told).scalars())
        return found

    def _take_back_consents(self) -> int:
        changes = (
            update(consents).where(within, consents.c.customer_id != NOBODY).values(customer_id=NOBODY)
            for within in self._within(consents.c.event_id)
        )
        return sum(self.connection.execute(change).rowcount for change in changes)

    def _remove_events(self) -> int:
        for within in self._within(arrivals.c.event_id):
            self.connection.execute(delete(arrivals).where(within))
        return sum(
            self.connection.execute(delete(events).where(within)).rowcount
            for within in self._within(events.c.id)
        )

    # ---- journeys whose cause is gone ----

    def _unknown(self, concerned: Collection[int]) -> set[int]:
        """The customers of whom no event is left."""
        known: set[int] = set()
        for ids in chunks(sorted(concerned)):
            known.update(
                self.connection.execute(
                    select(events.c.customer_id).where(events.c.customer_id.in_(ids)).distinct()
                ).scalars()
            )
        return set(concerned) - known

    def _journeys(self, forgotten: Collection[int]) -> list[Any]:
        """The journeys whose cause is gone, and all open ones of customers of whom nothing is left."""
        found: dict[int, Any] = {}
        for within in self._within(enrolments.c.cause_event):
            found.update((row.id, row) for row in self.connection.execute(select(enrolments).where(within)))
        for ids in chunks(sorted(forgotten)):
            open_ones = select(enrolments).where(
                enrolments.c.customer_id.in_(ids), enrolments.c.state == "open"
            )
            found.update((row.id, row) for row in self.connection.execute(open_ones))
        return [found[identifier] for identifier in sorted(found)]

    def _cancel(self, journeys: Sequence[Any]) -> int:
        """Cancel what was not handed over, or leave it out of a message of several steps; how many."""
        gone = {row.id for row in journeys}
        waiting = {row.id: row for row in self._messages_of(journeys) if row.state in UNSENT}
        ended = []
        for row in waiting.values():
            if row.digest is None:
                ended.append(row.id)
                continue
            carried = [
                replace(each, left_out=each.left_out or str(Reason.REJECTED))
                if each.enrolment in gone
                else each
                for each in digests.load(row.digest)
            ]
            if all(each.left_out for each in carried):
                ended.append(row.id)
            else:
                change(self.connection, [row.id], digest=digests.dump(carried))
        change(
            self.connection,
            ended,
            state="cancelled",
            reason=str(Reason.REJECTED),
            error=self.words,
            released_at=self.at,
            claimed_by=None,
            claimed_until=None,
        )
        return len(ended)

    def _end(self, journeys: Sequence[Any]) -> int:
        """End what is under way, with a row for the open step that says why."""
        open_ones = [row for row in journeys if row.state == "open"]
        for part in chunks([row.id for row in open_ones]):
            self.connection.execute(
                update(enrolments)
                .where(enrolments.c.id.in_(part))
                .values(
                    state="exited",
                    ended_at=self.at,
                    due_at=None,
                    waits_for=None,
                    waits_until=None,
                    held_by=None,
                )
            )
        if open_ones:
            self.connection.execute(insert(decisions), [self._decision(row) for row in open_ones])
        return len(open_ones)

    def _decision(self, row: Any) -> dict[str, Any]:
        return {
            "at": self.at, "customer_id": row.customer_id, "enrolment_id": row.id, "trigger": row.trigger,
            "step": row.step, "outcome": "suppress", "reason": str(Reason.REJECTED), "late": 0,
            "planned_at": row.planned_at, "version": row.version, "variant": row.variant,
            "objections": orjson.dumps([[Reason.REJECTED, self.words, None]]).decode(),
        }  # fmt: skip

    def _free_causes(self, journeys: Sequence[Any]) -> tuple[int, list[Any]]:
        """How many messages stay sent; and the other journeys, whose causes may come again from now on."""
        sent = [row for row in self._messages_of(journeys) if row.state not in _NEVER_SENT]
        told = {row.enrolment_id for row in sent}
        told |= {each.enrolment for row in sent for each in digests.load(row.digest)}
        free = [row for row in journeys if row.id not in told]
        mark = f"undone:{self.number}:"
        for part in chunks([row.id for row in free]):
            self.connection.execute(
                update(enrolments)
                .where(enrolments.c.id.in_(part))
                .values(cause_key=mark + enrolments.c.cause_key)
            )
            own = messages.c.enrolment_id.in_(part) & messages.c.digest.is_(None)
            self.connection.execute(update(messages).where(own).values(key=mark + messages.c.key))
        return len(sent), free

    def _messages_of(self, journeys: Iterable[Any]) -> list[Any]:
        """The messages that carry a step of these journeys, alone or with others."""
        found: dict[int, Any] = {}
        columns = messages.c
        shown = (columns.id, columns.state, columns.enrolment_id, columns.digest)
        wanted = {row.id for row in journeys}
        for part in chunks(sorted(wanted)):
            for row in self.connection.execute(select(*shown).where(columns.enrolment_id.in_(part))):
                found[row.id] = row
        for ids in chunks(sorted({row.customer_id for row in journeys})):
            several = select(*shown).where(columns.customer_id.in_(ids), columns.digest.is_not(None))
            for row in self.connection.execute(several):
                if any(each.enrolment in wanted for each in digests.load(row.digest)):
                    found[row.id] = row
        return list(found.values())

    # ---- customers ----

    def _remove_customers(self, forgotten: Collection[int]) -> set[int]:
        """Remove those of whom nothing is left but the row; whom the log still names stay."""
        gone = set(forgotten)
        for ids in chunks(sorted(forgotten)):
            for column in (
                decisions.c.customer_id,
                messages.c.customer_id,
                enrolments.c.customer_id,
                merges.c.customer_id,
                merges.c.merged_id,
            ):
                named = select(column).where(column.in_(ids))
                if column.table is merges:
                    named = named.where(merges.c.undone_at.is_(None))
                gone.difference_update(self.connection.execute(named).scalars())
        for ids in chunks(sorted(gone)):
            theirs = select(identities.c.id).where(identities.c.customer_id.in_(ids))
            remove_identities(self.connection, self.connection.execute(theirs).scalars().all())
            self.connection.execute(delete(customers).where(customers.c.id.in_(ids)))
        return gone

    def _fold_anew(self, kept: Sequence[int], free: Iterable[Any], is_played: bool) -> None:
        """Work out the profiles from what is left; the engine looks at each of these customers anew."""
        causes: dict[int, set[tuple[str, str]]] = {}
        for row in free:
            causes.setdefault(row.customer_id, set()).add((row.trigger, row.cause_key))
        columns = customers.c
        own = update(customers).where(columns.id == bindparam("customer"))  # the rest of a row is its values
        for ids in portions(kept):
            stand = select(columns.id, columns.entries, columns.joins).where(columns.id.in_(WANTED))
            known = {row[0]: row[1:] for row in rows_of(self.connection, stand, ids)}
            found = []
            for customer, profile, settled in refolded(self.connection, ids):
                values = columns_of(profile, settled) | {"customer": customer}
                entries, joins = known[customer]
                if customer in causes:
                    entries = self._entries(customer, orjson.loads(entries), causes[customer])
                if is_played:
                    joins = orjson.dumps([*orjson.loads(joins or "[]"), [0, self.at, []]]).decode()
                found.append(values | {"entries": entries, "joins": joins})
            if found:
                self.connection.execute(own, found)
        if is_played:
            wake(self.connection, kept, self.at)

    def _entries(self, customer: int, entries: dict[str, Any], free: Collection[tuple[str, str]]) -> str:
        """The last entry into each trigger, without those that are taken back."""
        for trigger, entry in list(entries.items()):
            if (trigger, entry[1]) not in free:
                continue
            before = self.connection.execute(
                select(enrolments.c.entered_at, enrolments.c.cause_key)
                .where(enrolments.c.customer_id == customer, enrolments.c.trigger == trigger)
                .where(enrolments.c.state != "holdout", ~enrolments.c.cause_key.startswith("undone:"))
                .order_by(enrolments.c.entered_at.desc())
                .limit(1)
            ).one_or_none()
            del entries[trigger]
            if before is not None:
                entries[trigger] = list(before)
        return orjson.dumps(entries).decode()
