"""The outbox as a dispatcher sees it: messages claimed, marked, recovered and ended. Instants and durations
are milliseconds, UTC.

`planned -> (held) -> (due) -> claimed -> sent`, or `cancelled`, `failed`, `expired`, `uncertain`. A message
is `planned` until its instant; `due` is one that waits for another attempt or was let go by an operator, at
the earliest at `claimed_until` where that is set. Whatever will not go out any more gives its room in the
pressure windows back (`released_at`) and wakes its customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    not_,
    or_,
    select,
    text,
    update,
)

from core.instants import HOUR, MINUTE, Instant, Millis, day_start, local_date, offset
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.outbox import PENDING, UNSENT
from core.model.reasons import Reason
from storage.event_json import properties_of
from storage.outbox.digests import CarriedStep, with_causes
from storage.outbox.texts import KeptText, keep_outcomes
from storage.outbox.texts import keep as keep_texts
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.sql import WANTED, rows_of
from storage.store import meta, set_meta
from storage.suppressions import Report, SoftBounce, count_soft_bounces, suppress

# word for word as in the partial indexes, or SQLite will not use them
WAITING: Final = text("state IN ('planned', 'held', 'due', 'claimed')")
TROUBLE: Final = text("state IN ('failed', 'uncertain')")
RELEASING: Final = frozenset({"cancelled", "expired", "failed"})
"""States of a message that did not go out: its contact counts no longer."""
TRIED: Final = messages.c.attempts > 0
"""A message that was handed over before, as a condition on a row."""
IN_DOUBT: Final = "an earlier attempt may have gone out"
TIDIED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message that this dispatcher may hand over, with the cause of its enrolment."""

    id: int
    key: str
    customer_id: int
    customer: str
    trigger: str
    step: int
    channel: str
    template: str
    address: str | None
    purpose: str
    was: str  # its state before the claim
    attempts: int  # this one included
    planned_at: Instant
    expires_at: Instant
    lead_time: Millis
    cause_key: str
    cause_at: Instant
    entered_at: Instant
    cause_event: int | None
    cause_name: str | None
    cause_properties: Mapping[str, Any]
    key_value: str | None
    digest: tuple[CarriedStep, ...] = ()  # all steps it carries, where these are several
    version: int = 0  # under which its enrolment entered


@dataclass(frozen=True, slots=True)
class OutcomeMark:
    """What became of a claimed message. `not_before` is for one that goes back to wait."""

    id: int
    customer_id: int
    state: str
    reason: str | None = None
    error: str | None = None
    subject: str | None = None
    address: str | None = None
    provider_id: str | None = None
    sent_at: Instant | None = None
    lands_at: Instant | None = None
    not_before: Instant | None = None
    attempted: bool = True
    digest: str | None = None  # the column, of one that carries several steps
    in_doubt: bool = False  # this attempt may have got through


class Bounced(NamedTuple):
    """An address that did not take a message."""

    medium: str
    address: str
    is_soft: bool = False
    """The reason may pass: it is counted."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a pass that is over has noted of its claims, by message."""

    claims: Mapping[int, tuple[int, str]]  # the attempt, and the state before it
    begun: Collection[int]
    ended: Mapping[int, OutcomeMark]
    bounces: Mapping[int, Bounced]  # where the address turned out to take no message
    texts: Mapping[int, KeptText] = field(default_factory=dict)  # what those that were begun say


@dataclass(slots=True)
class Recovered:
    """What became of claims that were left behind."""

    again: int = 0  # are due again, since their channel takes a key twice for once
    back: int = 0  # wait on, as if nobody had claimed them
    uncertain: Counter[str] = field(default_factory=Counter)  # by channel
    ended: list[tuple[str, OutcomeMark]] = field(
        default_factory=list
    )  # marked as was noted, with their channels
    begun: list[int] = field(default_factory=list)  # of `again`, those that were being handed over


