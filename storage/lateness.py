"""What is late: messages that nobody hands over, claims that nobody gives back, sources that say nothing. All
of it costs milliseconds, however much is late. Instants are ms UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, not_, or_, select

from core.instants import Instant
from storage.outbox.dispatch import WAITING
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import meta, set_meta

MOST: Final = 5_000
"""More messages than so many are not looked at: the oldest say enough."""
HEARD: Final = "sources_heard"
"""The fact of when each source was last heard: JSON of `upto`, an event's number, and `at` by source."""
MOST_EVENTS: Final = 200_000
"""So many events are looked at for who was heard since."""


@dataclass(slots=True)
class LateMessages:
    """Messages of one channel that are late, as far as they were looked at."""

    number: int = 0
    oldest: Instant = 0
    triggers: set[str] = field(default_factory=set)


def overdue(
    connection: Connection, at: Instant, before: Instant, held: Sequence[ColumnElement[bool]] = ()
) -> dict[str, LateMessages]:
    """By channel, what was to be handed over before an instant and is not claimed; not what waits for another
    attempt, nor what one of `held` says of its row.
    """
    free = or_(messages.c.claimed_until.is_(None), messages.c.claimed_until <= at)
    found: dict[str, LateMessages] = {}
    for state in ("planned", "due"):
        query = _oldest(state, messages.c.planned_at).where(
            messages.c.planned_at <= before, free, *(not_(each) for each in held)
        )
        _add(found, connection, query)
    return found


def claimed(connection: Connection, until: Instant) -> dict[str, LateMessages]:
    """By channel, claims that end before an instant; `oldest` is when the first of them ends."""
    found: dict[str, LateMessages] = {}
    query = _oldest("claimed", messages.c.claimed_until).where(messages.c.claimed_until <= until)
    _add(found, connection, query)
    return found


def _oldest(state: str, instant: ColumnElement[Instant]) -> Select[Any]:
    return (
        select(messages.c.channel, instant, messages.c.trigger)
        .where(WAITING, messages.c.state == state)
        .order_by(messages.c.planned_at)
        .limit(MOST)
    )


def _add(found: dict[str, LateMessages], connection: Connection, query: Select[Any]) -> None:
    for channel, instant, trigger in connection.execute(query):
        late = found.setdefault(channel, LateMessages(oldest=instant))
        late.number += 1
        late.oldest = min(late.oldest, instant)
        late.triggers.add(trigger)


def moves(connection: Connection, channel: str, triggers: Collection[str], since: Instant) -> bool:
    """Whether a message of one of the triggers has gone out over the channel since an instant."""
    query = select(messages.c.id).where(
        messages.c.trigger.in_(sorted(triggers)), messages.c.sent_at >= since, messages.c.channel == channel
    )
    return connection.execute(query.limit(1)).first() is not None


# ---- intake ----


def last_arrival(connection: Connection) -> Instant | None:
    """When the newest event arrived."""
    newest = select(events.c.arrived_at).order_by(events.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


def heard(connection: Connection) -> Mapping[str, Instant]:
    """When each source was last heard, by what was kept and the events since."""
    return _heard(connection)[1]


def keep_heard(connection: Connection) -> None:
    """Keep that, so that the next look has less to read."""
    upto, at = _heard(connection)
    set_meta(connection, HEARD, json.dumps({"upto": upto, "at": at}))


def _heard(connection: Connection) -> tuple[int, dict[str, Instant]]:
    kept = json.loads(meta(connection, HEARD) or '{"upto": 0, "at": {}}')
    newest = connection.execute(select(func.max(events.c.id))).scalar_one() or 0
    after = max(int(kept["upto"]), newest - MOST_EVENTS)
    said = select(events.c.source, func.max(events.c.arrived_at)).where(events.c.id > after)
    at: dict[str, Instant] = {str(name): int(instant) for name, instant in kept["at"].items()}
    for name, instant in connection.execute(said.group_by(events.c.source)):
        at[name] = max(instant, at.get(name, instant))
    return newest, at
