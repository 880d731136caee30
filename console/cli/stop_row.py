"""The half of `manometer stop` that needs the database: the row, and the numbers of what it holds up."""

from __future__ import annotations

from dataclasses import replace

from console.cli.context import Context
from console.operating import pausing
from console.safeguards.stop_file import StopNote
from console.safeguards.stopping import PATIENCE, DatabaseHalf, write_row
from core.engine.pauses import NOBODY
from core.errors import ManometerError
from core.explain.words import counted
from core.instants import Instant, format_instant
from core.model.pauses import EVERYTHING
from storage import pauses
from storage.pauses import PauseBacklog
from storage.status import LAST_TICK_AT
from storage.store import meta


class StopRow:
    """The row of one stop; `at` is the option `--at`, without which the database is waited for a moment
    only.
    """

    def __init__(self, context: Context, note: StopNote, at: str | None) -> None:
        self.note = note
        self.is_written = False
        self._context = context
        self._at = at
        self._held: PauseBacklog | None = None
        self._refused: ManometerError | None = None

    def look(self) -> str:
        """The numbers for the question; ManometerError where everything is stopped already."""
        at = self._begun()
        with self._context.store.reading() as connection:
            self._refuse(pauses.current(connection, at).get(EVERYTHING))
            self._held = pauses.waiting(connection, EVERYTHING, at)
        return self.numbers()

    def look_in_time(self) -> str:
        """The same, or why there are none, where the database does not answer in time."""
        failed = DatabaseHalf(self.look).run()
        if self._refused is not None:
            raise self._refused
        return self.numbers() if failed is None else f"How much waits cannot be told: {failed}"

    def stop(self) -> None:
        """Write the row; ManometerError where everything was stopped before."""
        at = self._begun()
        with self._context.store.writing() as connection:
            stopped = pauses.current(connection, at).get(EVERYTHING)
            if stopped is None or stopped.pause.since != self.note.at:  # else it came from the file by now
                self._refuse(stopped)
            write_row(connection, self.note, at, self._context.zone)
        self.is_written = True
        with self._context.store.reading() as connection:
            self._held = pauses.waiting(connection, EVERYTHING, at)

    def stop_in_time(self) -> str | None:
        """The same; why it was not done, None where it was."""
        failed = DatabaseHalf(self.stop).run()
        if self._refused is not None:
            raise self._refused
        return None if self.is_written else failed

    def numbers(self) -> str:
        """What the stop holds up, in words."""
        held = self._held
        if held is None:
            return "How much waits cannot be told."
        under_way = (
            f"Under way: {counted(held.customers, 'customer')}" if held.customers else NOBODY["everything"]
        )
        return f"Waiting to be sent: {counted(held.messages, 'message')}. {under_way}."

    def counts(self) -> dict[str, int | None]:
        """The same for scripts; None where the database did not tell."""
        held = self._held
        return {
            "customers": None if held is None else held.customers,
            "waiting": None if held is None else held.enrolments,
            "overdue": None if held is None else held.overdue,
            "messages": None if held is None else held.messages,
        }

    def _begun(self) -> Instant:
        """The instant of the stop, which of another moment than now is that of the note as well."""
        if self._at is None:
            self._context.store.patience = PATIENCE
            return self._context.now(None)
        at = self._context.now(self._at)
        self._refuse_before_last_pass(at)
        self.note = replace(self.note, at=at)
        return at

    def _refuse_before_last_pass(self, at: Instant) -> None:
        with self._context.store.reading() as connection:
            known = meta(connection, LAST_TICK_AT)
        if known is not None and at < int(known):
            raise ManometerError(
                f"Nothing can be stopped as of {format_instant(at)}: the last pass ran at "
                f"{format_instant(int(known))}, and what went out by then is out. Name that instant or a "
                "later one; without --at it stops now."
            )

    def _refuse(self, stopped: pauses.StoredPause | None) -> None:
        try:
            pausing.refuse_stopped(stopped, self.note.transactional, self._context.zone)
        except ManometerError as error:
            self._refused = error
            raise
