"""How the workspace is doing, in numbers: what is due, what is stuck, and whether the books balance. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from core.decisions import OUTCOMES
from core.instants import DAY, Instant, Millis
from core.triggers import EVERYTHING
from storage.playbooks import newest_version
from storage.store import fact
from storage.tables import arrivals, customers, decisions, events, messages, pauses

LAST_TICK_AT = "last_tick_at"
STATES = (
    "planned", "held", "due", "claimed", "sent", "delivered", "bounced", "complained", "cancelled", "failed", "expired", "uncertain",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Health:
    """The numbers of one moment; `due` and `overdue` are customers whose instant has come, `overdue` longer ago than the grace."""

    version: int
    last_tick: Instant | None
    due: int
    overdue: int
    held: int
    failed: int
    failed_lately: int
    uncertain: int
    stopped: bool
    conservation: dict[str, Any]


def health(connection: Connection, at: Instant, grace: Millis) -> Health:
    """All of it, in one snapshot."""
    version = newest_version(connection)
    by_state = _counts(connection, messages.c.state)
    last_tick = fact(connection, LAST_TICK_AT)
    return Health(
        version=version,
        last_tick=None if last_tick is None else int(last_tick),
        due=_due(connection, at, version) if version else 0,
        overdue=_due(connection, at - grace, version) if version else 0,
        held=by_state.get("held", 0),
        failed=by_state.get("failed", 0),
        failed_lately=_failed_since(connection, at - DAY),
        uncertain=by_state.get("uncertain", 0),
        stopped=_is_stopped(connection, at),
        conservation=conservation(connection, by_state),
    )


def conservation(connection: Connection, by_state: dict[str, int] | None = None) -> dict[str, Any]:
    """The books: every event is played or waits, every decision has one outcome, every send one message, every message one state."""
    states = _counts(connection, messages.c.state) if by_state is None else by_state
    outcomes = _counts(connection, decisions.c.outcome)
    total = _count(connection, events)
    waiting = connection.execute(select(func.count(arrivals.c.event_id.distinct()))).scalar_one()
    lost = connection.execute(select(func.count()).select_from(arrivals).where(~_known_event())).scalar_one()
    decided, written = sum(outcomes.values()), sum(states.values())
    planned = connection.execute(select(func.count(decisions.c.message_id))).scalar_one()
    holds = (
        lost == 0
        and total >= waiting
        and decided == sum(outcomes.get(outcome, 0) for outcome in OUTCOMES)
        and written == sum(states.get(state, 0) for state in STATES)
        and written == planned
    )
    return {
        "events": {"total": total, "played": total - waiting, "waiting": waiting},
        "decisions": {"total": decided, **{outcome: outcomes.get(outcome, 0) for outcome in OUTCOMES}},
        "messages": {"total": written, **{state: states.get(state, 0) for state in STATES}},
        "holds": holds,
    }


def _due(connection: Connection, at: Instant, version: int) -> int:
    """Due by instant, or planned under an older playbook."""
    late = or_(customers.c.next_due_at <= at, customers.c.planned_version < version)
    if at < 0:
        return 0
    return connection.execute(
        select(func.count()).select_from(customers).where(customers.c.merged_into.is_(None), customers.c.erased_at.is_(None), late)
    ).scalar_one()


def _failed_since(connection: Connection, since: Instant) -> int:
    query = select(func.count()).select_from(messages).where(messages.c.state == "failed", messages.c.planned_at >= since)
    return connection.execute(query).scalar_one()


def _is_stopped(connection: Connection, at: Instant) -> bool:
    on = select(pauses.c.id).where(pauses.c.trigger == EVERYTHING, pauses.c.since <= at, or_(pauses.c.until.is_(None), pauses.c.until > at))
    return connection.execute(on.limit(1)).first() is not None


def _known_event() -> Any:
    return select(events.c.id).where(events.c.id == arrivals.c.event_id).exists()


def _counts(connection: Connection, column: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(column, func.count()).group_by(column))}


def _count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
