"""What was decided, read back: a stream in order of time, customer and rank. Instants are ms UTC."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from core.instants import Instant
from storage.outbox import digests
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.messages import messages
from storage.schema.playbooks import triggers as known_triggers
from storage.sql import NO_ROW, LogQuery, equal, within


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions are asked for; `since` is included, `until` is not, and None asks for all."""

    customer_id: int | None = None
    trigger: str | None = None
    outcome: str | None = None
    since: Instant | None = None
    until: Instant | None = None


def listing(connection: Connection, wanted: DecisionFilter) -> Iterator[Mapping[str, Any]]:
    """The rows of `decisions --json --evidence`, read as they are consumed."""
    columns = decisions.c
    query = (
        select(
            columns.at, customers.c.key.label("customer"), columns.trigger, columns.step, columns.channel,
            columns.outcome, columns.reason,
            columns.until, columns.late, func.coalesce(columns.rules, "[]").label("rules"),
            columns.message_id.label("message"),
            columns.version, columns.variant, columns.planned_at,
            func.coalesce(columns.objections, "[]").label("objections"),
        )
        .join_from(decisions, customers, customers.c.id == columns.customer_id)
        .order_by(columns.at, customers.c.key, columns.id)
        .execution_options(yield_per=500)
    )  # fmt: skip
    for row in connection.execute(_filtered(query, wanted)).mappings():
        yield {**row, "late": bool(row["late"])}


def _filtered(query: Select[Any], wanted: DecisionFilter) -> Select[Any]:
    of = {"customer_id": wanted.customer_id, "trigger": wanted.trigger, "outcome": wanted.outcome}
    return query.where(*equal(decisions, **of), *within(decisions.c.at, wanted.since, wanted.until))


def of_trigger(
    connection: Connection, customer_id: int, trigger: str, until: Instant
) -> Iterator[dict[str, Any]]:
    """One customer's decisions for one trigger up to an instant, oldest first, with all that was objected and
    the messages' states.
    """
    columns = decisions.c
    query = (
        select(
            columns.at, columns.trigger, columns.step, columns.channel, columns.outcome, columns.reason,
            columns.until, columns.late,
            columns.rules, columns.objections, columns.version, columns.message_id.label("message"),
            digests.STATE.label("message_state"), digests.REASON.label("message_reason"),
            messages.c.sent_at.label("message_sent_at"),
            columns.note,
        )
        .outerjoin_from(decisions, messages, messages.c.id == columns.message_id)
        .where(columns.customer_id == customer_id, columns.trigger == trigger, columns.at <= until)
        .order_by(columns.at, columns.id)
    )  # fmt: skip
    for row in connection.execute(query).mappings():
        yield {
            **row,
            "rules": json.loads(row["rules"] or "[]"),
            "objections": json.loads(row["objections"] or "[]"),
        }


def triggers(connection: Connection, also: str) -> set[str]:
    """The names of all triggers that are or were in force; and `also` where a decision names it."""
    known = set(connection.execute(select(known_triggers.c.name)).scalars())
    named = connection.execute(
        select(decisions.c.trigger).where(decisions.c.trigger == also).limit(1)
    ).scalar_one_or_none()
    return known if named is None else known | {named}


# ---- the log, newest first ----

NEWEST: Final = 1_000_000
"""So many decisions are looked at, the newest of those that a customer, a trigger or a span leave."""
FIRST_FOUND: Final = 500


@dataclass(frozen=True, slots=True)
class ListedDecision:
    """One decision as the log lists it."""

    id: int
    at: Instant
    customer_id: int
    customer: str
    first_name: str | None
    last_name: str | None
    trigger: str
    step: int
    channel: str | None
    outcome: str
    reason: str | None
    until: Instant | None
    late: int  # 0 or 1
    objections: str | None
    """Of what expired, as JSON; None of all else."""
    note: str | None
    """What else led here, in words."""
    message_state: str | None
    """Where its message is, in the outbox; None where there is none."""
    message_reason: str | None
    is_paused: int
    """1: a pause or the emergency stop keeps its message from going out."""


