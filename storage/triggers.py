"""The triggers in force as rows: since when each is active, who is under way in it, what it has sent. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.dialects.sqlite import insert

from core.instants import Instant
from core.triggers import Trigger
from storage.tables import enrolments, messages, triggers

SENT = ("sent", "delivered", "bounced", "complained", "uncertain")
"""States of a message that was handed over, or may have been."""


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """One trigger as it was last applied; one whose file has gone is retired."""

    name: str
    title: str
    kind: str
    status: str
    activated_at: Instant | None
    version: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What a trigger does: customers under way, messages handed over, the last entry, and the next instant a step falls due."""

    waiting: int = 0
    sent: int = 0
    last_fired: Instant | None = None
    next_due: Instant | None = None


def in_force(connection: Connection) -> dict[str, TriggerRow]:
    """The triggers of the playbook in force by name, in order of name."""
    rows = connection.execute(select(triggers).order_by(triggers.c.name))
    return {row.name: TriggerRow(*row) for row in rows}


def put(connection: Connection, applied: Iterable[Trigger], at: Instant, version: int) -> None:
    """Make these the triggers in force: one that becomes active is activated at this instant, one that is missing is retired."""
    before = in_force(connection)
    names = set[str]()
    for trigger in applied:
        names.add(trigger.name)
        activated_at = _activation(trigger, before, at)
        _put(connection, TriggerRow(trigger.name, trigger.title, trigger.when.kind, trigger.status, activated_at, version))
    for name in before.keys() - names:
        connection.execute(triggers.update().where(triggers.c.name == name).values(status="retired", version=version))


def _activation(trigger: Trigger, before: Mapping[str, TriggerRow], at: Instant) -> Instant | None:
    known = before.get(trigger.name)
    if trigger.status != "active":
        return known.activated_at if known is not None else None
    return known.activated_at if known is not None and known.status == "active" else at


def _put(connection: Connection, row: TriggerRow) -> None:
    values = {name: getattr(row, name) for name in TriggerRow.__slots__}
    connection.execute(insert(triggers).values(values).on_conflict_do_update(index_elements=["name"], set_=values))


def activity(connection: Connection) -> dict[str, Activity]:
    """What each trigger does, by name; triggers that never did anything are not there."""
    handed_over = select(messages.c.trigger, func.count()).where(messages.c.state.in_(SENT)).group_by(messages.c.trigger)
    entered = select(enrolments.c.trigger, func.max(enrolments.c.entered_at)).group_by(enrolments.c.trigger)
    sent = {row[0]: row[1] for row in connection.execute(handed_over)}
    fired = {row[0]: row[1] for row in connection.execute(entered)}
    waiting = {row[0]: (row[1], row[2]) for row in connection.execute(_under_way(func.min(enrolments.c.due_at)))}
    nothing = (0, None)
    return {
        name: Activity(waiting.get(name, nothing)[0], sent.get(name, 0), fired.get(name), waiting.get(name, nothing)[1])
        for name in sent.keys() | fired.keys() | waiting.keys()
    }


def under_way(connection: Connection) -> dict[str, int]:
    """How many enrolments of each trigger are still open, by name."""
    return {row[0]: row[1] for row in connection.execute(_under_way())}


def _under_way(*more: ColumnElement[Any]) -> Select[Any]:
    return select(enrolments.c.trigger, func.count(), *more).where(enrolments.c.state == "open").group_by(enrolments.c.trigger)
