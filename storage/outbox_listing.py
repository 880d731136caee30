"""The outbox as the console lists it, and what an act on a choice of its messages would do. Instants are milliseconds, UTC."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select

from core.instants import Instant
from core.outbox import ALLOWED, CLOSED, OPEN, RECENT, SENDING, Act
from core.reasons import Reason
from storage import digests
from storage.clauses import Clause, one_of
from storage.dossiers import WANTED, rows_of
from storage.outbox import TROUBLE, WAITING
from storage.tables import customers, enrolments, messages

_NEWEST_FIRST: Final = frozenset({"failed", "uncertain"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages the console lists: all clauses hold; `since` is included, `until` not, both of the planned instant."""

    customer_id: int | None = None
    clauses: tuple[Clause, ...] = ()
    since: Instant | None = None
    until: Instant | None = None

    def states(self, known: Iterable[str]) -> tuple[str, ...]:
        """Of these states those that are asked for."""
        for clause in self.clauses:
            known = clause.leaves("state", known)
        return tuple(known)

    def holds(self) -> Iterator[ColumnElement[bool]]:
        """The same as conditions on a row."""
        if self.customer_id is not None:
            yield messages.c.customer_id == self.customer_id
        if self.since is not None:
            yield messages.c.planned_at >= self.since
        if self.until is not None:
            yield messages.c.planned_at < self.until
        yield from (clause.holds(messages) for clause in self.clauses)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message with the names of its customer."""

    id: int
    customer_id: int
    customer: str
    first_name: str | None
    last_name: str | None
    trigger: str
    step: int
    channel: str
    state: str
    planned_at: Instant
    expires_at: Instant
    sent_at: Instant | None
    address: str | None
    template: str
    subject: str | None
    reason: str | None
    error: str | None
    attempts: int
    key: str
    purpose: str
    carries: tuple[tuple[str, int, str | None], ...]  # trigger, step and why it was left out, of several that go together


def open_counts(connection: Connection) -> dict[str, int]:
    """How many messages are in each state that an operator may have to look at."""
    return {state: connection.execute(select(func.count()).where(_partly(state), messages.c.state == state)).scalar_one() for state in OPEN}


def ids(connection: Connection, wanted: Wanted) -> array[int]:
    """The messages that are wanted: by state in the order of `OPEN`, each by its planned instant; then what is over, the newest first."""
    found: array[int] = array("q")
    for state in wanted.states(OPEN):
        found.extend(connection.execute(_in_state(state, wanted)).scalars())
    over = wanted.states(CLOSED)
    if over:
        found.extend(row for row, _ in sorted(connection.execute(_over(over, wanted)), key=lambda row: (row[1], row[0]), reverse=True))
    return found


def _in_state(state: str, wanted: Wanted) -> Select[int]:
    order = (messages.c.planned_at, messages.c.id)
    ordered = [column.desc() for column in order] if state in _NEWEST_FIRST else order
    return select(messages.c.id).where(_partly(state), messages.c.state == state, *wanted.holds()).order_by(*ordered)


def _partly(state: str) -> TextClause:
    return TROUBLE if state in _NEWEST_FIRST else WAITING


def _over(states: Sequence[str], wanted: Wanted) -> Select[int, Instant]:
    """Of one customer or trigger the newest by the index; of all, those with the highest numbers."""
    query: Select[int, Instant] = select(messages.c.id, messages.c.planned_at).where(messages.c.state.in_(states), *wanted.holds())
    if wanted.customer_id is not None:
        return query.limit(RECENT)
    trigger = one_of(wanted.clauses, "trigger")
    if trigger is not None:
        return query.where(messages.c.trigger == trigger).order_by(messages.c.planned_at.desc()).limit(RECENT)
    newest = select(func.max(messages.c.id)).scalar_subquery()
    return query.where(messages.c.id > newest - RECENT)


_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    messages.c.id, messages.c.customer_id, customers.c.key, customers.c.first_name, customers.c.last_name, messages.c.trigger,
    messages.c.step, messages.c.channel, messages.c.state, messages.c.planned_at, messages.c.expires_at, messages.c.sent_at,
    messages.c.address, messages.c.template, messages.c.subject, messages.c.reason, messages.c.error, messages.c.attempts,
    messages.c.key, messages.c.purpose, messages.c.digest,
)  # fmt: skip


def rows(connection: Connection, wanted: Collection[int]) -> Iterator[MessageRow]:
    """These messages, in no order."""
    query = select(*_COLUMNS).join(customers, customers.c.id == messages.c.customer_id)
    for *row, digest in connection.execute(query.where(messages.c.id.in_(list(wanted)))):
        yield MessageRow(*(*row, digests.carries(digest)))


@dataclass(slots=True)
class Effect:
    """What an act on messages would do: to which, and why not to the others. Instants are the first planned and the first to expire."""

    ids: list[int]
    customers: int = 0
    triggers: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)  # by state
    too_late: int = 0
    first_planned: Instant | None = None
    first_expiry: Instant | None = None


class _Choice(NamedTuple):
    """What an act has to know of a message."""

    id: int
    customer_id: int
    trigger: str
    channel: str
    state: str
    planned_at: Instant
    expires_at: Instant


def effect(connection: Connection, action: Act, chosen: Sequence[int], at: Instant) -> Effect:
    """What `approve`, `reject`, `cancel` or `retry` would do to the chosen messages at the instant."""
    result, people = Effect([]), set[int]()
    for values in rows_of(connection, select(*[messages.c[name] for name in _Choice._fields]).where(messages.c.id.in_(WANTED)), chosen):
        row = _Choice(*values)
        if row.state not in ALLOWED[action]:
            result.refused[row.state] = result.refused.get(row.state, 0) + 1
        elif action in SENDING and row.expires_at < at:
            result.too_late += 1
        else:
            people.add(row.customer_id)
            _add(result, row)
    result.customers = len(people)
    return result


def _add(result: Effect, row: _Choice) -> None:
    result.ids.append(row.id)
    result.triggers[row.trigger] = result.triggers.get(row.trigger, 0) + 1
    result.channels[row.channel] = result.channels.get(row.channel, 0) + 1
    result.first_planned = min(row.planned_at, result.first_planned or row.planned_at)
    result.first_expiry = min(row.expires_at, result.first_expiry or row.expires_at)


# ---- what waits for an approval ----


class HeldRow(NamedTuple):
    """A message that waits for an approval."""

    id: int
    customer_id: int
    enrolment_id: int | None
    trigger: str
    step: int
    channel: str
    planned_at: Instant
    expires_at: Instant


def held(connection: Connection, chosen: Sequence[int] | None = None) -> list[HeldRow]:
    """All that wait for an approval, or of the chosen messages those that do; by number."""
    query = select(*[messages.c[name] for name in HeldRow._fields]).where(WAITING, messages.c.state == "held").order_by(messages.c.id)
    if chosen is None:
        return [HeldRow(*row) for row in connection.execute(query)]
    return [HeldRow(*values) for values in rows_of(connection, query.where(messages.c.id.in_(WANTED)), chosen)]


def waiting_for_room(connection: Connection, customer_ids: Collection[int]) -> int:
    """How many of these customers have a step that waits for room under a limit, or for a stronger one."""
    columns = enrolments.c
    reasons = [str(Reason.PRESSURE), str(Reason.LOWER_PRIORITY)]
    mine = (columns.customer_id.in_(WANTED), columns.state == "open", columns.waits_for.in_(reasons))
    return len(rows_of(connection, select(columns.customer_id).distinct().where(*mine), customer_ids))
