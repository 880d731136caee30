"""The triggers in force as rows: since when each is active, who is under way in it, what it has sent.
Instants are ms UTC.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    column,
    func,
    select,
    text,
    true,
)

from core.instants import Instant
from core.model.counts import JourneyCount, OutcomeCount
from core.model.triggers import Trigger
from storage.outbox import digests
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.schema.playbooks import TriggerRow, playbooks, triggers
from storage.session import session
from storage.sql import NO_ROW

# both stand word for word in partial indexes, or SQLite will not use them
IS_OPEN: Final = text("enrolments.state = 'open' AND enrolments.version > 0")
WAITING: Final = text("messages.state IN ('planned', 'held', 'due', 'claimed')")


@dataclass(frozen=True, slots=True)
class AppliedTrigger:
    """One trigger as it was last applied; one whose file has gone is retired."""

    name: str
    title: str
    kind: str
    status: str
    activated_at: Instant | None
    version: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What a trigger does: customers under way, messages handed over, the last entry, and the next instant a
    step falls due.
    """

    waiting: int = 0
    sent: int = 0
    last_fired: Instant | None = None
    next_due: Instant | None = None


def in_force(connection: Connection) -> dict[str, AppliedTrigger]:
    """The triggers of the playbook in force by name, in order of name."""
    with session(connection) as opened:
        rows = opened.scalars(select(TriggerRow).order_by(triggers.c.name)).all()
    return {
        row.name: AppliedTrigger(row.name, row.title, row.kind, row.status, row.activated_at, row.version)
        for row in rows
    }


def put(connection: Connection, applied: Iterable[Trigger], at: Instant, version: int) -> None:
    """Make these the triggers in force: one that becomes active is activated at this instant, one that is
    missing is retired.
    """
    with session(connection) as opened:
        before = {row.name: row for row in opened.scalars(select(TriggerRow))}
        for trigger in applied:
            known = before.pop(trigger.name, None)
            opened.add(_applied(trigger, known, at, version))
        for retired in before.values():
            retired.status, retired.version = "retired", version


def _applied(trigger: Trigger, known: TriggerRow | None, at: Instant, version: int) -> TriggerRow:
    """The row of a trigger that is put in force: the one it has, or a new one."""
    activated_at = _activation(trigger, known, at)
    row = known or TriggerRow(name=trigger.name, title="", kind="", status="", version=version)
    row.title, row.kind, row.status = trigger.title, trigger.when.kind, trigger.status
    row.activated_at, row.version = activated_at, version
    return row


def _activation(trigger: Trigger, known: TriggerRow | None, at: Instant) -> Instant | None:
    if trigger.status != "active":
        return known.activated_at if known is not None else None
    return known.activated_at if known is not None and known.status == "active" else at


# ---- what they do ----


def activity(connection: Connection, names: Iterable[str]) -> dict[str, Activity]:
    """What each of these triggers does, by name; each number is read from a span of an index."""
    open_ones = under_way(connection)
    return {
        name: Activity(
            open_ones.get(name, 0),
            sent(connection, name),
            last_entry(connection, name),
            next_due(connection, name),
        )
        for name in names
    }


