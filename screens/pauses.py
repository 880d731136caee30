"""What is paused, with what waits for its end, and the channels and segments that can be paused."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from screens.cells.line import Cells
from screens.cells.pauses import COLUMNS, EXPORTED, cells, chip, detail, words
from screens.kept_list import KeptListScreen
from screens.pausing import ask_to_pause_or_resume, by_words, undo_pause
from screens.ports import Cancelled
from screens.ports.pauses import PauseLine
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details


class PausesScreen(KeptListScreen[PauseLine]):
    """All pauses, the emergency stop among them, then what is not paused."""

    mode = "overview"
    filter_hint = "words of state, name, author or reason; !word leaves out"
    deeds = ("pause", "resume", "undo")
    columns, fields = COLUMNS, EXPORTED
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "P",
            "pause",
            "Pause",
            "pauses.pause",
            "pause the channel or segment; asks first, in numbers",
            show=True,
        ),
        key(
            "U",
            "resume",
            "Resume",
            "pauses.resume",
            "end the pause; asks what becomes of what waited",
            show=True,
        ),
        key("u", "undo", "Undo", "pauses.undo", "take back the pause just made"),
    ]

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Pauses",)

    def body(self) -> ComposeResult:
        """The table; a pause can be opened."""
        yield VirtualTable(
            TableRows(self.columns, self._fetch, self.cells_of, self.fields), empty=self.empty, id="body"
        )

    def listed(self, service: Service, cancelled: Cancelled) -> Sequence[PauseLine]:
        """What is or can be paused."""
        return service.triggers.pauses(cancelled)

    def name_of(self, line: PauseLine) -> Hashable:
        """What the pause is of."""
        return line.target

    def words_of(self, line: PauseLine) -> str:
        """State, name, author and reason."""
        return words(line, self.at, self.zone)

    def cells_of(self, line: PauseLine) -> Sequence[Cells]:
        """The line in columns."""
        return cells(line, self.at, self.zone)

    def said(self) -> str:
        """What is paused."""
        return chip(self.lines)

    # ---- what can be done ----

    def why_not_here(self, action: str, line: PauseLine) -> str | None:
        """Why the row cannot be paused or resumed."""
        if action == "pause":
            return None if line.pause is None else f"it is paused already{by_words(line.pause)}; U resumes it"
        return None if line.pause is not None else "it is not paused"

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        if self.line is not None:
            self.app.push_screen(Details("Pause", detail(self.line, self.zone)))

    def action_pause(self) -> None:
        """Pause the channel or segment."""
        self._turn()

    def action_resume(self) -> None:
        """End the pause."""
        self._turn()

    def _turn(self) -> None:
        if self.line is None:
            return
        if self.line.target == "*":
            self.host_stop()
        else:
            ask_to_pause_or_resume(self, self.line.target)

    def host_stop(self) -> None:
        """The emergency stop has its own question."""
        from screens.emergency import ask_to_stop_or_go  # when first wanted, as everywhere

        ask_to_stop_or_go(self)

    def action_undo(self) -> None:
        """Undo the pause just made."""
        if self.line is not None:
            undo_pause(self, self.line.target)
