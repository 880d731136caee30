"""The two halves of the emergency stop, the file and the row, brought together.

The row says to the engine what waits; the file stops every sender although no database may answer. Whoever
can write takes a file that has no row yet into the database and its audit.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.operating import pausing
from console.safeguards.stop_file import SendingGate, StopNote
from core.errors import ManometerError
from core.instants import Instant
from core.model.pauses import EVERYTHING
from storage import pauses
from storage.store import Store

PATIENCE: Final = 0.3
"""Seconds that the emergency stop waits for the database's lock."""
LONGEST: Final = 3.0
"""Seconds after which the database counts as one that does not answer, whatever keeps it."""


def take_in(store: Store, gate: SendingGate, at: Instant, zone: ZoneInfo) -> StopNote | None:
    """Write into pauses and audit what the file says and they do not; what it said, None where there was
    nothing to write. `gate` then goes by the row. StoreError where the database cannot be read or written.
    """
    mark, note = gate.file.mark(), gate.file.read()
    if note is None:
        gate.know(None)
        return None
    with store.reading() as connection:
        is_known = _covers(connection, note, at)
    if not is_known:
        with store.writing() as connection:
            if gate.file.mark() != mark:  # who ends the stop removes the file within such a transaction
                return None
            is_known = _covers(connection, note, at) or not write_row(connection, note, at, zone)
    gate.know(mark)
    return None if is_known else note


def write_row(connection: Connection, note: StopNote, at: Instant, zone: ZoneInfo) -> bool:
    """Stop by the database as the note says, no later than the instant; False where that was done from its
    file already. ManometerError where everything was stopped before.
    """
    stopped = pauses.current(connection, at).get(EVERYTHING)
    if stopped is not None and stopped.pause.since == note.at and _covers(connection, note, at):
        return False
    operator = pausing.Operator(note.author, note.reason, zone)
    pausing.stop(connection, min(note.at, at), note.transactional, operator)
    return True


def _covers(connection: Connection, note: StopNote, at: Instant) -> bool:
    stopped = pauses.current(connection, at).get(EVERYTHING)
    return stopped is not None and (stopped.pause.transactional or not note.transactional)


class DatabaseHalf:
    """An act on the database that an emergency does not wait for: it runs beside, for `LONGEST` seconds at
    most.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._done = Event()
        self._error: Exception | None = None

    def run(self, patience: float = LONGEST) -> str | None:
        """Why it was not done; None where it was."""
        Thread(target=self._run, name="database-half", daemon=True).start()
        if not self._done.wait(patience):
            return f"The database did not answer within {patience:g} s."
        return None if self._error is None else _in_words(self._error)

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:  # the border to a database that may be in any state
            self._error = error
        finally:
            self._done.set()


def _in_words(error: Exception) -> str:
    if isinstance(error, ManometerError):
        return str(error)
    cause = getattr(error, "orig", None)
    return f"The database refused: {cause}." if cause is not None else f"{type(error).__name__}: {error}"
