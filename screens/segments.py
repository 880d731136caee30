"""Named audiences and those of triggers: counted now, laid over each other, and who came and went."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from core.filters import holds, read_words
from core.instants import Instant
from core.model.audiences import AudienceChanges, AudienceLine, AudienceOverlap
from screens.action_frame import ActingFrame
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.segments import (
    COLUMNS,
    EXPORTED,
    WENT_AND_CAME,
    cells,
    change_cells,
    changes_chip,
    looking,
    overlap_lines,
    read_since,
    since_deed,
    words,
)
from screens.customers import CustomersScreen
from screens.filtering import FilterInput
from screens.ports import Cancelled
from screens.ports.customers import CustomerLine
from screens.ports.segments import AudiencesPage
from screens.ports.service import Service
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """One audience with how many are in it; None while that is not counted."""

    line: AudienceLine
    number: int | None


COUNTING = "count"
"""The group of the questions that count."""


class SegmentsScreen(ActingFrame):
    """All audiences, each counted one after the other while the screen is in front."""

    mode = "segments"
    filter_hint = "words of name, title or condition; segment or trigger; !word leaves out"
    deeds = ("overlap", "changes", "members", "edit")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "o",
            "overlap",
            "Overlap",
            "segments.overlap",
            "how many are in both of two: the marked ones, or the marked one and that under the cursor",
            show=True,
        ),
        key(
            "c",
            "changes",
            "Came, went",
            "segments.changes",
            "who came and who went since a date",
            show=True,
        ),
        key(
            "E",
            "edit",
            "Edit",
            "segments.edit",
            "change segments.toml, or the trigger's file, in your editor",
        ),
        key("t", "trigger", "Trigger", "segments.trigger", "the trigger whose audience it is"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page: AudiencesPage | None = None
        self._numbers: dict[str, int] = {}
        self._pending: list[AudienceLine] = []

    def body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable[AudienceRow](
            TableRows(COLUMNS, self._fetch, self._cells, EXPORTED),
            empty="There is no audience, or none fits. segments.toml names some.",
            id="body",
        )

    @property
    def table(self) -> VirtualTable[AudienceRow]:
        """The list."""
        return self.query_one(VirtualTable)

    @property
    def line(self) -> AudienceLine | None:
        """The one under the cursor."""
        return self._at(self.table.row_id)

    def _at(self, place: int | None) -> AudienceLine | None:
        page = self._page
        if page is None or place is None or place >= len(page.lines):
            return None
        return page.lines[place]

    # ---- counting ----

    def load(self) -> None:
        """Ask which there are; then count each."""
        self.ask(lambda service, cancelled: service.segments.page(cancelled), self._take)

    def _take(self, page: AudiencesPage) -> None:
        if self._page is None or page.lines != self._page.lines:
            self._numbers = {}
        self._page, self.at = page, page.at
        self._show()
        self._pending = list(page.lines)
        self._count_next()

    def _count_next(self) -> None:
        if not self._pending or not self.is_current:
            return
        line = self._pending.pop(0)
        self.ask(
            lambda service, cancelled: (line, service.segments.count(line, cancelled)), self._counted,
            group=COUNTING,
        )  # fmt: skip

    def _counted(self, answer: tuple[AudienceLine, int]) -> None:
        line, number = answer
        if self._numbers.get(line.key) != number:
            self._numbers[line.key] = number
            self._show()
        self._count_next()

    def on_screen_suspend(self) -> None:
        """Nobody looks any more: what is being counted ends."""
        self.workers.cancel_group(self, COUNTING)
        self.stale = True

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _show(self) -> None:
        page = self._page
        if page is None:
            return
        wanted = read_words(self.filter_text)
        shown = array("q", (place for place, line in enumerate(page.lines) if holds(wanted, words(line))))
        self.table.show(shown)
        whole = f"{page.customers:,} customers in all"
        fits = f"/ {self.filter_text} — {len(shown)} of {len(page.lines)}" if self.filter_text else whole
        self.say_filter(fits)
        self.chosen_changed()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, AudienceRow]:
        page = self._page
        lines = () if page is None else page.lines
        return {
            place: AudienceRow(lines[place], self._numbers.get(lines[place].key))
            for place in ids
            if place < len(lines)
        }

    def _cells(self, row: AudienceRow) -> Sequence[Cells]:
        whole = 0 if self._page is None else self._page.customers
        return cells(row.line, row.number, whole)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be asked."""
        if action in (*self.deeds, "trigger") and self.is_mounted:
            if self.line is None:
                return "there is no audience under the cursor"
            if action == "edit":
                return self.read_only() or self.one_at_a_time()
            if action == "trigger" and self.line.is_segment:
                return f"{self.line.name} is a segment, of no trigger"
            if action == "overlap" and self._two() is None:
                return "mark one with space and go to another, or mark two"
        return super().why_not(action)

    def _two(self) -> tuple[AudienceLine, AudienceLine] | None:
        marked = list(self.table.marked)
        here = self.table.row_id
        places = marked if len(marked) == 2 else [*marked, here] if len(marked) == 1 else []
        found = [line for place in dict.fromkeys(places) if (line := self._at(place)) is not None]
        return (found[0], found[1]) if len(found) == 2 else None

    @on(VirtualTable.Opened)
    async def _open(self) -> None:
        """The customers of a segment; of a trigger the trigger, whose audience has no name to ask by."""
        line = self.line
        if line is None:
            return
        if not line.is_segment:
            self.host.open_trigger(line.name)
            return
        await self.app.run_action("go('customers')")
        screen = self.app.screen
        if isinstance(screen, CustomersScreen):
            text = f"segment:{line.name}"
            if screen.query(FilterInput):
                narrow(screen, text)
            else:  # shown for the first time: its filter line is not there yet
                screen.call_after_refresh(lambda: narrow(screen, text))

    def action_trigger(self) -> None:
        """The trigger."""
        if self.line is not None and not self.line.is_segment:
            self.host.open_trigger(self.line.name)

    def action_edit(self) -> None:
        """Change the file that says whom it takes in."""
        from screens.editing import SegmentsEditingScreen  # when first wanted

        line = self.line
        if line is not None:
            name = "segments.toml" if line.is_segment else f"triggers/{line.name}.toml"
            self.app.push_screen(SegmentsEditingScreen(name))

    def action_overlap(self) -> None:
        """How many are in both of two."""
        two = self._two()
        if two is None:
            return
        one, other = two

        def show(found: AudienceOverlap) -> None:
            self.app.push_screen(Details(f"{one.name} and {other.name}", overlap_lines(one, other, found)))

        self.ask(
            lambda service, cancelled: service.segments.overlap(one, other, cancelled), show, group="overlap"
        )

    def action_changes(self) -> None:
        """Who came and went, once it was said since when."""
        line = self.line
        if line is None:
            return

        def look(given: DialogAnswer) -> None:
            since = read_since(given.values["since"], self.at, self.zone)
            self.app.push_screen(ChangesScreen(line, since))

        confirm(self, since_deed(line, self.at, self.zone), look)


