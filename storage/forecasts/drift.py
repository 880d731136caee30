"""What was decided in fact, and what became known since a preview was made: for the comparison of the two.
Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select

from core.instants import Instant, Millis
from core.model.decisions import Decision
from core.model.reasons import Reason
from storage.playbooks import newest_version
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import identities, merges
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.schema.playbooks import playbooks
from storage.sql import WANTED, named

GROWING: Final = (events, consents, suppressions, audit, merges, decisions)


def reached(connection: Connection) -> dict[str, int]:
    """How far each table that a decision depends on has come: the highest number in each."""
    found = {
        str(table.name): connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        for table in GROWING
    }
    return {**found, "playbooks": newest_version(connection)}


# ---- customers ----


def deciding(connection: Connection, first: Instant, until: Instant, trigger: str | None) -> list[int]:
    """Ids of the customers for whom anything was decided in (first, until]."""
    query = select(decisions.c.customer_id).where(*_span(first, until, trigger)).distinct()
    return sorted(connection.execute(query).scalars())


def gone_into(connection: Connection) -> dict[int, int]:
    """Customers that went into another one, with that one's row at the end of the chain."""
    query = select(customers.c.id, customers.c.merged_into).where(literal_column("merged_into IS NOT NULL"))
    into = {row[0]: row[1] for row in connection.execute(query)}
    return {each: _end(into, each) for each in into}


def _end(into: Mapping[int, int], each: int) -> int:
    for _ in range(len(into)):
        if each not in into:
            break
        each = into[each]
    return each


def people(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, Instant | None]]:
    """Key of each customer, and when the customer was erased (ms UTC)."""
    query = select(customers.c.id, customers.c.key, customers.c.erased_at).where(customers.c.id.in_(WANTED))
    return {row[0]: (row[1], row[2]) for row in connection.execute(query, named(ids))}


# ---- decisions ----


def _span(first: Instant, until: Instant, trigger: str | None) -> list[ColumnElement[bool]]:
    return [
        decisions.c.at > first,
        decisions.c.at <= until,
        *([decisions.c.trigger == trigger] if trigger is not None else []),
    ]


def actual(
    connection: Connection, ids: Sequence[int], first: Instant, until: Instant, trigger: str | None
) -> dict[int, list[tuple[Decision, int | None]]]:
    """What was decided for these customers in (first, until], in order, each with the event that its journey
    began with.
    """
    columns = decisions.c
    query = (
        select(
            columns.customer_id, columns.at, columns.trigger, enrolments.c.cause_key, columns.step,
            columns.channel, columns.outcome,
            columns.planned_at, columns.reason, columns.until, columns.late, columns.version,
            enrolments.c.cause_event,
        )
        .outerjoin_from(decisions, enrolments, enrolments.c.id == columns.enrolment_id)
        .where(columns.customer_id.in_(WANTED), *_span(first, until, trigger))
        .order_by(columns.customer_id, columns.at, columns.id)
    )  # fmt: skip
    found: dict[int, list[tuple[Decision, int | None]]] = {}
    for (
        customer,
        at,
        name,
        cause,
        step,
        channel,
        outcome,
        planned_at,
        reason,
        put_off,
        late,
        version,
        event,
    ) in connection.execute(query, named(ids)):
        known = None if reason is None else Reason(reason)
        decision = Decision(
            at,
            name,
            cause or "",
            step,
            channel,
            outcome,
            planned_at,
            known,
            put_off,
            bool(late),
            version=version,
        )
        found.setdefault(customer, []).append((decision, event))
    return found


# ---- what became known since ----


def new_events(connection: Connection, ids: Sequence[int], after: int, until: Instant) -> list[Any]:
    """Events of these customers that arrived since: id, who, kind, name, occurred_at, arrived_at, channel,
    source, properties as JSON.
    """
    columns = events.c
    query = select(
        columns.id,
        columns.customer_id,
        columns.kind,
        columns.name,
        columns.occurred_at,
        columns.arrived_at,
        columns.channel,
        columns.source,
        columns.properties,
    ).where(columns.customer_id.in_(WANTED), columns.id > after, columns.arrived_at <= until)
    return list(connection.execute(query.order_by(columns.id), named(ids)))


def new_consents(connection: Connection, ids: Sequence[int], after: int, until: Instant) -> list[Any]:
    """Words on consent that arrived since: customer_id, channel, purpose, state, arrived_at, source."""
    columns = consents.c
    query = select(
        columns.customer_id,
        columns.channel,
        columns.purpose,
        columns.state,
        columns.arrived_at,
        columns.source,
    )
    found = and_(columns.customer_id.in_(WANTED), columns.id > after, columns.arrived_at <= until)
    return list(connection.execute(query.where(found).order_by(columns.id), named(ids)))


