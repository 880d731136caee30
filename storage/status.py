"""How the workspace is doing, in numbers: what is due, what is stuck, and whether the books balance. Instants
are ms UTC.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
)

from core.health import Numbers, Trouble
from core.instants import DAY, Instant, Millis
from core.model.decisions import OUTCOMES
from core.model.outbox import PENDING, STATES
from core.model.pauses import EVERYTHING
from core.model.quarantine import SetAside
from core.model.reasons import HOLDING
from storage import leases, quarantine, surges
from storage.leases import Lease
from storage.outbox import digests
from storage.outbox.dispatch import TROUBLE, WAITING
from storage.playbooks import newest_version
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.intake import arrivals, unread
from storage.schema.messages import messages
from storage.schema.operations import pauses
from storage.schema.playbooks import playbooks
from storage.store import meta, set_meta

LAST_TICK_AT = "last_tick_at"
LAST_DISPATCH_AT = "last_dispatch_at"
CLOCK_KNOWN = "clock_known"
"""The fact with the last reading of the clock that was trusted: JSON of `at`, `offset`, `boot`."""
HALTED = "halted"
"""The fact with the channels that rest: JSON of name to `reason`, `since`, `until` (instants) and the
`version` of the playbook.
"""
TROUBLES = "troubles"
FATES = ("sent", "suppressed", "pending", "failed", "uncertain")
_FATE_OF_STATE = {
    **dict.fromkeys(("sent", "delivered", "bounced", "complained"), "sent"),
    **dict.fromkeys(PENDING, "pending"),
    **dict.fromkeys(("cancelled", "expired"), "suppressed"),
    "failed": "failed",
    "uncertain": "uncertain",
}


BOOKS: Final = "books"
"""The fact with the books as the scheduler has added them up: JSON of `at`, an instant, and `books`."""
FEW_ROWS: Final = 200_000
"""Of so many events, decisions and messages together the books are added up at once."""
_NEWEST_FAILED: Final = 1_000
"""Messages that failed of which the triggers are named."""
MOST: Final = 100_000
"""A count that need not be exact stops here: nobody acts differently on more."""
GONE: Final = text("merged_into IS NOT NULL OR erased_at IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one moment; each of the customers counted by an index, each of the messages by that of
    its state.
    """

    version: int
    last_tick: Instant | None
    last_dispatch: Instant | None
    lease: Lease | None  # of the scheduler that leads, or led last
    due: int
    overdue: int
    held: int
    failed: int
    failed_lately: int  # within a day
    uncertain: int
    stopped: bool
    halted: Mapping[str, Trouble]  # by channel
    troubles: Mapping[str, Trouble]  # by job of the scheduler, or `disk`
    conservation: dict[str, Any] | None  # None where it was not asked for
    surges: Mapping[str, Trouble] = field(default_factory=dict)  # by trigger that is held
    unread: tuple[Mapping[str, Any], ...] = ()  # what sources said and nobody understood
    quarantine: tuple[SetAside, ...] = ()
    failed_of: tuple[str, ...] = ()  # triggers of the newest messages that failed lately
    stands_at: Instant | None = None  # where a clock of the workspace's own stands

    def is_behind_nothing(self, at: Instant) -> bool:
        """Whether a clock of the workspace's own stands there or later: it goes on with passes alone, so that
        what is due by it has come since, and nobody was to play it.
        """
        return self.stands_at is not None and at <= self.stands_at

    def leader(self, at: Instant) -> Lease | None:
        """The lease of the scheduler that leads at the instant."""
        return self.lease if self.lease is not None and self.lease.is_live(at) else None

    def numbers(self, at: Instant, silence: Millis, shortage: str | None) -> Numbers:
        """What a judgement of them needs; books that were not asked for count as balanced."""
        lease = self.lease
        return Numbers(
            at=at,
            silence=silence,
            last_tick=self.last_tick,
            ended_at=None if lease is None or lease.is_live(at) else lease.expires_at,
            overdue=self.overdue,
            failed_lately=self.failed_lately,
            uncertain=self.uncertain,
            is_stopped=self.stopped,
            halted=self.halted,
            surges=self.surges,
            troubles=self.troubles,
            books_balance=self.conservation is None or self.conservation["holds"],
            shortage=shortage,
            was_stopped=lease is not None and lease.is_resigned,
            set_aside=self.quarantine,
            failed_of=self.failed_of,
        )


