"""Text to read whose lines are broken at words to the width there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize

from screens.widgets.dialogs import Reading
from screens.widgets.line_widget import Cell, Line, Note, TextLines, as_cell
from screens.widgets.safe_text import cells, safe_text

_WORD: Final = re.compile(r"\S+\s*|\s+")
LEAST: Final = 12
"""Columns that a text needs to be broken at all."""


def wrapped(line: Line, width: int) -> list[Line]:
    """The line as lines of at most that width; what goes on below stands under the text, right of a first
    cell that ends in a blank.
    """
    parts = [as_cell(part) for part in line]
    if width < LEAST or sum(cells(part.text) for part in parts) <= width:
        return [parts]
    indent = _indent(parts, width)
    lines: list[list[Cell]] = [[]]
    left = width
    for word in _words(parts, width - indent):
        if cells(word.text.rstrip()) > left:
            lines.append([Cell(" " * indent)])
            _trim(lines[-2])
            left = width - indent
            word = Cell(word.text.lstrip(), word.style)
        lines[-1].append(word)
        left -= cells(word.text)
    _trim(lines[-1])
    return list(lines)


def _trim(line: list[Cell]) -> None:
    """No blanks at the end, which would not fit."""
    if line:
        line[-1] = Cell(line[-1].text.rstrip(), line[-1].style)


def _indent(parts: Sequence[Cell], width: int) -> int:
    first = parts[0].text
    hanging = cells(first) if len(parts) > 1 and first.endswith(" ") else len(first) - len(first.lstrip())
    return hanging if hanging <= width // 3 else 2


def _words(parts: Sequence[Cell], longest: int) -> Iterator[Cell]:
    """The words with the blanks after them; one longer than a line in pieces."""
    for part in parts:
        for word in _WORD.findall(part.text):
            while cells(word.rstrip()) > longest:
                yield Cell(word[: longest // 2], part.style)  # no letter is wider than two columns
                word = word[longest // 2 :]
            yield Cell(word, part.style)


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
