"""A table over any number of rows: it holds a vector of row ids and the few rows around what is seen, and
draws those alone.

The rows come in pages, by a question asked off the UI thread. A move to rows that are not there yet waits for
them (some milliseconds) and then draws once, so that nothing flickers and no line is sent twice. Within the
page a move redraws two lines.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any, ClassVar, Final, Generic, TypeVar

from textual.binding import BindingType
from textual.events import Click, Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from screens.asking import asking_screen
from screens.cells import exports
from screens.cells.column import Column
from screens.cells.line import Cell, Cells, as_cell, fit
from screens.cells.safe_text import safe_text
from screens.ports import Cancelled, CancelledError
from screens.ports.service import Service
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Lines

R = TypeVar("R")
Fetch = Callable[[Service, Sequence[int], Cancelled], Mapping[int, R]]
"""Gives rows by their ids; ids that are gone may be missing."""

PAGES_KEPT: Final = 60
"""So many pages of rows stay in memory; older ones are read again when they come into sight."""
PORTION: Final = 500
"""So many rows are read at once for an export."""
ABOUT: Final = ("key", "customer", "name", "trigger", "target", "what")
"""The column that says whom or what a row is about: the first of these that it has."""
MOST_SORTED: Final = 20_000
"""So many rows are read to sort them, within about a second."""
JUMP: Final = 4
"""A move over the edge brings a quarter of a page into sight at once: whole pages travel over the line less
often.
"""


@dataclass(frozen=True, slots=True)
class TableRows(Generic[R]):
    """Where the rows of a table come from and how they are shown: `cells` gives one cell for each of all
    `columns`, shown or not.
    """

    columns: Sequence[Column]
    fetch: Fetch[R]
    cells: Callable[[R], Sequence[Cells]]
    fields: exports.Fields = ()
    """What of a row can be taken away; nothing of the list where there are none."""


@dataclass(frozen=True, slots=True)
class TableOrder:
    """By which column a table is sorted, by its place among all."""

    column: int
    is_downwards: bool = False

    @property
    def sign(self) -> str:
        """What stands before the column's title."""
        return "▼" if self.is_downwards else "▲"

    def ordered(self, rows: Sequence[int], keys: Mapping[int, tuple[bool, object]]) -> list[int]:
        """The rows by their keys; those without a value last, whichever way."""
        empty = [row for row in rows if keys[row][0]]
        known = [row for row in rows if not keys[row][0]]
        try:
            known.sort(key=lambda row: keys[row][1], reverse=self.is_downwards)  # type: ignore[arg-type,return-value]
        except TypeError:  # values of several sorts
            known.sort(key=lambda row: str(keys[row][1]), reverse=self.is_downwards)
        return [*known, *empty]


def _sort_key(
    row: object, name: str, cells: Callable[[Any], Sequence[Cells]], place: int
) -> tuple[bool, object]:
    """Whether a row has no value in a column, and the value: the row's own of the column's name, else the
    text that is seen.
    """
    value = getattr(row, name) if hasattr(row, name) else as_cell(cells(row)[place]).text.strip()
    if isinstance(value, str):
        value = value.casefold()
    elif value is not None and not isinstance(value, int | float):
        value = as_cell(cells(row)[place]).text.strip().casefold()
    return value in (None, ""), value