def figures(
    connection: Connection,
    at: Instant,
    grace: Millis,
    *,
    books: bool = True,
    most: int | None = None,
    stands_at: Instant | None = None,
) -> Figures:
    """All of it, in one snapshot; the books read every decision. With `most` no count of customers or
    messages goes beyond it. `stands_at`: where a clock of the workspace's own stands.
    """
    version = newest_version(connection)
    counted = Figures(
        version=version,
        last_tick=_instant(connection, LAST_TICK_AT),
        last_dispatch=_instant(connection, LAST_DISPATCH_AT),
        lease=leases.current(connection),
        due=due(connection, at, version, most),
        overdue=_overdue(connection, at - grace, version, most),
        held=_up_to(connection, select(messages.c.id).where(WAITING, messages.c.state == "held"), most),
        failed=_in_trouble(connection, "failed", 0, most),
        failed_lately=_in_trouble(connection, "failed", at - DAY, most),
        uncertain=_in_trouble(connection, "uncertain", 0, most),
        stopped=_is_stopped(connection, at),
        halted=halted(connection),
        surges=surges.surges(connection),
        troubles=troubles(connection),
        conservation=conservation(connection) if books else None,
        unread=unread_words(connection) if books else (),
        quarantine=tuple(quarantine.listing(connection)),
        stands_at=stands_at,
        failed_of=_failed_of(connection, at - DAY),
    )
    return replace(counted, overdue=0) if counted.is_behind_nothing(at) else counted


def last_passes(connection: Connection) -> tuple[Instant | None, Instant | None]:
    """When the engine last ticked, and when it last dispatched."""
    return _instant(connection, LAST_TICK_AT), _instant(connection, LAST_DISPATCH_AT)


def are_books_quick(connection: Connection) -> bool:
    """Whether adding up the books takes less than a second."""
    ends = [select(func.max(table.c.id)).scalar_subquery() for table in (events, decisions, messages)]
    return sum(end or 0 for end in connection.execute(select(*ends)).one()) <= FEW_ROWS


def kept_books(connection: Connection) -> tuple[Instant, dict[str, Any]] | None:
    """The books as they were kept last, and when; None where they never were."""
    kept = meta(connection, BOOKS)
    if kept is None:
        return None
    found = json.loads(kept)
    return int(found["at"]), dict(found["books"])


def keep_books(connection: Connection, books: Mapping[str, Any], at: Instant) -> None:
    """Keep the books for `status`, which would take seconds to add them up where there is much."""
    set_meta(connection, BOOKS, json.dumps({"at": at, "books": books}))


def unread_words(connection: Connection, most: int = 50) -> tuple[Mapping[str, Any], ...]:
    """What lines that were taken said and nobody understood: `kind source word number last_at`."""
    columns = unread.c
    query = select(unread).order_by(columns.number.desc(), columns.kind, columns.source, columns.word)
    return tuple(dict(row) for row in connection.execute(query.limit(most)).mappings())


# ---- who is due ----


def due(connection: Connection, at: Instant, version: int, most: int | None = None) -> int:
    """Customers whose instant has come by `at`, or who were last planned under an older playbook than
    `version`.
    """
    if not version:
        return 0
    anew, ripe = to_plan_anew(connection, version, most), _up_to(connection, _by_instant(at), most)
    if 0 in (anew, ripe) or most in (anew, ripe) or anew == _living_number(connection):
        return max(anew, ripe)
    both = anew + ripe - _number_of_both(connection, at, version, anew_is_fewer=anew <= ripe)
    return both if most is None else min(most, both)


def _number_of_both(connection: Connection, at: Instant, version: int, *, anew_is_fewer: bool) -> int:
    """Who is due by the instant and by the playbook, read by way of the fewer: only here are rows read."""
    if anew_is_fewer:
        return _up_to(connection, _anew(version).where(at >= _NOT_BY_INDEX_DUE), None)
    return _up_to(connection, _by_instant(at).where(customers.c.planned_version < version), None)


def _living_number(connection: Connection) -> int:
    gone = select(func.count()).select_from(customers).where(GONE)
    return _count(connection, customers) - int(connection.execute(gone).scalar_one())


