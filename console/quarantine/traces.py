"""Whole traces of what failed, one file each beside the database, for the owner alone: their texts may quote
a customer's data, which the log never does.
"""

from __future__ import annotations

import os
import traceback
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.quarantine import Suspect

MOST_KEPT: Final = 500
"""Files; the oldest go first."""
LONGEST: Final = 200_000
"""Characters of one trace."""


def folder_of(database: Path) -> Path:
    """Where the traces of a database are."""
    return database.with_name(f"{database.name}.traces")


def keep(database: Path, suspect: Suspect, error: BaseException, at: Instant) -> str:
    """Write the trace of an error down; its name. Where it cannot be written there is the name alone."""
    name = blake2b(f"{suspect.kind}/{suspect.subject}/{at}".encode(), digest_size=6).hexdigest()
    head = f"{format_instant(at)} {suspect.kind} {suspect.subject}\n\n"
    text = head + "".join(traceback.format_exception(error))[-LONGEST:]
    with suppress(OSError):
        folder = folder_of(database)
        folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folder / f"{name}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as opened:
            opened.write(text)
        _thin_out(folder)
    return name


def _thin_out(folder: Path) -> None:
    files = sorted(folder.glob("*.txt"), key=lambda path: path.stat().st_mtime_ns)
    for path in files[:-MOST_KEPT]:
        path.unlink()


def reason_of(error: BaseException, trace: str, said: str | None = None) -> str:
    """What happened, in one line and without personal data: of an error that nobody foresaw its kind and
    place, for its text may quote anything.
    """
    if said is None and isinstance(error, ManometerError):
        said = str(error)
    elif said is None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        said = f"unexpected {type(error).__name__}{place}"
    return f"{said[:500]} (trace {trace})"
