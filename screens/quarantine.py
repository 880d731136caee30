"""What the engine itself has stopped: what is set aside because working on it failed, channels that are left
alone, triggers that are held for what they would send. The operator releases it, or gives it up.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.quarantine import COLUMNS, EXPORTED, cells, chip, drop_deed, release_deed, whole, words
from screens.kept_list import KeptListScreen, KeptTable
from screens.ports import Cancelled
from screens.ports.quarantine import HELD, Standstill
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows
from screens.widgets.wrapped import WrappedLines


class QuarantineScreen(KeptListScreen[Standstill]):
    """All that waits because working on it failed, or would do harm."""

    mode = "overview"
    DEFAULT_CSS = """
    QuarantineScreen #things { height: 1fr; }
    QuarantineScreen #whole { height: 5; border-top: solid $boost; }
    QuarantineScreen.-tall #whole { height: 8; }
    """
    filter_hint = "words of kind, name or reason; !word leaves out"
    deeds = ("release", "drop")
    columns, fields = COLUMNS, EXPORTED
    empty = "Nothing is set aside or held back, or nothing fits the filter."
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "R",
            "release",
            "Release",
            "quarantine.release",
            "work on it again, let it go; asks first",
            show=True,
        ),
        key("D", "drop", "Drop", "quarantine.drop", "give it up; asks first, and why", show=True),
    ]

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Set aside",)

    def body(self) -> ComposeResult:
        """The table, and below it all of the line under the cursor."""
        rows = TableRows(self.columns, self._fetch, self.cells_of, self.fields)
        with Vertical(id="body"):
            yield KeptTable(rows, empty=self.empty, id="things")
            yield WrappedLines(id="whole")

    def chosen_changed(self) -> None:
        """Another line: all of it is read below the list."""
        super().chosen_changed()
        line = self.line
        self.query_one(WrappedLines).show([] if line is None else whole(line, self.at, self.zone))

    def listed(self, service: Service, cancelled: Cancelled) -> Sequence[Standstill]:
        """All that stands still."""
        return service.quarantine.listing(cancelled)

    def name_of(self, line: Standstill) -> Hashable:
        """The number that commands know it by; what is held has its kind and name."""
        return (line.kind, line.what if line.id is None else line.id)

    def words_of(self, line: Standstill) -> str:
        """Kind, name and reason."""
        return words(line)

    def cells_of(self, line: Standstill) -> Sequence[Cells]:
        """The line in columns."""
        return cells(line, self.at, self.zone)

    def said(self) -> str:
        """How many there are."""
        return chip(self.lines)

    # ---- what can be done ----

    def why_not_here(self, action: str, line: Standstill) -> str | None:
        """What is held is let go, and never given up."""
        held = action == "drop" and line.kind in HELD
        return "it waits, and is not broken: R lets it go" if held else None

    def action_release(self) -> None:
        """Have it worked on again."""
        thing = self.line
        if thing is not None and self.place is not None:
            confirm(self, release_deed(thing, self.place.author), lambda given: self._release(thing, given))

    def _release(self, thing: Standstill, given: DialogAnswer) -> None:
        reason = given.values.get("reason")
        self.act(lambda service: service.quarantine.release(thing, reason), self.done)

    def action_drop(self) -> None:
        """Give it up."""
        thing = self.line
        aside = None if thing is None else thing.thing
        if thing is None or aside is None or self.place is None:
            return

        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(lambda service: service.quarantine.drop(aside, reason), self.done)

        confirm(self, drop_deed(thing, self.place.author), do)
