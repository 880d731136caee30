"""A line of the terminal as values: texts with the names of their styles. Every text is data, made safe and
fitted here, never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from screens.cells.safe_text import display_width, fitted, safe_text

StyleName: TypeAlias = Literal["", "head", "cursor", "dim", "ok", "warn", "bad", "accent", "strong"]
"""What a cell or a word may be."""


class Cell(NamedTuple):
    """A text with the name of its style."""

    text: str
    style: StyleName = ""


Cells: TypeAlias = "str | Cell"
"""What stands in one place of a line: a plain text, or one with a style."""
Line: TypeAlias = Sequence[Cells]
"""A line as its parts, one after the other."""

LONGEST = 2_000
"""So many letters of a text are looked at; no line of a terminal is longer."""


def as_cell(part: Cells) -> Cell:
    """The part as a cell, its text harmless and on one line."""
    text, style = (part, "") if isinstance(part, str) else part
    return Cell(safe_text(text[:LONGEST]), style)  # type: ignore[arg-type]


def fit(text: str, width: int, right: bool = False) -> str:
    """The text in exactly that many columns, cut with `…` or filled with blanks."""
    text = fitted(text, width)
    missing = " " * (width - display_width(text))
    return missing + text if right else text + missing
