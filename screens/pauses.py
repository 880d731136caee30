"""What is paused, with what waits for its end, and the channels and segments that can be paused."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.filters import holds, read_words
from core.instants import Instant
from screens.action_frame import ActingFrame
from screens.cells.line import Cells
from screens.cells.pauses import COLUMNS, EXPORTED, cells, chip, detail, words
from screens.pausing import ask_to_pause_or_resume, by_words, undo_pause
from screens.ports import Cancelled
from screens.ports.pauses import PauseLine
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details


class PausesScreen(ActingFrame):
    """All pauses, the emergency stop among them, then what is not paused."""

    mode = "overview"
    filter_hint = "words of state, name, author or reason; !word leaves out"
    deeds = ("pause", "resume", "undo")
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

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[PauseLine] = ()
        self._numbers: dict[str, int] = {}

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Pauses",)

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable(
            TableRows(COLUMNS, self._fetch, self._cells, EXPORTED),
            empty="Nothing fits. Esc clears the filter.",
            id="body",
        )

    @property
    def table(self) -> VirtualTable[PauseLine]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(lambda service, cancelled: (service.now(), service.triggers.pauses(cancelled)), self._take)

    def _take(self, answer: tuple[Instant, Sequence[PauseLine]]) -> None:
        self.at, self._lines = answer
        for line in self._lines:
            self._numbers.setdefault(line.target, len(self._numbers))
        self._show()

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _show(self) -> None:
        wanted = read_words(self.filter_text)
        shown = [line for line in self._lines if holds(wanted, words(line, self.at, self.zone))]
        self.table.show(array("q", (self._numbers[line.target] for line in shown)))
        self.say_filter(
            f"/ {self.filter_text} — {len(shown)} of {len(self._lines)}"
            if self.filter_text
            else chip(self._lines)
        )
        self.chosen_changed()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, PauseLine]:
        return {self._numbers[line.target]: line for line in self._lines if self._numbers[line.target] in ids}

    def _cells(self, line: PauseLine) -> Sequence[Cells]:
        return cells(line, self.at, self.zone)

    @property
    def line(self) -> PauseLine | None:
        """The one under the cursor."""
        here = self.table.row_id
        return next((line for line in self._lines if self._numbers[line.target] == here), None)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why the row cannot be paused or resumed."""
        if action not in self.deeds:
            return super().why_not(action)
        return self.read_only() or self.one_at_a_time() or _why_not(action, self.line)

    @on(VirtualTable.Highlighted)
    def _chosen_another(self) -> None:
        self.chosen_changed()

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


def _why_not(action: str, line: PauseLine | None) -> str | None:
    if line is None:
        return "there is nothing under the cursor"
    if action == "pause":
        return None if line.pause is None else f"it is paused already{by_words(line.pause)}; U resumes it"
    return None if line.pause is not None else "it is not paused"