@dataclass(frozen=True, slots=True)
class ApprovalBatch:
    """Which messages share a numeric approval: those of one trigger, and where named of one step or channel
    of it.
    """

    trigger: str
    most: int
    step: int | None = None
    channel: str | None = None

    def covers(self, trigger: str, step: int, channel: str) -> bool:
        """Whether a message belongs to it."""
        return trigger == self.trigger and self.step in (None, step) and self.channel in (None, channel)

    def holds(self) -> ColumnElement[bool]:
        """The same as a condition on a row."""
        wanted = [messages.c.trigger == self.trigger]
        if self.step is not None:
            wanted.append(messages.c.step == self.step)
        if self.channel is not None:
            wanted.append(messages.c.channel == self.channel)
        return and_(*wanted)


def has_work(connection: Connection, now: Instant) -> bool:
    """Whether any message may have to be handed over, expired or held; costs one look into an index for each
    waiting state.
    """
    return any(
        connection.execute(
            select(messages.c.id)
            .where(WAITING, messages.c.state == state, messages.c.planned_at <= now)
            .limit(1)
        ).first()
        for state in PENDING
    )


def recover(
    connection: Connection,
    now: Instant,
    is_gone: Callable[[str], bool],
    idempotent: Collection[str],
    left: Mapping[str, Left | None],
    limit: BounceLimit = USUAL_LIMIT,
) -> Recovered:
    """Take over what dispatchers left behind: because they are gone, by lease, or because `left` says that
    their pass is over.

    What `left` knows of a claim decides. Of any other, and of one that was begun, only a channel that takes a
    key twice for once may have it again; elsewhere nobody can tell whether it went out.
    """
    columns = (
        messages.c.id,
        messages.c.channel,
        messages.c.claimed_by,
        messages.c.claimed_until,
        messages.c.attempts,
    )
    rows = connection.execute(select(*columns).where(WAITING, messages.c.state == "claimed")).all()
    over = {owner for owner in {row.claimed_by for row in rows} if owner in left or is_gone(owner)}
    result = Recovered()
    unknown = [
        row
        for row in rows
        if (row.claimed_by in over or row.claimed_until <= now)
        and not _known(connection, row, left.get(row.claimed_by), now, result, limit)
    ]
    again = [row.id for row in unknown if row.channel in idempotent]
    lost = [row for row in unknown if row.channel not in idempotent]
    change(connection, again, state="due", claimed_by=None, claimed_until=None, in_doubt=1)
    reason, error = str(Reason.CHANNEL_ERROR), "the dispatcher ended while it was handing this over"
    change(
        connection,
        [row.id for row in lost],
        state="uncertain",
        reason=reason,
        error=error,
        claimed_by=None,
        claimed_until=None,
    )
    keep_texts(connection, {row.id: text for row in lost if (text := _said(left, row)) is not None})
    result.again, result.uncertain = len(again), Counter(row.channel for row in lost)
    result.begun = [row.id for row in unknown if row.channel in idempotent and _was_begun(row, left)]
    return result


def _was_begun(row: Any, left: Mapping[str, Left | None]) -> bool:
    found = left.get(row.claimed_by)
    return found is not None and row.id in found.begun


def _said(left: Mapping[str, Left | None], row: Any) -> KeptText | None:
    """What a message that was begun says, where that was noted."""
    of_owner = left.get(row.claimed_by)
    return None if of_owner is None else of_owner.texts.get(row.id)


def _known(
    connection: Connection,
    row: Any,
    left: Left | None,
    now: Instant,
    result: Recovered,
    limit: BounceLimit,
) -> bool:
    """Write down what became of a claim, where that is known."""
    claim = None if left is None else left.claims.get(row.id)
    if (
        left is None
        or claim is None
        or claim[0] != row.attempts
        or (row.id in left.begun and row.id not in left.ended)
    ):
        return False
    known = left.ended.get(row.id)
    back = OutcomeMark(row.id, 0, claim[1], attempted=False)
    written = mark(connection, row.claimed_by, [back if known is None else known], now)
    if known is None:
        result.back += 1
    keep_outcomes(connection, written, left.texts)
    result.ended += [(row.channel, each) for each in written if known is not None]
    if row.id in left.bounces and known is not None:
        note_bounce(connection, left.bounces[row.id], known.error or "", now, row.channel, limit)
    return True


