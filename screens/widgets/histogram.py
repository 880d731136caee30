"""Bars with their numbers: a histogram against a limit, or a ranking; read as well without the bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click, Resize
from textual.message import Message
from textual.strip import Strip

from screens.cells.bars import Bar, Heading, Item, bar_lines
from screens.cells.line import Cell, Line, fit
from screens.cells.safe_text import display_width
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Lines


class Histogram(Lines, can_focus=True):
    """A title and bars with a cursor; those that stand for something can be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("bars"),
        key("enter", "open", "Open", "bars.open", "what is behind the bar", show=True),
    ]
    DEFAULT_CSS = "Histogram { height: 1fr; }"

    class Opened(Message):
        """Enter was pressed on a bar."""

        def __init__(self, histogram: Histogram, bar: Bar) -> None:
            super().__init__()
            self.histogram = histogram
            self.bar = bar

        @property
        def control(self) -> Histogram:
            """The widget."""
            return self.histogram

    def __init__(
        self, title: str, *, can_open: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.title = title
        self.items: Sequence[Item] = ()
        self.foot = ""
        self.cursor = 0
        self._top = 0
        self._can_open = can_open

    def show(self, title: str, items: Sequence[Item], foot: str = "") -> None:
        """Draw these from now on; `foot` is a sentence below. The same again cost nothing."""
        if (title, items, foot) != (self.title, self.items, self.foot):
            self.title, self.items, self.foot = title, items, foot
            self._go(self.cursor, 1)

    @property
    def bar(self) -> Bar | None:
        """The bar under the cursor."""
        item = self.items[self.cursor] if self.cursor < len(self.items) else None
        return item if isinstance(item, Bar) else None

    # ---- moving ----

    def _page(self) -> int:
        return max(1, self.size.height - 1 - bool(self.foot))

    def _go(self, place: int, direction: int) -> None:
        place = min(max(0, place), max(0, len(self.items) - 1))
        while 0 <= place < len(self.items) and isinstance(self.items[place], Heading):
            place += direction
        if 0 <= place < len(self.items):
            self.cursor = place
        elif self.cursor >= len(self.items):
            self.cursor = 0
        above = 1 if self.cursor and isinstance(self.items[self.cursor - 1], Heading) else 0
        self._top = min(
            max(self._top, self.cursor - self._page() + 1),
            max(0, self.cursor - above),
            max(0, len(self.items) - self._page()),
        )
        self._top = max(0, self._top)
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._go(self.cursor + lines, 1 if lines > 0 else -1)

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self._go(self.cursor + pages * self._page(), pages)

    def action_edge(self, end: bool) -> None:
        """To the first or the last."""
        self._go(len(self.items) if end else 0, -1 if end else 1)

    def action_open(self) -> None:
        """Tell the screen that the bar was opened."""
        if self.bar is not None and self.bar.stands_for is not None:
            self.post_message(self.Opened(self, self.bar))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter is grey where bars cannot be opened; the screen says why."""
        return None if action == "open" and not self._can_open else True

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """The title, the bars, the sentence below."""
        width = self.size.width
        if y == 0:
            return self.strip([Cell(self._head(width), "head")], width)
        if self.foot and y == self.size.height - 1:
            return self.strip([Cell(f" {self.foot}", "strong")], width)
        place = self._top + y - 1
        if place >= len(self.items):
            return Strip.blank(width, self.rich_style)
        lines = bar_lines(self.items, width)
        is_here = self.has_focus and place == self.cursor and bool(self.items)
        line = lines[place]
        return self.strip([">", *_after_margin(line)] if is_here else line, width, reverse=is_here)

    def _head(self, width: int) -> str:
        """The title, and how much there is below what is seen."""
        title, below = (
            f"{'>' if self.has_focus else ' '}{self.title}",
            len(self.items) - self._top - self._page(),
        )
        more = f" {below} more below" if below > 0 else ""
        if display_width(title) + len(more) > width:
            more = f" +{below}"
        return fit(title, max(0, width - len(more))) + more if below > 0 else fit(title, width)

    def on_resize(self, _: Resize) -> None:
        """Another height shows others."""
        self._go(self.cursor, 1)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click brings the cursor, a second one opens."""
        place = self._top + event.y - 1
        if event.y > 0 and place < len(self.items):
            if place == self.cursor:
                self.action_open()
            else:
                self._go(place, 1)


def _after_margin(line: Line) -> Line:
    """The line without the blank it begins with."""
    first, *rest = line
    text, style = (first, "") if isinstance(first, str) else first
    return [Cell(text[1:], style), *rest]  # type: ignore[arg-type]
