"""The console's service: answers what the screens ask from the workspace's database, and carries out what operators do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from console.clock import now, simulated_at
from console.context import Context
from console.in_force import load_in_force
from console.service.decisions import Decisions
from console.service.outbox import Outbox
from console.service.overview import Overview
from console.service.pressure import Pressure
from console.service.triggers import Triggers
from console.workspace import Workspace
from core.errors import ManometerError
from core.instants import Instant
from screens.service import Cancelled, CancelledError, Place
from storage import pauses, playbooks
from storage.sqlite import interruptible
from storage.store import Store

STEPS: Final = 20_000
"""So many steps of SQLite's machine lie between two looks at whether the question still stands: some milliseconds."""


class LocalService:
    """On a workspace of this machine. Use it from any thread; each question has a connection of its own."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.context = Context(folder, json=False)
        self.store = Store.open(self.context.database, writer=False) if read_only else self.context.store
        self._lock = Lock()
        self._kept: Workspace | None = None
        workspace = self.in_force()
        self.place = Place(
            workspace=workspace.name,
            zone=workspace.playbook.zone,
            currency=workspace.playbook.currency,
            author=self.context.author,
            simulated=simulated_at(self.store) is not None,
            read_only="the console was started with --read-only" if read_only else None,
            consent_assumed=workspace.playbook.consent_policy == "assumed",
        )
        self.overview = Overview(self)
        self.pressure = Pressure(self)
        self.triggers = Triggers(self)
        self.decisions = Decisions(self)
        self.outbox = Outbox(self)

    def now(self) -> Instant:
        """The simulated clock where there is one, else the real one."""
        simulated = simulated_at(self.store)
        return now() if simulated is None else simulated

    def version(self) -> int:
        """SQLite's own number of what others have committed."""
        return self.store.data_version()

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
    def acting(self) -> Iterator[Connection]:
        """One transaction for what an operator does, its audit line in it; ManometerError where the console is for reading only."""
        if self.place.read_only is not None:
            raise ManometerError(f"Nothing was changed: {self.place.read_only}.")
        with self.store.writing() as connection:
            yield connection

    def close(self) -> None:
        """Close the database and forget what was kept of previews."""
        self.pressure.close()
        self.store.close()
        self.context.__exit__(None, None, None)