def expire(connection: Connection, now: Instant) -> int:
    """End waiting messages whose time is over, and give their room back; how many."""
    return _end_due(connection, messages.c.expires_at < now, now, state="expired", reason=str(Reason.EXPIRED))


def cancel_without_channel(connection: Connection, channels: Collection[str], now: Instant) -> int:
    """Cancel due messages whose channel is no longer in the playbook, and give their room back; how many."""
    gone, error = messages.c.channel.not_in(channels), "the channel is no longer in the playbook"
    return _end_due(connection, gone, now, state="cancelled", reason=str(Reason.CHANNEL_ERROR), error=error)


def _end_due(connection: Connection, condition: ColumnElement[bool], now: Instant, **outcome: str) -> int:
    """End a portion of the due messages for which the condition holds; 0 when there is none left. One that
    may have got through at an earlier attempt becomes uncertain, and is not counted.
    """
    over = [
        row
        for state in UNSENT
        for row in connection.execute(
            select(messages.c.id, messages.c.customer_id, messages.c.in_doubt)
            .where(WAITING, messages.c.state == state, messages.c.planned_at <= now, condition)
            .limit(TIDIED_AT_ONCE)
        )
    ]
    uncertain = {"state": "uncertain", "reason": str(Reason.CHANNEL_ERROR), "error": IN_DOUBT}
    change(connection, [row.id for row in over if row.in_doubt], **uncertain)
    ended = [row for row in over if not row.in_doubt]
    change(connection, [row.id for row in ended], released_at=now, **outcome)
    wake(connection, {row.customer_id for row in ended}, now)
    return len(ended)


def hold_large(connection: Connection, batches: Sequence[ApprovalBatch], now: Instant, zone: ZoneInfo) -> int:
    """Hold planned messages of each batch and local day of `zone` on which there are more than its number;
    how many were held.

    A day's batch is all that was planned for it and counts as a contact; what an operator has let go is `due`
    and stays so.
    """
    return sum(_hold_days(connection, batch, now, zone) for batch in batches)


def _hold_days(connection: Connection, batch: ApprovalBatch, now: Instant, zone: ZoneInfo) -> int:
    held, after = 0, None
    while (first := _first_planned(connection, batch, now, after)) is not None:
        day = local_date(first, zone)
        start, end = day_start(day, zone), _next_day(first, zone)
        of_day = and_(batch.holds(), messages.c.planned_at >= start, messages.c.planned_at < end)
        size = connection.execute(
            select(func.count()).select_from(messages).where(of_day, messages.c.released_at.is_(None))
        ).scalar_one()
        if size > batch.most:
            result = connection.execute(
                update(messages)
                .where(of_day, messages.c.state == "planned")
                .values(state="held", reason=str(Reason.APPROVAL))
            )
            held += result.rowcount
        after = end
    return held


def _first_planned(
    connection: Connection, batch: ApprovalBatch, now: Instant, after: Instant | None
) -> Instant | None:
    query = select(messages.c.planned_at).where(
        batch.holds(), messages.c.state == "planned", messages.c.planned_at <= now
    )
    if after is not None:
        query = query.where(messages.c.planned_at >= after)
    return connection.execute(query.order_by(messages.c.planned_at).limit(1)).scalar_one_or_none()


