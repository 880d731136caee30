"""A widget drawn line by line from cells: every text that reaches it is data, made safe and fitted here,
never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from screens.cells.line import Cell, Line, StyleName, as_cell, fit
from screens.cells.safe_text import display_width, fitted
from screens.widgets.keys import moving
from screens.widgets.theme import styles_of


class Lines(Widget):
    """Base of the widgets that draw themselves: styles by name, strips from cells."""

    _own: Style | None = None

    @property
    def rich_style(self) -> Style:
        """The widget's own style; kept until the style sheet says another, since each line asks for it."""
        if self._own is None:
            self._own = super().rich_style
        return self._own

    def notify_style_update(self) -> None:
        """Another theme, or another state of the widget."""
        self._own = None
        super().notify_style_update()

    def style(self, name: StyleName = "") -> Style:
        """The style of that name on this widget's background."""
        return self.rich_style + styles_of(self.app)[name] if name else self.rich_style

    def strip(self, line: Line, width: int, *, reverse: bool = False) -> Strip:
        """The line in exactly `width` columns; `reverse` marks it as chosen, whatever the colours."""
        segments: list[Segment] = []
        left = width
        for part in line:
            if left <= 0:
                break
            text, style = as_cell(part)
            text = fitted(text, left)
            left -= display_width(text)
            segments.append(Segment(text, self._chosen() if reverse else self.style(style)))
        segments.append(Segment(" " * max(left, 0), self._chosen() if reverse else self.rich_style))
        return Strip(_joined(segments), width)

    def _chosen(self) -> Style:
        return self.rich_style + Style(reverse=True, bold=True)


def _joined(segments: list[Segment]) -> list[Segment]:
    """Neighbours of one style made one, so that fewer bytes reach the terminal."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].style == segment.style:
            joined[-1] = Segment(joined[-1].text + segment.text, segment.style)
        elif segment.text:
            joined.append(segment)
    return joined


class Note(Lines):
    """Lines that stand still, under a title where they have one: as many as there are, at least one, unless a
    style gives less room.
    """

    DEFAULT_CSS = "Note { height: auto; }"

    def __init__(self, title: str | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = title
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line], title: str | None = None) -> None:
        """Draw these from now on, under the same title where there is no other; the same again cost
        nothing.
        """
        title = self.title if title is None else title
        if (title, lines) == (self.title, self.lines):
            return
        width = self.size.width
        high = len(self._drawn(width))
        self.title, self.lines = title, lines
        self.refresh(layout=len(self._drawn(width)) != high)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The title and every line."""
        return (self.title is not None) + max(1, len(self._drawn(width)))

    def _drawn(self, width: int) -> Sequence[Line]:
        """The lines as they stand in that width."""
        return self.lines

    def render_line(self, y: int) -> Strip:
        """The title, or a line."""
        width = self.size.width
        if self.title is not None and y == 0:
            return self.strip([Cell(fit(f" {self.title}", width), "head")], width)
        place, lines = y - (self.title is not None), self._drawn(width)
        return self.strip(lines[place] if place < len(lines) else [], width)


class TextLines(Lines, can_focus=True):
    """Lines to read, longer than the room they have: scrolls by keys and wheel, keeps its place when the
    lines change.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*moving("text")]
    DEFAULT_CSS = "TextLines { height: 1fr; }"
    way_here = "Tab, then j"
    """The keys that scroll it while something else has the focus."""

    @property
    def scrolls_by(self) -> str:
        """The keys that scroll it from where the focus is."""
        return "j, PgDn" if self.has_focus or self.screen.focused is None else self.way_here

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._content: Sequence[Line] = ()
        self._top = 0

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these lines from now on; nothing is sent to the terminal where they are the ones that stand
        there.
        """
        if lines == self._content:
            return
        is_as_high = len(lines) == len(self._content)
        self._content = lines
        self._top = min(self._top, self._last_top())
        self.refresh(layout=self.styles.is_auto_height and not is_as_high)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Every line, where a style gives as much room as there is to read."""
        return max(1, len(self._content))

    def _last_top(self) -> int:
        return max(0, len(self._content) - max(1, self.size.height))

    def scroll_by(self, lines: int) -> None:
        """Move the view down by that many lines, or up by a negative number."""
        top = min(max(0, self._top + lines), self._last_top())
        if top != self._top:
            self._top = top
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the view; the last says how much is below."""
        number = self._top + y
        width = self.size.width
        if number >= len(self._content):
            return Strip.blank(width, self.rich_style)
        below = len(self._content) - self._top - self.size.height
        if y == self.size.height - 1 and below > 0:
            return self.strip([Cell(f"… {below + 1} more lines ({self.scrolls_by})", "dim")], width)
        return self.strip(self._content[number], width)

    def on_focus(self) -> None:
        """The keys that scroll it are others now."""
        self.refresh()

    def on_blur(self) -> None:
        """The keys that scroll it are others again."""
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Scroll by lines."""
        self.scroll_by(lines)

    def action_page(self, pages: int) -> None:
        """Scroll by pages."""
        self.scroll_by(pages * max(1, self.size.height - 2))

    def action_edge(self, end: bool) -> None:
        """Scroll to the first or the last line."""
        self.scroll_by(len(self._content) if end else -len(self._content))

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves three lines."""
        self.scroll_by(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves three lines."""
        self.scroll_by(-3)
