"""Channels and sources in numbers. Instants are ms UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import ColumnElement, Connection, case, func, select, text

from core.instants import DAY, HOUR, Instant
from core.model.reasons import Reason
from core.model.ways import ChannelFigures
from storage.lateness import MOST_EVENTS
from storage.outbox.dispatch import TROUBLE, WAITING
from storage.schema.events import events
from storage.schema.messages import messages
from storage.schema.playbooks import triggers

WAS_SENT: Final = text("sent_at IS NOT NULL")  # word for word as in the partial index
LATELY: Final = 7 * DAY


def channel_figures(connection: Connection, names: Iterable[str], at: Instant) -> dict[str, ChannelFigures]:
    """Of each of these channels what it did and has to do."""
    due, sent, trouble = _due(connection, at), _sent(connection, at), _trouble(connection)
    bounced = _bounced(connection, at)
    held, aside = _held(connection)
    found = {}
    for name in names:
        number, oldest = due.get(name, (0, None))
        hour, day, last = sent.get(name, (0, 0, None))
        found[name] = ChannelFigures(
            number, oldest, hour, day, last, bounced[name], held[name], trouble[name, "failed"],
            trouble[name, "uncertain"], aside[name],
        )  # fmt: skip
    return found


def _due(connection: Connection, at: Instant) -> Mapping[str, tuple[int, Instant]]:
    query = (
        select(messages.c.channel, func.count(), func.min(messages.c.planned_at))
        .where(WAITING, messages.c.state.in_(("planned", "due")), messages.c.planned_at <= at)
        .group_by(messages.c.channel)
    )
    return {channel: (number, oldest) for channel, number, oldest in connection.execute(query)}


def _sent(connection: Connection, at: Instant) -> Mapping[str, tuple[int, int, Instant]]:
    """By channel, what was handed over in the last hour and day, and when the last was; of an index alone."""
    sent_at = messages.c.sent_at
    query = (
        select(
            messages.c.channel,
            func.sum(case((sent_at > at - HOUR, 1), else_=0)),
            func.sum(case((sent_at > at - DAY, 1), else_=0)),
            func.max(sent_at),
        )
        .where(*_sent_since(at - LATELY, at))
        .group_by(messages.c.channel)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


def _bounced(connection: Connection, at: Instant) -> Counter[str]:
    query = (
        select(messages.c.channel, func.count())
        .where(*_sent_since(at - DAY, at), messages.c.state.in_(("bounced", "complained")))
        .group_by(messages.c.channel)
    )
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def _sent_since(since: Instant, at: Instant) -> tuple[ColumnElement[bool], ...]:
    sent_at = messages.c.sent_at
    known = messages.c.trigger.in_(select(triggers.c.name))
    return (WAS_SENT, known, sent_at > since, sent_at <= at)  # type: ignore[return-value]


def _trouble(connection: Connection) -> Counter[tuple[str, str]]:
    query = (
        select(messages.c.channel, messages.c.state, func.count())
        .where(TROUBLE)
        .group_by(messages.c.channel, messages.c.state)
    )
    return Counter({(channel, state): number for channel, state, number in connection.execute(query)})


def _held(connection: Connection) -> tuple[Counter[str], Counter[str]]:
    """By channel, what waits for an operator, and what is set aside."""
    is_aside = messages.c.reason.is_not_distinct_from(str(Reason.SET_ASIDE))
    query = (
        select(messages.c.channel, is_aside, func.count())
        .where(WAITING, messages.c.state == "held")
        .group_by(messages.c.channel, is_aside)
    )
    held, aside = Counter[str](), Counter[str]()
    for channel, is_set_aside, number in connection.execute(query):
        (aside if is_set_aside else held)[channel] += number
    return held, aside


def last_errors(connection: Connection) -> dict[str, str]:
    """By channel, what was said of the newest message that failed or whose end is not known."""
    newest = select(func.max(messages.c.id)).where(TROUBLE).group_by(messages.c.channel)
    query = select(messages.c.channel, messages.c.error, messages.c.reason).where(messages.c.id.in_(newest))
    return {channel: str(error or reason or "") for channel, error, reason in connection.execute(query)}


def events_lately(connection: Connection, at: Instant) -> dict[str, tuple[int, int]]:
    """By source, the events that arrived in the last hour and in the last 24 hours, of no more than the
    newest `MOST_EVENTS` of all.
    """
    newest = connection.execute(select(func.max(events.c.id))).scalar_one() or 0
    arrived = events.c.arrived_at
    query = (
        select(events.c.source, func.sum(case((arrived > at - HOUR, 1), else_=0)), func.count())
        .where(events.c.id > newest - MOST_EVENTS, arrived > at - DAY, arrived <= at)
        .group_by(events.c.source)
    )
    return {source: (hour, day) for source, hour, day in connection.execute(query)}
