"""Screens on which something can be done: they say why where it cannot, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on

from core.instants import Instant
from screens.frame import Frame
from screens.widgets.table import VirtualTable


class ActingFrame(Frame):
    """A frame with deeds. A subclass names the actions that depend on what is chosen in `deeds`, and calls
    `chosen_changed` where something else changes than the row under the cursor.
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

    def one_at_a_time(self) -> str | None:
        """Why a deed that is done to the row under the cursor is not done while others are marked."""
        for table in self.query(VirtualTable):
            if table.marked - {table.row_id}:
                return "it is done to one row at a time, and others are marked; * marks all, * again none"
        return None

    def chosen_changed(self) -> None:
        """Another row: the line of keys is drawn anew where other things can be done to it."""
        possible = tuple(self.why_not(deed) is None for deed in self.deeds)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    @on(VirtualTable.Highlighted)
    def _another_row(self) -> None:
        self.chosen_changed()

    def done(self, sentence: str) -> None:
        """Say what happened, and read anew."""
        self.toast(sentence)
        self.load()
