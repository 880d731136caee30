"""The record of every import: which file, when, and what became of its lines."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from core.instants import Instant
from storage.schema.intake import ImportRow
from storage.session import session


def begin(
    connection: Connection, at: Instant, path: str, profile: str | None, counts: Mapping[str, int]
) -> int:
    """Note an import with its first counts: `lines taken duplicate rejected finished`; its number."""
    row = ImportRow(at=at, path=path, profile=profile, **counts)
    with session(connection) as opened:
        opened.add(row)
    assert row.id is not None
    return row.id


def note(connection: Connection, number: int, counts: Mapping[str, int]) -> None:
    """Note how far an import has come."""
    with session(connection) as opened:
        opened.get_one(ImportRow, number).sqlmodel_update(dict(counts))
