"""Pauses, and the emergency stop: a state beside the files, so that it survives an apply. Instants are ms
UTC.

Each act is one transaction with its audit line, and wakes the customers it can touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    update,
)

from core.engine.pauses import (
    JourneyGroup,
    affected_triggers,
    goes_over,
    holds_since,
    is_narrow,
    reason_of,
    steps_due,
    stops_purpose,
)
from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.outbox import UNSENT
from core.model.pauses import EVERYTHING, Pause, PausePolicy, parse_target, target_key
from core.model.reasons import HOLDING, Reason
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook
from storage import audit, segments
from storage.outbox.dispatch import WAITING
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.schema.operations import PauseRow, pauses
from storage.session import session
from storage.sql import WANTED, named
from storage.store import meta

RESTORED: Final = "restored"
"""The fact of a database that was restored and not yet compared; see `storage.restored`."""

_OF_TRIGGER: Final[ColumnClause[str]] = literal_column('+messages."trigger"')


@dataclass(frozen=True, slots=True)
class StoredPause:
    """A pause with its row's number, its reason and who set it."""

    id: int
    pause: Pause
    reason: str | None
    author: str


@dataclass(frozen=True, slots=True)
class PauseBacklog:
    """What is under way: customers and enrolments, steps that have come due and are not decided, messages not
    yet handed over.
    """

    customers: int
    enrolments: int
    overdue: int
    messages: int


def all_of(connection: Connection) -> tuple[Pause, ...]:
    """Every pause there ever was, past ones too, since their policies still move what waited; oldest
    first.
    """
    return tuple(each.pause for each in _rows(connection, order=(pauses.c.since, pauses.c.id)))


def current(connection: Connection, at: Instant) -> dict[str, StoredPause]:
    """The pauses that hold at the instant, by what they hold as `Pause.trigger` says it; the emergency stop
    under `*`.
    """
    lasting = or_(pauses.c.until.is_(None), pauses.c.until > at)
    found = _rows(connection, pauses.c.since <= at, lasting, order=(pauses.c.id,))
    return {each.pause.target.key: each for each in found}


def waiting_under(connection: Connection, pause: Pause, playbook: Playbook, at: Instant) -> PauseBacklog:
    """What is under way that a pause reaches, or would reach, at the instant."""
    if pause.scope in ("everything", "trigger"):
        return waiting(connection, pause.target.key, at)
    people = _customers(pause, playbook, at)
    of_them = true() if people is None else enrolments.c.customer_id.in_(people)
    mine = and_(
        enrolments.c.trigger.in_(sorted(affected_triggers(pause, playbook))),
        of_them,
        enrolments.c.state == literal_column("'open'"),
    )
    came_due = or_(enrolments.c.due_at.is_(None), enrolments.c.due_at <= at)
    counted = select(
        func.count(enrolments.c.customer_id.distinct()), func.count(), func.count().filter(came_due)
    ).where(mine)
    unsent = (
        select(func.count())
        .select_from(messages)
        .where(WAITING, messages.c.state.in_(UNSENT), holds_message(pause, playbook, at))
    )
    segments.prepare(connection)
    with segments.limited(connection, segments.segment_named(pause.name), segments.SECONDS_IN_A_PASS * 2):
        return PauseBacklog(*connection.execute(counted).one(), connection.execute(unsent).scalar_one())


def holds_message(pause: Pause, playbook: Playbook, at: Instant) -> ColumnElement[bool]:
    """Whether a pause holds a message back, as a condition on its row; the connection needs
    `segments.prepare`.
    """
    if pause.scope == "trigger":
        return messages.c.trigger == pause.target.key
    held = messages.c.purpose.in_(
        sorted(each.name for each in playbook.purposes.values() if stops_purpose(pause, each))
    )
    if pause.scope == "channel":
        return and_(held, messages.c.channel == pause.name)
    people = _customers(pause, playbook, at)
    # one look for each message, not a list of all members for each question
    return (
        held if people is None else and_(held, exists(people.where(customers.c.id == messages.c.customer_id)))
    )


