"""A heat map of numbers: every cell says its number, the shade behind it is only an aid, and the cell under
the cursor has brackets.
"""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from screens.cells.grid import DARK_SHADES, LIGHT_SHADES, SHADES, Grid, legend, shade
from screens.cells.line import Cell, Cells, fit
from screens.cells.safe_text import display_width, safe_text
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Lines
from screens.widgets.theme import is_dark

NARROWEST: Final = 5
"""Columns of a cell: three digits and what stands around them."""
HEADS: Final = 2
"""Lines above the rows."""
WIDEST: Final = 18
"""Columns of a cell at most, where there is room."""
LABEL: Final = 12
"""A row's label takes at most so many columns."""
AROUND_LABEL: Final = 3
"""The cursor's sign before it, and a blank behind it, so that it touches no cell."""

_FEW: Final = (
    ("blue", "bright_white"),
    ("cyan", "black"),
    ("yellow", "black"),
    ("bright_yellow", "black"),
    ("bright_white", "black"),
)
"""Where a terminal has sixteen colours its own are named, or a near one may be taken for both letter and
ground.
"""


class Heatmap(Lines, can_focus=True):
    """The grid with a cursor; it scrolls sideways where not all columns fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("heatmap"),
        key("left,h", "column(-1)", "Left", "heatmap.left", "one day back"),
        key("right,l", "column(1)", "Right", "heatmap.right", "one day on"),
        key("enter", "open", "Decisions", "heatmap.open", "list the decisions behind the cell", show=True),
    ]
    DEFAULT_CSS = "Heatmap { height: auto; }"

    class Moved(Message):
        """The cursor came to another cell."""

        def __init__(self, heatmap: Heatmap) -> None:
            super().__init__()
            self.heatmap = heatmap

    class Opened(Message):
        """Enter was pressed on a cell."""

        def __init__(self, heatmap: Heatmap) -> None:
            super().__init__()
            self.heatmap = heatmap

    def __init__(self, *, label: int = LABEL, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._label = label
        self.grid = Grid((), (), (), "")
        self.row = 0
        self.column = 0
        self._left = 0

    def show(self, grid: Grid) -> None:
        """Draw this from now on; the cursor stays where it can."""
        self.grid = grid
        self._go(self.row, self.column)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Heads, rows and legend, which is two lines where one has no room for it."""
        return HEADS + max(1, len(self.grid.rows)) + len(self._legend(width))

    # ---- moving ----

    def point_at(self, row: int, column: int) -> None:
        """Bring the cursor to a cell."""
        self._go(row, column)

    def action_line(self, rows: int) -> None:
        """Up or down."""
        self._go(self.row + rows, self.column)

    def action_column(self, columns: int) -> None:
        """Left or right."""
        self._go(self.row, self.column + columns)

    def action_page(self, pages: int) -> None:
        """As many columns on as fit."""
        self._go(self.row, self.column + pages * self._fitting())

    def action_edge(self, end: bool) -> None:
        """To the first or the last column."""
        self._go(self.row, len(self.grid.heads) if end else 0)

    def _go(self, row: int, column: int) -> None:
        self.row = min(max(0, row), max(0, len(self.grid.rows) - 1))
        self.column = min(max(0, column), max(0, len(self.grid.heads) - 1))
        fits = self._fitting()
        self._left = min(
            max(self._left, self.column - fits + 1), self.column, max(0, len(self.grid.heads) - fits)
        )
        self._left = max(0, self._left)
        self.refresh()
        self.post_message(self.Moved(self))

    def action_open(self) -> None:
        """Tell the screen that the cell was opened."""
        if self.grid.rows:
            self.post_message(self.Opened(self))

    # ---- drawing ----

    def _cell_width(self) -> int:
        """As wide as there is room for where all columns fit."""
        room = self.size.width - self._label_width() - 2
        return max(self._least_width(), min(WIDEST, room // max(1, len(self.grid.heads))))

    def _least_width(self) -> int:
        return max(
            NARROWEST,
            len(self.grid.text(self.grid.most)) + 2 + bool(self.grid.signs),
            *(display_width(part) + 1 for head in self.grid.heads for part in head),
        )

    def _label_width(self) -> int:
        return (
            min(self._label, max((display_width(safe_text(row)) for row in self.grid.rows), default=0))
            + AROUND_LABEL
        )

    def _fitting(self) -> int:
        return max(1, (self.size.width - self._label_width() - 2) // self._cell_width())

    def render_line(self, y: int) -> Strip:
        """Heads, rows, legend."""
        if not self.grid.heads:
            return Strip.blank(self.size.width, self.rich_style)
        if y < HEADS:
            return self._head(y)
        if y < HEADS + len(self.grid.rows):
            return self._row(y - HEADS)
        below, place = self._legend(self.size.width), y - HEADS - len(self.grid.rows)
        return below[place] if place < len(below) else Strip.blank(self.size.width, self.rich_style)

    def _head(self, y: int) -> Strip:
        width, shown = (
            self._cell_width(),
            range(self._left, min(len(self.grid.heads), self._left + self._fitting())),
        )
        hidden = len(self.grid.heads) - shown.stop
        before = f"‹ {self._left}" if y and self._left else ""
        after = f" {hidden}›" if y and hidden else ""
        line: list[Cells] = [Cell(fit(before, self._label_width()), "dim")]
        line += [
            Cell(fit(self.grid.heads[column][y] + " ", width, right=True), "strong" if y else "dim")
            for column in shown
        ]
        return self.strip([*line, Cell(after, "dim")], self.size.width)

    def _row(self, row: int) -> Strip:
        label = safe_text(self.grid.rows[row])
        here = self.has_focus and row == self.row
        segments = [
            Segment(
                fit(("> " if here else "  ") + label, self._label_width() - 1) + " ",
                self.style("strong") if here else self.rich_style,
            )
        ]
        limits, left = self.grid.bounds, self.size.width - self._label_width()
        for column in range(self._left, min(len(self.grid.heads), self._left + self._fitting())):
            text = self._cell(row, column)[:left]
            left -= len(text)
            segments.append(
                Segment(text, self._shade(shade(abs(self.grid.values[row][column] or 0), limits)))
            )
        return Strip([*segments, Segment(" " * max(0, left), self.rich_style)], self.size.width)

    def _cell(self, row: int, column: int) -> str:
        text, width = (
            self.grid.signs.get((row, column), "") + self.grid.text(self.grid.values[row][column]),
            self._cell_width(),
        )
        is_here = (row, column) == (self.row, self.column) and self.has_focus
        return f"[{text:>{width - 2}}]" if is_here else f" {text:>{width - 2}} "

    def _shade(self, number: int) -> Style:
        if not number:
            return self.style("dim")
        few = self.app.console.color_system == "standard"
        background, foreground = (_FEW if few else DARK_SHADES if is_dark(self) else LIGHT_SHADES)[
            min(number, SHADES) - 1
        ]
        return Style(color=foreground, bgcolor=background)

    def _legend(self, width: int) -> list[Strip]:
        """What is counted, the scale, and the signs: in one line, else the scale below."""
        words = [Segment(f"  {self.grid.words}, · none ", self.style("dim"))]
        scale: list[Segment] = []
        for text, number in legend(self.grid):
            scale += [Segment(" ", self.rich_style), Segment(f" {text} ", self._shade(number))]
        if self.grid.legend:
            scale.append(Segment(f"  {self.grid.legend}", self.style("dim")))
        whole = Strip([*words, *scale])
        lines = (
            [whole]
            if whole.cell_length <= width or not scale
            else [Strip(words), Strip([Segment(" ", self.rich_style), *scale])]
        )
        return [line.adjust_cell_length(width, self.rich_style) for line in lines]

    # ---- the terminal ----

    def on_resize(self, _: Resize) -> None:
        """Other columns fit."""
        self._go(self.row, self.column)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click brings the cursor, a second one opens."""
        row, column = event.y - HEADS, self._left + (event.x - self._label_width()) // self._cell_width()
        if 0 <= row < len(self.grid.rows) and 0 <= column < len(self.grid.heads):
            if (row, column) == (self.row, self.column):
                self.action_open()
            else:
                self._go(row, column)
