"""The database of a workspace: opening it, reading one snapshot, writing one unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError

from storage import migrations
from storage.sqlite import StoreError, create_file, dbapi, make_engine, refuse_network_file_system
from storage.tables import facts


class Store:
    """One database file with two engines: `reader` cannot write, `writer` takes the write lock at the start of a transaction."""

    def __init__(self, path: Path, *, writer: bool = True) -> None:
        self.path = path
        self.is_writable = writer
        self._lock = Lock()

    @classmethod
    def create(cls, path: Path) -> Store:
        """A new database with the newest schema; StoreError where the file exists or its place is unfit."""
        create_file(path)
        migrations.migrate(path)
        return cls(path)

    @classmethod
    def open(cls, path: Path, *, writer: bool = True) -> Store:
        """An existing database; a writer brings an older schema up to date, after a backup beside the file."""
        if not path.is_file():
            raise StoreError(f"{path}: there is no database. Create a workspace with `manometer init`, or name another one.")
        refuse_network_file_system(path.parent)
        version = migrations.version_of(path)
        migrations.refuse_newer(path, version)
        if version == 0:
            raise StoreError(f"{path}: this is not a Manometer database. Name the right file, or create a workspace with `manometer init`.")
        if version < migrations.NEWEST:
            _bring_up(path, version, writer)
        return cls(path, writer=writer)

    @cached_property
    def reader(self) -> Engine:
        """Engine whose connections refuse writes."""
        return make_engine(self.path, writer=False)

    @cached_property
    def writer(self) -> Engine:
        """Engine whose transactions begin IMMEDIATE; StoreError on a store that was opened for reading."""
        if not self.is_writable:
            raise StoreError(f"{self.path}: the database was opened for reading only.")
        return make_engine(self.path, writer=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One unit of work: committed as a whole at the end, rolled back on an error."""
        try:
            with self.writer.begin() as connection:
                yield connection
        except OperationalError as error:
            raise _in_words(self.path, error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot of the database, from the first statement on; keep it short, for an open snapshot lets the log grow."""
        try:
            with self.reader.connect() as connection:
                yield connection
        except OperationalError as error:
            raise _in_words(self.path, error) from error

    @cached_property
    def _watch(self) -> Connection:
        return self.reader.connect()

    def data_version(self) -> int:
        """A number that changes whenever any process has committed since the last call; costs microseconds, so poll it."""
        with self._lock:
            version = int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())
            self._watch.rollback()
            return version

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


def fact(connection: Connection, name: str) -> str | None:
    """A fact about the workspace as a whole; None where it was never set."""
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def set_fact(connection: Connection, name: str, value: str | None) -> None:
    """Set a fact about the workspace, or remove it with None."""
    if value is None:
        connection.execute(delete(facts).where(facts.c.name == name))
        return
    statement = insert(facts).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


def _bring_up(path: Path, version: int, writer: bool) -> None:
    if not writer:
        raise StoreError(f"{path}: the database has schema {version}, this release needs {migrations.NEWEST}. Run `manometer status` once.")
    backup = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    if not backup.exists():
        raw = dbapi.connect(str(path))
        try:
            raw.execute("VACUUM INTO ?", (str(backup),))
        finally:
            raw.close()
    migrations.migrate(path)


def _in_words(path: Path, error: OperationalError) -> StoreError:
    name = getattr(error.orig, "sqlite_errorname", "") or ""
    text = str(error.orig)
    if name.startswith("SQLITE_BUSY") or "locked" in text:
        return StoreError(f"{path}: another process holds the database. Nothing was changed; try again in a moment.")
    if name.startswith("SQLITE_FULL") or "is full" in text:
        return StoreError(f"{path}: the disk is full. Nothing was changed; make room and try again.")
    if name.startswith("SQLITE_READONLY") or "readonly" in text:
        return StoreError(f"{path}: the database cannot be written here. Check the rights of the file and its folder.")
    return StoreError(f"{path}: the database reported: {text}. Nothing was changed.")