def is_held_up(playbook: Playbook, at: Instant) -> ColumnElement[bool]:
    """Whether any pause that holds at the instant keeps a message from going out, as a condition on its row;
    the connection needs `segments.prepare`.
    """
    holding = [holds_message(pause, playbook, at) for pause in playbook.pauses if pause.holds(at)]
    return and_(messages.c.state.in_(UNSENT), or_(*holding)) if holding else false()


def held_up_by(
    connection: Connection, pause: Pause, playbook: Playbook, ids: Sequence[int], at: Instant
) -> int:
    """How many of these messages a pause would keep from going out at the instant."""
    segments.prepare(connection)
    query = select(func.count()).where(messages.c.id.in_(WANTED), holds_message(pause, playbook, at))
    return connection.execute(query, named(ids)).scalar_one()


def _customers(pause: Pause, playbook: Playbook, at: Instant) -> Select[int] | None:
    """Whom a pause is about; None: everybody."""
    if pause.scope == "customer":
        return select(customers.c.id).where(customers.c.key == pause.name)
    if pause.scope != "segment":
        return None
    known = {name: each.condition for name, each in playbook.segments.items()}
    return (
        segments.those_in(known[pause.name], known, at)
        if pause.name in known
        else select(customers.c.id).where(false())
    )


def waiting(connection: Connection, trigger: str, at: Instant) -> PauseBacklog:
    """What is under way in a trigger, or in all under `*`, at the instant."""
    # the plus keeps SQLite from reading all that the trigger has ever sent by the trigger's index
    # and a bound on the customer leads it to the index of the open ones, where it would scan that of all
    all_of_them = (enrolments.c.customer_id > 0, true())
    mine = (
        all_of_them
        if trigger == EVERYTHING
        else (enrolments.c.trigger == trigger, _OF_TRIGGER.in_((trigger,)))
    )
    # the state word for word as in the partial index, or SQLite will not read all from it
    open_ones = and_(enrolments.c.state == literal_column("'open'"), mine[0])
    came_due = or_(enrolments.c.due_at.is_(None), enrolments.c.due_at <= at)
    counted = select(
        func.count(enrolments.c.customer_id.distinct()), func.count(), func.count().filter(came_due)
    ).where(open_ones)
    people, under_way, overdue = connection.execute(counted).one()
    unsent = and_(WAITING, messages.c.state.in_(UNSENT), mine[1])
    return PauseBacklog(
        people,
        under_way,
        overdue,
        connection.execute(select(func.count()).select_from(messages).where(unsent)).scalar_one(),
    )


def standings(
    connection: Connection, pause: Pause, at: Instant, not_before: Instant, playbook: Playbook
) -> list[JourneyGroup]:
    """The open journeys that a pause can hold up as its end at the instant finds them, where a pass decides
    nothing before `not_before`.
    """
    triggers, people = affected_triggers(pause, playbook), _customers(pause, playbook, at)
    columns, held = enrolments.c, _held(pause, at, not_before, triggers, people)
    is_under = and_(columns.entered_at < at, func.coalesce(columns.resumed_at, columns.entered_at) < at)
    if is_narrow(pause):
        is_under = and_(is_under, held)
    members = true() if people is None else columns.customer_id.in_(people)
    by_name = columns.held_by == pause.target.holder.key
    reached = or_(by_name, members) if pause.scope == "segment" else members
    mine = and_(columns.trigger.in_(sorted(triggers)), columns.state == literal_column("'open'"), reached)
    segments.prepare(connection)
    alike: tuple[ColumnElement[Any], ...] = (
        columns.trigger,
        columns.step,
        columns.variant,
        is_under,
        or_(columns.waited.is_not(None), _latest(triggers) < pause.since),
        held,
        _is_due_moved(pause, held, _latest(triggers)),
    )
    due: Counter[tuple[Any, ...]] = Counter()
    for row in connection.execute(
        select(*alike, columns.planned_at, columns.waited).where(mine, is_under, held)
    ):
        due[tuple(row[:7])] += steps_due(pause, triggers[row[0]], row[1], row[7], at, row[2], row[8])
    counted = connection.execute(select(*alike, func.count()).where(mine).group_by(*alike))
    return [
        JourneyGroup(
            row[0],
            row[1],
            row[2],
            bool(row[3]),
            bool(row[4]),
            bool(row[5]),
            bool(row[6]),
            row[7],
            due[tuple(row[:7])],
        )
        for row in counted
    ]


