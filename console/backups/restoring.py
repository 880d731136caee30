"""Restoring a backup: the database becomes what the file holds, and nothing is sent until the outbox was
compared.

Instants are ms UTC.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.clock import now, simulated_at
from console.private_files import opened_safely
from core.errors import ManometerError
from core.instants import Instant, format_instant
from storage import restored
from storage.audit_proof import Anchor, newest_anchor, prove
from storage.copying import copy_snapshot, fault_of, put_in_place
from storage.rights import made_file
from storage.schema import migrations
from storage.sqlite import StoreError, create_file, dbapi
from storage.store import Store
from storage.unfinished import unfinished_file

_BESIDE: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the newest anchor in it, how many messages were on their way, and where what was
    there before is kept (None where nothing was).
    """

    anchor: Anchor | None
    uncertain: int
    kept: Path | None


def restore(source: Path, database: Path, author: str, at: Instant | None = None) -> Restored:
    """Make the database what the backup is, with all sending held; ManometerError, and nothing changed,
    where the file is no sound backup. Nobody else may have the database open, nor a scheduler run. `at`: the
    instant; by default that of the workspace's clock.
    """
    _refuse_unreadable(source)
    with ExitStack() as stack:
        try:
            part, file = stack.enter_context(unfinished_file(database))
            os.close(file)
            copy_snapshot(source, part)
        except (OSError, dbapi.Error) as error:
            raise ManometerError(f"{source}: cannot be copied to {database.parent}: {error}.") from error
        _refuse_unsound(part, source)
        made, uncertain = _prepare(part, source, database, author, at)
        kept = _set_aside(database, now() if at is None else at)
        try:
            if not database.exists():
                create_file(database)
            put_in_place(part, database)
        except (OSError, dbapi.Error) as error:
            raise ManometerError(
                f"{database}: cannot be restored: {error}. What was there is {kept}."
            ) from error
    return Restored(made, uncertain, kept)


def _refuse_unreadable(source: Path) -> None:
    try:
        with opened_safely(source.resolve(), has_one_name=False) as file:
            head = file.read(16)
    except OSError as error:
        raise ManometerError(f"{source}: cannot be read: {error.strerror}. Check the path.") from None
    if head != b"SQLite format 3\0":
        raise ManometerError(
            f"{source} is no backup of Manometer: it is no SQLite database. Name another file."
        )


def _refuse_unsound(part: Path, source: Path) -> None:
    version = migrations.version_of(part)
    migrations.refuse_newer(part, version)
    if version == 0:
        raise ManometerError(f"{source} is no backup of Manometer: it has no schema. Name another file.")
    fault = fault_of(part)
    if fault is not None:
        raise ManometerError(f"{source} is damaged: {fault}. Nothing was changed; name an older backup.")


def _prepare(
    part: Path, source: Path, database: Path, author: str, at: Instant | None
) -> tuple[Anchor | None, int]:
    """Bring the copy up to date and hold its sending, before anybody can see it."""
    migrations.migrate(part)
    with Store(part) as copy:
        if at is None:
            simulated = simulated_at(copy)  # its clock stands where it stood
            at = now() if simulated is None else simulated
        return _hold(copy, source, restored_at=at, term=_last_term(database), author=author)


def _hold(
    copy: Store, source: Path, *, restored_at: Instant, term: int, author: str
) -> tuple[Anchor | None, int]:
    with copy.writing() as connection:
        proof = prove(connection)
        if proof.fault is not None:
            raise ManometerError(f"{source}: its audit does not hold: {proof.fault}. Nothing was changed.")
        newest = newest_anchor(connection)
        made_at = None if newest is None else newest.at
        uncertain = restored.hold_sending(connection, restored_at, author, str(source), term, made_at)
    return newest, uncertain


def _last_term(database: Path) -> int:
    try:
        with Store.open(database, writer=False) as store, store.reading() as connection:
            return restored.last_term(connection)
    except (StoreError, dbapi.Error):  # missing or damaged, which is why somebody restores
        return 0


def _set_aside(database: Path, at: Instant) -> Path | None:
    """Keep what is there: as a copy where it can be read, else by moving it; and the journals of messages
    that were on their way, which the restored database knows nothing of.
    """
    stamp = format_instant(at).replace("-", "").replace(":", "")
    journals = database.with_name(f"{database.name}.handover")
    if journals.exists():
        journals.rename(_free(database.with_name(f"{journals.name}-before-restore-{stamp}")))
    if not database.exists():
        return None
    kept = _free(database.with_name(f"{database.stem}-before-restore-{stamp}{database.suffix}"))
    try:
        if fault_of(database) is not None:
            raise dbapi.DatabaseError("damaged")
        os.close(made_file(kept))
        copy_snapshot(database, kept)
    except dbapi.Error:
        kept.unlink(missing_ok=True)
        for ending in _BESIDE:
            beside = database.with_name(f"{database.name}{ending}")
            if beside.exists():
                beside.rename(kept.with_name(f"{kept.name}{ending}"))
    return kept


def _free(path: Path) -> Path:
    number = 2
    found = path
    while os.path.lexists(found):
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return found
