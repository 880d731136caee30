"""Customers as operators see them: lists, search, one with everything known, and the timeline. Instants ms
UTC, money minor units.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select, tuple_

from core.errors import ManometerError
from core.filters import FilterWord
from core.instants import Instant
from core.model.events import Event
from core.model.outbox import PENDING
from core.suggestions import near
from storage import search
from storage.play.dossiers import events_left_out
from storage.play.events import EVENT_COLUMNS, event_from
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.messages import messages
from storage.sql import NO_ROW

LIVING = search.LIVING
SEVERAL = 10
"""States of a message that has not gone out."""

FULL_NAME = func.trim(
    func.coalesce(customers.c.first_name, "") + " " + func.coalesce(customers.c.last_name, "")
)
"""As `core.model.customer.full_name` puts it together."""

_COLUMNS = (
    customers.c.key.label("customer"),
    FULL_NAME.label("name"),
    customers.c.email,
    customers.c.phone,
    customers.c.country,
    customers.c.orders,
    customers.c.revenue,
    customers.c.last_activity_at.label("last_activity"),
    customers.c.next_due_at.label("next_due"),
)


# ---- lists ----


def listing(
    connection: Connection,
    where: ColumnElement[bool] | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Iterator[Mapping[str, Any]]:
    """The customers that a condition holds for (all without one), by key, as a stream; `after` a key, at most
    `limit` of them.
    """
    query = select(*_COLUMNS).where(LIVING).order_by(customers.c.key).limit(limit)
    if where is not None:
        query = query.where(where)
    if after is not None:
        query = query.where(customers.c.key > after)
    for row in connection.execute(query.execution_options(yield_per=500)).mappings():
        yield {**row, "name": row["name"] or None}


def count(connection: Connection, where: ColumnElement[bool]) -> int:
    """How many customers a condition holds for."""
    return connection.execute(select(func.count()).select_from(customers).where(LIVING, where)).scalar_one()


# ---- one ----


def resolve(connection: Connection, reference: str) -> int:
    """The row of the customer of a key, a `KIND:VALUE` or a plain identity, merges followed; ManometerError
    where there is none.
    """
    found = _by_key(connection, reference) or _by_identity(connection, reference)
    if found is None:
        raise ManometerError(f"There is no customer {reference[:80]!r}. {_alike(connection, reference)}")
    customer_id, successor = found
    while successor is not None:
        customer_id = successor
        successor = connection.execute(
            select(customers.c.merged_into).where(customers.c.id == customer_id)
        ).scalar_one()
    return customer_id


def key_of(connection: Connection, customer_id: int) -> str:
    """The key of a row."""
    return str(connection.execute(select(customers.c.key).where(customers.c.id == customer_id)).scalar_one())


def _by_key(connection: Connection, key: str) -> tuple[int, int | None] | None:
    return _pair(
        connection.execute(
            select(customers.c.id, customers.c.merged_into).where(customers.c.key == key)
        ).one_or_none()
    )


def _by_identity(connection: Connection, reference: str) -> tuple[int, int | None] | None:
    kind, _, value = reference.partition(":")
    rank = case(
        (tuple_(identities.c.kind, identities.c.value) == (kind, value), 0),
        (identities.c.kind == "user", 1),
        else_=2,
    )
    values = {reference, value, reference.lower()} - {""}
    query = (
        select(customers.c.id, customers.c.merged_into)
        .join_from(identities, customers, customers.c.id == identities.c.customer_id)
        .where(
            or_(
                identities.c.value.in_({reference, reference.lower()}),
                and_(identities.c.kind == kind, identities.c.value.in_(values)),
            )
        )
        .where(identities.c.kind.in_(("user", "email", "phone", "loyalty", "anonymous", "push")))
        .order_by(rank, customers.c.id)
        .limit(1)
    )
    return _pair(connection.execute(query).one_or_none())


def _pair(row: Any) -> tuple[int, int | None] | None:
    return None if row is None else (row[0], row[1])


def _alike(connection: Connection, reference: str) -> str:
    words = [FilterWord(word) for word in reference.split()[: search.MOST_WORDS]]
    hits = (
        [str(row["customer"]) for row in listing(connection, search.matching(words), limit=SEVERAL)]
        if words
        else []
    )
    suggestion = near(reference, hits, 0.3)
    return suggestion or "`manometer customers find TEXT` searches by name, address or any identity."


def show(connection: Connection, customer_id: int) -> Mapping[str, Any]:
    """One customer with all that is known: the fields of the list, then traits, identities, consents, where
    the customer is under way, and the addresses that are another's now (`lost`).
    """
    more = ("city", "postal_code", "gender", "locale", "timezone", "birthday", "registered_at", "returns",
        "units", "returned",
            "first_order_at", "last_order_at", "traits")  # fmt: skip
    query = select(*_COLUMNS, *[customers.c[name] for name in more]).where(customers.c.id == customer_id)
    row = connection.execute(query).mappings().one()
    detail = connection.execute(select(customers.c.detail).where(customers.c.id == customer_id)).scalar_one()
    return {
        **row,
        "lost": sorted(orjson.loads(detail).get("lost", ())),
        "name": row["name"] or None,
        "identities": [f"{kind}:{value}" for kind, value in known_as(connection, customer_id)],
        "consents": ledger(connection, customer_id)[::-1],
        "under_way": under_way(connection, customer_id),
    }


def under_way(connection: Connection, customer_id: int) -> list[dict[str, Any]]:
    """Where a customer is under way: trigger, open step, when it is due, what it waits for; soonest first."""
    columns = enrolments.c
    query = (
        select(
            columns.trigger,
            columns.step,
            columns.entered_at,
            columns.planned_at,
            columns.due_at,
            columns.waits_for,
            columns.waits_until,
            columns.version,
        )
        .where(columns.customer_id == customer_id, columns.state == "open")
        .order_by(columns.planned_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def ledger(connection: Connection, customer_id: int) -> list[dict[str, Any]]:
    """A customer's consents in full, newest first."""
    columns = consents.c
    query = (
        select(
            columns.occurred_at.label("at"), columns.channel, columns.purpose, columns.state, columns.source,
            columns.wording,
            columns.proof, columns.address, columns.basis,
        )
        .where(columns.customer_id == customer_id)
        .order_by(columns.occurred_at.desc(), columns.id.desc())
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def known_as(connection: Connection, customer_id: int) -> list[tuple[str, str]]:
    """A customer's identities as pairs of kind and value, oldest first."""
    query = (
        select(identities.c.kind, identities.c.value)
        .where(identities.c.customer_id == customer_id)
        .order_by(identities.c.id)
    )
    return [(kind, value) for kind, value in connection.execute(query)]


def identity_of(connection: Connection, customer_id: int) -> tuple[str, str] | None:
    """The identity under which an act of the customer is recorded: a user id before all else; None where none
    is left.
    """
    known = known_as(connection, customer_id)
    return next((identity for identity in known if identity[0] == "user"), known[0] if known else None)


def suppressed(connection: Connection, addresses: Collection[tuple[str, str]]) -> list[dict[str, Any]]:
    """What is known against these addresses, pairs of medium and address."""
    columns = suppressions.c
    query = select(
        columns.arrived_at.label("at"), columns.medium, columns.address, columns.reason, columns.source
    ).where(tuple_(columns.medium, columns.address).in_(list(addresses)), columns.lifted_at.is_(None))
    return [dict(row) for row in connection.execute(query.order_by(columns.arrived_at)).mappings()]


def waiting(
    connection: Connection, customer_id: int, is_held_up: ColumnElement[bool] = NO_ROW
) -> list[dict[str, Any]]:
    """A customer's messages that have not gone out yet, soonest first; `is_held_up` is the condition on one
    that a pause holds.
    """
    columns = messages.c
    query = (
        select(
            columns.id,
            columns.trigger,
            columns.step,
            columns.channel,
            columns.state,
            columns.planned_at,
            columns.reason,
            is_held_up.label("is_paused"),
        )
        .where(columns.customer_id == customer_id, columns.state.in_(PENDING))
        .order_by(columns.planned_at, columns.id)
    )
    return [{**row, "is_paused": bool(row["is_paused"])} for row in connection.execute(query).mappings()]


def last_decided(connection: Connection, customer_id: int, until: Instant) -> dict[str, Instant]:
    """When each trigger last decided anything for a customer up to an instant (ms UTC), by its name."""
    columns = decisions.c
    query = select(columns.trigger, func.max(columns.at)).where(
        columns.customer_id == customer_id, columns.at <= until
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(columns.trigger))}


