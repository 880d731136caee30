"""The one place that chooses the SQLite library, and how a connection to it is set up.

A process must never open the database with two SQLite libraries, nor open the file by itself: closing the
file drops the locks that SQLite holds on it. Everything else asks this module for an engine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from core.errors import ManometerError
from storage.rights import made_file

try:
    from pysqlite3 import dbapi2 as _dbapi
except ImportError:  # no wheel for this platform: the standard library's, if it is safe
    from sqlite3 import dbapi2 as _dbapi

dbapi: Final[Any] = _dbapi
VERSION: Final[tuple[int, int, int]] = dbapi.sqlite_version_info

BUSY_TIMEOUT: Final = 10.0
"""Seconds a transaction waits for another process's write lock."""
ROLLBACK_VARIABLE: Final = "MANOMETER_ROLLBACK_JOURNAL"

_SETTINGS: Final = (
    "synchronous=FULL",  # NORMAL loses acknowledged commits when the power fails
    "foreign_keys=ON",
    "journal_size_limit=67108864",
    "trusted_schema=OFF",
    "mmap_size=0",
)
_NETWORK_FILE_SYSTEMS: Final = (
    "nfs",
    "cifs",
    "smb",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.gcsfuse",
    "ceph",
    "glusterfs",
    "afs",
)


class StoreError(ManometerError):
    """The database is missing, damaged, busy, full, too new, or on an SQLite library that can corrupt it."""


def is_safe(version: tuple[int, int, int]) -> bool:
    """Whether the library has the fix of the WAL-reset race (3.51.3, also in 3.50.7 and 3.44.6;
    https://sqlite.org/wal.html#walresetbug).
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


def journal_mode(version: tuple[int, int, int] = VERSION, environment: Mapping[str, str] = os.environ) -> str:
    """`wal` on a safe library, `delete` on an unsafe one where that was asked for; StoreError otherwise."""
    if is_safe(version):
        return "wal"
    if environment.get(ROLLBACK_VARIABLE) == "1":
        return "delete"
    shown = ".".join(map(str, version))
    raise StoreError(
        f"SQLite {shown} is loaded, which can corrupt a database that several processes write. Install the "
        "package pysqlite3, "
        f"or a system library of 3.51.3 or later (3.50.7 and 3.44.6 have the fix too). "
        f"To go on with the slower rollback journal set {ROLLBACK_VARIABLE}=1."
    )


CACHE_KIB: Final = 65_536
"""What one connection may keep of the database in memory, in KiB."""


def make_engine(
    path: Path, *, writer: bool, cache_kib: int = CACHE_KIB, patience: float | None = None
) -> Engine:
    """An engine on an existing database file: a writer's transactions take the write lock at their start, a
    reader's cannot write. `patience`: seconds to wait for another process's lock, `BUSY_TIMEOUT` by default.
    """
    journal = journal_mode()
    url = URL.create("sqlite", database=str(path))
    waits = {"timeout": BUSY_TIMEOUT if patience is None else patience}
    engine = create_engine(url, module=dbapi, connect_args=waits, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(raw: Any, _: Any) -> None:
        raw.isolation_level = None  # the driver would begin deferred transactions, which lose updates
        settings = (*_SETTINGS, f"cache_size=-{cache_kib}", *(() if writer else ("query_only=ON",)))
        if journal == "delete":
            settings = ("journal_mode=delete", *settings)
        for setting in settings:
            raw.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


@contextmanager
def interruptible(connection: Connection, cancelled: Callable[[], bool], every: int) -> Iterator[None]:
    """While it lasts a statement of the connection ends with an OperationalError soon after `cancelled` says
    yes.

    It is asked each `every` steps of SQLite's machine, and so is what an outer one asks.
    """
    raw: Any = connection.connection.driver_connection
    asked: list[tuple[Callable[[], bool], int]] = connection.info.setdefault("interruptible", [])
    asked.append((cancelled, every))
    _ask(raw, asked)
    try:
        yield
    finally:
        asked.pop()
        _ask(raw, asked)


def _ask(raw: Any, asked: Sequence[tuple[Callable[[], bool], int]]) -> None:
    if not asked:
        raw.set_progress_handler(None, 0)
        return
    questions = [cancelled for cancelled, _ in asked]
    raw.set_progress_handler(
        lambda: int(any(question() for question in questions)), min(every for _, every in asked)
    )


def create_file(path: Path) -> None:
    """Make an empty database file in the right journal mode; StoreError where it exists or its place is
    unfit.
    """
    if path.exists():
        raise StoreError(f"{path}: the database exists already. Open it, or name another file.")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist. Create it first.")
    refuse_network_file_system(path.parent)
    lay_empty(path)


def lay_empty(path: Path) -> None:
    """Make an empty database in the right journal mode, or put one right whose making was broken off;
    StoreError where the place is unfit.
    """
    mode = journal_mode()
    try:
        with suppress(FileExistsError):
            os.close(made_file(path))  # SQLite gives its other files the same rights
        raw = dbapi.connect(str(path))
        try:
            got = raw.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
        finally:
            raw.close()
    except (dbapi.Error, OSError) as error:
        raise StoreError(
            f"{path}: cannot create the database: {error}. Check the rights and the space of the folder."
        ) from None
    if got != mode:
        raise StoreError(
            f"{path}: the file system does not support SQLite's {mode} journal. Put the database on a local "
            "disk."
        )


def refuse_network_file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """StoreError where the folder lies on a network file system: processes on one host must share memory with
    the database.
    """
    kind = _file_system(folder.resolve(), mounts)
    if kind is not None and kind.startswith(_NETWORK_FILE_SYSTEMS):
        raise StoreError(
            f"{folder} lies on a network file system ({kind}), where SQLite's locks do not hold. Use a "
            "local disk."
        )


def _file_system(folder: Path, mounts: Path) -> str | None:
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    best: tuple[int, str] | None = None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if folder.is_relative_to(point) and (best is None or len(point) >= best[0]):
            best = (len(point), fields[2])
    return best[1] if best else None
