"""What goes out today, by channel: every number under the cursor can be opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual.binding import BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from screens.cells.line import Cell, Line, as_cell, fit
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Lines

Figure = Literal["sent", "to come", "approval", "held"]
FIGURES: Final[tuple[Figure, ...]] = ("sent", "to come", "approval", "held")
"""In the order of the parts of a line, after the channel's name."""
HEADS: Final = 2
"""Lines above the channels: the title and the names of the columns."""


class TodayTable(Lines, can_focus=True):
    """A line a channel, with a cursor on one number of it."""

    DEFAULT_CSS = "TodayTable { height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("today"),
        key("left,h", "figure(-1)", "Left", "today.left", "the number before"),
        key("right,l", "figure(1)", "Right", "today.right", "the next number"),
        key("enter", "open", "Open", "today.open", "the messages that the number counts", show=True),
    ]

    class Opened(Message):
        """Enter was pressed on a number of a channel."""

        def __init__(self, channel: int, figure: Figure) -> None:
            super().__init__()
            self.channel = channel
            self.figure = figure

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = "Today"
        self.lines: Sequence[Line] = ()
        self.row = 0
        self.column = 0
        self._top = 0

    def show(self, lines: Sequence[Line], title: str) -> None:
        """Draw the names of the columns and a line a channel from now on; the same again cost nothing."""
        if (lines, title) != (self.lines, self.title):
            is_higher = len(lines) != len(self.lines)
            self.lines, self.title = lines, title
            self._go(self.row)
            self.refresh(layout=is_higher)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The title and every line."""
        return 1 + max(1, len(self.lines))

    @property
    def figure(self) -> Figure:
        """Which number of the channel the cursor is on."""
        return FIGURES[self.column]

    # ---- moving ----

    def _go(self, row: int) -> None:
        channels, page = max(0, len(self.lines) - 1), max(1, self.size.height - HEADS)
        self.row = min(max(0, row), max(0, channels - 1))
        self._top = max(0, min(max(self._top, self.row - page + 1), self.row, max(0, channels - page)))
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._go(self.row + lines)

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self._go(self.row + pages * max(1, self.size.height - HEADS))

    def action_edge(self, end: bool) -> None:
        """To the first or the last."""
        self._go(len(self.lines) if end else 0)

    def action_figure(self, step: int) -> None:
        """Another number of the channel."""
        self.column = (self.column + step) % len(FIGURES)
        self.refresh()

    def action_open(self) -> None:
        """Tell the screen which number was opened."""
        if len(self.lines) > 1:
            self.post_message(self.Opened(self.row, self.figure))

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """The title, the names of the columns, a channel."""
        width = self.size.width
        if y == 0:
            sign = ">" if self.has_focus else " "
            return self.strip([Cell(fit(f"{sign}{self.title}", width), "head")], width)
        place = y - 1 if y < HEADS else self._top + y - 1
        if place >= len(self.lines):
            return self.strip([], width)
        line = self.lines[place]
        is_here = self.has_focus and y >= HEADS and place - 1 == self.row
        return self.strip(self._marked(line) if is_here else line, width)

    def _marked(self, line: Line) -> Line:
        """The line with the number under the cursor, which has a `>` for those who see no colours."""
        parts = list(line)
        text = as_cell(parts[1 + self.column]).text
        number = text.lstrip()
        parts[1 + self.column] = Cell(f"{'>' + number:>{len(text)}}", "cursor")
        return parts

    # ---- the terminal ----

    def on_resize(self, _: Resize) -> None:
        """Another height shows others."""
        self._go(self.row)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()
