"""A backup while the workspace is at work: a snapshot as one file, proved before it is called a backup.

Instants are ms UTC.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import ManometerError
from core.instants import Instant, local
from core.model.backups import BackupSettings
from storage.audit_proof import Anchor, anchor, prove
from storage.copying import copy_snapshot, fault_of
from storage.sqlite import dbapi
from storage.store import Store
from storage.unfinished import unfinished_file

_NIGHTLY: Final = re.compile(r"manometer-\d{4}-\d{2}-\d{2}\.db")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: its size in bytes, and the anchor of the audit that is in it."""

    path: Path
    size: int
    anchor: Anchor


def back_up(store: Store, target: Path, at: Instant) -> Backup:
    """A verified copy of the database as of now, with an anchor of the audit in it; ManometerError, and
    nothing left, where the file exists already, cannot be written, or is not what it should be.
    """
    if os.path.lexists(target):
        raise ManometerError(f"{target} exists already. Name another file, or remove it.")
    with store.writing() as connection:
        made = anchor(connection, at)
    try:
        with unfinished_file(target) as (part, file):
            os.close(file)
            copy_snapshot(store.path, part)
            _refuse_unsound(part, target, made)
            size = part.stat().st_size
            _give_name(part, target)
    except (OSError, dbapi.Error) as error:
        raise ManometerError(
            f"{target}: the backup cannot be made: {error}. Check the room there, and the rights of the "
            "folder."
        ) from error
    return Backup(target, size, made)


def _refuse_unsound(part: Path, target: Path, made: Anchor) -> None:
    fault = fault_of(part)
    if fault is None:
        with Store(part, writer=False) as copy, copy.reading() as connection:
            proof = prove(connection, made.link)
        fault = proof.fault and f"the audit does not hold: {proof.fault}"
    if fault is not None:
        remedy = "The database itself has it too: see `manometer status` and `manometer audit verify`."
        raise ManometerError(f"{target}: no backup was made, for the copy is not sound: {fault}. {remedy}")


def _give_name(part: Path, target: Path) -> None:
    """Its name, where nobody has taken that meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise ManometerError(f"{target} exists already. Name another file, or remove it.") from None
    except OSError:  # a file system without second names
        part.rename(target)


# ---- each night ----


def nightly_target(settings: BackupSettings, folder: Path, at: Instant, zone: ZoneInfo) -> Path | None:
    """The backup that is due at the instant; None before its hour, and once the local day has its own."""
    moment = local(at, zone)
    target = folder / settings.folder / f"manometer-{moment.date().isoformat()}.db"
    is_early = (moment.hour, moment.minute) < settings.at
    return None if is_early or os.path.lexists(target) else target


def rotate(newest: Path, keep: int) -> list[Path]:
    """Remove the oldest nightly backups of a folder but for so many; which. Files of other names stay."""
    of_days = sorted(path for path in newest.parent.iterdir() if _NIGHTLY.fullmatch(path.name))
    old = of_days[:-keep]
    for path in old:
        path.unlink()
    return old
