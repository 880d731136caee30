"""The emergency stop that needs no database: while the file `STOP` lies in the workspace folder, nothing is
handed over. Anybody may make it, also by `touch STOP`; instants are ms UTC.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from core.errors import ManometerError
from core.instants import LATEST, Instant

NAME: Final = "STOP"
SPARE: Final = ".STOP.spare"
"""Lies ready beside it, so that a stop on a full disk is a rename."""
LARGEST: Final = 4_096
LONGEST_REASON: Final = 500
"""Characters of the reason that the file keeps."""
BY_HAND: Final = "the file STOP was made by hand"

Mark = tuple[int, int, int]
"""Which file lies there: inode, instant of its last change in ns, size."""
UNKNOWN: Final[Mark] = (0, 0, 0)
"""That of a file that cannot be looked at."""


@dataclass(frozen=True, slots=True)
class StopNote:
    """What the file says: since when, who, why, and whether transactional messages wait too."""

    at: Instant
    author: str
    reason: str | None = None
    transactional: bool = True


class StopFile:
    """The file of one workspace folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._spare = folder / SPARE

    def mark(self) -> Mark | None:
        """Which file lies there; None where there is none. Costs microseconds, so ask before each message.

        Whatever has the name counts, also a folder or a link; and so does a place that cannot be looked at.
        """
        try:
            found = os.lstat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return UNKNOWN
        return found.st_ino, found.st_ctime_ns, found.st_size

    def read(self) -> StopNote | None:
        """What the file says; None where there is none. One that says nothing, or cannot be read, was made by
        hand and holds everything.
        """
        try:
            found = os.lstat(self.path)
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                return None
            return StopNote(0, "unknown", f"{NAME} cannot be looked at: {error.strerror}")
        by_hand = StopNote(found.st_ctime_ns // 1_000_000, _name(found.st_uid), BY_HAND)
        said = self._said() if stat.S_ISREG(found.st_mode) else {}
        at, author, reason = said.get("at"), said.get("author"), said.get("reason")
        if type(at) is not int or not 0 <= at <= LATEST or not isinstance(author, str):
            return by_hand
        return StopNote(
            at, author, reason if isinstance(reason, str) else None, said.get("transactional") is not False
        )

    def _said(self) -> dict[str, Any]:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                said = orjson.loads(os.read(file, LARGEST))
            finally:
                os.close(file)
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def write(self, note: StopNote) -> None:
        """Stop; ManometerError where no file can be made. On a full disk the spare is used, and where there
        is none, an empty file, which holds transactional messages too.
        """
        said = {"at": note.at, "author": note.author, "transactional": note.transactional}
        reason = None if note.reason is None else note.reason[:LONGEST_REASON]
        text = orjson.dumps({**said, "reason": reason})
        first: OSError | None = None
        for way in (self._written, self._from_spare, self._emptied):
            try:
                way(text)
            except OSError as error:
                first = first or error
            else:
                return
        assert first is not None
        raise ManometerError(f"{self.path}: cannot be made: {first.strerror}.")

    def _written(self, text: bytes) -> None:
        part = self.path.with_name(f".{NAME}.{os.getpid()}")
        try:
            _put(part, os.O_CREAT | os.O_EXCL, text)
            part.rename(self.path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise
        with suppress(OSError):
            _sync(self.path.parent)

    def _from_spare(self, text: bytes) -> None:
        """Its blocks are there already; it stops from the rename on, before it says anything."""
        self._spare.rename(self.path)
        with suppress(OSError):
            _put(self.path, 0, text)

    def _emptied(self, _: bytes) -> None:
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660))

    def remove(self) -> None:
        """End it; ManometerError where the file cannot be removed."""
        try:
            if stat.S_ISDIR(os.lstat(self.path).st_mode):
                self.path.rmdir()
            else:
                self.path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise ManometerError(
                f"{self.path}: cannot be removed: {error.strerror}. Sending stays stopped until it is gone."
            ) from None

    def keep_spare(self) -> None:
        """Have a spare ready; nothing where the folder cannot be written."""
        with suppress(OSError):
            _put(self._spare, os.O_CREAT | os.O_EXCL, b" " * LARGEST)


def _put(path: Path, how: int, text: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o660)
    try:
        os.write(file, text.ljust(LARGEST))
        os.fsync(file)
    finally:
        os.close(file)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


class SendingGate:
    """What a sender asks before each hand-over: whether the file says more than the database does, or the
    clock is distrusted.
    """

    def __init__(self, file: StopFile, is_clock_held: Callable[[], bool] = lambda: False) -> None:
        self.file = file
        self.is_clock_held = is_clock_held
        self._known: Mark | None = None

    def know(self, mark: Mark | None) -> None:
        """The database says what this file says, so that its row decides what may go."""
        self._known = mark

    def is_shut(self) -> bool:
        """Whether nothing may be handed over."""
        mark = self.file.mark()
        return (mark is not None and mark != self._known) or self.is_clock_held()
