"""What stands instead of a screen in a terminal that is too small for it."""

from __future__ import annotations

from typing import Final

from textual.geometry import Size
from textual.strip import Strip

from screens.widgets.line_widget import Lines

LEAST: Final = Size(60, 16)
"""Columns and rows below which the console only says what it needs."""


def is_too_small(size: Size) -> bool:
    """Whether a terminal of that size has no room for a screen."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmall(Lines):
    """What stands there instead when the terminal has not enough room."""

    DEFAULT_CSS = "TooSmall { display: none; height: 1fr; }"

    def render_line(self, y: int) -> Strip:
        """The sentence, in two lines so that it fits a narrow terminal too."""
        width, height = self.app.size
        lines = (f"The console needs {LEAST.width}x{LEAST.height},", f"this terminal has {width}x{height}.")
        return self.strip([lines[y] if y < len(lines) else ""], self.size.width)