def to_plan_anew(connection: Connection, version: int, most: int | None = None) -> int:
    """Customers last planned under an older playbook; of those who are due."""
    return _up_to(connection, _anew(version), most)


def _overdue(connection: Connection, at: Instant, version: int, most: int | None) -> int:
    """Who was due by `at` already; a playbook makes nobody due before it was applied."""
    if not version:
        return 0
    applied = connection.execute(
        select(playbooks.c.applied_at).where(playbooks.c.version == version)
    ).scalar_one()
    return due(connection, at, version, most) if applied <= at else _up_to(connection, _by_instant(at), most)


def _by_instant(at: Instant) -> Select[int]:
    return select(customers.c.id).where(
        customers.c.next_due_at.is_not(None), customers.c.next_due_at <= at, _living()
    )


def _anew(version: int) -> Select[int]:
    return select(customers.c.id).where(customers.c.planned_version < version, _living())


_NOT_BY_INDEX_DUE: Final[ColumnElement[int]] = literal_column("+customers.next_due_at", Integer)


def _living() -> ColumnElement[bool]:
    """By the short lists of those gone and set aside, so that no row of the others need be read."""
    return and_(
        customers.c.id.not_in(select(customers.c.id).where(GONE)),
        customers.c.id.not_in(quarantine.customers_set_aside()),
    )


# ---- the books ----


def conservation(connection: Connection) -> dict[str, Any]:
    """The books, and whether they balance.

    Every event is ignored, decided (it began a journey) or waiting. Every decision is sent, suppressed,
    pending, failed or uncertain, or was deferred to a later one, as a hold by a pause is. Every send and
    every other hold has one message of the same customer, enrolment, step and channel, or one that carries
    its step together with others; every message has one decision of its own and an enrolment that exists: no
    message twice, no plan half written.
    """
    events_, states, crossed = (
        _events(connection),
        _counts(connection, messages.c.state),
        connection.execute(_CROSSED).all(),
    )
    decided = sum(row.number for row in crossed)
    outcomes, fates = Counter[str](), Counter[str]()
    for row in crossed:
        outcomes[row.outcome] += row.number
        fates["deferred" if row.paused else _fate(row.outcome, row.state)] += row.number
    all_counted = (
        events_["lost"] == 0
        and decided == sum(outcomes[outcome] for outcome in OUTCOMES)
        and decided == sum(fates[fate] for fate in (*FATES, "deferred"))
    )
    return {
        "events": {name: events_[name] for name in ("total", "ignored", "decided", "waiting")},
        "decisions": {"total": decided, **{outcome: outcomes[outcome] for outcome in OUTCOMES}},
        "fates": {name: fates[name] for name in (*FATES, "deferred")},
        "messages": {"total": sum(states.values()), **{state: states.get(state, 0) for state in STATES}},
        "holds": all_counted and _each_has_its_message(connection, crossed, states),
    }


def _each_has_its_message(
    connection: Connection, crossed: Sequence[Row[Any]], states: Mapping[str, int]
) -> bool:
    """Whether decisions and messages belong together one by one, as `conservation` says."""
    written = sum(states.values())
    return (
        written == sum(states.get(state, 0) for state in STATES)
        and written == sum(row.leading for row in crossed)
        and written == connection.execute(select(func.count(decisions.c.message_id.distinct()))).scalar_one()
        and all(bool(row.message) == (row.outcome in ("send", "hold") and not row.paused) for row in crossed)
        and not any(row.disagreeing for row in crossed)
        and _without_enrolment(connection) == 0
    )


_AGREES = and_(
    messages.c.customer_id == decisions.c.customer_id,
    messages.c.enrolment_id == decisions.c.enrolment_id,
    messages.c.trigger == decisions.c.trigger,
    messages.c.step == decisions.c.step,
    messages.c.channel == decisions.c.channel,
)
_CARRIES = decisions.c.message_id.is_not(None)
_PAUSED = and_(decisions.c.outcome == "hold", decisions.c.reason.in_(sorted(HOLDING)))
_CROSSED = (
    select(
        decisions.c.outcome,
        digests.STATE.label("state"),
        _CARRIES.label("message"),
        _PAUSED.label("paused"),
        func.count().label("number"),
        func.sum(case((and_(_CARRIES, func.coalesce(_AGREES, False)), 1), else_=0)).label("leading"),
        func.sum(
            case((and_(_CARRIES, func.coalesce(or_(_AGREES, digests.JOINS), False).is_(False)), 1), else_=0)
        ).label("disagreeing"),
    )
    .select_from(decisions.outerjoin(messages, messages.c.id == decisions.c.message_id))
    .group_by(decisions.c.outcome, digests.STATE, _CARRIES, _PAUSED)
)
"""Decisions by outcome and state of their message, in one pass over the table."""


