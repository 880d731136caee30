"""Keys of rows: whole numbers that grow with time."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, select


def next_id(connection: Connection, table: Table) -> int:
    """The first free key of a table; safe within a writing transaction, of which there is one at a time."""
    highest: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    return highest + 1
