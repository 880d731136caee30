"""Who is who for the screens: conflicts of identities, and the operator's word on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from screens.ports import Cancelled
from screens.ports.people import ConflictLine
from storage import audit
from storage.intake import decisions

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class PeopleAnswers:
    """Answers the questions of `screens.ports.people`, and writes down what operators decide."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def conflicts(self, cancelled: Cancelled) -> Sequence[ConflictLine]:
        """What waits for a decision."""
        with self._local.asking(cancelled) as connection:
            return [ConflictLine(**row) for row in decisions.conflicts(connection)]

    def join(self, one: str, other: str, reason: str) -> str:
        """Let the two be one customer under the key of the first."""
        self._decide("join", decisions.join, one, other, reason)
        return f"{one} and {other} are one customer."

    def part(self, one: str, other: str, reason: str) -> str:
        """Let the two be two customers."""
        self._decide("part", decisions.part, one, other, reason)
        return f"{one} and {other} are two customers."

    def _decide(self, verdict: str, decide: Callable[..., None], one: str, other: str, reason: str) -> None:
        at, workspace = self._local.now(), self._local.in_force()
        with self._local.acting() as connection:
            wake = workspace.playbook.version > 0
            decide(connection, one, other, workspace.identities.rules, at=at, wake=wake)
            author = self._local.place.author
            audit.record(connection, at, author, f"merges {verdict}", f"{one} {other}", reason or None, {})
        self._local.note_command("merges", verdict, one, other, reason=reason)