def _latest(triggers: Mapping[str, Trigger]) -> ColumnElement[int]:
    """When the open step comes up at the latest, as `core.engine.branches` says of one enrolment."""
    columns = enrolments.c
    waits = [
        (
            and_(columns.trigger == name, columns.step == number, columns.waited.is_(None)),
            columns.planned_at + step.wait.timeout,
        )
        for name, trigger in triggers.items()
        for number, step in enumerate(trigger.steps, 1)
        if step.wait is not None
    ]
    return case(*waits, else_=columns.planned_at) if waits else columns.planned_at


def _is_due_moved(pause: Pause, held: ColumnElement[bool], latest: ColumnElement[int]) -> ColumnElement[bool]:
    columns = enrolments.c
    was_deferred = and_(
        columns.waits_until.is_not(None), columns.waits_for.not_in([str(reason) for reason in HOLDING])
    )
    begins = case((columns.entered_at > pause.since, columns.entered_at), else_=literal(pause.since))
    return case((held, latest), (was_deferred, columns.waits_until), else_=latest) <= begins


def _held(
    pause: Pause,
    at: Instant,
    not_before: Instant,
    triggers: Mapping[str, Trigger],
    people: Select[int] | None,
) -> ColumnElement[bool]:
    """Whether a pause that ends at the instant holds a step up: the same as `core.engine.pauses` says of one
    enrolment.
    """
    columns, first = enrolments.c, holds_since(pause, at, not_before)
    fell_due = and_(
        columns.due_at.is_not(None), columns.due_at < at, true() if first is None else columns.due_at >= first
    )
    if pause.scope == "channel":
        over = [
            (name, number)
            for name, each in triggers.items()
            for number, step in enumerate(each.steps, 1)
            if goes_over(step, pause.name)
        ]
        fell_due = and_(fell_due, tuple_(columns.trigger, columns.step).in_(over))
    elif people is not None:
        fell_due = and_(fell_due, columns.customer_id.in_(people))
    waits = and_(columns.due_at.is_(None), func.coalesce(columns.waits_for, "") == str(reason_of(pause)))
    by_it = (
        true()
        if pause.scope == "trigger"
        else func.coalesce(columns.held_by, EVERYTHING) == pause.target.holder.key
    )
    return or_(and_(waits, by_it), fell_due)


def pause(connection: Connection, pause: Pause, author: str, reason: str | None) -> int:
    """Begin a pause at its `since`; its row's number."""
    row = PauseRow(
        trigger=pause.target.key,
        since=pause.since,
        until=pause.until,
        policy=pause.policy,
        transactional=int(pause.transactional),
        reason=reason,
        author=author,
        customer_id=_customer_id(connection, pause),
    )
    with session(connection) as opened:
        opened.add(row)
    action = "stop" if pause.target.key == EVERYTHING else "pause"
    until = None if pause.until is None else format_instant(pause.until)
    detail = {"until": until, "transactional": pause.transactional}
    audit.record(connection, pause.since, author, action, pause.target.key, reason, detail)
    _wake(connection, pause, pause.since)
    assert row.id is not None
    return row.id


