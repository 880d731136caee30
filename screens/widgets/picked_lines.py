"""A short list of lines under a title, with a cursor while it has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.events import Click, Resize
from textual.strip import Strip

from screens.cells.line import Cell, Line, fit
from screens.widgets.line_widget import Lines

T = TypeVar("T")


class PickedLines(Lines, Generic[T], can_focus=True):
    """Things that are all there, a line each. A subclass brings the keys, and draws a thing in `line_of`."""

    def __init__(self, title: str, *, empty: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = title
        self.empty = empty
        self.known = False
        self.items: Sequence[T] = ()
        self.cursor = 0
        self._top = 0

    def line_of(self, item: T, width: int) -> Line:
        """A thing as a line of that width."""
        raise NotImplementedError

    def can_open(self, item: T) -> bool:
        """Whether Enter leads anywhere from a thing."""
        return True

    def head_of(self) -> str:
        """What stands above."""
        return self.title

    # ---- what it shows ----

    def show(self, items: Sequence[T]) -> None:
        """Draw these from now on; the same again cost nothing."""
        if not self.known or items != self.items:
            self.known, self.items = True, items
            self._go(self.cursor)
            self.screen.refresh_bindings()

    @property
    def item(self) -> T | None:
        """The thing under the cursor."""
        return self.items[self.cursor] if self.items else None

    def _go(self, place: int) -> None:
        self.cursor = min(max(0, place), max(0, len(self.items) - 1))
        page = self._page()
        self._top = max(
            0, min(max(self._top, self.cursor - page + 1), self.cursor, max(0, len(self.items) - page))
        )
        self.refresh()

    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self._go(self.cursor + pages * self._page())

    def action_edge(self, end: bool) -> None:
        """To the first or the last."""
        self._go(len(self.items) if end else 0)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter does something only where there is a place to go to."""
        return action != "open" or any(map(self.can_open, self.items))

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """The title, or one of them."""
        width = self.size.width
        if y == 0:
            return self.strip([Cell(fit(f"{'>' if self.has_focus else ' '}{self.head_of()}", width), "head")],
                              width)  # fmt: skip
        place = self._top + y - 1
        if place < len(self.items):
            item = self.items[place]
            is_here = place == self.cursor and self.has_focus and self.can_open(item)
            line = [">" if is_here else " ", *self.line_of(item, width - 1)]
            return self.strip(line, width, reverse=is_here)
        nothing = self.empty if self.known else "…"
        return self.strip([Cell(f" {nothing}", "dim")] if y == 1 and not self.items else [], width)

    def on_resize(self, _: Resize) -> None:
        """Another height shows others."""
        self._go(self.cursor)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click brings the cursor."""
        if 0 < event.y <= len(self.items) - self._top:
            self._go(self._top + event.y - 1)
