"""The list of triggers with their numbers: pause, resume, and what each of them has decided."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.instants import Instant
from screens.cells.line import Cells
from screens.cells.triggers import COLUMNS, EXPORTED, cells, matches
from screens.pausing import PAUSING, PausingFrame
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.ports.triggers import TriggerLine
from screens.widgets.table import TableRows, VirtualTable


class TriggersScreen(PausingFrame):
    """All triggers."""

    mode = "triggers"
    filter_hint = "words of state, name, title or kind; !word leaves out"
    BINDINGS: ClassVar[list[BindingType]] = [*PAUSING]

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[TriggerLine] = ()
        self._numbers: dict[str, int] = {}
        self._by_number: Mapping[int, TriggerLine] = {}

    def body(self) -> ComposeResult:
        """The table."""
        empty = "There is no such trigger. Each is a file in triggers/."
        yield VirtualTable(TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), empty=empty, id="body")

    @property
    def table(self) -> VirtualTable[TriggerLine]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(lambda service, cancelled: (service.now(), service.triggers.lines(cancelled)), self._take)

    def _take(self, answer: tuple[Instant, Sequence[TriggerLine]]) -> None:
        self.at, self._lines = answer
        for line in self._lines:
            self._numbers.setdefault(line.name, len(self._numbers))
        self._by_number = {self._numbers[line.name]: line for line in self._lines}
        self._show()

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _show(self) -> None:
        shown = [line for line in self._lines if matches(line, self.filter_text)]
        self.table.show(array("q", (self._numbers[line.name] for line in shown)))
        self.say_filter(
            f"/ {self.filter_text} — {len(shown)} of {len(self._lines)}"
            if self.filter_text
            else f"{len(shown)} triggers"
        )
        self.chosen_changed()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, TriggerLine]:
        lines = self._by_number
        return {number: lines[number] for number in ids if number in lines}

    def _cells(self, line: TriggerLine) -> Sequence[Cells]:
        return cells(line, self.at, self.zone)

    @property
    def line(self) -> TriggerLine | None:
        """The trigger under the cursor."""
        return None if self.table.row_id is None else self._by_number.get(self.table.row_id)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be done to the trigger under the cursor."""
        if action in ("decisions", "backtest", "preview"):
            return None if self.line is not None else "there is no trigger here"
        return super().why_not(action)

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        if self.line is not None:
            self.host.open_trigger(self.line.name)
