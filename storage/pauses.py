"""Pauses of triggers and the emergency stop: a state beside the files, so that it survives an apply. Instants are ms UTC.

Each act is one transaction with its audit line, and wakes the customers it can touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, or_, select, true, update

from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.reasons import Reason
from core.triggers import EVERYTHING, Pause, PausePolicy
from storage import audit
from storage.tables import customers, enrolments, messages, pauses

UNSENT = ("planned", "held", "due")


@dataclass(frozen=True, slots=True)
class PauseRow:
    """A pause with its row's number, its reason and who set it."""

    id: int
    pause: Pause
    reason: str | None
    author: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a pause holds up: customers and enrolments under way, steps that have fallen due meanwhile, messages not yet handed over."""

    customers: int
    enrolments: int
    overdue: int
    messages: int


def all_of(connection: Connection) -> tuple[Pause, ...]:
    """Every pause there ever was, past ones too, since their policies still move what waited; oldest first."""
    return tuple(_pause(row) for row in connection.execute(select(pauses).order_by(pauses.c.since, pauses.c.id)))


def current(connection: Connection, at: Instant) -> dict[str, PauseRow]:
    """The pauses that hold at the instant, by trigger; the emergency stop under `*`."""
    lasting = or_(pauses.c.until.is_(None), pauses.c.until > at)
    rows = connection.execute(select(pauses).where(pauses.c.since <= at, lasting).order_by(pauses.c.id))
    return {row.trigger: PauseRow(row.id, _pause(row), row.reason, row.author) for row in rows}


def waiting(connection: Connection, trigger: str, at: Instant) -> Waiting:
    """What is under way in a trigger, or in all under `*`, at the instant."""
    mine = (true(), true()) if trigger == EVERYTHING else (enrolments.c.trigger == trigger, messages.c.trigger == trigger)
    open_ones = and_(enrolments.c.state == "open", mine[0])
    unsent = and_(messages.c.state.in_(UNSENT), mine[1])
    counted = select(
        func.count(enrolments.c.customer_id.distinct()), func.count(), func.count().filter(enrolments.c.planned_at <= at)
    ).where(open_ones)
    people, under_way, overdue = connection.execute(counted).one()
    return Waiting(people, under_way, overdue, connection.execute(select(func.count()).select_from(messages).where(unsent)).scalar_one())


def pause(connection: Connection, pause: Pause, author: str, reason: str | None) -> None:
    """Begin a pause at its `since`."""
    connection.execute(
        insert(pauses).values(
            trigger=pause.trigger, since=pause.since, until=pause.until, policy=pause.policy,
            transactional=int(pause.transactional), reason=reason, author=author,
        )
    )  # fmt: skip
    action = "stop" if pause.trigger == EVERYTHING else "pause"
    until = None if pause.until is None else format_instant(pause.until)
    detail = {"until": until, "transactional": pause.transactional}
    audit.record(connection, pause.since, author, action, pause.trigger, reason, detail)
    _wake(connection, pause.trigger, pause.since)


def resume(connection: Connection, row: PauseRow, at: Instant, policy: PausePolicy, author: str, reason: str | None) -> None:
    """End a pause at the instant, under the policy for what waited; ManometerError where somebody else has ended it meanwhile."""
    lasting = and_(pauses.c.id == row.id, or_(pauses.c.until.is_(None), pauses.c.until > at))
    if connection.execute(update(pauses).where(lasting).values(until=at, policy=policy)).rowcount == 0:
        raise ManometerError("Somebody else has just ended this pause. Nothing was changed.")
    action = "go" if row.pause.trigger == EVERYTHING else "resume"
    audit.record(connection, at, author, action, row.pause.trigger, reason, {"since": format_instant(row.pause.since), "policy": policy})
    _wake(connection, row.pause.trigger, at)


def widen(connection: Connection, row: PauseRow, at: Instant, author: str, reason: str | None) -> None:
    """Let an emergency stop hold transactional messages too, from now on."""
    connection.execute(update(pauses).where(pauses.c.id == row.id).values(transactional=1))
    audit.record(connection, at, author, "stop", row.pause.trigger, reason, {"transactional": True})
    _wake(connection, row.pause.trigger, at)


def _wake(connection: Connection, trigger: str, at: Instant) -> None:
    """The customers under way are to be planned anew; also those whose message waits for a stronger one, which may be this trigger's."""
    touched = select(enrolments.c.customer_id).where(enrolments.c.state == "open")
    if trigger != EVERYTHING:
        touched = touched.where(or_(enrolments.c.trigger == trigger, enrolments.c.waits_for == str(Reason.LOWER_PRIORITY)))
    due = case((customers.c.next_due_at < at, customers.c.next_due_at), else_=at)
    connection.execute(update(customers).where(customers.c.id.in_(touched)).values(next_due_at=due))


def _pause(row: Row[Any]) -> Pause:
    return Pause(row.trigger, row.since, row.until, row.policy, bool(row.transactional))
