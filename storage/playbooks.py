"""The versions of the workspace's files that were put in force, whole, so that each can be read again. Instants are ms UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from core.instants import Instant
from storage.tables import playbooks


@dataclass(frozen=True, slots=True)
class PlaybookVersion:
    """One applied version: its number from 1, and the text of every file by its path in the workspace."""

    version: int
    applied_at: Instant
    author: str
    files: Mapping[str, str]
    summary: str


def newest(connection: Connection) -> PlaybookVersion | None:
    """The version in force; None where none was ever applied."""
    row = connection.execute(select(playbooks).order_by(playbooks.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else PlaybookVersion(row.version, row.applied_at, row.author, json.loads(row.files), row.summary)


def up_to(connection: Connection, at: Instant) -> list[PlaybookVersion]:
    """The versions put in force up to an instant, oldest first; the first one of all where there was none yet."""
    rows = connection.execute(select(playbooks).where(playbooks.c.applied_at <= at).order_by(playbooks.c.version)).all()
    found = rows or connection.execute(select(playbooks).order_by(playbooks.c.version).limit(1)).all()
    return [PlaybookVersion(row.version, row.applied_at, row.author, json.loads(row.files), row.summary) for row in found]


def newest_version(connection: Connection) -> int:
    """The number of the version in force; 0 where none was ever applied."""
    return connection.execute(select(playbooks.c.version).order_by(playbooks.c.version.desc()).limit(1)).scalar_one_or_none() or 0


def add(connection: Connection, at: Instant, author: str, files: Mapping[str, str], summary: str) -> int:
    """Store the files as the next version; its number."""
    version = newest_version(connection) + 1
    text = json.dumps(dict(files), ensure_ascii=False)
    connection.execute(insert(playbooks).values(version=version, applied_at=at, author=author, files=text, summary=summary))
    return version
