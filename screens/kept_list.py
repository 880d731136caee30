"""Lists that are read whole and kept in memory: how one is shown, filtered and read anew."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult

from core.filters import holds, read_words
from core.instants import Instant
from screens.action_frame import ActingFrame
from screens.cells.column import Column
from screens.cells.exports import Fields
from screens.cells.line import Cells
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.widgets.table import TableRows, VirtualTable

L = TypeVar("L")


class KeptTable(VirtualTable[L]):
    """The table of such a list; there is nothing to open."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter has no meaning here and is not offered."""
        return False if action == "open" else super().check_action(action, parameters)


class KeptListScreen(ActingFrame, Generic[L]):
    """A list of lines with deeds. A subclass says what it lists, and how a line reads."""

    columns: ClassVar[Sequence[Column]] = ()
    fields: ClassVar[Fields] = ()
    empty: ClassVar[str] = "Nothing fits. Esc clears the filter."

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[L] = ()
        self._numbers: dict[Hashable, int] = {}

    # ---- what a subclass says ----

    def listed(self, service: Service, cancelled: Cancelled) -> Sequence[L]:
        """All of them, asked in a worker."""
        raise NotImplementedError

    def name_of(self, line: L) -> Hashable:
        """What makes the line the same one when the list is read anew."""
        raise NotImplementedError

    def words_of(self, line: L) -> str:
        """What a filter is compared with."""
        raise NotImplementedError

    def cells_of(self, line: L) -> Sequence[Cells]:
        """The line in the columns of the list."""
        raise NotImplementedError

    def said(self) -> str:
        """What the filter line says without a filter."""
        raise NotImplementedError

    def why_not_here(self, action: str, line: L) -> str | None:
        """Why a deed cannot be done to the line under the cursor; None where it can."""
        return None

    # ---- what is the same for all ----

    def body(self) -> ComposeResult:
        """The table."""
        rows = TableRows(self.columns, self._fetch, self.cells_of, self.fields)
        yield KeptTable(rows, empty=self.empty, id="body")

    @property
    def table(self) -> VirtualTable[L]:
        """The list."""
        return self.query_one(VirtualTable)

    @property
    def line(self) -> L | None:
        """The one under the cursor."""
        here = self.table.row_id
        return next((line for line in self.lines if self._number(line) == here), None)

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(lambda service, cancelled: (service.now(), self.listed(service, cancelled)), self._take)

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def why_not(self, action: str) -> str | None:
        """Why nothing can be done to the line under the cursor."""
        if action not in self.deeds:
            return super().why_not(action)
        if (reason := self.read_only() or self.one_at_a_time()) is not None:
            return reason
        return (
            "there is nothing under the cursor" if self.line is None else self.why_not_here(action, self.line)
        )

    def _take(self, answer: tuple[Instant, Sequence[L]]) -> None:
        self.at, self.lines = answer
        self._show()

    def _show(self) -> None:
        wanted = read_words(self.filter_text)
        shown = [self._number(line) for line in self.lines if holds(wanted, self.words_of(line))]
        self.table.show(array("q", shown))
        self.say_filter(
            f"/ {self.filter_text} — {len(shown)} of {len(self.lines)}" if self.filter_text else self.said()
        )
        self.chosen_changed()

    def _number(self, line: L) -> int:
        """The row's id: the same for the same line however often the list is read."""
        return self._numbers.setdefault(self.name_of(line), len(self._numbers))

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, L]:
        known = {self._number(line): line for line in self.lines}
        return {number: known[number] for number in ids if number in known}
