"""The outbox in lists: as the console shows it, and every message by its number. Instants are milliseconds,
UTC.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select

from core.instants import Instant
from core.model.customer import full_name
from core.model.fates import Fate, fate_in_words, fate_of_message
from core.model.outbox import CLOSED, OPEN, RECENT, ListedMessage
from storage.outbox import digests
from storage.outbox.dispatch import TROUBLE, WAITING
from storage.schema.customers import customers
from storage.schema.messages import messages
from storage.sql import NO_ROW, LogQuery, equal, within

_NEWEST_FIRST: Final = frozenset({"failed", "uncertain"})


def open_counts(connection: Connection, is_held_up: ColumnElement[bool] = NO_ROW) -> Counter[Fate]:
    """What becomes of the messages that an operator may have to look at; `is_held_up` is the condition on one
    that a pause holds.
    """
    found: Counter[Fate] = Counter()
    columns = messages.c.reason, func.coalesce(is_held_up, NO_ROW)  # wrapped, or it would name a column
    for state in OPEN:
        query = select(*columns, func.count()).where(_partly(state), messages.c.state == state)
        for reason, is_paused, number in connection.execute(query.group_by(*columns)):
            found[fate_of_message(state, reason, is_paused=bool(is_paused))] += number
    return found


def ids(connection: Connection, wanted: LogQuery) -> array[int]:
    """The messages that are wanted: by state in the order of `OPEN`, each by its planned instant; then what
    is over, the newest first.
    """
    found: array[int] = array("q")
    for state in wanted.among("state", OPEN):
        found.extend(connection.execute(_in_state(state, wanted)).scalars())
    over = wanted.among("state", CLOSED)
    if over:
        found.extend(
            row
            for row, _ in sorted(
                connection.execute(_over(over, wanted)), key=lambda row: (row[1], row[0]), reverse=True
            )
        )
    return found


def _in_state(state: str, wanted: LogQuery) -> Select[int]:
    order = (messages.c.planned_at, messages.c.id)
    ordered = [column.desc() for column in order] if state in _NEWEST_FIRST else order
    return (
        select(messages.c.id)
        .where(_partly(state), messages.c.state == state, *_holds(wanted))
        .order_by(*ordered)
    )


def _partly(state: str) -> TextClause:
    return TROUBLE if state in _NEWEST_FIRST else WAITING


def _over(states: Sequence[str], wanted: LogQuery) -> Select[int, Instant]:
    """Of one customer or trigger the newest by the index; of all, those with the highest numbers."""
    query: Select[int, Instant] = select(messages.c.id, messages.c.planned_at).where(
        messages.c.state.in_(states), *_holds(wanted)
    )
    if wanted.customer_id is not None:
        return query.limit(RECENT)
    trigger = wanted.one_of("trigger")
    if trigger is not None:
        return query.where(messages.c.trigger == trigger).order_by(messages.c.planned_at.desc()).limit(RECENT)
    newest = select(func.max(messages.c.id)).scalar_subquery()
    return query.where(messages.c.id > newest - RECENT)


_JOINED: Final = ("customer", "name", "carries", "is_paused")
_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    customers.c.key.label("customer"),
    customers.c.first_name,
    customers.c.last_name,
    messages.c.digest,
    *(messages.c[each.name] for each in fields(ListedMessage) if each.name not in _JOINED),
)


def rows(
    connection: Connection, wanted: Collection[int], is_held_up: ColumnElement[bool] = NO_ROW
) -> Iterator[ListedMessage]:
    """These messages, in no order; `is_held_up` is the condition on one that a pause holds."""
    query = select(*_COLUMNS, is_held_up.label("is_paused")).join(
        customers, customers.c.id == messages.c.customer_id
    )
    for row in connection.execute(query.where(messages.c.id.in_(list(wanted)))).mappings():
        values = dict(row)
        name = full_name(values.pop("first_name"), values.pop("last_name"))
        carries = digests.carries(values.pop("digest"))
        is_paused = bool(values.pop("is_paused"))
        yield ListedMessage(**values, name=name, carries=carries, is_paused=is_paused)


def _holds(wanted: LogQuery) -> Iterator[ColumnElement[bool]]:
    return wanted.holds(messages, messages.c.planned_at)


def newest_of(connection: Connection, customer_id: int, trigger: str) -> int | None:
    """The message to a customer in a trigger that was planned last; None where there is none."""
    query = (
        select(messages.c.id)
        .where(messages.c.customer_id == customer_id, messages.c.trigger == trigger)
        .order_by(messages.c.planned_at.desc(), messages.c.id.desc())
    )
    return connection.execute(query.limit(1)).scalar()


# ---- every message, by number ----


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages to list; None: any. `since` is included, `until` not, both of the planned instant."""

    customer: str | None = None
    trigger: str | None = None
    channel: str | None = None
    state: str | None = None
    since: Instant | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message as it is listed."""

    id: int
    key: str
    customer: str
    trigger: str
    step: int
    channel: str
    state: str
    planned_at: Instant
    sent_at: Instant | None
    address: str | None
    template: str
    subject: str | None
    reason: str | None
    error: str | None  # what the channel or the template said, for people
    becomes: str = ""
    """What becomes of it, in words."""


_LISTED: Final[tuple[ColumnElement[Any], ...]] = (
    messages.c.id, messages.c.key, customers.c.key, messages.c.trigger, messages.c.step, messages.c.channel,
    messages.c.state,
    messages.c.planned_at, messages.c.sent_at, messages.c.address, messages.c.template, messages.c.subject,
    messages.c.reason,
    messages.c.error,
)  # fmt: skip


def listing(
    connection: Connection,
    filters: MessageFilter = MessageFilter(),
    after: int = 0,
    limit: int = 1_000,
    is_held_up: ColumnElement[bool] = NO_ROW,
) -> list[OutboxRow]:
    """Messages by number, those above `after`; `is_held_up` is the condition on one that a pause holds."""
    query = (
        select(*_LISTED, is_held_up.label("is_paused"))
        .join(customers, customers.c.id == messages.c.customer_id)
        .where(messages.c.id > after, *_wanted(filters))
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [_becoming(OutboxRow(*row), bool(is_paused)) for *row, is_paused in connection.execute(query)]


def _becoming(row: OutboxRow, is_paused: bool) -> OutboxRow:
    fate = fate_of_message(row.state, row.reason, is_paused=is_paused)
    return replace(row, becomes=fate_in_words(fate, row.state))


def stream(
    connection: Connection,
    filters: MessageFilter = MessageFilter(),
    page: int = 1_000,
    is_held_up: ColumnElement[bool] = NO_ROW,
) -> Iterator[OutboxRow]:
    """All of them, page by page."""
    after = 0
    while rows := listing(connection, filters, after, page, is_held_up):
        yield from rows
        after = rows[-1].id


def _wanted(filters: MessageFilter) -> Iterator[ColumnElement[bool]]:
    yield from equal(customers, key=filters.customer)
    yield from equal(messages, trigger=filters.trigger, channel=filters.channel, state=filters.state)
    yield from within(messages.c.planned_at, filters.since, filters.until)
