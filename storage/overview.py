"""The figures of the first screen: what goes out today, what is stuck, what comes next. Instants are ms UTC.

None of them scans a big table but `contacts_of_base`, which reads an index once from one end of a window to
the other.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, text

from core.instants import Instant
from core.limits.windows import Span
from core.model.fates import Fate, fate_of_message
from core.model.outbox import PENDING, TodayFigure
from storage.outbox.dispatch import WAITING
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.playbooks import triggers
from storage.sql import NO_ROW
from storage.status import GONE, MOST

# word for word as in the partial indexes, or SQLite will not use them
WAS_SENT: Final = text("sent_at IS NOT NULL")
COUNTING: Final = text("counts = 1 AND released_at IS NULL")
PORTION: Final = 20_000
MOST_COUNTED: Final = 255
"""Nobody's contacts are counted further."""
FATES_OF_FIGURE: Final[Mapping[TodayFigure, Collection[Fate]]] = {
    "waiting": (Fate.DUE, Fate.ON_ITS_WAY),
    "approval": (Fate.WAITS_FOR_APPROVAL,),
    "held": (Fate.HELD,),
}
"""The states of what goes out without anybody's word."""


@dataclass(frozen=True, slots=True)
class NextStepRow:
    """A trigger's next step of somebody under way: when, which, and for how many that step falls due until a
    later instant.
    """

    trigger: str
    at: Instant
    step: int
    until_then: int


# ---- today ----


def sent(connection: Connection, span: Span) -> Counter[str]:
    """Messages handed over in the span, by channel."""
    known = select(triggers.c.name)
    query = (
        select(messages.c.channel, func.count())
        .where(
            WAS_SENT,
            messages.c.trigger.in_(known),
            messages.c.sent_at >= span.first,
            messages.c.sent_at <= span.last,
        )
        .group_by(messages.c.channel)
    )
    return _counted(connection, query)


def waiting(
    connection: Connection, until: Instant | None, is_held_up: ColumnElement[bool] = NO_ROW
) -> dict[str, Counter[Fate]]:
    """What waits in the outbox and is planned by `until`, by channel: how many become what. `is_held_up` is
    the condition on a message that a pause holds.
    """
    found: dict[str, Counter[Fate]] = defaultdict(Counter)
    # wrapped: a bare 0 would name a column to group by
    columns = messages.c.channel, messages.c.reason, func.coalesce(is_held_up, NO_ROW)
    for state in PENDING:
        query = select(*columns, func.count()).where(WAITING, messages.c.state == state).group_by(*columns)
        if until is not None:
            query = query.where(messages.c.planned_at <= until)
        for channel, reason, is_paused, number in connection.execute(query):
            found[channel][fate_of_message(state, reason, is_paused=bool(is_paused))] += number
    return found


# ---- the engine ----


def written(connection: Connection) -> tuple[int, int, int]:
    """The numbers of the event, the decision and the message that were written last."""
    ends = [select(func.max(table.c.id)).scalar_subquery() for table in (events, decisions, messages)]
    last_event, last_decision, last_message = connection.execute(select(*ends)).one()
    return last_event or 0, last_decision or 0, last_message or 0


def events_waiting(connection: Connection) -> int:
    """Events that the engine has still to play; counted up to `MOST`."""
    return _up_to(connection, select(arrivals.c.event_id))


def soon(connection: Connection, names: Sequence[str], until: Instant) -> Iterator[NextStepRow]:
    """The next step that falls due in each of these triggers, soonest first."""
    found = (_next_step(connection, name, until) for name in names)
    yield from sorted((each for each in found if each is not None), key=lambda each: (each.at, each.trigger))


def _next_step(connection: Connection, name: str, until: Instant) -> NextStepRow | None:
    mine = (enrolments.c.trigger == name, enrolments.c.state == "open", enrolments.c.due_at.is_not(None))
    first = connection.execute(
        select(enrolments.c.due_at, enrolments.c.step).where(*mine).order_by(enrolments.c.due_at).limit(1)
    ).first()
    if first is None:
        return None
    return NextStepRow(
        name,
        first.due_at,
        first.step,
        _up_to(
            connection,
            select(enrolments.c.id).where(
                *mine, enrolments.c.due_at <= until, enrolments.c.step == first.step
            ),
        ),
    )


# ---- the customer base ----


def customers_in_all(connection: Connection) -> int:
    """Everybody who is known, neither merged away nor erased: all rows less those, each counted from an index
    alone.
    """
    everybody = connection.execute(select(func.count()).select_from(customers)).scalar_one()
    return (
        everybody - connection.execute(select(func.count()).select_from(customers).where(GONE)).scalar_one()
    )