def _next_day(at: Instant, zone: ZoneInfo) -> Instant:
    day = local_date(at, zone)
    return day_start(day.fromordinal(day.toordinal() + 1), zone)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which due messages of a channel may go."""

    channel: str
    room: int | None = None
    """How many; None: any number."""
    waiting: Collection[str] = ()
    """Triggers whose messages wait."""
    purposes: Collection[str] | None = None
    """The only ones that may go, where given."""
    held: Sequence[ColumnElement[bool]] = ()
    """What one of these says of its row waits."""

    def holds(self) -> Iterator[ColumnElement[bool]]:
        """The same as conditions on a row, channel, triggers and numbers aside."""
        if self.purposes is not None:
            yield messages.c.purpose.in_(sorted(self.purposes))
        yield from (not_(each) for each in self.held)


class _Candidate(NamedTuple):
    """A message that may be claimed."""

    planned_at: Instant
    id: int
    state: str
    is_again: bool
    """It was attempted before."""


AGAIN_EVERY: Final = 4
"""While others wait that were never attempted, so many messages hold one that is tried again."""


def claim(
    connection: Connection,
    now: Instant,
    owner: str,
    lease: Millis,
    limit: int,
    allowed: Allowed,
    *,
    spread: bool = False,
) -> list[Claimed]:
    """Take up to `limit` due messages of a channel for `lease`; to be called in a writing transaction.

    Its triggers take turns; of each the earliest come first, and most of them are ones that were never
    attempted. With `spread` they are as unlike as can be: the first and the last that were never attempted,
    and one that was.
    """
    most = limit if allowed.room is None else min(limit, allowed.room)
    if most <= 0:
        return []
    found = list(_turns(_queues(connection, now, most, allowed)))
    chosen = _unlike(connection, now, allowed, found, most) if spread else found[:most]
    taken = {each.id: each.state for each in chosen}
    change(
        connection,
        list(taken),
        state="claimed",
        claimed_by=owner,
        claimed_until=now + lease,
        attempts=messages.c.attempts + 1,
    )
    return _claimed(connection, taken)


def _unlike(
    connection: Connection, now: Instant, allowed: Allowed, found: Sequence[_Candidate], most: int
) -> list[_Candidate]:
    """Of the triggers that are due, the last ones too; first of all one that was never tried, where there is
    any.
    """
    untried = replace(allowed, held=(*allowed.held, TRIED))
    fresh = list(_turns(_queues(connection, now, most, untried)))
    names = [name for name in _triggers(connection, allowed.channel) if name not in allowed.waiting]
    last = [
        _Candidate(row.planned_at, row.id, state, row.attempts > 0)
        for name in names
        for state in ("planned", "due")
        for row in connection.execute(_due(state, now, 1, untried, name, latest=True))
    ]
    again = [each for each in found if each.is_again]
    ends = [*(fresh or found)[:1], *sorted(last)[-1:], *again[:1], *fresh, *found]
    return list({each.id: each for each in ends}.values())[:most]


def _turns(queues: Sequence[Sequence[_Candidate]]) -> Iterator[_Candidate]:
    """One of each queue in turn, that first whose head has waited for longest."""
    waiting = sorted((queue for queue in queues if queue), key=lambda queue: queue[0][:2])
    for place in range(max(map(len, waiting), default=0)):
        yield from (queue[place] for queue in waiting if place < len(queue))


def _queues(connection: Connection, now: Instant, limit: int, allowed: Allowed) -> list[list[_Candidate]]:
    """By trigger, what is due, as far as `limit` messages can need it."""
    names = [name for name in _triggers(connection, allowed.channel) if name not in allowed.waiting]
    share = limit if len(names) < 2 else limit // len(names) + 1
    queues = {name: _queue(connection, now, share, allowed, name) for name in names}
    if sum(map(len, queues.values())) < limit:
        for name, queue in queues.items():
            if len(queue) >= share < limit:
                queues[name] = _queue(connection, now, limit, allowed, name)
    return list(queues.values())


def _queue(
    connection: Connection, now: Instant, limit: int, allowed: Allowed, trigger: str
) -> list[_Candidate]:
    rows = [
        _Candidate(row.planned_at, row.id, state, row.attempts > 0)
        for state in ("planned", "due")
        for row in connection.execute(_due(state, now, limit, allowed, trigger))
    ]
    rows.sort()
    fresh, again = [row for row in rows if not row.is_again], [row for row in rows if row.is_again]
    mixed: list[_Candidate] = []
    for place, each in enumerate(fresh, 1):
        mixed.append(each)
        if place % (AGAIN_EVERY - 1) == 0 and again:
            mixed.append(again.pop(0))
    return mixed + again


def _due(
    state: str, now: Instant, limit: int, allowed: Allowed, trigger: str, *, latest: bool = False
) -> Select[Any]:
    columns = messages.c.planned_at, messages.c.id
    free = or_(messages.c.claimed_until.is_(None), messages.c.claimed_until <= now)
    return (
        select(messages.c.id, messages.c.planned_at, messages.c.attempts)
        .where(
            WAITING,
            messages.c.channel == allowed.channel,
            messages.c.state == state,
            messages.c.trigger == trigger,
            messages.c.planned_at <= now,
            free,
            *allowed.holds(),
        )
        .order_by(*(column.desc() if latest else column for column in columns))
        .limit(limit)
    )


_TRIGGERS: Final = text(
    """
    WITH RECURSIVE names(state, name) AS (
        SELECT states.state, (
            SELECT min("trigger") FROM messages
            WHERE state IN ('planned', 'held', 'due', 'claimed')
                AND channel = :channel AND state = states.state
        )
        FROM (SELECT 'planned' AS state UNION ALL SELECT 'due') AS states
        UNION ALL
        SELECT names.state, (
            SELECT min("trigger") FROM messages
            WHERE state IN ('planned', 'held', 'due', 'claimed')
                AND channel = :channel AND state = names.state AND "trigger" > names.name
        )
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT DISTINCT name FROM names WHERE name IS NOT NULL ORDER BY name
    """
)
"""The triggers with waiting messages on a channel, one step in the index for each."""


def _triggers(connection: Connection, channel: str) -> list[str]:
    return list(connection.execute(_TRIGGERS, {"channel": channel}).scalars())


def number_due(connection: Connection, channel: str, now: Instant) -> int:
    """How many messages of a channel might go by now."""
    query = select(func.count()).where(
        WAITING,
        messages.c.channel == channel,
        messages.c.state.in_(("planned", "due")),
        messages.c.planned_at <= now,
    )
    return connection.execute(query).scalar_one()


def numbered(numbers: Sequence[int]) -> ColumnElement[bool]:
    """The messages of these numbers, as a condition on a row."""
    return messages.c.id.in_(numbers)


def has_due(connection: Connection, channel: str, now: Instant) -> bool:
    """Whether any message of the channel may have to be handed over; costs a look into an index for each
    trigger.
    """
    return _has_any(connection, now, Allowed(channel))


def has_untried(connection: Connection, channel: str, now: Instant) -> bool:
    """The same of those that were never handed over."""
    return _has_any(connection, now, Allowed(channel, held=(TRIED,)))


def _has_any(connection: Connection, now: Instant, allowed: Allowed) -> bool:
    return any(
        connection.execute(_due(state, now, 1, allowed, trigger)).first() is not None
        for trigger in _triggers(connection, allowed.channel)
        for state in ("planned", "due")
    )


# one parameter whatever their number, and made once: putting a statement of so many columns together takes
# longer than running it
_CLAIMED: Final = (
    select(
        messages.c.id, messages.c.key, messages.c.customer_id, customers.c.key, messages.c.trigger,
        messages.c.step, messages.c.channel,
        messages.c.template, messages.c.address, messages.c.purpose, messages.c.attempts,
        messages.c.planned_at, messages.c.expires_at,
        messages.c.lands_at, enrolments.c.cause_key, enrolments.c.cause_at, enrolments.c.entered_at,
        enrolments.c.cause_event,
        events.c.name, events.c.properties,
        enrolments.c.key_value, enrolments.c.version, messages.c.digest,
    )
    .select_from(
        messages.join(customers, customers.c.id == messages.c.customer_id)
        .outerjoin(enrolments, enrolments.c.id == messages.c.enrolment_id)
        .outerjoin(events, events.c.id == enrolments.c.cause_event)
    )
    .where(messages.c.id.in_(WANTED))
)  # fmt: skip


def _claimed(connection: Connection, taken: Mapping[int, str]) -> list[Claimed]:
    """The messages, in the order in which they were taken."""
    if not taken:
        return []
    places = {number: place for place, number in enumerate(taken)}
    rows = sorted(rows_of(connection, _CLAIMED, taken), key=lambda row: places[row[0]])
    several = with_causes(connection, {row[0]: row[-1] for row in rows if row[-1] is not None})
    return [
        Claimed(
            number, key, customer_id, customer, trigger, step, channel, template, address, purpose,
            taken[number], attempts, planned_at,
            expires_at, max(0, lands_at - planned_at), cause_key or "",
            planned_at if cause_at is None else cause_at, planned_at if entered_at is None else entered_at,
            cause_event,
            cause_name, properties_of(cause_event, properties), key_value, several.get(number, ()),
            version or 0,
        )
        for (
            number, key, customer_id, customer, trigger, step, channel, template, address, purpose, attempts,
            planned_at,
            expires_at, lands_at, cause_key, cause_at, entered_at, cause_event, cause_name, properties,
            key_value, version, _,
        ) in rows
    ]  # fmt: skip


def with_cause(connection: Connection, message_id: int) -> Claimed | None:
    """One message with the cause of its enrolment, as a dispatcher would have it; nothing is claimed."""
    state = connection.execute(
        select(messages.c.state).where(messages.c.id == message_id)
    ).scalar_one_or_none()
    return None if state is None else _claimed(connection, {message_id: state})[0]


def mark(connection: Connection, owner: str, marks: Sequence[OutcomeMark], at: Instant) -> list[OutcomeMark]:
    """Write down what became of messages that `owner` holds; those it holds no longer stay as they are.
    One that ends without having been sent, and may have got through at an earlier attempt, is uncertain.
    Returns what was written.
    """
    held = _held(connection, owner, [mark.id for mark in marks])
    written = [_doubted(mark, held[mark.id]) for mark in marks if mark.id in held]
    if written:
        connection.execute(_MARKING, [_values(owner, mark, at) for mark in written])
    moved = {mark.customer_id for mark in written if mark.state in RELEASING or mark.lands_at is not None}
    wake(connection, moved, at)
    return written


def _held(connection: Connection, owner: str, ids: Sequence[int]) -> dict[int, bool]:
    """The messages that it holds, and whether they may have got through at an earlier attempt."""
    mine = (messages.c.claimed_by == owner, messages.c.state == "claimed")
    columns = select(messages.c.id, messages.c.in_doubt)
    return {
        row.id: bool(row.in_doubt)
        for part in portions(ids)
        for row in connection.execute(columns.where(messages.c.id.in_(part), *mine))
    }


def _doubted(mark: OutcomeMark, was_in_doubt: bool) -> OutcomeMark:
    if mark.state not in RELEASING or not (was_in_doubt or mark.in_doubt):
        return mark
    error = IN_DOUBT if mark.error is None else f"{IN_DOUBT}; then: {mark.error}"
    return replace(mark, state="uncertain", reason=str(Reason.CHANNEL_ERROR), error=error)


def _kept(name: str) -> ColumnElement[Any]:
    """What was there, unless the mark says something else."""
    return func.coalesce(bindparam(f"new_{name}", type_=messages.c[name].type), messages.c[name])


_MARKING: Final = (
    update(messages)
    .where(
        messages.c.id == bindparam("row"),
        messages.c.claimed_by == bindparam("owner"),
        messages.c.state == "claimed",
    )
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("state", "reason", "error", "claimed_until", "released_at")
        }
        | {
            name: _kept(name)
            for name in ("subject", "address", "provider_id", "sent_at", "lands_at", "digest")
        }
        | {
            "in_doubt": case((bindparam("new_in_doubt") == 1, 1), else_=messages.c.in_doubt),
            "claimed_by": None,
            "attempts": messages.c.attempts - bindparam("unattempted"),
        }
    )
)


def _values(owner: str, mark: OutcomeMark, at: Instant) -> dict[str, Any]:
    return {
        "row": mark.id, "owner": owner, "unattempted": int(not mark.attempted), "new_state": mark.state,
        "new_reason": mark.reason,
        "new_error": mark.error, "new_claimed_until": mark.not_before,
        "new_released_at": at if mark.state in RELEASING else None,
        "new_subject": mark.subject, "new_address": mark.address, "new_provider_id": mark.provider_id,
        "new_sent_at": mark.sent_at,
        "new_lands_at": mark.lands_at, "new_digest": mark.digest, "new_in_doubt": int(mark.in_doubt),
    }  # fmt: skip


def wake(connection: Connection, customer_ids: Collection[int], at: Instant) -> None:
    """Make customers due no later than the instant."""
    due = case((customers.c.next_due_at < at, customers.c.next_due_at), else_=at)
    for ids in portions(sorted(customer_ids)):
        connection.execute(update(customers).where(customers.c.id.in_(ids)).values(next_due_at=due))


def note_bounce(
    connection: Connection, bounced: Bounced, reason: str, at: Instant, channel: str, limit: BounceLimit
) -> None:
    """Never write again to an address that turned out dead; count it where the reason may pass."""
    medium, address, is_soft = bounced
    source = f"channel {channel}"
    if is_soft:
        count_soft_bounces(connection, [SoftBounce(medium, address, at, at, source)], limit)
    else:
        suppress(connection, [Report(medium, address, reason, at, at, source)])


def room(
    connection: Connection, channel: str, capacity: tuple[int, str], now: Instant, zone: ZoneInfo
) -> int:
    """How many more the channel may hand over in the current day, hour or minute of `zone`; what is being
    handed over counts.
    """
    most, unit = capacity
    claimed = (
        select(func.count())
        .select_from(messages)
        .where(WAITING, messages.c.state == "claimed", messages.c.channel == channel)
    )
    return max(
        0,
        most
        - _handed_over(connection, channel, period_start(now, unit, zone))
        - connection.execute(claimed).scalar_one(),
    )


def count_handed_over(
    connection: Connection, channel: str, unit: str, now: Instant, zone: ZoneInfo, number: int
) -> None:
    """Add to what the channel has handed over in the current period; kept as a fact, for counting rows would
    read the whole outbox.
    """
    start = period_start(now, unit, zone)
    set_meta(
        connection, f"handed_over.{channel}", f"{start} {_handed_over(connection, channel, start) + number}"
    )


def _handed_over(connection: Connection, channel: str, start: Instant) -> int:
    since, _, number = (meta(connection, f"handed_over.{channel}") or "").partition(" ")
    return int(number) if since == str(start) else 0


def period_start(now: Instant, unit: str, zone: ZoneInfo) -> Instant:
    """The first instant of the local day, hour or minute."""
    if unit == "day":
        return day_start(local_date(now, zone), zone)
    length, ahead = (HOUR if unit == "hour" else MINUTE), offset(now, zone)
    return (now + ahead) // length * length - ahead


def change(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    """Set the same columns of these messages."""
    for portion in portions(ids):
        connection.execute(update(messages).where(messages.c.id.in_(portion)).values(values))


def portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """A few hundred at a time, as many as one statement may name."""
    for first in range(0, len(ids), TIDIED_AT_ONCE):
        yield ids[first : first + TIDIED_AT_ONCE]


def purpose_of(connection: Connection, key: str) -> str | None:
    """The purpose under which a message was planned; None where no message has that key."""
    return connection.execute(select(messages.c.purpose).where(messages.c.key == key)).scalar_one_or_none()


def customer_of(connection: Connection, key: str) -> int | None:
    """Whose message it is, merges followed; None where no message has that key."""
    query = select(messages.c.customer_id, customers.c.merged_into).join(
        customers, customers.c.id == messages.c.customer_id
    )
    found = connection.execute(query.where(messages.c.key == key)).one_or_none()
    while found is not None and found.merged_into is not None:
        found = connection.execute(
            select(customers.c.id.label("customer_id"), customers.c.merged_into).where(
                customers.c.id == found.merged_into
            )
        ).one_or_none()
    return None if found is None else found.customer_id
