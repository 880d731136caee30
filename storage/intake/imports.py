"""The record of every import: which file, when, and what became of its lines."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, update

from core.instants import Instant
from storage.schema.intake import imports
from storage.schema.keys import next_id


def begin(
    connection: Connection, at: Instant, path: str, profile: str | None, counts: Mapping[str, int]
) -> int:
    """Note an import with its first counts: `lines taken duplicate rejected finished`; its number."""
    number = next_id(connection, imports)
    connection.execute(insert(imports).values(id=number, at=at, path=path, profile=profile, **counts))
    return number


def note(connection: Connection, number: int, counts: Mapping[str, int]) -> None:
    """Note how far an import has come."""
    connection.execute(update(imports).where(imports.c.id == number).values(**counts))
