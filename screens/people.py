"""Customers that may be one person, with what they share: the operator joins them or keeps them apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from screens.cells.deed import Deed, DialogAnswer
from screens.cells.line import Cells
from screens.cells.people import COLUMNS, EXPORTED, cells, chip, join_deed, part_deed, words
from screens.kept_list import KeptListScreen
from screens.ports import Cancelled
from screens.ports.people import ConflictLine
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key


class PeopleScreen(KeptListScreen[ConflictLine]):
    """What waits for a decision."""

    mode = "customers"
    filter_hint = "words of the reason, identity or customers; !word leaves out"
    deeds = ("join", "part")
    columns, fields = COLUMNS, EXPORTED
    empty = "Nothing waits for a decision, or nothing fits the filter."
    BINDINGS: ClassVar[list[BindingType]] = [
        key("J", "join", "Join", "people.join", "the first two are one person; asks first", show=True),
        key("A", "part", "Keep apart", "people.part", "the first two are two people; asks first", show=True),
    ]

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Customers", "Who is who")

    def listed(self, service: Service, cancelled: Cancelled) -> Sequence[ConflictLine]:
        """All conflicts."""
        return service.people.conflicts(cancelled)

    def name_of(self, line: ConflictLine) -> Hashable:
        """Why, what is shared, and by whom."""
        return line.kind, line.identity, tuple(line.customers)

    def words_of(self, line: ConflictLine) -> str:
        """Reason, identity and customers."""
        return words(line)

    def cells_of(self, line: ConflictLine) -> Sequence[Cells]:
        """The line in columns."""
        return cells(line, self.at, self.zone)

    def said(self) -> str:
        """How many there are."""
        return chip(self.lines)

    # ---- what can be done ----

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
