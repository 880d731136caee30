"""The schema's versions, from the first on: what each changed, applied in order, each in one transaction.

The version stands in `PRAGMA user_version`. Alembic is left out on purpose: its import alone costs more than
a listing command may take to start, its batch mode drops triggers and expression indexes of SQLite tables,
and additive SQL needs neither. A change of a class of `storage.schema` comes with a migration here, and a
test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from storage.schema.chained import audit_commitment, audit_link
from storage.schema.folded import folded_name, folded_text
from storage.sqlite import BUSY_TIMEOUT, StoreError, dbapi, journal_mode


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: the version it leads to and the statements that lead there."""

    version: int
    statements: Callable[[], tuple[str, ...]]


def _released(version: int) -> tuple[str, ...]:
    """The statements that lead to a version, from its file: what is released is never written anew."""
    text = Path(__file__).with_name(f"schema_{version}.sql").read_text(encoding="utf-8")
    return tuple(text.removesuffix(";\n").split(";\n\n"))


MIGRATIONS: tuple[Migration, ...] = tuple(
    Migration(version, partial(_released, version)) for version in (1, 2, 3, 4, 5)
)
NEWEST = MIGRATIONS[-1].version
ORDERS_TO_BUILD = "orders_to_build"
"""The fact that the fourth step leaves where there are customers: `storage.intake.order_migration` does the
rest, which is no matter of statements.
"""


def version_of(path: Path) -> int:
    """The schema version of a database file; StoreError where it is no database."""
    raw = _connect(path)
    try:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])
    except dbapi.OperationalError as error:
        remedy = "Check the room on the disk, and the rights of the file and its folder."
        raise _told(f"{path}: the database cannot be opened: {error}. {remedy}", error) from None
    except dbapi.DatabaseError as error:
        raise StoreError(
            f"{path}: cannot be read as a database: {error}. Restore a backup, or name the right file."
        ) from None
    finally:
        raw.close()


def _told(sentence: str, error: Exception) -> StoreError:
    """The error of a database that cannot be opened or changed; of a locked one, later it may be."""
    told = StoreError(sentence)
    told.may_succeed_later = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    return told


def is_empty(path: Path) -> bool:
    """Whether the file is a database without any table, as one whose making was broken off."""
    raw = _connect(path)
    try:
        return int(raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]) == 0
    finally:
        raw.close()


def migrate(
    path: Path, *, to: int = NEWEST, migrations: tuple[Migration, ...] = MIGRATIONS
) -> tuple[int, int]:
    """Bring a database file up to a version, all or nothing per step; gives the versions before and after."""
    before = version_of(path)
    refuse_newer(path, before)
    raw = _connect(path)
    try:
        raw.execute(
            "PRAGMA foreign_keys=OFF"
        )  # no effect inside a transaction, and a rebuilt table must not cascade
        for migration in migrations:
            if before < migration.version <= to:
                _apply(raw, migration, path)
    except dbapi.OperationalError as error:
        remedy = "Nothing of this step was changed; check the room on the disk, and begin anew."
        raise _told(f"{path}: schema {to} cannot be laid: {error}. {remedy}", error) from None
    finally:
        raw.close()
    return before, version_of(path)


def refuse_newer(path: Path, version: int) -> None:
    """StoreError where the database was made by a newer release."""
    if version > NEWEST:
        raise StoreError(
            f"{path}: the database has schema {version}, this release knows {NEWEST}. Install the newer "
            "release."
        )


def _apply(raw: Any, migration: Migration, path: Path) -> None:
    raw.execute("BEGIN IMMEDIATE")
    try:
        if (
            raw.execute("PRAGMA user_version").fetchone()[0] >= migration.version
        ):  # another process was quicker
            raw.execute("ROLLBACK")
            return
        for statement in migration.statements():
            raw.execute(statement)
        orphans = raw.execute("PRAGMA foreign_key_check").fetchall()
        if orphans:
            raise StoreError(
                f"{path}: {len(orphans)} rows would lose their parent in schema {migration.version}; "
                "nothing was changed."
            )
        raw.execute(f"PRAGMA user_version={migration.version}")
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


def _connect(path: Path) -> Any:
    journal_mode()
    raw = dbapi.connect(str(path), timeout=BUSY_TIMEOUT)
    raw.isolation_level = None
    for number, function in (
        (2, folded_name), (1, folded_text), (5, audit_commitment), (7, audit_link),
    ):  # fmt: skip
        raw.create_function(function.__name__, number, function, deterministic=True)
    return raw
