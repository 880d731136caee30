"""The database of a workspace: opening it, reading one snapshot, writing one unit of work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, OperationalError

from storage.schema import migrations
from storage.schema.workspace import facts
from storage.sqlite import (
    CACHE_KIB,
    StoreError,
    create_file,
    dbapi,
    lay_empty,
    make_engine,
    refuse_network_file_system,
)

Fence = Callable[[Connection], None]
"""Raises where its owner may not write any more."""
CHECKPOINT_PATIENCE: Final = 500
"""Milliseconds a checkpoint that shortens the log waits for readers."""


class TransientStoreError(StoreError):
    """The database is busy, or the disk is full or fails: the same may succeed later."""

    may_succeed_later = True


class DamagedStoreError(StoreError):
    """The file is no sound database any more; nothing should be written to it."""


class Store:
    """One database file with two engines: `reader` cannot write, `writer` takes the write lock at the start
    of a transaction.

    `cache_kib`, set before the first use, is what each connection may keep in memory, and `patience` how many
    seconds it waits for another process's lock.
    """

    def __init__(self, path: Path, *, writer: bool = True, fence: Fence | None = None) -> None:
        self.path = path
        self.cache_kib = CACHE_KIB
        self.patience: float | None = None
        self.is_writable = writer
        self._fence = fence
        self._lock = Lock()
        self._file: tuple[int, int] | None = None

    @classmethod
    def create(cls, path: Path) -> Store:
        """A new database with the newest schema; StoreError where the file exists or its place is unfit."""
        create_file(path)
        migrations.migrate(path)
        return cls(path)

    @classmethod
    def open(cls, path: Path, *, writer: bool = True) -> Store:
        """An existing database; a writer brings an older schema up to date, after a backup beside the
        file, and finishes one whose making was broken off.
        """
        if not path.is_file():
            raise StoreError(
                f"{path}: there is no database. Create a workspace with `manometer init`, or name another "
                "one."
            )
        refuse_network_file_system(path.parent)
        version = migrations.version_of(path)
        migrations.refuse_newer(path, version)
        if version == 0 and writer and migrations.is_empty(path):
            lay_empty(path)
            migrations.migrate(path)
        elif version == 0:
            raise StoreError(
                f"{path}: this is not a Manometer database. Name the right file, or create a workspace with "
                "`manometer init`."
            )
        elif version < migrations.NEWEST:
            _bring_up(path, version, writer)
        return cls(path, writer=writer)

    def fenced(self, fence: Fence) -> Store:
        """The same database, opened once more, with a question that comes first in each of its writing
        transactions.
        """
        return Store(self.path, writer=self.is_writable, fence=fence)

    @cached_property
    def reader(self) -> Engine:
        """Engine whose connections refuse writes."""
        return make_engine(self.path, writer=False, cache_kib=self.cache_kib, patience=self.patience)

    @cached_property
    def writer(self) -> Engine:
        """Engine whose transactions begin IMMEDIATE; StoreError on a store that was opened for reading."""
        if not self.is_writable:
            raise StoreError(f"{self.path}: the database was opened for reading only.")
        return make_engine(self.path, writer=True, cache_kib=self.cache_kib, patience=self.patience)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One unit of work: committed as a whole at the end, rolled back on an error."""
        self._refuse_replaced("Nothing was changed")
        with _in_words(self.path), self.writer.begin() as connection:
            if self._fence is not None:
                self._fence(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot of the database, from the first statement on; keep it short, for an open snapshot lets
        the log grow.
        """
        self._refuse_replaced()
        with _in_words(self.path), self.reader.connect() as connection:
            yield connection

    def _refuse_replaced(self, so: str = "Nothing is read from it") -> None:
        """StoreError, `so` in it, where the file is no longer the one that was opened: what is written to a
        removed file is lost without a word.
        """
        try:
            found = self.path.stat()
        except OSError:
            raise StoreError(
                f"{self.path}: the database was removed while it was open. {so}; put it back, or restore it "
                "and begin anew."
            ) from None
        file = (found.st_dev, found.st_ino)
        if self._file not in (None, file):
            raise StoreError(
                f"{self.path}: another file took the place of the database that was open. {so}; begin anew."
            )
        self._file = file

    @cached_property
    def _watch(self) -> Connection:
        return self.reader.connect()

    def data_version(self) -> int:
        """A number that changes whenever any process has committed since the last call; costs microseconds,
        so poll it.
        """
        self._refuse_replaced()
        with self._lock:
            version = int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())
            self._watch.rollback()
            return version

    def log_size(self) -> int:
        """Bytes of the write-ahead log; 0 where there is none."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return 0

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"] = "PASSIVE") -> bool:
        """Bring the write-ahead log into the database, and with TRUNCATE empty its file; whether all of it
        went.
        """
        raw = self.writer.raw_connection()
        try:
            cursor = raw.cursor()
            before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
            try:
                cursor.execute(f"PRAGMA busy_timeout={CHECKPOINT_PATIENCE:d}")
                busy, pages, done = cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout={before:d}")
                cursor.close()
        except dbapi.Error as error:
            raise TransientStoreError(
                f"{self.path}: the write-ahead log cannot be brought in: {error}."
            ) from error
        finally:
            raw.close()
        return bool(not busy and pages == done)

    def close(self) -> None:
        """Give back all connections."""
        with self._lock:
            if "_watch" in self.__dict__:
                self.__dict__.pop("_watch").close()
        for name in ("reader", "writer"):
            if name in self.__dict__:
                self.__dict__.pop(name).dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def meta(connection: Connection, name: str) -> str | None:
    """A fact about the workspace as a whole; None where it was never set."""
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def set_meta(connection: Connection, name: str, value: str | None) -> None:
    """Set a fact about the workspace, or remove it with None."""
    if value is None:
        connection.execute(delete(facts).where(facts.c.name == name))
        return
    statement = insert(facts).values(name=name, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )


def _bring_up(path: Path, version: int, writer: bool) -> None:
    if not writer:
        raise StoreError(
            f"{path}: the database has schema {version}, this release needs {migrations.NEWEST}. Run "
            "`manometer status` once."
        )
    backup = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    if not backup.exists():
        _back_up(path, backup)
    migrations.migrate(path)


def _make_safe(path: Path) -> None:
    """Force a finished file to the disk, so that a power cut after its renaming leaves it whole."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _back_up(path: Path, backup: Path) -> None:
    """A copy under its name only once it is whole, for the same people as the database; StoreError, and
    nothing left, where that fails.
    """
    part = backup.with_name(f".{backup.name}.part")
    raw = dbapi.connect(str(path))
    try:
        part.unlink(missing_ok=True)
        raw.execute("VACUUM INTO ?", (str(part),))
        part.chmod(path.stat().st_mode & 0o777)
        _make_safe(part)
        part.rename(backup)
    except (dbapi.Error, OSError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        remedy = "The database was not changed; make room beside it, or check the rights of the folder."
        raise StoreError(
            f"{backup}: the copy before the new schema cannot be made: {error}. {remedy}"
        ) from None
    finally:
        raw.close()


_PASSING: Final = (
    (
        ("SQLITE_BUSY",),
        "locked",
        "another process holds the database. Nothing was changed; try again in a moment.",
    ),
    (("SQLITE_FULL",), "is full", "the disk is full. Nothing was changed; make room and try again."),
    (
        ("SQLITE_READONLY",),
        "readonly",
        "the database cannot be written here. Check the rights of the file and its folder.",
    ),
    (
        ("SQLITE_IOERR", "SQLITE_CANTOPEN"),
        "disk I/O",
        "the disk refused to read or write. Nothing was changed; see the system's log.",
    ),
)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """The driver's errors as sentences; faults of a statement, such as a broken constraint, stay as they
    are.
    """
    try:
        yield
    except DatabaseError as error:
        told = _sentence(path, error)
        if told is None:
            raise
        raise told from error


def _sentence(path: Path, error: DatabaseError) -> StoreError | None:
    name = getattr(error.orig, "sqlite_errorname", "") or ""
    text = str(error.orig)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DamagedStoreError(
            f"{path}: the database is damaged: {text}. Stop everything that writes to it and restore a "
            "backup."
        )
    if not isinstance(error, OperationalError):
        return None
    for names, words, sentence in _PASSING:
        if name.startswith(names) or words in text:
            told = TransientStoreError(f"{path}: {sentence}")
            told.may_succeed_later = "SQLITE_READONLY" not in names  # rights do not come by waiting
            return told
    return StoreError(f"{path}: the database reported: {text}. Nothing was changed.")
