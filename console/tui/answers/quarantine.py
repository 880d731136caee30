"""What is set aside, for the screens, and what operators do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.operating import quarantine as operating
from core.errors import ManometerError
from core.model.quarantine import SetAside
from screens.ports import Cancelled
from storage import quarantine

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class QuarantineAnswers:
    """Answers the questions of `screens.ports.quarantine`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def listing(self, cancelled: Cancelled) -> Sequence[SetAside]:
        """All that is set aside."""
        with self._local.asking(cancelled) as connection:
            return quarantine.listing(connection)

    def release(self, thing: SetAside) -> str:
        """Have it worked on again."""
        self._refuse_read_only()
        local = self._local
        operating.release(local.store, thing.id, local.place.author, local.now())
        local.note_command("quarantine", "release", str(thing.id))
        return f"{thing.kind} {thing.what} is worked on again with the next pass."

    def drop(self, thing: SetAside, reason: str) -> str:
        """Give it up."""
        self._refuse_read_only()
        local = self._local
        operating.drop(local.store, thing.id, local.place.author, local.now(), reason)
        local.note_command("quarantine", "drop", str(thing.id), reason=reason)
        return f"{thing.kind} {thing.what} was dropped."

    def _refuse_read_only(self) -> None:
        if self._local.place.read_only is not None:
            raise ManometerError(f"Nothing was changed: {self._local.place.read_only}.")
