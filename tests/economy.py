"""What is the same for every test is done once a process: the schema of a new database is laid once and then
copied, the SQL of a statement is compiled once, and the folders of tests lie in memory.

Nothing of it is seen by processes that a test starts: those go the whole way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from sqlalchemy import Engine
from sqlalchemy import create_engine as new_engine

from storage import sqlite
from storage.schema import migrations

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 2 * 2**30
"""Bytes that must be free in memory before the folders of tests are put there."""
ROOT_OF_FOLDERS: Final = "PYTEST_DEBUG_TEMPROOT"

_lay = migrations.migrate


def folders_in_memory() -> None:
    """Let `tmp_path` lie in memory, where a forced write waits for no disk; not where somebody chose a place,
    where there is little room, or where nothing in memory may be run.
    """
    if ROOT_OF_FOLDERS in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    found = os.statvfs(MEMORY)
    if found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ[ROOT_OF_FOLDERS] = str(MEMORY)


# ---- schema ----


@lru_cache(maxsize=2)
def _new_database(mode: str) -> bytes:
    """A database with the newest schema, laid step by step, for that journal mode."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        sqlite.create_file(path)
        _lay(path)
        return path.read_bytes()


def migrate(path: Path, **options: Any) -> tuple[int, int]:
    """As `storage.schema.migrations.migrate`; a database without any table gets a copy of one that was laid
    before.
    """
    if options or migrations.version_of(path) or not migrations.is_empty(path):
        return _lay(path, **options)
    with path.open("r+b") as file:  # never empty in between
        file.write(_new_database(sqlite.journal_mode()))
    return 0, migrations.NEWEST


# ---- statements ----


@lru_cache(maxsize=1)
def _first_engine() -> Engine:
    """An engine that has been connected: it knows what its library can do."""
    engine = new_engine("sqlite://", module=sqlite.dbapi, hide_parameters=True, query_cache_size=3000)
    engine.connect().close()
    return engine


def create_engine(*words: Any, **options: Any) -> Engine:
    """As SQLAlchemy's; statements are compiled for all engines together."""
    engine = new_engine(*words, **options)
    engine.dialect, engine._compiled_cache = _first_engine().dialect, _first_engine()._compiled_cache
    return engine


@contextmanager
def at_work() -> Iterator[None]:
    """While it lasts schemas and statements are shared."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrations, "migrate", migrate)
        patched.setattr(sqlite, "create_engine", create_engine)
        yield
