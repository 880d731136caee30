"""Which customers a preview has to play."""

from __future__ import annotations

from sqlalchemy import Connection, exists, or_, select, text

from core.instants import Instant
from storage.tables import customers, events


def begin(connection: Connection) -> None:
    """Fix the snapshot that this connection reads from now on."""
    connection.execute(text("SELECT 1 FROM facts LIMIT 1")).all()


def due_by(connection: Connection, until: Instant, version: int) -> list[int]:
    """Ids of the customers with an instant up to `until`, or planned under an older playbook; of all where none was ever applied."""
    query = select(customers.c.id).where(customers.c.merged_into.is_(None))
    if version:
        query = query.where(or_(customers.c.next_due_at <= until, customers.c.planned_version < version))
    return list(connection.execute(query.order_by(customers.c.id)).scalars())


def known_by(connection: Connection, instant: Instant) -> list[int]:
    """Ids of the customers of whom anything was recorded up to the instant."""
    known = exists().where(events.c.customer_id == customers.c.id, events.c.occurred_at <= instant)
    return list(
        connection.execute(select(customers.c.id).where(customers.c.merged_into.is_(None), known).order_by(customers.c.id)).scalars()
    )
