"""Customers that may be one person, with what they share: the operator joins them or keeps them apart."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.filters import holds, read_words
from core.instants import Instant
from screens.action_frame import ActingFrame
from screens.cells.deed import Deed, DialogAnswer
from screens.cells.line import Cells
from screens.cells.people import COLUMNS, EXPORTED, cells, chip, join_deed, part_deed, words
from screens.ports import Cancelled
from screens.ports.people import ConflictLine
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable


class ConflictTable(VirtualTable[ConflictLine]):
    """The list of conflicts; there is nothing to open."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter has no meaning here and is not offered."""
        return False if action == "open" else super().check_action(action, parameters)


class PeopleScreen(ActingFrame):
    """What waits for a decision."""

    mode = "customers"
    filter_hint = "words of the reason, identity or customers; !word leaves out"
    deeds = ("join", "part")
    BINDINGS: ClassVar[list[BindingType]] = [
        key("J", "join", "Join", "people.join", "the first two are one person; asks first", show=True),
        key("A", "part", "Keep apart", "people.part", "the first two are two people; asks first", show=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[ConflictLine] = ()

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Customers", "Who is who")

    def body(self) -> ComposeResult:
        """The table."""
        yield ConflictTable(
            TableRows(COLUMNS, self._fetch, self._cells, EXPORTED),
            empty="Nothing waits for a decision, or nothing fits the filter.",
            id="body",
        )

    @property
    def table(self) -> VirtualTable[ConflictLine]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(lambda service, cancelled: (service.now(), service.people.conflicts(cancelled)), self._take)

    def _take(self, answer: tuple[Instant, Sequence[ConflictLine]]) -> None:
        self.at, self._lines = answer
        self._show()

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _show(self) -> None:
        wanted = read_words(self.filter_text)
        shown = [place for place, line in enumerate(self._lines) if holds(wanted, words(line))]
        self.table.show(array("q", shown))
        self.say_filter(
            f"/ {self.filter_text} — {len(shown)} of {len(self._lines)}"
            if self.filter_text
            else chip(self._lines)
        )
        self.chosen_changed()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, ConflictLine]:
        return {place: self._lines[place] for place in ids if place < len(self._lines)}

    def _cells(self, line: ConflictLine) -> Sequence[Cells]:
        return cells(line, self.at, self.zone)

    @property
    def line(self) -> ConflictLine | None:
        """The one under the cursor."""
        here = self.table.row_id
        return self._lines[here] if here is not None and here < len(self._lines) else None

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why nothing can be decided here."""
        if action not in self.deeds:
            return super().why_not(action)
        return (
            self.read_only()
            or self.one_at_a_time()
            or ("there is nothing under the cursor" if self.line is None else None)
        )

    @on(VirtualTable.Highlighted)
    def _chosen_another(self) -> None:
        self.chosen_changed()

    def action_join(self) -> None:
        """Let the first two be one customer."""
        self._decide(join_deed, lambda service, *given: service.people.join(*given))

    def action_part(self) -> None:
        """Let the first two be two customers."""
        self._decide(part_deed, lambda service, *given: service.people.part(*given))

    def _decide(
        self,
        deed: Callable[[ConflictLine, str], Deed],
        decide: Callable[[Service, str, str, str], str],
    ) -> None:
        line = self.line
        if line is None or self.place is None:
            return
        one, other = line.customers[:2]

        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(lambda service: decide(service, one, other, reason), self.done)

        confirm(self, deed(line, self.place.author), do)