def ids(
    connection: Connection, wanted: LogQuery, found: Callable[[array[int]], None] | None = None
) -> tuple[array[int], bool]:
    """The decisions of a part of the log, the newest first, and whether there are older ones that were not
    looked at.

    `found` is told the first few before the rest is read.
    """
    oldest = _oldest(connection, wanted)
    query = select(decisions.c.id).where(*_conditions(wanted)).order_by(*_newest_first(wanted)).limit(NEWEST)
    if oldest is not None:
        query = query.where(decisions.c.at >= oldest)
    result: array[int] = array("q")
    for part in connection.execution_options(yield_per=FIRST_FOUND).execute(query).scalars().partitions():
        is_first = not result
        result.extend(part)
        if is_first and found is not None:
            found(array("q", result))
    return result, oldest is not None or len(result) == NEWEST


def _oldest(connection: Connection, wanted: LogQuery) -> Instant | None:
    """The instant that the newest ones reach back to, where rows would have to be read one by one to see
    whether they fit.
    """
    if not wanted.clauses or wanted.customer_id is not None or wanted.one_of("trigger") is not None:
        return None
    newest = select(decisions.c.at).where(*_indexed(wanted)).order_by(*_newest_first(wanted))
    return connection.execute(newest.offset(NEWEST).limit(1)).scalar_one_or_none()


def _newest_first(wanted: LogQuery) -> tuple[ColumnElement[int], ...]:
    """Of one trigger without the number, so that its index is read as it stands."""
    by_trigger = wanted.customer_id is None and wanted.one_of("trigger") is not None
    return (decisions.c.at.desc(),) if by_trigger else (decisions.c.at.desc(), decisions.c.id.desc())


def newer(connection: Connection, wanted: LogQuery, after: int) -> array[int]:
    """The decisions of a part of the log that were written after the one with that number, the newest
    first.
    """
    query = (
        select(decisions.c.id)
        .where(decisions.c.id > after, *_conditions(wanted))
        .order_by(decisions.c.at.desc(), decisions.c.id.desc())
    )
    return array("q", connection.execute(query.limit(NEWEST)).scalars())


def last_id(connection: Connection) -> int:
    """The number of the decision that was written last; 0 where there is none."""
    last: int | None = connection.execute(select(func.max(decisions.c.id))).scalar_one()
    return last or 0


def _conditions(wanted: LogQuery) -> Iterator[ColumnElement[bool]]:
    yield from wanted.holds(decisions, decisions.c.at)
    yield from equal(decisions, trigger=wanted.one_of("trigger"))


def _indexed(wanted: LogQuery) -> Iterator[ColumnElement[bool]]:
    """What an index finds: one customer, one trigger, a span of time."""
    yield from wanted.bounds(decisions, decisions.c.at)
    yield from equal(decisions, trigger=wanted.one_of("trigger"))


def rows(
    connection: Connection, wanted: Iterable[int], is_held_up: ColumnElement[bool] = NO_ROW
) -> Iterator[ListedDecision]:
    """These decisions, in no order; `is_held_up` is the condition on a message that a pause holds."""
    columns = decisions.c
    query = select(
        columns.id, columns.at, columns.customer_id, customers.c.key.label("customer"),
        customers.c.first_name, customers.c.last_name, columns.trigger, columns.step, columns.channel,
        columns.outcome, columns.reason, columns.until, columns.late,
        case((columns.reason == "EXPIRED", columns.objections)).label("objections"),
        columns.note, digests.STATE.label("message_state"), digests.REASON.label("message_reason"),
        func.coalesce(is_held_up, NO_ROW).label("is_paused"),
    ).join_from(decisions, customers, customers.c.id == columns.customer_id)  # fmt: skip
    query = query.outerjoin(messages, messages.c.id == columns.message_id)
    for row in connection.execute(query.where(columns.id.in_(list(wanted)))).mappings():
        yield ListedDecision(**row)


def one(connection: Connection, decision_id: int) -> Mapping[str, Any] | None:
    """One decision with all its evidence, the customer's names and what became of its message; None where
    there is none.
    """
    columns = decisions.c
    query = (
        select(
            decisions, customers.c.key.label("customer"), customers.c.first_name, customers.c.last_name,
            digests.STATE.label("state"),
            messages.c.sent_at, messages.c.subject, messages.c.error, digests.REASON.label("message_reason"),
        )
        .join_from(decisions, customers, customers.c.id == columns.customer_id)
        .outerjoin(messages, messages.c.id == columns.message_id)
        .where(columns.id == decision_id)
    )  # fmt: skip
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return {
        **row,
        "rules": json.loads(row["rules"] or "[]"),
        "objections": json.loads(row["objections"] or "[]"),
    }
