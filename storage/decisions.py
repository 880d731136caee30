"""What was decided, read back: a stream in order of time, customer and rank. Instants are ms UTC."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.instants import Instant
from storage.tables import customers, decisions
from storage.tables import triggers as known_triggers


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions are asked for; `since` is included, `until` is not, and None asks for all."""

    customer_id: int | None = None
    trigger: str | None = None
    outcome: str | None = None
    since: Instant | None = None
    until: Instant | None = None


def listing(connection: Connection, wanted: Filter) -> Iterator[Mapping[str, Any]]:
    """The rows of `decisions --json`, read as they are consumed."""
    columns = decisions.c
    query = (
        select(
            columns.at, customers.c.key.label("customer"), columns.trigger, columns.step, columns.channel, columns.outcome, columns.reason,
            columns.until, columns.late, func.coalesce(columns.rules, "[]").label("rules"), columns.message_id.label("message"),
        )
        .join_from(decisions, customers, customers.c.id == columns.customer_id)
        .order_by(columns.at, customers.c.key, columns.id)
        .execution_options(yield_per=500)
    )  # fmt: skip
    for row in connection.execute(_filtered(query, wanted)).mappings():
        yield {**row, "late": bool(row["late"])}


def _filtered(query: Select[Any], wanted: Filter) -> Select[Any]:
    columns = decisions.c
    equal = (("customer_id", wanted.customer_id), ("trigger", wanted.trigger), ("outcome", wanted.outcome))
    query = query.where(*[columns[name] == value for name, value in equal if value is not None])
    if wanted.since is not None:
        query = query.where(columns.at >= wanted.since)
    return query if wanted.until is None else query.where(columns.at < wanted.until)


def of_trigger(connection: Connection, customer_id: int, trigger: str, until: Instant) -> Iterator[dict[str, Any]]:
    """One customer's decisions for one trigger up to an instant, oldest first, with everything that was objected."""
    columns = decisions.c
    query = (
        select(
            columns.at, columns.trigger, columns.step, columns.channel, columns.outcome, columns.reason, columns.until, columns.late,
            columns.rules, columns.objections, columns.message_id.label("message"),
        )
        .where(columns.customer_id == customer_id, columns.trigger == trigger, columns.at <= until)
        .order_by(columns.at, columns.id)
    )  # fmt: skip
    for row in connection.execute(query).mappings():
        yield {**row, "rules": json.loads(row["rules"] or "[]"), "objections": json.loads(row["objections"] or "[]")}


def triggers(connection: Connection, also: str) -> set[str]:
    """The names of all triggers that are or were in force; and `also` where a decision names it."""
    known = set(connection.execute(select(known_triggers.c.name)).scalars())
    named = connection.execute(select(decisions.c.trigger).where(decisions.c.trigger == also).limit(1)).scalar_one_or_none()
    return known if named is None else known | {named}
