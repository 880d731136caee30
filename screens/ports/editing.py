"""Changing a file of the workspace in a copy: what the check says of it, and what it would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from screens.ports import Cancelled, Progress


@dataclass(frozen=True, slots=True)
class EditedFile:
    """A copy that the operator writes in: the file by its path in the workspace, and where the copy lies."""

    name: str
    path: Path
    is_resumed: bool
    """It was begun before, and kept."""


@dataclass(frozen=True, slots=True)
class EditCheck:
    """What is found of a copy; it can be put in force where nothing stands in the way."""

    number: int
    """Which check it was; only the newest can be put in force."""
    changed: Sequence[str]
    """The lines of a unified diff; empty where the copy changes nothing."""
    faults: Sequence[str] = ()
    """With place and remedy, as `manometer check` says them."""
    others: Sequence[str] = ()
    """What somebody else changed in the file meanwhile, as a unified diff."""
    effects: Sequence[str] = ()
    """What putting it in force changes, and for how many customers under way."""
    forecast: Sequence[str] = ()
    """How the decisions of the coming week change, in numbers."""

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be put in force, as part of a sentence."""
        if self.faults:
            return "the check finds faults; E edits again"
        if self.others:
            return "somebody else has changed the file meanwhile; t takes note of that"
        return None if self.effects else "nothing is changed; E edits again"


class EditingPort(Protocol):
    """What is asked of copies, and what can be done with them."""

    def begin(self, name: str, cancelled: Cancelled) -> EditedFile:
        """A copy of a file, or the one kept from before; ManometerError where the file is gone."""
        ...

    def check(self, file: EditedFile, cancelled: Cancelled, progress: Progress) -> EditCheck:
        """Check the copy and compare the coming week; ManometerError where the copy cannot be read."""
        ...

    def take_note(self, file: EditedFile, cancelled: Cancelled) -> None:
        """What somebody else has changed meanwhile is known; the copy goes over it."""
        ...

    def put_in_force(self, file: EditedFile, found: EditCheck, reason: str) -> str:
        """Replace the file by the copy and apply it; ManometerError where it is not as checked."""
        ...

    def discard(self, file: EditedFile) -> str:
        """Delete the copy."""
        ...
