"""What a job is working on, in a small file beside the database that outlives the process: after a kill the
next one knows what may have been the cause.

A note is written at once and never forced to the disk. It counts only within the boot that it names: what the
power cut off is nobody's fault. One job of one database has one note; who cannot have it works without.

Who is to blame is found so: what was being worked on at a kill is suspected, and waits until everything else
has had its turn; then each is worked on alone, while nothing else that is suspected is (`ALONE`). What was
being worked on alone at two kills is set aside; what comes to its end in between is suspected no more. So
kills from outside accuse nobody, unless they hit one thing twice in the short time in which it is alone.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Final, Self

ALONE: Final = RLock()
"""Held while something that is suspected is worked on, so that one kill accuses one thing alone."""
PATIENCE: Final = 5.0
"""Seconds that one who cannot have it waits before working without, so that nothing slow holds up others."""
MOST_SUSPECTS: Final = 1_000
"""The latest are kept."""
MODE: Final = 0o640
"""Numbers and names of files stand in it."""
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class CrashedError(Exception):
    """The process ended without a word while it worked on something; never raised, only noted."""

    def __init__(self) -> None:
        super().__init__("the process ended without a word while it worked on this")


class WorkNote:
    """The note of one job, made when something is begun and gone once it ends; use it as a context manager.

    `left` are the subjects that the process before was working on when it ended without a word; `suspects`
    those that were being worked on together when one before that did, and were not cleared since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _locked(path, os.O_RDWR)
        self._is_refused = False
        self.left: tuple[str, ...] = ()
        self.suspects: tuple[str, ...] = ()
        if self._file is not None:
            with suppress(OSError, ValueError, TypeError, KeyError):
                boot, found = json.loads(os.pread(self._file, 1 << 20, 0).partition(b"\n")[0])
                if boot == _boot():
                    self.left, self.suspects = tuple(found["now"]), tuple(found["suspects"])

    @classmethod
    def open(cls, database: Path, job: str) -> Self:
        """The note of a job on a database; one that keeps nothing where another process has it, or the disk
        does not take it.
        """
        return cls(path_of(database, job))

    def suspect(self, subjects: Iterable[str]) -> None:
        """From now on these are noted as suspects with everything that is begun, the latest first."""
        self.suspects = tuple(subjects)[:MOST_SUSPECTS]

    def clear(self, subject: str) -> None:
        """It was worked on and came to its end."""
        self.suspects = tuple(each for each in self.suspects if each != subject)

    def begin(self, subjects: Sequence[str]) -> None:
        """These are worked on from now on."""
        if self._file is None and not self._is_refused:
            self._file = _locked(self._path, os.O_RDWR | os.O_CREAT)
            self._is_refused = self._file is None
        if self._file is None:
            return
        found = {"now": list(subjects), "suspects": list(self.suspects)}
        raw = json.dumps([_boot(), found]).encode() + b"\n"
        with suppress(OSError):
            os.pwrite(self._file, raw, 0)
            os.ftruncate(self._file, len(raw))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """However it comes to its end: it did, so that nothing of it is suspected."""
        if self._file is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._file)


@contextmanager
def alone() -> Iterator[None]:
    """Nothing else that is suspected is worked on meanwhile, whatever its job; unless that takes too long."""
    is_held = ALONE.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if is_held:
            ALONE.release()


def path_of(database: Path, job: str) -> Path:
    """Where the note of a job is."""
    return database.with_name(f"{database.name}.{job}-note")


def _locked(path: Path, flags: int) -> int | None:
    """The file, with a lock that ends with it; None where there is none, or somebody else has it."""
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


@lru_cache(maxsize=1)
def _boot() -> str:
    """Which boot of the machine this is; empty where it does not say."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
