"""What the data of a workspace covers: which events come in, which traits and consents customers have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, distinct, func, select

from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.search import LIVING

LATEST: Final = 200_000
"""Events that are looked at, the newest."""
TRAITS: Final = ("email", "phone", "birthday", "registered_at")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Numbers of customers; `granted` by channel and purpose, `*` meaning every purpose."""

    events: frozenset[str] = frozenset()
    customers: int = 0
    traits: Mapping[str, int] = field(default_factory=dict)
    granted: Mapping[tuple[str, str], int] = field(default_factory=dict)


def coverage(connection: Connection) -> Coverage:
    """What is there now, the events of its newest `LATEST`."""
    latest = select(events.c.name).order_by(events.c.id.desc()).limit(LATEST).subquery()
    names = connection.execute(select(latest.c.name).distinct()).scalars()
    known = connection.execute(
        select(func.count(), *[func.count(customers.c[name]) for name in TRAITS]).where(LIVING)
    ).one()
    pairs = (
        select(consents.c.channel, consents.c.purpose, func.count(distinct(consents.c.customer_id)))
        .where(consents.c.state == "granted", consents.c.customer_id > 0)  # those taken back are nobody's
        .group_by(consents.c.channel, consents.c.purpose)
    )
    granted = {(channel, purpose): number for channel, purpose, number in connection.execute(pairs)}
    return Coverage(frozenset(names), known[0], dict(zip(TRAITS, known[1:])), granted)
