"""Lines broken at words to the width there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from screens.cells.line import Cell, Line, as_cell
from screens.cells.safe_text import display_width

_WORD: Final = re.compile(r"\S+\s*|\s+")
LEAST: Final = 12
"""Columns that a text needs to be broken at all."""


def wrapped(line: Line, width: int) -> list[Line]:
    """The line as lines of at most that width; what goes on below stands under the text, right of a first
    cell that ends in a blank.
    """
    parts = [as_cell(part) for part in line]
    if width < LEAST or sum(display_width(part.text) for part in parts) <= width:
        return [parts]
    indent = _indent(parts, width)
    lines: list[list[Cell]] = [[]]
    left = width
    for word in _words(parts, width - indent):
        if display_width(word.text.rstrip()) > left:
            lines.append([Cell(" " * indent)])
            _trim(lines[-2])
            left = width - indent
            word = Cell(word.text.lstrip(), word.style)
        lines[-1].append(word)
        left -= display_width(word.text)
    _trim(lines[-1])
    return list(lines)


def _trim(line: list[Cell]) -> None:
    """No blanks at the end, which would not fit."""
    if line:
        line[-1] = Cell(line[-1].text.rstrip(), line[-1].style)


def _indent(parts: Sequence[Cell], width: int) -> int:
    first = parts[0].text
    hanging = (
        display_width(first) if len(parts) > 1 and first.endswith(" ") else len(first) - len(first.lstrip())
    )
    return hanging if hanging <= width // 3 else 2


def _words(parts: Sequence[Cell], longest: int) -> Iterator[Cell]:
    """The words with the blanks after them; one longer than a line in pieces."""
    for part in parts:
        for word in _WORD.findall(part.text):
            while display_width(word.rstrip()) > longest:
                yield Cell(word[: longest // 2], part.style)  # no letter is wider than two columns
                word = word[longest // 2 :]
            yield Cell(word, part.style)
