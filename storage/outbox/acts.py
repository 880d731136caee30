"""What an operator does to messages of the outbox, and what that would do. Instants are milliseconds, UTC.

Each act is one transaction with an audit line for each message; it does all of them or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, case, select

from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.outbox import ALLOWED, SENDING, Act, ActEffect
from core.model.reasons import Reason
from storage import audit
from storage.outbox.dispatch import WAITING, change, portions, wake
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.sql import WANTED, rows_of


class OutboxError(ManometerError):
    """An operator asked for something that the state of a message does not allow; nothing was changed."""


def approve(
    connection: Connection, ids: Sequence[int], author: str, at: Instant, reason: str | None = None
) -> int:
    """Let held messages go; OutboxError, and nothing changed, where one of them is not held or its time is
    over.
    """
    rows = _rows(connection, ids, "approve")
    _refuse_expired(rows, at, "approve")
    change(connection, [row.id for row in rows], state="due", reason=None, claimed_until=None)
    return _record(connection, rows, author, at, "approve", reason)


def reject(
    connection: Connection, ids: Sequence[int], author: str, at: Instant, reason: str | None = None
) -> int:
    """Cancel held messages, and give their room back; OutboxError, and nothing changed, where one of them is
    not held.
    """
    return _end(connection, _rows(connection, ids, "reject"), author, at, "reject", reason)


def cancel(
    connection: Connection, ids: Sequence[int], author: str, at: Instant, reason: str | None = None
) -> int:
    """Cancel messages that were not handed over, or of which somebody has found out that they never went;
    OutboxError as above.
    """
    return _end(connection, _rows(connection, ids, "cancel"), author, at, "cancel", reason)


def retry(
    connection: Connection, ids: Sequence[int], author: str, at: Instant, reason: str | None = None
) -> int:
    """Try failed and uncertain messages again under their keys, with their contacts counting anew;
    OutboxError as above.
    """
    rows = _rows(connection, ids, "retry")
    _refuse_expired(rows, at, "retry")
    # at least one attempt stays on record, so that the channel looks whether the key has gone out
    again = case((messages.c.attempts > 0, 1), else_=0)
    change(
        connection,
        [row.id for row in rows],
        state="due",
        reason=None,
        error=None,
        released_at=None,
        claimed_until=None,
        attempts=again,
        in_doubt=case((messages.c.state == "uncertain", 1), else_=messages.c.in_doubt),
    )
    wake(connection, {row.customer_id for row in rows}, at)
    return _record(connection, rows, author, at, "retry", reason)


def _end(
    connection: Connection, rows: Sequence[Any], author: str, at: Instant, action: str, reason: str | None
) -> int:
    change(
        connection,
        [row.id for row in rows],
        state="cancelled",
        reason=str(Reason.REJECTED),
        released_at=at,
        claimed_by=None,
        claimed_until=None,
    )
    wake(connection, {row.customer_id for row in rows}, at)
    return _record(connection, rows, author, at, action, reason)


def _rows(connection: Connection, ids: Sequence[int], action: Act) -> list[Any]:
    allowed = ALLOWED[action]
    wanted = sorted(set(ids))
    if wanted and not -(2**63) <= wanted[0] <= wanted[-1] < 2**63:
        raise OutboxError(
            f"Cannot {action}: there is no message {wanted[0] if wanted[0] < 0 else wanted[-1]}. Nothing "
            "was changed."
        )
    columns = (
        messages.c.id,
        messages.c.key,
        messages.c.customer_id,
        messages.c.state,
        messages.c.expires_at,
        messages.c.reason,
    )
    rows = [
        row
        for part in portions(wanted)
        for row in connection.execute(select(*columns).where(messages.c.id.in_(part)))
    ]
    unknown = sorted(set(wanted) - {row.id for row in rows})
    if unknown:
        raise OutboxError(
            f"Cannot {action}: there is no message {_some(unknown)}. `manometer outbox` lists them. Nothing "
            "was changed."
        )
    if action == "approve":
        _refuse_set_aside(rows)
    refused = [f"{row.id} is {row.state}" for row in rows if row.state not in allowed]
    if refused:
        raise OutboxError(
            f"Cannot {action}: message {_some(refused)}; it must be {' or '.join(sorted(allowed))}. Nothing "
            "was changed."
        )
    return rows


def _refuse_set_aside(rows: Sequence[Any]) -> None:
    aside = [str(row.id) for row in rows if row.state == "held" and row.reason == Reason.SET_ASIDE]
    if aside:
        raise OutboxError(
            f"Cannot approve: message {_some(aside)} is set aside, since working on it failed. `manometer "
            "quarantine` says why and releases it. Nothing was changed."
        )


def _refuse_expired(rows: Sequence[Any], at: Instant, action: str) -> None:
    over = [f"{row.id} expired {format_instant(row.expires_at)}" for row in rows if row.expires_at < at]
    if over:
        raise OutboxError(
            f"Cannot {action}: message {_some(over)}. It would come too late. Nothing was changed."
        )


def _some(items: Sequence[object]) -> str:
    shown = ", ".join(str(item) for item in items[:5])
    return f"{shown} and {len(items) - 5} more" if len(items) > 5 else shown


def _record(
    connection: Connection, rows: Sequence[Any], author: str, at: Instant, action: str, reason: str | None
) -> int:
    details = {str(row.id): {"key": row.key, "was": row.state} for row in rows}
    audit.record_each(connection, at, author, f"outbox {action}", details.items(), reason)
    return len(rows)


ACTS: Final[Mapping[Act, Callable[[Connection, Sequence[int], str, Instant, str | None], int]]] = {
    "approve": approve,
    "reject": reject,
    "retry": retry,
    "cancel": cancel,
}
"""Each takes the messages' ids, who acts, the instant and the reason, and says how many messages it was."""