def resume(
    connection: Connection,
    row: StoredPause,
    at: Instant,
    policy: PausePolicy,
    author: str,
    reason: str | None,
) -> None:
    """End a pause at the instant, under the policy for what waited; ManometerError where somebody else has
    ended it meanwhile.
    """
    if row.pause.target.key == EVERYTHING and meta(connection, RESTORED) is not None:
        raise ManometerError(
            "The database was restored from a backup, and what was sent since is unknown to it. Compare "
            "first: `manometer outbox compare`. Nothing was changed."
        )
    with session(connection) as opened:
        found = opened.get_one(PauseRow, row.id)
        if found.until is not None and found.until <= at:
            raise ManometerError("Somebody else has just ended this pause. Nothing was changed.")
        found.until, found.policy = at, policy
    action = "go" if row.pause.target.key == EVERYTHING else "resume"
    audit.record(
        connection,
        at,
        author,
        action,
        row.pause.target.key,
        reason,
        {"since": format_instant(row.pause.since), "policy": policy},
    )
    _wake(connection, row.pause, at)


def widen(connection: Connection, row: StoredPause, at: Instant, author: str, reason: str | None) -> None:
    """Let a pause, or an emergency stop, hold transactional messages too, from now on."""
    with session(connection) as opened:
        opened.get_one(PauseRow, row.id).transactional = 1
    audit.record(
        connection,
        at,
        author,
        "stop" if row.pause.target.key == EVERYTHING else "pause",
        row.pause.target.key,
        reason,
        {"transactional": True},
    )
    _wake(connection, row.pause, at)


def _wake(connection: Connection, pause: Pause, at: Instant) -> None:
    """The customers under way are to be planned anew; also those whose message waits for a stronger one,
    which may be a paused one.
    """
    columns = enrolments.c
    touched = select(columns.customer_id).where(columns.state == "open")
    gives_way = columns.waits_for == str(Reason.LOWER_PRIORITY)
    if pause.scope == "trigger":
        touched = touched.where(or_(columns.trigger == pause.target.key, gives_way))
    elif pause.scope == "customer":
        touched = touched.where(
            columns.customer_id.in_(select(customers.c.id).where(customers.c.key == pause.name))
        )
    elif is_narrow(pause):  # what is not held yet is decided when it falls due
        touched = touched.where(
            or_(columns.waits_for == str(Reason.STOPPED), gives_way, columns.due_at <= at)
        )
    due = case((customers.c.next_due_at < at, customers.c.next_due_at), else_=at)
    connection.execute(update(customers).where(customers.c.id.in_(touched)).values(next_due_at=due))


def _customer_id(connection: Connection, pause: Pause) -> int | None:
    if pause.scope != "customer":
        return None
    number: int = connection.execute(select(customers.c.id).where(customers.c.key == pause.name)).scalar_one()
    return number


def _rows(
    connection: Connection, *conditions: ColumnElement[bool], order: Sequence[ColumnElement[int]]
) -> list[StoredPause]:
    """The pauses with the keys of those whom they are about now: a merge takes a customer's pause along, and
    its undoing brings it back.
    """
    query = (
        select(PauseRow, customers.c.key, customers.c.merged_into)
        .outerjoin_from(pauses, customers, customers.c.id == pauses.c.customer_id)
        .where(*conditions)
        .order_by(*order)
    )
    with session(connection) as opened:
        found = opened.execute(query).all()
    return [_stored(row, _held_now(connection, row, key, into)) for row, key, into in found]


def _held_now(connection: Connection, row: PauseRow, key: str | None, into: int | None) -> str:
    """What is paused, merges followed."""
    while into is not None:
        key, into = connection.execute(
            select(customers.c.key, customers.c.merged_into).where(customers.c.id == into)
        ).one()
    return row.trigger if key is None else target_key("customer", key)


def _stored(row: PauseRow, held: str) -> StoredPause:
    assert row.id is not None
    pause = Pause(parse_target(held), row.since, row.until, row.policy, bool(row.transactional), row.author)
    return StoredPause(row.id, pause, row.reason, row.author)
