"""What stands instead of a screen in a terminal that is too small for it, and the focus that outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, Final, cast

from textual.events import Resize
from textual.geometry import Size
from textual.message_pump import MessagePump
from textual.strip import Strip
from textual.widget import Widget

from screens.widgets.line_widget import Lines

if TYPE_CHECKING:
    from textual.screen import Screen

LEAST: Final = Size(60, 16)
"""Columns and rows below which the console only says what it needs."""


def is_too_small(size: Size) -> bool:
    """Whether a terminal of that size has no room for a screen."""
    return size.width < LEAST.width or size.height < LEAST.height


def _forms(size: Size) -> Iterator[str]:
    """The sentence, from the longest to the shortest."""
    least, here = f"{LEAST.width}x{LEAST.height}", f"{size.width}x{size.height}"
    yield f"The console needs {least}, this terminal has {here}. Make it larger; all stays as it is."
    yield f"The console needs {least}, this terminal has {here}."
    yield f"needs {least}, has {here}"
    yield f"needs {least}"
    yield least


def size_lines(size: Size) -> list[str]:
    """What is needed, as fully as it can be said in a terminal of that size without being cut."""
    for form in _forms(size):
        lines = wrap(form, max(1, size.width), break_long_words=False)
        if len(lines) <= size.height and all(len(line) <= size.width for line in lines):
            return lines
    return []


class TooSmall(Lines):
    """Lies over a screen that has not enough room, so that nothing below is changed by it."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    TooSmall {
        display: none; dock: top; width: 100%; height: 100%; layer: too-small; background: $background;
    }
    Screen.too-small { layers: default too-small; }
    Screen.too-small > TooSmall { display: block; }
    """

    def render_line(self, y: int) -> Strip:
        """One line of what is needed."""
        lines = size_lines(self.app.size)
        return self.strip([lines[y] if y < len(lines) else ""], self.size.width)


class KeepsFocus(MessagePump):
    """The part of a screen that survives every size of the terminal: below the least size it says what it
    needs, and while it has anything to focus it is never without focus, since its keys would be dead then.

    Textual takes the focus away from what is hidden or squeezed out, and does not give it back.
    """

    def on_resize(self, event: Resize) -> None:
        """Say what is needed, or be there again."""
        self._settle_size(event.size)

    def on_screen_resume(self) -> None:
        """In front again: the terminal may have another size than when this was left."""
        screen = cast("Screen[object]", self)
        self._settle_size(screen.app.size)

    def _settle_size(self, size: Size) -> None:
        screen = cast("Screen[object]", self)
        small = is_too_small(size)
        if small and not screen.query(TooSmall):
            screen.mount(TooSmall())
        screen.set_class(small, "too-small")
        if not small:
            screen.call_after_refresh(self._look_after_focus)

    def _look_after_focus(self) -> None:
        """Where what has the focus is not seen any more, something else has it."""
        screen = cast("Screen[object]", self)
        if screen.is_mounted and screen.focused not in screen.focus_chain:
            self.focus_first()

    def focus_first(self) -> None:
        """Give the focus to what has it when the screen opens."""
        screen = cast("Screen[object]", self)
        chain = screen.focus_chain
        first = next((widget for widget in screen.query(screen.AUTO_FOCUS or "*") if widget in chain), None)
        if first is not None:
            screen.set_focus(first)

    def set_focus(
        self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False
    ) -> None:
        """Focus a widget; None leaves the focus where it is as long as that can be seen, or nothing else
        can.
        """
        screen = cast("Screen[object]", self)
        if widget is not None or screen.focused is None:
            super().set_focus(widget, scroll_visible, from_app_focus)  # type: ignore[misc]
        elif not is_too_small(screen.app.size):
            self._look_after_focus()