def contacts_of_base(
    connection: Connection,
    span: Span,
    channels: Collection[str] | None,
    several: Collection[str],
    cancelled: Callable[[], bool],
) -> Counter[int]:
    """How many customers have how many contacts that land in the span, from one on; over these channels, or
    over any.

    `several` are the triggers that may send one dispatch over several channels, which count as one. Memory:
    one byte a customer.
    """
    counts = _contacts_by_customer(connection, span, channels, several, cancelled)
    return Counter(
        {number: people for number in range(1, max(counts) + 1) if (people := counts.count(number))}
    )


def customers_with(
    connection: Connection,
    span: Span,
    channels: Collection[str] | None,
    several: Collection[str],
    contacts: range,
    cancelled: Callable[[], bool],
) -> array[int]:
    """Who has as many contacts in the span as `contacts` holds, counted as `contacts_of_base` counts; none
    merged away or erased.
    """
    counts = _contacts_by_customer(connection, span, channels, several, cancelled)
    wanted = (customer for customer, number in enumerate(counts) if number in contacts)
    if 0 not in contacts:
        return array("q", wanted)
    gone = set(connection.execute(select(customers.c.id).where(GONE)).scalars())
    known = set(connection.execute(select(customers.c.id)).scalars()) - gone
    return array("q", (customer for customer in wanted if customer in known))


def _contacts_by_customer(
    connection: Connection,
    span: Span,
    channels: Collection[str] | None,
    several: Collection[str],
    cancelled: Callable[[], bool],
) -> bytearray:
    """Contacts by customer's row, at most `MOST_COUNTED` of each."""
    counts = bytearray(1 + _last_customer(connection))
    seen: set[tuple[int, int]] = set()
    for rows in connection.execute(
        _contacts(span, channels, several).execution_options(yield_per=PORTION)
    ).partitions():
        if cancelled():
            break
        for customer, *dispatch in rows:
            if not dispatch or _is_new(dispatch, several, seen):
                counts[customer] = min(MOST_COUNTED, counts[customer] + 1)
    return counts


def message_ids(
    connection: Connection,
    channel: str,
    figure: TodayFigure,
    span: Span,
    is_held_up: ColumnElement[bool] = NO_ROW,
) -> array[int]:
    """The messages that a figure of today counts, as `sent` and `waiting` count them, the newest first."""
    if figure == "sent":
        known = select(triggers.c.name)
        query = select(messages.c.id).where(
            WAS_SENT, messages.c.trigger.in_(known), messages.c.sent_at >= span.first,
            messages.c.sent_at <= span.last, messages.c.channel == channel,
        )  # fmt: skip
        return array("q", connection.execute(query.order_by(messages.c.sent_at.desc())).scalars())
    columns = messages.c.id, messages.c.state, messages.c.reason, func.coalesce(is_held_up, NO_ROW)
    waits = select(*columns).where(WAITING, messages.c.state.in_(PENDING), messages.c.channel == channel)
    if figure == "waiting":
        waits = waits.where(messages.c.planned_at <= span.last)
    rows = connection.execute(waits.order_by(messages.c.planned_at))
    return array(
        "q",
        (
            number
            for number, state, reason, is_paused in rows
            if fate_of_message(state, reason, is_paused=bool(is_paused)) in FATES_OF_FIGURE[figure]
        ),
    )


def _contacts(span: Span, channels: Collection[str] | None, several: Collection[str]) -> Select[Any]:
    columns: list[ColumnElement[Any]] = [messages.c.customer_id]
    if several:
        columns += [messages.c.trigger, messages.c.enrolment_id, messages.c.step]
    query = select(*columns).where(
        COUNTING, messages.c.lands_at >= span.first, messages.c.lands_at <= span.last
    )
    return query if channels is None else query.where(messages.c.channel.in_(sorted(channels)))


def _is_new(dispatch: Sequence[Any], several: Collection[str], seen: set[tuple[int, int]]) -> bool:
    trigger, enrolment, step = dispatch
    if trigger not in several:
        return True
    before = len(seen)
    seen.add((enrolment, step))
    return len(seen) > before


def _last_customer(connection: Connection) -> int:
    highest: int = connection.execute(select(func.coalesce(func.max(customers.c.id), 0))).scalar_one()
    return highest


# ---- counting ----


def _counted(connection: Connection, query: Select[Any]) -> Counter[str]:
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def _up_to(connection: Connection, query: Select[Any]) -> int:
    limited = query.with_only_columns(literal_column("1"), maintain_column_froms=True).limit(MOST).subquery()
    return connection.execute(select(func.count()).select_from(limited)).scalar_one()
