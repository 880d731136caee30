"""What became of those who entered a trigger within a span, step by step. Instants are ms UTC."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select

from core.instants import Instant, local_date
from core.model.fates import Fate, fate_of
from core.model.journey_map import JourneyMap, JourneyStep
from storage.outbox import digests
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.sql import NO_ROW

_PUT_OFF: Final = (Fate.LATER, Fate.HELD)
"""Of a decision: where nobody waits for it any more, the journey ended first, and it never goes out."""


def journey_map(
    connection: Connection,
    trigger: str,
    since: Instant,
    at: Instant,
    zone: ZoneInfo,
    is_held_up: ColumnElement[bool] = NO_ROW,
) -> JourneyMap:
    """The numbers of those who entered in (since, at]; `is_held_up` is the condition on a message that a
    pause holds.
    """
    columns = enrolments.c
    entered = select(
        columns.id, columns.entered_at, columns.state, columns.step, columns.variant, columns.goal_at
    ).where(columns.trigger == trigger, columns.entered_at > since, columns.entered_at <= at)
    days, variants = Counter[date](), Counter[str]()
    holdout = under_way = reached = 0
    standing: dict[int, int] = {}  # before which step somebody under way stands, by enrolment
    for row in connection.execute(entered):
        if row.state == "holdout":
            holdout += 1
            continue
        days[local_date(row.entered_at, zone)] += 1
        if row.variant is not None:
            variants[row.variant] += 1
        reached += row.goal_at is not None
        if row.state == "open":
            under_way += 1
            standing[row.id] = row.step
    steps = _steps(connection, trigger, since, at, standing, is_held_up)
    return JourneyMap(
        since, at, _every_day(days, local_date(since, zone), local_date(at, zone)), steps, dict(variants),
        holdout, under_way, reached,
    )  # fmt: skip


def _steps(
    connection: Connection,
    trigger: str,
    since: Instant,
    at: Instant,
    standing: dict[int, int],
    is_held_up: ColumnElement[bool],
) -> dict[int, JourneyStep]:
    steps: dict[int, JourneyStep] = defaultdict(JourneyStep)
    for step in standing.values():
        steps[step].fates[Fate.LATER] += 1
    query = (
        select(
            decisions.c.enrolment_id, decisions.c.step, decisions.c.outcome, decisions.c.reason,
            digests.STATE, digests.REASON, func.coalesce(is_held_up, NO_ROW),
        )
        .join(enrolments, enrolments.c.id == decisions.c.enrolment_id)
        .outerjoin(messages, messages.c.id == decisions.c.message_id)
        .where(
            decisions.c.trigger == trigger, decisions.c.at > since,
            enrolments.c.entered_at > since, enrolments.c.entered_at <= at,
            enrolments.c.state != "holdout",
        )
        .order_by(decisions.c.id)
    )  # fmt: skip
    last = {}
    for enrolment, step, *said in connection.execute(query):
        if standing.get(enrolment) != step:  # who waits before it is counted there
            last[enrolment, step] = said
    for (_, step), (outcome, reason, state, message_reason, is_paused) in last.items():
        fate = fate_of(outcome, reason, state, message_reason, is_paused=bool(is_paused))
        is_over = state is None and fate in _PUT_OFF
        steps[step].fates[Fate.NEVER if is_over else fate] += 1
    return dict(sorted(steps.items()))


def _every_day(days: Counter[date], first: date, last: date) -> list[tuple[date, int]]:
    number = (last - first).days + 1
    return [(day, days[day]) for day in (first + timedelta(days=place) for place in range(number))]
