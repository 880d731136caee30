"""Exactly one active scheduler a database: a lock that the kernel keeps, and a lease that everybody can read.

The lock is an flock on a file of its own beside the database (never on the database: closing it would drop
SQLite's locks). The kernel frees it when the process dies and keeps it while the process is stopped. The
lease is a row with a term; whoever writes asks for its term in the same transaction, so that a scheduler that
slept through its lease writes nothing more. Durations are milliseconds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from console.dispatch import is_gone
from console.private_files import opened_or_made
from core.errors import ManometerError
from core.instants import SECOND, Instant, Millis
from storage import leases
from storage.leases import TTL, Lease, LeaseLostError
from storage.store import Store

RENEWED_EVERY: Final[Millis] = 5 * SECOND
MARGIN: Final[Millis] = 2 * SECOND
"""So long before its lease ends a scheduler trusts it no more, counted from the start of the attempt that got
it.
"""


class LockFile:
    """The lock beside a database; held until `close`, or until the process ends in whatever way."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.lock")
        self._file = -1

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return self._file >= 0

    def take(self) -> bool:
        """Whether this process holds it now; ManometerError where the file cannot be made."""
        try:
            file = opened_or_made(self.path, os.O_RDWR)
        except OSError as error:
            raise ManometerError(
                f"{self.path}: cannot be opened: {error.strerror}. Check the rights of the folder."
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def close(self) -> None:
        """Let it go; the file stays, for removing it would let two hold a lock of that name."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two ways of telling time, both in milliseconds: the instant, and one that never goes back."""

    now: Callable[[], Instant]
    steady: Callable[[], Millis]


class Leadership:
    """The lock and the lease of one process over one database."""

    def __init__(self, store: Store, owner: str, clocks: Clocks) -> None:
        self._store = store
        self._owner = owner
        self._clocks = clocks
        self._file = LockFile(store.path)
        self._lease: Lease | None = None
        self._trusted_until: Millis = 0
        self._mutex = Lock()

    def lock(self) -> bool:
        """Whether this process has the lock, taking it where it is free; while it has, no other scheduler of
        this machine lives.
        """
        return self._file.is_held or self._file.take()

    def seek(self) -> Lease | None:
        """Take the lease, with the lock in hand; None while somebody's, perhaps a container's that is gone,
        has not run out.
        """
        begun = self._clocks.steady()
        with self._store.writing() as connection:
            taken = leases.acquire(connection, self._owner, self._clocks.now(), is_gone)
        if taken is not None:
            with self._mutex:
                self._lease, self._trusted_until = taken, begun + TTL - MARGIN
        return taken

    def holder(self) -> Lease | None:
        """Whose lease stands in the database, live or over."""
        with self._store.reading() as connection:
            return leases.current(connection)

    @property
    def is_trusted(self) -> bool:
        """Whether nobody else can hold the lease yet, by the steady clock; asked before anything that no
        fence can take back.
        """
        return self._clocks.steady() < self._trusted_until

    def renew(self) -> None:
        """Hold on for another while; LeaseLostError where somebody else has taken over."""
        begun, lease = self._clocks.steady(), self._held()
        with self._store.writing() as connection:
            leases.renew(connection, lease, self._clocks.now())
        with self._mutex:
            self._trusted_until = begun + TTL - MARGIN

    def fence(self, connection: Connection) -> None:
        """LeaseLostError where another term has begun: the first question of each writing transaction."""
        leases.fence(connection, self._held())

    def resign(self) -> None:
        """Give up the lease, where it is still held, and the lock."""
        try:
            if self._lease is not None:
                with self._store.writing() as connection:
                    leases.resign(connection, self._lease, self._clocks.now())
        finally:
            self._lease, self._trusted_until = None, 0
            self._file.close()

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError("This scheduler holds no lease. Nothing was written.")
        return self._lease