def narrow(screen: CustomersScreen, text: str) -> None:
    """Let the list of customers hold those of a filter line."""
    for line in screen.query(FilterInput):
        line.value = text
    screen.take_filter(text)


class ChangesScreen(ActingFrame):
    """Who came into one audience and who went since an instant."""

    mode = "segments"

    class Looked(Message):
        """So many customers were looked at, of so many."""

        def __init__(self, done: int, whole: int) -> None:
            super().__init__()
            self.done = done
            self.whole = whole

    def __init__(self, line: AudienceLine, since: Instant) -> None:
        super().__init__()
        self._line = line
        self._since = since
        self._came: frozenset[int] = frozenset()
        self._is_asked = False

    def crumbs(self) -> Sequence[str]:
        """Whose changes."""
        return (self._line.name, "came and went")

    def body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable[CustomerLine](
            TableRows(WENT_AND_CAME, self._fetch, self._cells),
            empty="Nobody came and nobody went.",
            id="body",
        )

    def load(self) -> None:
        """Ask once; what others write since then does not begin it anew, `r` does."""
        if self._is_asked:
            return
        self._is_asked = True
        line, since = self._line, self._since

        def ask(service: Service, cancelled: Cancelled) -> AudienceChanges:
            def tell(done: int, whole: int) -> None:
                self.post_message(self.Looked(done, whole))

            return service.segments.changes(line, since, cancelled, tell)

        self.say_filter("looking …")
        self.ask(ask, self._take)

    def action_reload(self) -> None:
        """Ask anew."""
        self._is_asked = False
        super().action_reload()

    @on(Looked)
    def _say(self, message: Looked) -> None:
        self.say_filter(looking(message.done, message.whole))

    def _take(self, found: AudienceChanges) -> None:
        self.at, self._came = found.at, frozenset(found.came)
        self.query_one(VirtualTable).show(array("q", [*found.came, *found.went]))
        self.say_filter(changes_chip(found, self.zone))

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, CustomerLine]:
        return service.segments.customers(ids, cancelled)

    def _cells(self, row: CustomerLine) -> Sequence[Cells]:
        return change_cells(row, row.id in self._came, self.at, self.zone)

    @on(VirtualTable.Opened)
    def _open(self, message: VirtualTable.Opened) -> None:
        self.host.open_customer(message.row)
