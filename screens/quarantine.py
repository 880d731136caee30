"""What the engine itself has stopped: what is set aside because working on it failed, channels that are left
alone, triggers that are held for what they would send. The operator releases it, or gives it up.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.filters import holds, read_words
from core.instants import Instant
from screens.action_frame import ActingFrame
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.quarantine import COLUMNS, EXPORTED, cells, chip, drop_deed, release_deed, whole, words
from screens.ports import Cancelled
from screens.ports.quarantine import HELD, Standstill
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedLines


class QuarantineTable(VirtualTable[Standstill]):
    """The list of what is set aside; there is nothing to open."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter has no meaning here and is not offered."""
        return False if action == "open" else super().check_action(action, parameters)


class QuarantineScreen(ActingFrame):
    """All that waits because working on it failed, or would do harm."""

    mode = "overview"
    DEFAULT_CSS = """
    QuarantineScreen #things { height: 1fr; }
    QuarantineScreen #whole { height: 5; border-top: solid $boost; }
    QuarantineScreen.-tall #whole { height: 8; }
    """
    filter_hint = "words of kind, name or reason; !word leaves out"
    deeds = ("release", "drop")
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

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Standstill] = ()

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Set aside",)

    def body(self) -> ComposeResult:
        """The table, and below it all of the line under the cursor."""
        with Vertical(id="body"):
            yield QuarantineTable(
                TableRows(COLUMNS, self._fetch, self._cells, EXPORTED),
                empty="Nothing is set aside or held back, or nothing fits the filter.",
                id="things",
            )
            yield WrappedLines(id="whole")

    @property
    def table(self) -> VirtualTable[Standstill]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(
            lambda service, cancelled: (service.now(), service.quarantine.listing(cancelled)), self._take
        )

    def _take(self, answer: tuple[Instant, Sequence[Standstill]]) -> None:
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
        self._show_whole()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, Standstill]:
        return {place: self._lines[place] for place in ids if place < len(self._lines)}

    def _cells(self, line: Standstill) -> Sequence[Cells]:
        return cells(line, self.at, self.zone)

    @property
    def line(self) -> Standstill | None:
        """The one under the cursor."""
        here = self.table.row_id
        return self._lines[here] if here is not None and here < len(self._lines) else None

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why nothing can be decided here."""
        if action not in self.deeds:
            return super().why_not(action)
        line = self.line
        if self.read_only() is None and action == "drop" and line is not None and line.kind in HELD:
            return "it waits, and is not broken: R lets it go"
        return self.read_only() or ("there is nothing under the cursor" if line is None else None)

    @on(VirtualTable.Highlighted)
    def _chosen_another(self) -> None:
        self.chosen_changed()
        self._show_whole()

    def _show_whole(self) -> None:
        line = self.line
        lines = [] if line is None else whole(line, self.at, self.zone)
        self.query_one(WrappedLines).show(lines)

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
