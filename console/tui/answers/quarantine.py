"""What the engine itself has stopped, for the screens, and what operators do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.operating import quarantine as operating
from console.operating.brakes import release_channel, release_trigger
from core.errors import ManometerError
from core.explain.words import counted
from core.model.quarantine import SetAside
from screens.ports import Cancelled
from screens.ports.quarantine import Standstill, StandstillKind
from storage import brakes, quarantine, surges
from storage.outbox import dispatch as outbox

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class QuarantineAnswers:
    """Answers the questions of `screens.ports.quarantine`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def listing(self, cancelled: Cancelled) -> Sequence[Standstill]:
        """All that is set aside, left alone or held."""
        with self._local.asking(cancelled) as connection:
            found = [
                Standstill(each.kind, each.what, each.since, each.reason, thing=each)
                for each in quarantine.listing(connection)
            ]
            for name, rest in brakes.channel_backoffs(connection).items():
                kind: StandstillKind = "brake" if rest.braked else "halt"
                due = outbox.number_due(connection, name, self._local.now())
                found.append(Standstill(kind, name, rest.since, rest.reason, rest.until, due))
            for name, held in surges.surges(connection).items():
                found.append(Standstill("surge", name, held.since, held.reason))
        return sorted(found, key=lambda line: line.since)

    def release(self, line: Standstill, reason: str | None) -> str:
        """Have it worked on again, or let it go."""
        self._refuse_read_only()
        local = self._local
        author, at = local.place.author, local.now()
        if line.thing is not None:
            operating.release(local.store, line.thing.id, author, at)
            local.note_command("quarantine", "release", str(line.thing.id))
            return f"{line.kind} {line.what} is worked on again with the next pass."
        if line.kind == "surge":
            number = release_trigger(local.store, line.what, author, at, reason or "")
            local.note_command("surges", "release", line.what, reason=reason)
            return f"{counted(number, 'message')} of {line.what} may go."
        release_channel(local.store, line.what, author, at, reason or "")
        local.note_command("channels", "release", line.what, reason=reason)
        return f"{line.what} is used again."

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
