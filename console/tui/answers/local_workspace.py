"""The workspace as questions and deeds of the console see it: its database, its clock, and the playbook in
force.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from console.clock import now, simulated_at, steady
from console.open_workspace import OpenWorkspace
from console.playbooks.applied import load_in_force
from console.safeguards.clock_guard import held_by_clock
from console.safeguards.stop_file import NAME, SendingGate, StopFile, StopNote
from console.safeguards.stopping import take_in
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import Instant
from screens.ports import Cancelled, CancelledError, WorkspacePlace
from storage import changes, leases, pauses, playbooks
from storage.as_of import seen_as_of
from storage.sqlite import interruptible
from storage.store import Store

STEPS: Final = 20_000
"""So many steps of SQLite's machine lie between two looks at whether the question still stands: some
milliseconds.
"""

TAKEN_IN_EVERY: Final = 5.0
"""Seconds between two attempts to write down a stop that came as a file."""
CACHE_KIB: Final = 8_192
"""What each of the console's connections keeps in memory: several consoles may be open on one server, and
pages are read by index.
"""


class LocalWorkspace:
    """A workspace of this machine. Use it from any thread; each question has a connection of its own."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.context = OpenWorkspace(folder)
        why_not = (
            "the console was started with --read-only" if read_only else _lacks_rights(self.context.database)
        )
        self.store = (
            self.context.store if why_not is None else Store.open(self.context.database, writer=False)
        )
        self.store.cache_kib = CACHE_KIB
        self.stop_file = StopFile(folder)
        self._gate = SendingGate(self.stop_file)
        self._clock_held = False
        self._tried_at = -TAKEN_IN_EVERY
        self._lock = Lock()
        self._kept: Workspace | None = None
        self._committed: int | None = None
        self._found: changes.Fingerprint = ()
        self._lease: leases.Lease | None = None
        self._seen: object = None
        self._commands: list[str] = []
        self._version = 0
        workspace = self.in_force()
        self._place = WorkspacePlace(
            workspace=workspace.name,
            zone=workspace.playbook.zone,
            currency=workspace.playbook.currency,
            author=self.context.author,
            simulated=simulated_at(self.store) is not None,
            read_only=why_not,
            consent_assumed=workspace.playbook.consent_policy == "assumed",
            news=tuple(self.context.news),
            needs_reasons=self.context.needs_reasons,
        )

    @property
    def place(self) -> WorkspacePlace:
        """Where the console stands, by the playbook that was in force when last asked; costs nothing."""
        workspace, place = self._kept, self._place
        if workspace is None:
            return place
        playbook = workspace.playbook
        return replace(
            place,
            workspace=workspace.name,
            zone=playbook.zone,
            currency=playbook.currency,
            consent_assumed=playbook.consent_policy == "assumed",
            clock_held=self._clock_held,
            stopped=self.stop_file.mark() is not None
            or any(stop.until is None for stop in playbook.index.stops),
        )

    def now(self) -> Instant:
        """The simulated clock where there is one, else the real one."""
        simulated = simulated_at(self.store)
        return now() if simulated is None else simulated

    def version(self) -> int:
        """Grows when anything has changed that a screen may show; while nobody writes it costs one look at
        SQLite's own number.
        """
        self._take_in()
        committed = self.store.data_version()
        if committed != self._committed:
            self._committed = committed
            with self.store.reading() as connection:
                self._found = changes.fingerprint(connection)
                self._lease = leases.current(connection)
                self._clock_held = held_by_clock(connection) is not None
        found = (
            self._found,
            self.stop_file.mark(),
            self._lease and (self._lease.owner, self._lease.term, self._lease.is_live(now())),
        )
        if found != self._seen:  # a lease that is renewed changes nothing, one that runs out does
            self._seen = found
            self._version += 1
            with suppress(ManometerError):  # whoever asks next is told
                self.in_force()
        return self._version

    def _take_in(self) -> None:
        """Write an emergency stop that came as a file into the database, where this console can."""
        if self._gate.is_shut() and self.store.is_writable and steady() - self._tried_at >= TAKEN_IN_EVERY:
            self._tried_at = steady()
            with suppress(ManometerError):  # another that can write does it, or this one later
                take_in(self.store, self._gate, self.now(), self._place.zone)

    def note_command(self, *words: str, reason: str | None = None) -> None:
        """Keep the command line of what was just carried out: what it is called, and what it is given."""
        why = ("--reason", reason) if reason else ()
        folder = str(self.context.folder.resolve())
        self._commands.append(shlex.join(("manometer", "-w", folder, *words, *why)))

    def take_commands(self) -> Sequence[str]:
        """The command lines of what was carried out since this was asked last."""
        taken, self._commands = tuple(self._commands), []
        return taken

    def stop_by_file(self, note: StopNote) -> str:
        """Stop all sending by the file; what there is to say of it, for the end of a sentence."""
        if self._place.read_only is not None:
            return ""
        try:
            self.stop_file.write(note)
        except ManometerError as error:
            return f" By the database alone, without the file {NAME}: {error}"
        return ""

    def in_force(self) -> Workspace:
        """The workspace as last applied, with the pauses of this moment."""
        with self._lock:
            with self.store.reading() as connection:
                version = playbooks.newest_version(connection)
                held = pauses.all_of(connection)
            kept = self._kept
            if kept is None or not version or kept.playbook.version != version:
                kept = load_in_force(self.store, self.context.folder)
            elif kept.playbook.pauses != held:
                kept = replace(kept, playbook=replace(kept.playbook, pauses=held))
            self._kept = kept
            return kept

    @contextmanager
    def asking(self, cancelled: Cancelled) -> Iterator[Connection]:
        """One snapshot for a question; a query under way ends within milliseconds of its cancellation."""
        if cancelled():
            raise CancelledError
        try:
            with self.store.reading() as connection, interruptible(connection, cancelled, STEPS):
                yield connection
        except ManometerError:
            if cancelled():  # the database reports an interrupted query as an error
                raise CancelledError from None
            raise

    @contextmanager
    def asking_of_people(self, cancelled: Cancelled) -> Iterator[Connection]:
        """The same, with customers as of now: what is stamped later does not count yet."""
        with self.asking(cancelled) as connection, seen_as_of(connection, self.now()):
            yield connection

    @contextmanager
    def acting(self) -> Iterator[Connection]:
        """One transaction for what an operator does, its audit line in it; ManometerError where the console
        is for reading only.
        """
        if self.place.read_only is not None:
            raise ManometerError(f"Nothing was changed: {self.place.read_only}.")
        with self.store.writing() as connection:
            yield connection

    def close(self) -> None:
        """Close the database."""
        self.store.close()
        self.context.close()


def _lacks_rights(database: Path) -> str | None:
    """Why this account cannot write the database, or None: SQLite needs the file, and its folder for the log
    beside it.
    """
    if not database.exists():
        return None
    lacking = next((place for place in (database, database.parent) if not os.access(place, os.W_OK)), None)
    return None if lacking is None else f"you have no right to write {lacking}"
