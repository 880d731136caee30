"""Copies of a database: a snapshot of it as a file, whether one is sound, and one put in a database's
place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from storage.sqlite import BUSY_TIMEOUT, StoreError, dbapi
from storage.store import Store

_PAGES: Final = 1_024
_MOST_FAULTS: Final = 3


def copy_database(store: Store, target: Path) -> None:
    """One snapshot of the database as a new file, readable by its owner only; StoreError where there is no
    room for it, or it cannot be read.
    """
    try:
        target.touch(mode=0o600, exist_ok=False)
        copy_snapshot(store.path, target)
    except (dbapi.Error, OSError) as error:
        raise StoreError(
            f"{target}: the copy of the database cannot be made: {error}. It needs as much room as the "
            "database does; TMPDIR names another place."
        ) from error


def copy_snapshot(path: Path, target: Path) -> None:
    """What the database holds at one moment into an empty file, while others go on writing; the file needs
    no other beside it. Errors of the driver where it cannot be.
    """
    source, copy = _reading(path), dbapi.connect(str(target), isolation_level=None)
    try:
        source.execute("BEGIN")
        # holds the snapshot: no write of others begins the copy anew
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES)
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()
    finally:
        copy.close()
        source.close()
    _force_to_disk(target)


def fault_of(path: Path) -> str | None:
    """What is wrong with a database file; None where it is sound."""
    raw = _reading(path)
    try:
        found = [row[0] for row in raw.execute(f"PRAGMA integrity_check({_MOST_FAULTS})")]
        if found != ["ok"]:
            return "; ".join(found)
        orphans = raw.execute("PRAGMA foreign_key_check").fetchmany(_MOST_FAULTS)
        return (
            f"rows without their parent in {', '.join(str(row[0]) for row in orphans)}" if orphans else None
        )
    except dbapi.DatabaseError as error:
        return str(error)
    finally:
        raw.close()


def put_in_place(copy: Path, database: Path) -> None:
    """Make a database what the copy is, in one transaction, so that a crash leaves the one or the other.
    Errors of the driver where it cannot be; StoreError where somebody holds the database for longer than a
    transaction waits.
    """
    source = _reading(copy)
    target = dbapi.connect(str(database), timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        target.execute("PRAGMA synchronous=FULL")
        source.backup(target, pages=-1, progress=_Patience(), sleep=_Patience.EACH)
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        target.close()
        source.close()


class _Patience:
    """The driver tries for ever where the database is busy; this ends it."""

    EACH: Final = 0.25

    def __init__(self) -> None:
        self._left = round(BUSY_TIMEOUT / self.EACH)

    def __call__(self, _status: int, _remaining: int, _total: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise StoreError("Another process holds the database. Stop everything that uses it.")


def _reading(path: Path) -> Any:
    return dbapi.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None)


def _force_to_disk(path: Path) -> None:
    for name in (path, path.parent):
        file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
