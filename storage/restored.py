"""A database that was restored: what was sent since the backup is unknown to it, so that all sending is held
until the outbox was compared with what the channels recorded. Instants are ms UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select, update

from core.instants import Instant, format_instant
from core.model.delivery import mail_number
from core.model.pauses import ALL_SENDING, EVERYTHING, Pause
from core.model.reasons import Reason
from storage import audit, pauses
from storage.leases import SCHEDULER
from storage.outbox.dispatch import WAITING, change, portions, wake
from storage.schema.messages import messages
from storage.schema.workspace import leases
from storage.store import meta, set_meta

RESTORED: Final = pauses.RESTORED
UNKNOWN: Final = "it was on its way when the backup was made"


def hold_sending(
    connection: Connection, at: Instant, author: str, source: str, term: int, made_at: Instant | None
) -> int:
    """Hold all sending of a database that was just restored, and tell so in its audit; how many messages
    were on their way, of which nobody can tell. `term` is the last one of a lease that anybody may remember.
    """
    claimed = select(messages.c.id).where(WAITING, messages.c.state == "claimed")
    on_their_way = list(connection.execute(claimed).scalars())
    change(
        connection, on_their_way, state="uncertain", reason=str(Reason.CHANNEL_ERROR), error=UNKNOWN,
        claimed_by=None, claimed_until=None,
    )  # fmt: skip
    connection.execute(
        update(leases)
        .where(leases.c.name == SCHEDULER)
        .values(term=max(term, _term(connection)) + 1, renewed_at=0, expires_at=0)
    )
    reason = f"restored from {source}: compare the outbox with the channels' records first"
    stopped = pauses.current(connection, at).get(EVERYTHING)
    if stopped is None:
        pauses.pause(connection, Pause(ALL_SENDING, at, transactional=True), author, reason)
    elif not stopped.pause.transactional:
        pauses.widen(connection, stopped, at, author, reason)
    set_meta(connection, RESTORED, json.dumps({"at": at, "source": source, "made_at": made_at}))
    detail = {"made_at": None if made_at is None else format_instant(made_at), "uncertain": len(on_their_way)}
    audit.record(connection, at, author, "restore", source, None, detail)
    return len(on_their_way)


def _term(connection: Connection) -> int:
    query = select(leases.c.term).where(leases.c.name == SCHEDULER)
    return connection.execute(query).scalar_one_or_none() or 0


def last_term(connection: Connection) -> int:
    """The term of the last lease, 0 where there never was one."""
    return _term(connection)


def is_held(connection: Connection) -> bool:
    """Whether sending waits for the outbox to be compared."""
    return meta(connection, RESTORED) is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the channels' records said: `sent` messages the outbox did not know as such, `known` ones it did,
    and `unknown` keys of messages that it has not at all.
    """

    sent: int
    known: int
    unknown: int
    waiting: Mapping[str, int]
    """By channel, messages that wait and that no record has."""


def compare(
    connection: Connection,
    recorded: Collection[str],
    at: Instant,
    author: str,
    *,
    ignore_unknown: bool = False,
) -> Comparison:
    """Mark as sent what the channels recorded: keys of messages, or what mails are numbered by
    (`mail_number`). Ends the hold, but not the stop, where the outbox has all of them.
    """
    open_, known, seen = [], 0, set[str]()
    waiting: dict[str, int] = {}
    for row in connection.execute(_all_messages().execution_options(yield_per=2_000)):
        name = row.key if row.key in recorded else mail_number(row.key)
        if name in recorded:
            seen.add(name)
            known += row.state == "sent"
            if row.state != "sent":
                open_.append(row)
        elif row.state in ("planned", "held", "due", "claimed", "uncertain"):
            waiting[row.channel] = waiting.get(row.channel, 0) + 1
    _mark_sent(connection, open_, at, author)
    unknown = len(set(recorded) - seen)
    if ignore_unknown or not unknown:
        set_meta(connection, RESTORED, None)
    return Comparison(len(open_), known, unknown, waiting)


def _all_messages() -> Any:
    columns = messages.c
    return select(
        columns.id, columns.key, columns.customer_id, columns.channel, columns.state, columns.planned_at
    ).order_by(columns.id)


def _mark_sent(connection: Connection, rows: Sequence[Any], at: Instant, author: str) -> None:
    for part in portions([row.id for row in rows]):
        connection.execute(
            update(messages).where(messages.c.id.in_(part)).values(
                state="sent", sent_at=messages.c.planned_at, reason=None, error=None, released_at=None,
                claimed_by=None, claimed_until=None,
            )
        )  # fmt: skip
    wake(connection, {row.customer_id for row in rows}, at)
    details = {str(row.id): {"key": row.key, "was": row.state} for row in rows}
    audit.record_each(connection, at, author, "outbox compare", details.items())
