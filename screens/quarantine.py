"""What is set aside because working on it failed: the operator releases it, or gives it up."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from core.model.quarantine import SetAside
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.quarantine import COLUMNS, EXPORTED, cells, chip, drop_deed, release_deed, words
from screens.kept_list import KeptListScreen
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key


class QuarantineScreen(KeptListScreen[SetAside]):
    """All that waits because working on it failed."""

    mode = "overview"
    filter_hint = "words of kind, name or reason; !word leaves out"
    deeds = ("release", "drop")
    columns, fields = COLUMNS, EXPORTED
    empty = "Nothing is set aside, or nothing fits the filter."
    BINDINGS: ClassVar[list[BindingType]] = [
        key("R", "release", "Release", "quarantine.release", "work on it again; asks first", show=True),
        key("D", "drop", "Drop", "quarantine.drop", "give it up; asks first, and why", show=True),
    ]

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Set aside",)

    def listed(self, service: Service, cancelled: Cancelled) -> Sequence[SetAside]:
        """All that is set aside."""
        return service.quarantine.listing(cancelled)

    def name_of(self, line: SetAside) -> Hashable:
        """The number that commands know it by."""
        return line.id

    def words_of(self, line: SetAside) -> str:
        """Kind, name and reason."""
        return words(line)

    def cells_of(self, line: SetAside) -> Sequence[Cells]:
        """The line in columns."""
        return cells(line, self.at, self.zone)

    def said(self) -> str:
        """How many there are."""
        return chip(self.lines)

    # ---- what can be done ----

    def action_release(self) -> None:
        """Have it worked on again."""
        thing = self.line
        if thing is not None and self.place is not None:
            deed = release_deed(thing, self.place.author)
            confirm(self, deed, lambda _: self.act(lambda s: s.quarantine.release(thing), self.done))

    def action_drop(self) -> None:
        """Give it up."""
        thing = self.line
        if thing is None or self.place is None:
            return

        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(lambda service: service.quarantine.drop(thing, reason), self.done)

        confirm(self, drop_deed(thing, self.place.author), do)
