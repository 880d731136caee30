"""Copying a workspace's record up to an instant into a new database, by chunks of customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from core.instants import Instant
from core.model.customer import Profile
from core.model.dossier import Dossier
from core.model.events import AGAIN, ELSEWHERE, FIRST, LONG_AFTER, ORDER_CANCELLED, ORDER_COMPLETED
from core.model.orders import GOING_BACK, ONE_PURCHASE
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.messages import messages
from storage.schema.profiles import profile_columns

CHUNK = 300
EVENTS_AT_ONCE = 2_000


def customers_known_by(
    connection: Connection, until: Instant, after_id: int, limit: int = CHUNK
) -> list[int]:
    """The next ids of customers of whom anything was recorded up to the instant."""
    known = exists().where(events.c.customer_id == customers.c.id, events.c.occurred_at <= until)
    query: Select[int] = (
        select(customers.c.id)
        .where(customers.c.id > after_id, customers.c.merged_into.is_(None), known)
        .order_by(customers.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def how_many(connection: Connection) -> int:
    """Customers in all."""
    return connection.execute(select(func.count()).select_from(customers)).scalar_one()


def copy_customers(target: Connection, people: Sequence[tuple[Dossier, Profile]]) -> None:
    """Write customers with a profile each; `plans.save` then sets what is due."""
    rows = [
        {"id": dossier.id, "key": dossier.key, "erased_at": dossier.erased_at, **profile_columns(profile)}
        for dossier, profile in people
    ]
    target.execute(insert(customers), rows)


def copy_record(
    source: Connection, target: Connection, ids: Sequence[int], first: Instant, until: Instant
) -> None:
    """Copy identities, consents and events of these customers up to `until`; before `first` they are
    history.
    """
    known = source.execute(select(identities).where(identities.c.customer_id.in_(ids))).mappings()
    _insert(target, identities, [{**row, "first_seen_at": min(row["first_seen_at"], until)} for row in known])
    given = source.execute(
        select(consents).where(consents.c.customer_id.in_(ids), consents.c.occurred_at <= until)
    ).mappings()
    _insert(target, consents, [{**row, "arrived_at": row["occurred_at"]} for row in given])
    _copy_events(
        source,
        target,
        select(events).where(events.c.customer_id.in_(ids), events.c.occurred_at <= until),
        first,
    )
    _tell_as_they_occurred(target, ids)


def _tell_as_they_occurred(target: Connection, ids: Sequence[int]) -> None:
    """What is told of an order twice counts when it first occurred, for so it arrives here."""
    columns = events.c
    mark = func.coalesce(
        func.json_extract(columns.properties, "$.refund_id"),
        func.json_extract(columns.properties, "$.return_id"),
    )
    returned = and_(columns.name.in_(GOING_BACK), mark.is_not(None))
    same = (
        columns.customer_id, columns.order_key, columns.name, case((returned, cast(mark, Text)), else_="")
    )  # fmt: skip
    place = func.row_number().over(
        partition_by=same, order_by=(columns.occurred_at, columns.source, columns.dedup)
    )
    first = func.min(columns.occurred_at).over(partition_by=same)
    long_after = and_(columns.name == ORDER_COMPLETED, columns.occurred_at >= first + ONE_PURCHASE)
    told = (
        select(columns.id, place.label("place"), case((long_after, 1), else_=0).label("long_after"))
        .where(
            columns.customer_id.in_(ids), columns.order_key.is_not(None), columns.standing != ELSEWHERE,
            or_(columns.name.in_((ORDER_COMPLETED, ORDER_CANCELLED)), returned),
        )
        .subquery()
    )  # fmt: skip
    standing = case((told.c.long_after == 1, LONG_AFTER), (told.c.place > 1, AGAIN), else_=FIRST)
    target.execute(
        update(events).where(columns.id == told.c.id, columns.standing != standing).values(standing=standing)
    )


def copy_anonymous(source: Connection, target: Connection, first: Instant, until: Instant) -> None:
    """Copy what belongs to no customer."""
    _copy_events(
        source,
        target,
        select(events).where(events.c.customer_id.is_(None), events.c.occurred_at <= until),
        first,
    )
    dead = source.execute(select(suppressions)).mappings()
    _insert(target, suppressions, [{**row, "arrived_at": min(row["arrived_at"], until)} for row in dead])


def _copy_events(source: Connection, target: Connection, query: Select[Any], first: Instant) -> None:
    found = source.execute(query.execution_options(yield_per=EVENTS_AT_ONCE)).mappings()
    for part in found.partitions(EVENTS_AT_ONCE):
        rows = [
            {**row, "arrived_at": row["occurred_at"], "history": int(row["occurred_at"] < first)}
            for row in part
        ]
        _insert(target, events, rows)


def _insert(target: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        target.execute(insert(table), rows)


def mark_handed_over(target: Connection, results: Sequence[dict[str, Any]]) -> None:
    """Write what became of messages: `key`, `state`, `sent_at`, `subject`, `reason`, `error`, `released_at`
    each.
    """
    if results:
        names = ("state", "sent_at", "subject", "reason", "error", "released_at")
        statement = update(messages).where(messages.c.key == bindparam("of"))
        target.execute(
            statement.values({name: bindparam(name) for name in names}),
            [{"of": result["key"], **{name: result[name] for name in names}} for result in results],
        )


def message_ids(target: Connection, keys: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The outbox ids of message keys."""
    for start in range(0, len(keys), 500):
        found = target.execute(
            select(messages.c.key, messages.c.id).where(messages.c.key.in_(keys[start : start + 500]))
        )
        yield from ((key, identifier) for key, identifier in found)


def held_keys(target: Connection) -> set[str]:
    """The keys of the messages that wait for an approval."""
    return set(target.execute(select(messages.c.key).where(messages.c.state == "held")).scalars())
