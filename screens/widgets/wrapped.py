"""Text to read whose lines are broken at words to the width there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.geometry import Size

from screens.cells.line import Line
from screens.cells.safe_text import safe_text
from screens.cells.wrapping import wrapped
from screens.widgets.dialogs import Reading
from screens.widgets.line_widget import Note, TextLines


class WrappedNote(Note):
    """Lines that stand still; those too long for the width are broken at words and not cut."""

    def _drawn(self, width: int) -> Sequence[Line]:
        return [part for line in self.lines for part in wrapped(line, width)]


class WrappedLines(TextLines):
    """Lines to read, broken at words and broken anew when the width changes."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._given: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these lines from now on."""
        self._given = lines
        self._break()

    def _break(self) -> None:
        super().show([part for line in self._given for part in wrapped(line, self.size.width)])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Every line as it is broken in that width."""
        return max(1, sum(len(wrapped(line, width)) for line in self._given))

    def on_resize(self, _: Resize) -> None:
        """Another width breaks elsewhere."""
        self._break()


class Details(Reading):
    """A text in a box over the screen, broken at words."""

    def compose(self) -> ComposeResult:
        """The text in its box."""
        with Vertical(id="box") as box:
            box.border_title = safe_text(self._title, 100).replace("[", "\\[")
            box.border_subtitle = "Esc closes"
            yield WrappedLines(id="text")
