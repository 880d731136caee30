"""Lines of cells as the letters that a terminal would show."""

from __future__ import annotations

from screens.cells.line import Line, as_cell


def plain_text(line: Line) -> str:
    """A line without its styles."""
    return "".join(as_cell(part).text for part in line)