def _fate(outcome: str, state: str | None) -> str:
    if outcome == "defer":
        return "deferred"
    return "suppressed" if outcome == "suppress" else _FATE_OF_STATE.get(state or "", "lost")


def _events(connection: Connection) -> dict[str, int]:
    """An event waits until the engine has played its customer; one that began no journey then is ignored."""
    total = _count(connection, events)
    waiting = connection.execute(select(func.count(arrivals.c.event_id.distinct()))).scalar_one()
    lost = connection.execute(select(func.count()).select_from(arrivals).where(~_known_event())).scalar_one()
    caused = (
        select(enrolments.c.cause_event).distinct().where(enrolments.c.cause_event.is_not(None)).subquery()
    )
    decided = _count(connection, caused)
    return {
        "total": total,
        "ignored": total - waiting - decided,
        "decided": decided,
        "waiting": waiting,
        "lost": lost,
    }


def _without_enrolment(connection: Connection) -> int:
    known = select(enrolments.c.id).where(enrolments.c.id == messages.c.enrolment_id).exists()
    return connection.execute(select(func.count()).select_from(messages).where(~known)).scalar_one()


# ---- what the scheduler and the dispatcher leave word of ----


def troubles(connection: Connection) -> dict[str, Trouble]:
    """What is wrong with the scheduler, by job."""
    return _troubles(connection, TROUBLES)


def keep_troubles(connection: Connection, known: Mapping[str, Trouble]) -> None:
    """Leave word of what is wrong with the scheduler."""
    kept = json.dumps(
        {name: {"reason": trouble.reason, "since": trouble.since} for name, trouble in known.items()},
        ensure_ascii=False,
    )
    set_meta(connection, TROUBLES, kept if known else None)


def halted(connection: Connection) -> dict[str, Trouble]:
    """The channels that hand nothing over until a person has put them right."""
    return _troubles(connection, HALTED)


def _troubles(connection: Connection, name: str) -> dict[str, Trouble]:
    found = json.loads(meta(connection, name) or "{}")
    return {key: Trouble(str(value["reason"]), int(value["since"])) for key, value in sorted(found.items())}


def _instant(connection: Connection, name: str) -> Instant | None:
    kept = meta(connection, name)
    return None if kept is None else int(kept)


# ---- counts ----


def _in_trouble(connection: Connection, state: str, since: Instant, most: int | None) -> int:
    query = select(messages.c.id).where(TROUBLE, messages.c.state == state, messages.c.planned_at >= since)
    return _up_to(connection, query, most)


def _failed_of(connection: Connection, since: Instant) -> tuple[str, ...]:
    """The triggers of the newest messages that failed, by name; no more messages are read, however many."""
    newest = (
        select(messages.c.trigger)
        .where(TROUBLE, messages.c.state == "failed", messages.c.planned_at >= since)
        .order_by(messages.c.planned_at.desc())
        .limit(_NEWEST_FAILED)
        .subquery()
    )
    return tuple(connection.execute(select(newest.c.trigger).distinct().order_by(newest.c.trigger)).scalars())


def _up_to(connection: Connection, query: Select[int], most: int | None) -> int:
    return connection.execute(select(func.count()).select_from(query.limit(most).subquery())).scalar_one()


def _is_stopped(connection: Connection, at: Instant) -> bool:
    on = select(pauses.c.id).where(
        pauses.c.trigger == EVERYTHING,
        pauses.c.since <= at,
        or_(pauses.c.until.is_(None), pauses.c.until > at),
    )
    return connection.execute(on.limit(1)).first() is not None


def _known_event() -> Any:
    return select(events.c.id).where(events.c.id == arrivals.c.event_id).exists()


def _counts(connection: Connection, column: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(column, func.count()).group_by(column))}


def _count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