# ---- what an act would do ----


class _Choice(NamedTuple):
    """What an act has to know of a message."""

    id: int
    customer_id: int
    trigger: str
    channel: str
    state: str
    planned_at: Instant
    expires_at: Instant


def effect(connection: Connection, action: Act, chosen: Sequence[int], at: Instant) -> ActEffect:
    """What `approve`, `reject`, `cancel` or `retry` would do to the chosen messages at the instant."""
    reached, refused, too_late = list[_Choice](), Counter[str](), 0
    for values in rows_of(
        connection,
        select(*[messages.c[name] for name in _Choice._fields]).where(messages.c.id.in_(WANTED)),
        chosen,
    ):
        row = _Choice(*values)
        if row.state not in ALLOWED[action]:
            refused[row.state] += 1
        elif action in SENDING and row.expires_at < at:
            too_late += 1
        else:
            reached.append(row)
    return ActEffect(
        action=action,
        ids=[row.id for row in reached],
        customers=len({row.customer_id for row in reached}),
        triggers=Counter(row.trigger for row in reached),
        channels=Counter(row.channel for row in reached),
        refused=refused,
        too_late=too_late,
        first_planned=min((row.planned_at for row in reached), default=None),
        first_expiry=min((row.expires_at for row in reached), default=None),
        at=at,
    )


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
    query = (
        select(*[messages.c[name] for name in HeldRow._fields])
        .where(WAITING, messages.c.state == "held", messages.c.reason.is_distinct_from(str(Reason.SET_ASIDE)))
        .order_by(messages.c.id)
    )
    if chosen is None:
        return [HeldRow(*row) for row in connection.execute(query)]
    return [
        HeldRow(*values) for values in rows_of(connection, query.where(messages.c.id.in_(WANTED)), chosen)
    ]


def waiting_for_room(connection: Connection, customer_ids: Collection[int]) -> int:
    """How many of these customers have a step that waits for room under a limit, or for a stronger one."""
    columns = enrolments.c
    reasons = [str(Reason.PRESSURE), str(Reason.LOWER_PRIORITY)]
    mine = (columns.customer_id.in_(WANTED), columns.state == "open", columns.waits_for.in_(reasons))
    return len(rows_of(connection, select(columns.customer_id).distinct().where(*mine), customer_ids))
