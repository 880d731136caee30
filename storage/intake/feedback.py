"""What providers report of messages, on its way in: reports that name a message by its key learn its trigger,
addresses that bounced or complained are suppressed, and what nobody understood is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import orjson
from sqlalchemy import Connection, case, func, select
from sqlalchemy.dialects.sqlite import insert

from core.instants import Instant
from core.model.bounces import BounceLimit
from core.sources.feedback import Feedback, Unread
from core.sources.segment import Incoming
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import unread
from storage.schema.messages import messages
from storage.sql import portions
from storage.suppressions import BOUNCE, COMPLAINT, SOFT_BOUNCES, Report, take_reports

_REASONS: Final = {"hard": BOUNCE, "complaint": COMPLAINT, "soft": SOFT_BOUNCES}
Known = dict[str, tuple[str, str | None]]
"""Trigger and address of messages by their keys."""


def with_triggers(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Incoming]:
    """The batch, with the trigger of its message in each report that names one of ours by its key alone."""
    if not any(one.feedback is not None and one.feedback.message is not None for one in batch):
        return batch
    known = _messages(connection, batch)
    return [one if one.feedback is None else _completed(one, one.feedback, known) for one in batch]


def _messages(connection: Connection, batch: Sequence[Incoming]) -> Known:
    keys = {one.feedback.message for one in batch if one.feedback is not None and one.feedback.message}
    found: Known = {}
    for part in portions(sorted(keys)):
        query = select(messages.c.key, messages.c.trigger, messages.c.address).where(messages.c.key.in_(part))
        found |= {key: (trigger, address) for key, trigger, address in connection.execute(query)}
    return found


def _completed(incoming: Incoming, feedback: Feedback, known: Known) -> Incoming:
    message = None if feedback.message is None else known.get(feedback.message)
    if message is None:
        return incoming
    trigger, address = message
    own = feedback.address is None and address is not None
    feedback = feedback._replace(
        trigger=feedback.trigger or trigger,
        address=address if own else feedback.address,
        medium=_medium_of(address, feedback.medium) if own and address else feedback.medium,
    )
    properties = {**incoming.properties, "trigger": feedback.trigger}
    return incoming._replace(
        properties=properties, text=orjson.dumps(properties, default=str).decode(), feedback=feedback
    )


def _medium_of(address: str, said: str) -> str:
    """The medium of an address that a report with no medium of its own is about."""
    return "sms" if said == "email" and "@" not in address else said


def take(
    connection: Connection,
    batch: Sequence[Incoming],
    arrived_at: Instant,
    limit: BounceLimit,
    *,
    history: bool,
    first: int,
) -> Counter[Unread]:
    """Suppress and count by the reports of a batch whose events are written, numbered from `first` on; what
    of it was not understood, by source and word, is noted too.
    """
    reports: list[tuple[int, Report]] = []
    found: list[tuple[str, Unread]] = []
    for number, one in enumerate(batch, first):
        if one.unread:
            found += [(one.source, each) for each in one.unread]
        if one.feedback is not None and one.feedback.verdict is not None:
            address = one.feedback.address or _address_by_trigger(connection, one, one.feedback)
            known_at = one.occurred_at if history else max(arrived_at, one.occurred_at)
            if address is None:
                found += _nowhere(one)
            else:
                reason = _REASONS[one.feedback.verdict]
                report = Report(one.feedback.medium, address, reason, one.occurred_at, known_at, one.source)
                reports.append((number, report))
    take_reports(connection, reports, limit)
    return _note_unread(connection, found, arrived_at)


def _address_by_trigger(connection: Connection, incoming: Incoming, feedback: Feedback) -> str | None:
    """The address of the customer's last message of the trigger that a report names."""
    if feedback.trigger is None or not incoming.identities:
        return None
    own = (
        select(func.coalesce(customers.c.merged_into, customers.c.id))
        .join(events, events.c.customer_id == customers.c.id)
        .where(events.c.dedup == incoming.dedup)
    )
    columns = messages.c
    query = select(columns.address).where(
        columns.customer_id.in_(own),
        columns.trigger == feedback.trigger,
        columns.sent_at <= incoming.occurred_at,
        columns.address.is_not(None),
    )
    return connection.execute(query.order_by(columns.sent_at.desc(), columns.id.desc()).limit(1)).scalar()


def _nowhere(incoming: Incoming) -> Iterator[tuple[str, Unread]]:
    """That a report concerns no address; one that names nothing at all has said so itself."""
    unnamed = Unread("address", incoming.name)
    if unnamed not in incoming.unread:
        yield incoming.source, unnamed


def _note_unread(
    connection: Connection, found: Sequence[tuple[str, Unread]], arrived_at: Instant
) -> Counter[Unread]:
    if found:
        rows = [
            {"kind": each.kind, "source": source, "word": each.word, "number": number, "last_at": arrived_at}
            for (source, each), number in Counter(found).items()
        ]
        statement, columns = insert(unread), unread.c
        newer = {
            "number": columns.number + statement.excluded.number,
            "last_at": case(
                (columns.last_at > statement.excluded.last_at, columns.last_at),
                else_=statement.excluded.last_at,
            ),
        }
        keys = [columns.kind, columns.source, columns.word]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=newer), rows)
    return Counter(each for _, each in found)
