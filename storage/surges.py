"""Triggers that are held because they would send far more than anybody expects, and an operator who lets them
go. Instants are ms UTC.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from core.health import Trouble
from core.instants import Instant
from core.limits.surge import SurgeBound
from core.model.reasons import Reason
from storage.outbox.dispatch import WAITING
from storage.schema.messages import messages
from storage.store import meta, set_meta

SURGES: Final = "surges"
"""The fact with the triggers that are or were held: JSON of name to `reason`, `since` and `released`, the
instant up to whose messages an operator has let all go.
"""


def hold(connection: Connection, bound: SurgeBound, now: Instant) -> int:
    """Hold what a trigger has due where that would be more than its bound; how many were held."""
    due = and_(messages.c.trigger == bound.trigger, messages.c.planned_at <= now)
    first = select(messages.c.id).where(WAITING, messages.c.state == "planned", due).limit(1)
    if connection.execute(first).first() is None or _number(connection, bound, now) <= bound.most:
        return 0
    held = connection.execute(
        update(messages)
        .where(WAITING, messages.c.state == "planned", due)
        .values(state="held", reason=str(Reason.SURGE))
    ).rowcount
    known = _known(connection)
    before = known.get(bound.trigger, {})
    since = before["since"] if bound.trigger in held_triggers(connection) and "since" in before else now
    known[bound.trigger] = {**before, "reason": bound.reason, "since": since}
    _keep(connection, known)
    return held


def _number(connection: Connection, bound: SurgeBound, now: Instant) -> int:
    """What it has sent since the bound begins, what it has due, and what is held; counted no further than
    needed. What an operator has let go does not count.
    """
    released = _known(connection).get(bound.trigger, {}).get("released", 0)
    later = messages.c.planned_at > released
    sent = and_(messages.c.sent_at.is_not(None), messages.c.sent_at > bound.since, later)
    waits = and_(
        WAITING,
        messages.c.planned_at <= now,
        later,
        or_(messages.c.state.in_(("planned", "due", "claimed")), _is_held()),
    )
    return sum(_up_to(connection, bound, condition) for condition in (sent, waits))


def _up_to(connection: Connection, bound: SurgeBound, condition: ColumnElement[bool]) -> int:
    rows = select(messages.c.id).where(messages.c.trigger == bound.trigger, condition).limit(bound.most + 1)
    return connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()


def _is_held() -> ColumnElement[bool]:
    return and_(messages.c.state == "held", messages.c.reason == str(Reason.SURGE))


def held_triggers(connection: Connection) -> dict[str, int]:
    """The triggers of which messages are held, with their number."""
    query = select(messages.c.trigger, func.count()).where(WAITING, _is_held()).group_by(messages.c.trigger)
    return {row[0]: row[1] for row in connection.execute(query)}


def surges(connection: Connection) -> dict[str, Trouble]:
    """The triggers that are held, with the reason and since when."""
    known = _known(connection)
    found = {}
    for trigger, number in sorted(held_triggers(connection).items()):
        said = known.get(trigger, {})
        found[trigger] = Trouble(f"{number:,} held: {said.get('reason', 'unknown')}", said.get("since", 0))
    return found


def release(connection: Connection, trigger: str, now: Instant) -> int:
    """Let go what is held of a trigger, and count none of what was planned until now any more; how many."""
    number = connection.execute(
        update(messages)
        .where(WAITING, _is_held(), messages.c.trigger == trigger)
        .values(state="due", reason=None, claimed_until=None)
    ).rowcount
    if number:
        known = _known(connection)
        known[trigger] = {**known.get(trigger, {}), "released": now}
        _keep(connection, known)
    return number


def _known(connection: Connection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(meta(connection, SURGES) or "{}")
    return found


def _keep(connection: Connection, known: dict[str, Any]) -> None:
    set_meta(connection, SURGES, json.dumps(known, ensure_ascii=False, sort_keys=True) if known else None)