class VirtualTable(Lines, Generic[R], can_focus=True):
    """Rows by id with a cursor and marks."""

    DEFAULT_CSS = "VirtualTable { height: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("list"),
        key("enter", "open", "Open", "list.open", "open what the cursor is on", show=True),
        key(
            "space",
            "mark",
            "Mark",
            "list.mark",
            "mark or unmark the row; what is done, copied or exported is then of all marked rows",
        ),
        key("y", "copy", "Copy", "list.copy", "copy whom or what the row is about, through the terminal"),
        key("s", "sort", "Sort", "list.sort", "sort by the next column, then in the list's own order again"),
        key("S", "turn_order", "Reverse", "list.turn", "turn the order of the sorting column round"),
        key("asterisk", "mark_all", "Mark all", "list.mark_all", "mark all rows of the filter, or none"),
    ]

    class Highlighted(Message):
        """The cursor came to another row; None where there are no rows."""

        def __init__(self, table: VirtualTable[Any], row: int | None) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> VirtualTable[Any]:
            """The table."""
            return self.table

    class Opened(Message):
        """Enter was pressed on a row, or the row under the cursor was clicked."""

        def __init__(self, table: VirtualTable[Any], row: int) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> VirtualTable[Any]:
            """The table."""
            return self.table

    def __init__(
        self,
        rows: TableRows[R],
        *,
        empty: str = "Nothing here.",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = rows.columns
        self.ids: array[int] = array("q")
        self.marked: set[int] = set()
        self.cursor = 0
        self.empty = empty
        self.fields = rows.fields
        self._fetch = rows.fetch
        self._cells = rows.cells
        self._sorted: TableOrder | None = None
        self._natural: array[int] = array("q")
        self._top = 0
        self._rows: dict[int, R] = {}
        self._stale: set[int] = set()
        self._target: tuple[int, int] | None = None
        self._known = False
        self._is_same = False
        self._is_awaited = True
        self._unseen_marks: set[int] = set()
        self._marks_all = False
        self._wants_all = False
        self._settled: frozenset[int] = frozenset()
        self._asked = False
        self._picture: object = None
        self._generation = 0

    # ---- what it shows ----

    def show(self, ids: array[int], *, fresh: bool = False) -> None:
        """Show these rows. The cursor stays on its row where that is among them, unless the list is `fresh`,
        then it begins anew. Where a column sorts them they come as soon as all of them are read.
        """
        self._natural = ids
        if self._sorted is None or len(ids) > MOST_SORTED:
            self._sorted = None
            self._show(ids, fresh)
        else:
            self._sort(self._sorted, fresh)

    def _show(self, ids: array[int], fresh: bool) -> None:
        row = self._row_to_stay_on(ids)
        self._generation += 1
        self._is_same = self._known and not fresh and ids == self.ids and len(ids) > 0
        self.ids = ids
        self._known = True
        self._stale.update(self._rows)
        self._follow_marks(fresh)
        if self._is_same:
            self._ask(self._top)
            return
        cursor = 0 if fresh else self._place_of(row)
        self._go(self._top if not fresh else 0, cursor, always=True)

    @property
    def is_awaited(self) -> bool:
        """Whether another list than the one that is seen is still being read: nothing may be done to its
        rows.
        """
        return self._is_awaited

    def await_list(self) -> None:
        """Another list is asked for, as under another filter."""
        self._is_awaited, self._marks_all = True, False

    def settle(self, rows: Collection[int]) -> None:
        """These rows are being dealt with: wherever they stand afterwards, the cursor goes on to the next
        one.
        """
        self._settled = frozenset(rows)

    def _row_to_stay_on(self, ids: array[int]) -> int | None:
        """The row under the cursor, or where that is being dealt with the next one that is not, else the one
        before.
        """
        if self.row_id not in self._settled:
            return self.row_id
        settled, self._settled = self._settled, frozenset()
        left = set(ids) - settled
        others = (*self.ids[self.cursor :], *reversed(self.ids[: self.cursor]))
        return next((row for row in others if row in left), None)

    def _follow_marks(self, fresh: bool) -> None:
        """Marks stay on what is listed; those that another filter leaves out count again when it shows them,
        and those that were wanted of a list not there yet are made.
        """
        known = self.marked | self._unseen_marks
        self.marked = known.intersection(self.ids) if known else set()
        self._unseen_marks = known - self.marked if fresh else self._unseen_marks - self.marked
        self._is_awaited = False
        self._marks_all = self._marks_all and not fresh and len(self.marked) == len(self.ids)
        if self._wants_all:
            self._wants_all = False
            self._mark_all()

    def _place_of(self, row: int | None) -> int:
        if row is None:
            return 0
        if self.cursor < len(self.ids) and self.ids[self.cursor] == row:
            return self.cursor
        try:
            return self.ids.index(row)
        except ValueError:
            return min(self.cursor, max(0, len(self.ids) - 1))

    @property
    def row_id(self) -> int | None:
        """The id of the row the cursor is on."""
        return self.ids[self.cursor] if self.cursor < len(self.ids) else None

    @property
    def row(self) -> R | None:
        """The row the cursor is on; None while it is not read yet."""
        return None if self.row_id is None else self._rows.get(self.row_id)

    @property
    def chosen(self) -> Sequence[int]:
        """The marked rows in the order of the list, else the one under the cursor."""
        if self.marked:
            return [row for row in self.ids if row in self.marked]
        return [] if self.row_id is None else [self.row_id]

    # ---- sorting ----

    def action_sort(self) -> None:
        """Sort by the next column that is seen; after the last one the list's own order is back."""
        seen = [place for place, _, _ in self.shown(self.size.width)]
        after = seen if self._sorted is None else [each for each in seen if each > self._sorted.column]
        self._sort_by(TableOrder(after[0]) if after else None)

    def action_turn_order(self) -> None:
        """Turn the order of the sorting column round."""
        if self._sorted is None:
            self.notify("No column sorts the list; s does.", severity="error", markup=False)
        else:
            self._sort_by(replace(self._sorted, is_downwards=not self._sorted.is_downwards))

    def _sort_by(self, order: TableOrder | None) -> None:
        if self._is_awaited:
            self.notify("The list is still being read; press it again.", severity="error", markup=False)
        elif order is None:
            self._sorted = None
            self._show(self._natural, False)
            self.refresh()
        elif len(self._natural) > MOST_SORTED:
            many = (
                f"{len(self._natural):,} rows are too many to sort; a filter that leaves {MOST_SORTED:,} can."
            )
            self.notify(many, severity="error", markup=False)
        else:
            self._sort(order, False)

    def _sort(self, order: TableOrder, fresh: bool) -> None:
        """Read all rows in a worker, and show them in that order."""
        ids, fetch, cells = self._natural, self._fetch, self._cells
        name = self.columns[order.column].name

        def ordered(service: Service, cancelled: Cancelled) -> array[int]:
            keys: dict[int, tuple[bool, object]] = {}
            for start in range(0, len(ids), PORTION):
                if cancelled():
                    raise CancelledError
                rows = fetch(service, ids[start : start + PORTION], cancelled)
                keys |= {row: _sort_key(each, name, cells, order.column) for row, each in rows.items()}
            return array("q", order.ordered([row for row in ids if row in keys], keys))

        def take(found: array[int]) -> None:
            self._sorted = order
            self._show(found, fresh)
            self.refresh()

        asking_screen(self).ask(ordered, take, group=f"order-{id(self)}")

    # ---- moving ----

    @property
    def page_size(self) -> int:
        """Rows that fit below the head."""
        return max(1, self.size.height - 1)

    def move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        top, cursor = self._target or (self._top, self.cursor)
        self._go(top, cursor + rows)

    def action_line(self, rows: int) -> None:
        """One row down or up."""
        self.move(rows)

    def action_page(self, pages: int) -> None:
        """One page down or up, the view with the cursor."""
        top, cursor = self._target or (self._top, self.cursor)
        step = pages * max(1, self.page_size - 1)
        self._go(top + step, cursor + step)

    def action_edge(self, end: bool) -> None:
        """To the first or the last row."""
        self._go(len(self.ids) if end else 0, len(self.ids) - 1 if end else 0)

    def _go(self, top: int, cursor: int, always: bool = False) -> None:
        """Bring the cursor to a row and the view to where it shows it, as soon as the rows are there."""
        cursor = min(max(0, cursor), max(0, len(self.ids) - 1))
        top = self._fitting(top, cursor)
        if not always and (top, cursor) == (self._top, self.cursor) and self._target is None:
            return
        if self._missing(top):
            self._target = (top, cursor)
            self._ask(top)
        else:
            self._arrive(top, cursor, always)

    def _fitting(self, top: int, cursor: int) -> int:
        page = self.page_size
        jump = max(1, page // JUMP)
        if cursor < top:
            top = cursor if top - cursor > page else max(0, min(cursor, top - jump))
        elif cursor >= top + page:
            top = cursor - page + 1 if cursor - top > 2 * page else max(cursor - page + 1, top + jump)
        return min(max(0, top), max(0, len(self.ids) - page))

    def _arrive(self, top: int, cursor: int, always: bool = False) -> None:
        before = (self._top, self.cursor)
        self._target = None
        self._top, self.cursor = top, cursor
        if always or top != before[0]:
            self._draw()
        elif cursor != before[1]:
            self._picture = None
            width = self.size.width
            self.refresh(*(Region(0, 1 + row - top, width, 1) for row in (before[1], cursor)))
        if always or cursor != before[1]:
            self.post_message(self.Highlighted(self, self.row_id))
        self._look_around()

    def _draw(self) -> None:
        """Draw all of it, unless what is seen stands there already: the rest of a search that was found
        changes nothing to see.
        """
        seen = self._seen(self._top)
        picture = (
            self.size, self._top, self.cursor, self.empty if self._known else "",
            [row in self.marked for row in seen],
            [(row, self._rows.get(row)) for row in seen],
        )  # fmt: skip
        if picture != self._picture:
            self._picture = picture
            self.refresh()

    # ---- rows ----

    def _seen(self, top: int, pages: float = 1) -> Sequence[int]:
        return self.ids[top : top + round(pages * self.page_size)]

    def _missing(self, top: int) -> bool:
        return any(row not in self._rows for row in self._seen(top)) or any(
            row in self._stale for row in self._seen(top)
        )

    def _look_around(self) -> None:
        """Have the neighbouring pages ready before they are asked for."""
        start = max(0, self._top - self.page_size)
        if not self._asked and any(
            row not in self._rows or row in self._stale for row in self._seen(start, 3)
        ):
            self._ask(self._top)

    def _ask(self, top: int) -> None:
        if self._asked:
            return
        self._asked = True
        start = max(0, top - self.page_size)
        wanted = [row for row in self._seen(start, 3.5) if row not in self._rows or row in self._stale]
        fetch, generation = self._fetch, self._generation
        asking_screen(self).ask(
            lambda service, cancelled: fetch(service, wanted, cancelled),
            lambda rows: self._take(generation, wanted, rows),
            failed=self._fail,
            group=f"rows-{id(self)}",
        )

    def _take(self, generation: int, wanted: Sequence[int], rows: Mapping[int, R]) -> None:
        if generation != self._generation:  # shown anew while these were read: they may be of before
            self._asked = False
            self._ask(self._target[0] if self._target is not None else self._top)
            return
        again = self._is_same and self._target is None
        changed = again and any(self._rows.get(row) != rows.get(row) for row in self._seen(self._top))
        self._asked = self._is_same = False
        self._forget(wanted)
        self._rows.update(rows)
        self._stale.difference_update(wanted)
        gone = {row for row in wanted if row not in rows}
        for row in gone:
            self._rows.pop(row, None)
        if gone:
            self.ids = array("q", (row for row in self.ids if row not in gone))
        if self._target is not None:
            self._go(*self._target, always=True)
        elif gone or changed:
            self._go(self._top, self.cursor, always=True)
        else:  # what was read anew is as it was: nothing is sent to the terminal
            self._look_around()

    def _fail(self, _: str) -> None:
        self._asked = False
        self._target = None

    def _forget(self, wanted: Sequence[int]) -> None:
        most = PAGES_KEPT * self.page_size
        if len(self._rows) > most:
            near = {*self._seen(max(0, self._top - self.page_size), 3), *wanted}
            self._rows = {row: self._rows[row] for row in near if row in self._rows}
            self._stale &= self._rows.keys()

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """The head, a row, or what stands there when there are none."""
        width = self.size.width
        if y == 0:
            return self._head(width)
        number = self._top + y - 1
        if number < len(self.ids):
            return self._row(number, width)
        if y >= 2 and not self.ids:
            lines = wrap(safe_text(self.empty) if self._known else "…", max(1, width - 4))
            return self.strip([Cell(f"  {lines[y - 2]}" if y - 2 < len(lines) else "", "dim")], width)
        return Strip.blank(width, self.rich_style)

    def shown(self, width: int) -> list[tuple[int, Column, int]]:
        """The columns that have room in that width: place among all, column, its width."""
        shown = [(place, column) for place, column in enumerate(self.columns) if width >= column.least]
        left = width - 2 - sum(column.width + 1 for _, column in shown)
        shares = sum(column.grow for _, column in shown)
        return [(place, column, column.grown(max(0, left), shares)) for place, column in shown]

    def _head(self, width: int) -> Strip:
        line: list[Cells] = [Cell("  ", "head")]
        for place, column, room in self.shown(width):
            sign = "" if self._sorted is None or self._sorted.column != place else self._sorted.sign
            line.append(Cell(fit(sign + column.title, room, column.right) + " ", "head"))
        used = sum(len(as_cell(part).text) for part in line)
        return self.strip([*line, Cell(" " * max(0, width - used), "head")], width)

    def _row(self, number: int, width: int) -> Strip:
        row_id = self.ids[number]
        row = self._rows.get(row_id)
        is_here = number == self.cursor and self.has_focus_here
        sign = (">" if is_here else " ") + ("*" if row_id in self.marked else " ")
        if row is None:
            return self.strip([sign, Cell("…", "dim")], width, reverse=is_here)
        line: list[Cells] = [sign]
        values = self._cells(row)
        for place, column, room in self.shown(width):
            text, style = as_cell(values[place])
            line.append(Cell(fit(text, room, column.right) + " ", style))
        return self.strip(line, width, reverse=is_here)

    @property
    def has_focus_here(self) -> bool:
        """Whether the cursor is drawn: the table has the focus, or nothing else on the screen could take
        it.
        """
        return self.has_focus or self.screen.focused is None

    # ---- acting ----

    def action_open(self) -> None:
        """Tell the screen that the row was opened."""
        if self.row_id is not None:
            self.post_message(self.Opened(self, self.row_id))

    def action_mark(self) -> None:
        """Mark or unmark the row and go on to the next."""
        if self._is_awaited:
            self.notify("The list is still being read; nothing was marked.", severity="error", markup=False)
        elif self.row_id is None:
            self.notify("There is no row to mark.", severity="error", markup=False)
        else:
            self.marked ^= {self.row_id}
            self._marks_all = False
            self._picture = None
            self.refresh(Region(0, 1 + self.cursor - self._top, self.size.width, 1))
            self.post_message(self.Highlighted(self, self.row_id))
            self.move(1)

    def action_mark_all(self) -> None:
        """Mark all rows of the list; pressed again, none. While the list is still being read the rows are
        marked when they are there.
        """
        if self._is_awaited:
            self._wants_all = True
            self.notify("The list is still being read; all of it is marked when it is there.", markup=False)
        elif self._marks_all:
            self._marks_all = False
            self._set_marks(set())
        else:
            self._mark_all()

    def _mark_all(self) -> None:
        self._marks_all = True
        self._set_marks(set(self.ids))

    def _set_marks(self, rows: set[int]) -> None:
        self.marked, self._unseen_marks = rows, set()
        self._picture = None
        self.refresh()
        self.post_message(self.Highlighted(self, self.row_id))

    def clear_marks(self) -> None:
        """Mark nothing any more."""
        self._marks_all = False
        self._set_marks(set())

    @property
    def taken(self) -> Sequence[int]:
        """What is taken away: the marked rows in the order of the list, else all of them."""
        return [row for row in self.ids if row in self.marked] if self.marked else self.ids

    def action_copy(self) -> None:
        """Hand what the row, or each marked row, is about to the terminal's clipboard, and show it too: some
        terminals drop that.
        """
        if self.marked:
            marked, fetch = list(self.chosen), self._fetch
            asking_screen(self).ask(
                lambda service, cancelled: fetch(service, marked, cancelled),
                lambda rows: self._copy([self._about(rows[row]) for row in marked if row in rows]),
                group=f"copy-{id(self)}",
            )
        elif self.row is not None:
            self._copy([self._about(self.row)])
        else:
            self.notify("There is no row to copy.", severity="error", markup=False)

    def _about(self, row: R) -> str:
        """Whom or what a row is about."""
        names = [column.name for column in self.columns]
        place = next((names.index(name) for name in ABOUT if name in names), 0)
        return as_cell(self._cells(row)[place]).text.strip()

    def _copy(self, texts: Sequence[str]) -> None:
        self.app.copy_to_clipboard("\n".join(texts))
        said = texts[0] if len(texts) == 1 else f"{len(texts):,} lines"
        self.notify(f"Copied through the terminal (OSC 52): {said}", markup=False)

    def values(self, service: Service, cancelled: Cancelled) -> Iterator[list[object]]:
        """The fields of the marked rows, else of all rows, read in portions; asked in a worker."""
        ids = self.taken
        for start in range(0, len(ids), PORTION):
            if cancelled():
                raise CancelledError
            portion = ids[start : start + PORTION]
            rows = self._fetch(service, portion, cancelled)
            yield from (exports.values(self.fields, rows[row]) for row in portion if row in rows)

    # ---- the terminal ----

    def on_resize(self, _: Resize) -> None:
        """Another height shows other rows."""
        self._go(self._top, self.cursor, always=True)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click brings the cursor, a second one opens."""
        number = self._top + event.y - 1
        if event.y > 0 and number < len(self.ids):
            if number == self.cursor:
                self.action_open()
            else:
                self._go(self._top, number)

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves three rows."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves three rows."""
        self.move(-3)
