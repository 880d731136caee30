"""Screens on which something can be done: they say why where it cannot, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from core.instants import Instant
from screens.frame import Frame


class ActingFrame(Frame):
    """A frame with deeds. A subclass names the actions that depend on what is chosen in `deeds`, and calls
    `chosen_changed`.
    """

    deeds: ClassVar[Sequence[str]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.at: Instant = 0
        """As of when the data is that is shown."""
        self._possible: tuple[bool, ...] = ()

    def read_only(self) -> str | None:
        """Why nothing can be changed; None where it can."""
        return "the workspace is being opened" if self.place is None else self.place.read_only

    def chosen_changed(self) -> None:
        """Another row: the line of keys is drawn anew where other things can be done to it."""
        possible = tuple(self.why_not(deed) is None for deed in self.deeds)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    def done(self, sentence: str) -> None:
        """Say what happened, and read anew."""
        self.toast(sentence)
        self.load()
