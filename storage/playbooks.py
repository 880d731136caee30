"""The versions of the workspace's files that were put in force, whole, so that each can be read again.
Instants are ms UTC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.instants import Instant
from core.playbook.versions import UnderWay, VersionChange
from storage.schema.playbooks import PlaybookRow, playbooks
from storage.session import session


@dataclass(frozen=True, slots=True)
class PlaybookVersion:
    """One applied version: its number from 1, and the text of every file by its path in the workspace."""

    version: int
    applied_at: Instant
    author: str
    files: Mapping[str, str]
    summary: str


@dataclass(frozen=True, slots=True)
class PlaybookLine:
    """An applied version without its files; `under_way` says what happened to those under way in each trigger
    that it changed.
    """

    version: int
    applied_at: Instant
    author: str
    summary: str
    under_way: Mapping[str, UnderWay]


def newest(connection: Connection) -> PlaybookVersion | None:
    """The version in force; None where none was ever applied."""
    with session(connection) as opened:
        row = opened.scalars(select(PlaybookRow).order_by(playbooks.c.version.desc()).limit(1)).first()
    return None if row is None else _version(row)


def up_to(connection: Connection, at: Instant) -> list[PlaybookVersion]:
    """The versions put in force up to an instant, oldest first; the first one of all where there was none
    yet.
    """
    query = select(PlaybookRow).order_by(playbooks.c.version)
    with session(connection) as opened:
        rows = opened.scalars(query.where(playbooks.c.applied_at <= at)).all()
        rows = rows or opened.scalars(query.limit(1)).all()
    return [_version(row) for row in rows]


def _version(row: PlaybookRow) -> PlaybookVersion:
    assert row.version is not None
    return PlaybookVersion(row.version, row.applied_at, row.author, json.loads(row.files), row.summary)


def newest_version(connection: Connection) -> int:
    """The number of the version in force; 0 where none was ever applied."""
    return (
        connection.execute(
            select(playbooks.c.version).order_by(playbooks.c.version.desc()).limit(1)
        ).scalar_one_or_none()
        or 0
    )


def lines(connection: Connection) -> list[PlaybookLine]:
    """All versions, the newest first."""
    columns = playbooks.c
    query = select(columns.version, columns.applied_at, columns.author, columns.summary, columns.under_way)
    rows = connection.execute(query.order_by(columns.version.desc()))
    return [PlaybookLine(*row[:4], json.loads(row.under_way or "{}")) for row in rows]


def changes(connection: Connection) -> list[VersionChange]:
    """What each version did to those under way, oldest first; versions that did nothing to anybody are left
    out.
    """
    columns = playbooks.c
    query = (
        select(columns.version, columns.applied_at, columns.under_way)
        .where(columns.under_way.is_not(None))
        .order_by(columns.version)
    )
    return [
        VersionChange(row.version, row.applied_at, json.loads(row.under_way))
        for row in connection.execute(query)
    ]


def files_json(connection: Connection, version: int) -> str | None:
    """The files of a version as JSON, relative path -> text; None where there is no such version."""
    text: str | None = connection.execute(
        select(playbooks.c.files).where(playbooks.c.version == version)
    ).scalar_one_or_none()
    return text


def add(
    connection: Connection,
    at: Instant,
    author: str,
    files: Mapping[str, str],
    summary: str,
    under_way: Mapping[str, UnderWay],
) -> int:
    """Store the files as the next version; its number."""
    version = newest_version(connection) + 1
    row = PlaybookRow(
        version=version,
        applied_at=at,
        author=author,
        files=json.dumps(dict(files), ensure_ascii=False),
        summary=summary,
        under_way=json.dumps(under_way) if under_way else None,
    )
    with session(connection) as opened:
        opened.add(row)
    return version
