"""The filter line of a screen: it opens over the list, asks after a pause in typing, and closes."""

from __future__ import annotations

from typing import ClassVar, Final, cast

from textual import on
from textual.binding import BindingType
from textual.widgets import Input

from screens.console_screen import ConsoleScreen
from screens.widgets.input import StillInput
from screens.widgets.keys import key

TYPING_PAUSE: Final = 0.12
"""Seconds without another key after which a filter asks."""


class FilterInput(StillInput):
    """The filter line; the arrows leave it for the list, Esc clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "submit", "Keep", "filter.keep", "keep the filter and go to the list", show=True),
        key("escape", "screen.back", "Clear", "filter.clear", "clear the filter", show=True),
        key(
            "down,tab", "leave", "To the list", "filter.leave", "go to the list, the filter stays", show=True
        ),
    ]

    def action_leave(self) -> None:
        """Go to the list, the filter stays."""
        cast("FilteredScreen", self.screen).keep_filter(self)


class FilteredScreen(ConsoleScreen):
    """A screen that narrows what it lists. A subclass finds anew in `filtered`."""

    filter_hint: ClassVar[str | None] = None
    """What can be written into the filter line; None where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.filter_text = ""
        self.chip = ""
        """What the head says of the filter and its hits."""

    def filtered(self, text: str) -> None:
        """The filter line says this now; called after a pause in typing."""

    def say_filter(self, chip: str) -> None:
        """What the second line says of the filter and its hits."""
        self.chip = chip
        self.head.settle()

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out of what is listed."""
        return bool(self.filter_text)

    def filter_is_open(self) -> bool:
        """Whether the filter line is seen."""
        return any(line.display for line in self.query(FilterInput))

    def action_filter(self) -> None:
        """Open the filter line at once: keys that come in the same burst, as over a slow line or pasted, are
        already its own.
        """
        for line in self.query(FilterInput):
            line.display = True
            self.set_focus(line)

    def clear_filter(self) -> None:
        """Remove the filter and its line."""
        for line in self.query(FilterInput):
            line.clear()
            self._close_filter(line)
        self.take_filter("")

    def keep_filter(self, line: FilterInput) -> None:
        """Go to the list; what the line says stays the filter."""
        self.take_filter(line.value)
        self._close_filter(line)

    def take_filter(self, text: str) -> None:
        """Narrow the list by this from now on."""
        if text != self.filter_text:
            self.filter_text = text
            self.filtered(text)

    def _close_filter(self, line: FilterInput) -> None:
        line.display = False
        if line.has_focus:
            self.set_focus(None)
            self.focus_first()

    def focus_first(self) -> None:
        """Give the focus to the first widget below the filter."""
        for widget in self.focus_chain:
            if not isinstance(widget, FilterInput):
                self.set_focus(widget)
                return

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value
        self.set_timer(TYPING_PAUSE, lambda: self._after_pause(text))

    def _after_pause(self, text: str) -> None:
        line = next(iter(self.query(FilterInput)), None)
        if line is not None and line.value == text:
            self.take_filter(text)

    @on(Input.Submitted, "#filter")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.keep_filter(cast("FilterInput", event.input))