def state_of(connection: Connection, customer_id: int) -> Mapping[str, Any]:
    """Key, name, when the engine looks at the customer next (ms UTC), and whether the customer was erased;
    ManometerError where the row is gone.
    """
    columns = customers.c
    query = select(
        columns.key,
        columns.first_name,
        columns.last_name,
        columns.next_due_at,
        columns.erased_at,
        columns.merged_into,
    ).where(columns.id == customer_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise ManometerError(f"There is no customer in row {customer_id}; go back to the list and reload it.")
    return dict(row)


# ---- the timeline ----


def timeline(
    connection: Connection,
    customer_id: int,
    before: Instant | None = None,
    since: Instant | None = None,
    limit: int | None = None,
) -> Iterator[Mapping[str, Any]]:
    """A customer's events, oldest first, as a stream; with a limit the latest ones, `before` an instant
    (ms UTC) for the page above.
    """
    columns = events.c
    query = select(
        columns.id,
        columns.occurred_at.label("at"),
        columns.kind,
        columns.name,
        columns.source,
        columns.channel,
        columns.properties,
    ).where(columns.customer_id == customer_id)
    if before is not None:
        query = query.where(columns.occurred_at < before)
    if since is not None:
        query = query.where(columns.occurred_at >= since)
    if limit is None:
        for row in connection.execute(
            query.order_by(columns.occurred_at, columns.id).execution_options(yield_per=500)
        ).mappings():
            yield dict(row)
        return
    latest = (
        connection.execute(query.order_by(columns.occurred_at.desc(), columns.id.desc()).limit(limit))
        .mappings()
        .all()
    )
    yield from map(dict, reversed(latest))


def trait_sources(connection: Connection, customer_id: int, until: Instant) -> dict[str, str]:
    """The source that said each trait last, of what was said up to an instant."""
    columns = events.c
    query = (
        select(columns.source, columns.properties)
        .where(columns.customer_id == customer_id, columns.occurred_at <= until, columns.kind == "identify")
        .order_by(columns.occurred_at, columns.id)
    )
    return {
        trait: source
        for source, properties in connection.execute(query)
        for trait in orjson.loads(properties)
    }


_LATEST_EVENTS = (
    select(*EVENT_COLUMNS)
    .where(
        events.c.customer_id == bindparam("customer"),
        events.c.occurred_at <= bindparam("until"),
        events.c.name.in_(bindparam("names", expanding=True)),
    )
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(bindparam("limit"))
)


def latest_events(
    connection: Connection, customer_id: int, names: Collection[str], until: Instant, limit: int
) -> list[Event]:
    """A customer's last events of these names up to an instant, oldest first."""
    asked = {"customer": customer_id, "until": until, "names": list(names), "limit": limit}
    rows, left_out = connection.execute(_LATEST_EVENTS, asked).all(), events_left_out(connection)
    return [event_from(row) for row in reversed(rows) if row[0] not in left_out]
