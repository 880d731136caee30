"""Panes of one screen: one is seen at a time, a line above names them all."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from screens.cells.line import Cell, Cells
from screens.cells.safe_text import display_width
from screens.widgets.line_widget import Lines


class PaneLine(Lines):
    """The names of the panes, the one that is seen marked; a click chooses."""

    DEFAULT_CSS = "PaneLine { height: 1; }"

    class Chosen(Message):
        """A pane was clicked."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.panes = panes
        """Their names and titles."""
        self.current = panes[0][0]

    def go(self, step: int) -> str:
        """The next pane, or the one before; after the last comes the first."""
        names = [name for name, _ in self.panes]
        self.show(names[(names.index(self.current) + step) % len(names)])
        return self.current

    def offer(self, panes: Sequence[tuple[str, str]]) -> bool:
        """Name these from now on, the first seen where the one that was is not among them; whether another is
        seen now.
        """
        before, self.panes = self.current, panes
        self.show(before if any(before == name for name, _ in panes) else panes[0][0])
        return self.current != before

    def show(self, pane: str) -> None:
        """Mark this one."""
        self.current = pane
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """All names; the one that is seen between brackets, for those who see no colours."""
        line: list[Cells] = [" "]
        for name, title in self.panes:
            line.append(Cell(f"[{title}] ", "cursor") if name == self.current else Cell(f" {title}  ", "dim"))
        return self.strip(line, self.size.width)

    def on_click(self, event: Click) -> None:
        """The pane whose name was clicked."""
        left = 1
        for name, title in self.panes:
            left += display_width(title) + 3
            if event.x < left:
                self.post_message(self.Chosen(name))
                return
