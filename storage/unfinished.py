"""Files and folders that are being made, under a hidden name in the place where they will be; what commands
that were killed have left of them is removed by the next that makes something there.

Whoever makes one holds a lock on it, which ends with the process in whatever way. So what is not locked is of
nobody any more.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from core.rights import PRIVATE_FOLDER
from storage.rights import made_file

_NAME: Final = re.compile(r"\..+-[0-9a-f]{8}\.part")
_OTHERS_WRITE: Final = 0o002


@contextmanager
def unfinished_file(target: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside the target, for whoever may use that folder, and a descriptor for writing, which the
    block must close; it is gone afterwards, unless it was renamed. OSError where it cannot be made.
    """
    remove_left_behind(target.parent)
    path = _hidden(target)
    lock = made_file(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path, os.dup(lock)
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(lock)


@contextmanager
def unfinished_folder(target: Path) -> Iterator[Path]:
    """A new folder beside the target, for this account alone; it is gone afterwards, unless it was renamed.
    OSError where it cannot be made.
    """
    remove_left_behind(target.parent)
    path, lock = _locked_folder(target)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _locked_folder(target: Path) -> tuple[Path, int]:
    while True:
        path = _hidden(target)
        path.mkdir(mode=PRIVATE_FOLDER)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists(path):  # else somebody took it for left behind, before it was locked
            return path, lock
        os.close(lock)


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}-{token_hex(4)}.part")


def remove_left_behind(folder: Path) -> int:
    """Remove what killed commands have left in a folder; how many. Where everybody may write there, only what
    is this account's own.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))  # noqa: PTH208 - names alone
        shared = folder.stat().st_mode & _OTHERS_WRITE
    except OSError:
        return 0
    return sum(_removed(folder / name, own=bool(shared)) for name in names)


def _removed(path: Path, *, own: bool) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone, a link, or not for us
        return False
    try:
        if own and os.fstat(file).st_uid != os.geteuid():
            return False
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError:
        return False
    finally:
        os.close(file)
    return True