def under_way(connection: Connection) -> dict[str, int]:
    """How many enrolments of each trigger are still open, by name."""
    query = (
        select(enrolments.c.trigger, func.count())
        .where(enrolments.c.state == "open")
        .group_by(enrolments.c.trigger)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def under_way_by_version(connection: Connection, name: str) -> dict[int, int]:
    """How many are under way in a trigger by the version under which they entered."""
    query = (
        select(enrolments.c.version, func.count())
        .where(enrolments.c.trigger == name, IS_OPEN)
        .group_by(enrolments.c.version)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def entered_under(connection: Connection, name: str, before: int) -> set[int]:
    """The versions before one under which those entered who are under way in a trigger, or whose message is
    not handed over yet.
    """
    found = set[int]()
    version = _next_version(connection, name, -1)
    while version is not None and version < before:
        found.add(version)
        version = _next_version(connection, name, version)
    waiting = (
        select(enrolments.c.version)
        .distinct()
        .join_from(messages, enrolments, enrolments.c.id == messages.c.enrolment_id)
        .where(WAITING, messages.c.trigger == name, enrolments.c.version < before)
    )
    return (
        found
        | set(connection.execute(waiting).scalars())
        | set(connection.execute(_carried_versions(name, before)).scalars())
    )


def _carried_versions(name: str, before: int) -> Select[int]:
    """The versions of steps that wait in another trigger's messages."""
    part = func.json_each(messages.c.digest).table_valued(column("value", Text))
    enrolment, trigger = (func.json_extract(part.c.value, f"$.{word}") for word in ("enrolment", "trigger"))
    carried = messages.join(part, true()).join(enrolments, enrolments.c.id == enrolment)
    return (
        select(enrolments.c.version)
        .distinct()
        .select_from(carried)
        .where(WAITING, messages.c.digest.is_not(None), trigger == name, enrolments.c.version < before)
    )


def _next_version(connection: Connection, name: str, after: int) -> int | None:
    """One step through the index, which is far shorter than all who are under way."""
    query = select(func.min(enrolments.c.version)).where(
        enrolments.c.trigger == name, IS_OPEN, enrolments.c.version > after
    )
    version: int | None = connection.execute(query).scalar_one()
    return version


def sent(
    connection: Connection, name: str, since: Instant | None = None, until: Instant | None = None
) -> int:
    """How many messages of a trigger were handed over in [since, until), or ever; those of which nobody can
    tell are not among them.
    """
    went = select(func.count()).where(messages.c.trigger == name, messages.c.sent_at.is_not(None))
    if since is not None:
        went = went.where(messages.c.sent_at >= since)
    if until is not None:
        went = went.where(messages.c.sent_at < until)
    number: int = connection.execute(went).scalar_one()
    return number


def last_entry(connection: Connection, name: str) -> Instant | None:
    """When somebody entered the trigger last."""
    last: Instant | None = connection.execute(
        select(func.max(enrolments.c.entered_at)).where(enrolments.c.trigger == name)
    ).scalar_one()
    return last


def entered(connection: Connection, name: str, since: Instant) -> int:
    """How many enrolments began since the instant."""
    return connection.execute(
        select(func.count()).where(enrolments.c.trigger == name, enrolments.c.entered_at >= since)
    ).scalar_one()


def next_due(connection: Connection, name: str) -> Instant | None:
    """When the next open step of the trigger falls due."""
    due: Instant | None = connection.execute(
        select(func.min(enrolments.c.due_at)).where(_open(name))
    ).scalar_one()
    return due


def outcomes(
    connection: Connection, name: str, since: Instant, is_held_up: ColumnElement[bool] = NO_ROW
) -> list[OutcomeCount]:
    """What was decided since the instant, and what has become of it; `is_held_up` is the condition on a
    message that a pause holds.
    """
    return [*_without_message(connection, name, since), *_with_message(connection, name, since, is_held_up)]


PLANNING: Final = ("send", "hold")
"""Outcomes of which a message may come."""


def _without_message(connection: Connection, name: str, since: Instant) -> Iterator[OutcomeCount]:
    columns = decisions.c.outcome, decisions.c.reason
    query = (
        select(*columns, func.count())
        .where(decisions.c.trigger == name, decisions.c.at >= since, decisions.c.outcome.not_in(PLANNING))
        .group_by(*columns)
    )
    yield from (OutcomeCount(*row) for row in connection.execute(query))


def _with_message(
    connection: Connection, name: str, since: Instant, is_held_up: ColumnElement[bool]
) -> Iterator[OutcomeCount]:
    columns = (
        decisions.c.outcome, decisions.c.reason, digests.STATE, digests.REASON,
        func.coalesce(is_held_up, NO_ROW),
    )  # fmt: skip
    query = (
        select(*columns, func.count())
        .outerjoin_from(decisions, messages, messages.c.id == decisions.c.message_id)
        .where(decisions.c.trigger == name, decisions.c.at >= since, decisions.c.outcome.in_(PLANNING))
        .group_by(*columns)
    )
    for outcome, reason, state, message_reason, is_paused, number in connection.execute(query):
        yield OutcomeCount(outcome, reason, number, state, message_reason, bool(is_paused))


def decision_ids(
    connection: Connection,
    name: str,
    since: Instant,
    counted: Collection[OutcomeCount],
    is_held_up: ColumnElement[bool] = NO_ROW,
) -> array[int]:
    """The decisions that some of the numbers of `outcomes` count, asked with the same condition; the newest
    first.
    """
    wanted = {
        (each.outcome, each.reason, each.message_state, each.message_reason, each.is_paused)
        for each in counted
    }
    query = (
        select(
            decisions.c.id, decisions.c.outcome, decisions.c.reason, digests.STATE, digests.REASON,
            func.coalesce(is_held_up, NO_ROW),
        )
        .outerjoin_from(decisions, messages, messages.c.id == decisions.c.message_id)
        .where(decisions.c.trigger == name, decisions.c.at >= since)
        .where(decisions.c.outcome.in_(sorted({each.outcome for each in counted})))
        .order_by(decisions.c.at.desc(), decisions.c.id.desc())
    )  # fmt: skip
    found: array[int] = array("q")
    for number, outcome, reason, *of_message in connection.execute(query):
        state, message_reason, is_paused = of_message if outcome in PLANNING else (None, None, False)
        if (outcome, reason, state, message_reason, bool(is_paused)) in wanted:
            found.append(number)
    return found


def journeys(connection: Connection, name: str) -> list[JourneyCount]:
    """All journeys of a trigger by variant, those kept out last."""
    columns = enrolments.c
    is_holdout = columns.state == "holdout"
    counts = (func.count(), func.count().filter(columns.state == "open"), func.count(columns.goal_at))
    query = (
        select(columns.variant, is_holdout, *counts)
        .where(columns.trigger == name)
        .group_by(columns.variant, is_holdout)
    )
    return [
        JourneyCount(row[0], bool(row[1]), row[2], row[3], row[4])
        for row in connection.execute(query.order_by(is_holdout, columns.variant))
    ]


# ---- what was done to them ----


@dataclass(frozen=True, slots=True)
class AppliedVersion:
    """A version of the files that was put in force, with its sorts of change that name a trigger, such as
    `changed triggers`.
    """

    at: Instant
    author: str
    version: int
    sorts: tuple[str, ...]


def changes(connection: Connection, name: str) -> Iterator[AppliedVersion]:
    """The versions that changed a trigger, oldest first."""
    columns = (playbooks.c.applied_at, playbooks.c.author, playbooks.c.version, playbooks.c.summary)
    for row in connection.execute(select(*columns).order_by(playbooks.c.version)):
        lines = (line.partition(": ") for line in row.summary.splitlines())
        sorts = tuple(sort for sort, _, names in lines if name in names.split(", "))
        if sorts:
            yield AppliedVersion(row.applied_at, row.author, row.version, sorts)


# ---- who waits ----


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One enrolment under way: whose, at which step, and until when; `due_at` is None while it waits for an
    operator.
    """

    id: int
    customer_id: int
    customer: str
    first_name: str | None
    last_name: str | None
    step: int
    due_at: Instant | None
    waits_for: str | None


def waiting_by_step(connection: Connection, name: str) -> dict[int, int]:
    """How many wait before each step, by its number."""
    query = select(enrolments.c.step, func.count()).where(_open(name)).group_by(enrolments.c.step)
    return {row[0]: row[1] for row in connection.execute(query)}


def waiting_ids(connection: Connection, name: str, limit: int) -> array[int]:
    """The enrolments under way in a trigger, those without an instant first, then the next due; at most
    `limit`.
    """
    query = select(enrolments.c.id).where(_open(name)).order_by(enrolments.c.due_at).limit(limit)
    return array("q", connection.execute(query).scalars())


def waiting_rows(connection: Connection, ids: Iterable[int]) -> Iterator[WaitingRow]:
    """These enrolments, with the customers' names."""
    query = (
        select(
            enrolments.c.id, customers.c.id, customers.c.key, customers.c.first_name, customers.c.last_name,
            enrolments.c.step,
            enrolments.c.due_at, enrolments.c.waits_for,
        )
        .join_from(enrolments, customers, customers.c.id == enrolments.c.customer_id)
        .where(enrolments.c.id.in_(list(ids)))
    )  # fmt: skip
    for row in connection.execute(query):
        yield WaitingRow(*row)


def _open(name: str) -> ColumnElement[bool]:
    return and_(enrolments.c.trigger == name, enrolments.c.state == "open")