def new_suppressions(connection: Connection, ids: Sequence[int], after: int, until: Instant) -> list[Any]:
    """Addresses of these customers that were blocked since: customer_id, medium, reason, arrived_at,
    source.
    """
    columns = suppressions.c
    query = (
        select(identities.c.customer_id, columns.medium, columns.reason, columns.arrived_at, columns.source)
        .join_from(suppressions, identities, func.lower(identities.c.value) == func.lower(columns.address))
        .where(identities.c.customer_id.in_(WANTED), columns.id > after, columns.arrived_at <= until)
        .distinct()
    )
    return list(connection.execute(query, named(ids)))


def new_merges(connection: Connection, ids: Sequence[int], after: int, until: Instant) -> list[Any]:
    """Merges of these customers since, and those undone: customer_id, merged_id, at, undone_at, cause."""
    columns = merges.c
    of_either = or_(columns.customer_id.in_(WANTED), columns.merged_id.in_(WANTED))
    since = or_(columns.id > after, columns.undone_at.is_not(None))
    query = select(
        columns.customer_id, columns.merged_id, columns.at, columns.undone_at, columns.cause, columns.id
    )
    return list(connection.execute(query.where(of_either, since, columns.at <= until), named(ids)))


def released(connection: Connection, ids: Sequence[int], after: Instant, until: Instant) -> list[Any]:
    """Messages that gave their room back: id, customer_id, trigger, step, cause_key, state, reason, error,
    released_at.
    """
    columns = messages.c
    found = and_(columns.customer_id.in_(WANTED), columns.released_at > after, columns.released_at <= until)
    query = _messages(columns.state, columns.reason, columns.error, columns.released_at)
    return list(connection.execute(query.where(found), named(ids)))


def handed_over_late(
    connection: Connection, ids: Sequence[int], after: Instant, until: Instant, grace: Millis
) -> list[Any]:
    """Messages that count only from their hand-over on: id, customer_id, trigger, step, cause_key,
    planned_at, sent_at.
    """
    columns = messages.c
    late = and_(
        columns.sent_at > after,
        columns.sent_at <= until,
        columns.sent_at - columns.planned_at > grace,
        columns.counts == 1,
    )
    query = _messages(columns.planned_at, columns.sent_at)
    return list(connection.execute(query.where(columns.customer_id.in_(WANTED), late), named(ids)))


def _messages(*shown: ColumnElement[Any]) -> Select[Any]:
    columns = messages.c
    named = (columns.id, columns.customer_id, columns.trigger, columns.step, enrolments.c.cause_key)
    return select(*named, *shown).outerjoin_from(
        messages, enrolments, enrolments.c.id == columns.enrolment_id
    )


def caught_up(
    connection: Connection, ids: Sequence[int], first: Instant, until: Instant
) -> dict[int, list[Instant]]:
    """When what had been due in (first, until] was decided late, also after that span, by customer."""
    columns = decisions.c
    query = select(columns.customer_id, columns.at).where(
        columns.customer_id.in_(WANTED), columns.at > first, columns.planned_at <= until, columns.late == 1
    )
    found: dict[int, list[Instant]] = {}
    for customer, at in connection.execute(query, named(ids)):
        found.setdefault(customer, []).append(at)
    return found


def new_acts(connection: Connection, after: int, until: Instant) -> list[Any]:
    """What operators did since: at, author, action, subject, reason, detail as JSON."""
    columns = audit.c
    query = select(
        columns.at, columns.author, columns.action, columns.subject, columns.reason, columns.detail
    )
    return list(connection.execute(query.where(columns.id > after, columns.at <= until).order_by(columns.id)))


def new_versions(connection: Connection, after: int, until: Instant) -> list[Any]:
    """Playbooks that were put in force since: version, applied_at, author, summary."""
    columns = playbooks.c
    query = select(columns.version, columns.applied_at, columns.author, columns.summary)
    return list(
        connection.execute(
            query.where(columns.version > after, columns.applied_at <= until).order_by(columns.version)
        )
    )


def message_subjects(connection: Connection, ids: Sequence[int]) -> dict[str, Any]:
    """Numbers of these customers' messages, as operators' acts name them: id, customer_id, trigger, step,
    cause_key.
    """
    query = _messages().where(messages.c.customer_id.in_(WANTED))
    return {str(row.id): row for row in connection.execute(query, named(ids))}
