"""The journey of a trigger as a diagram, with the customers at each step and the entries by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from screens.cells.journey_map import map_lines
from screens.frame import Frame
from screens.ports.journeys import JourneyView
from screens.widgets.keys import key
from screens.widgets.line_widget import TextLines

SPANS: Final = (30, 90, 365)
"""Days that are looked back."""


class JourneyScreen(Frame):
    """One trigger's journey, of those who entered within a span."""

    mode = "triggers"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("d", "days", "Days", "journey.days", "who entered within 30, 90 or 365 days", show=True),
    ]

    def __init__(self, trigger: str) -> None:
        super().__init__()
        self.trigger_name = trigger
        self.days = SPANS[0]
        self._view: JourneyView | None = None

    def crumbs(self) -> Sequence[str]:
        """Whose journey, and of whom."""
        return (self.trigger_name, "Journey", f"entered within {self.days} days")

    def body(self) -> ComposeResult:
        """The diagram."""
        yield TextLines(id="body")

    def load(self) -> None:
        """Ask for it."""
        name, days = self.trigger_name, self.days
        self.ask(lambda service, cancelled: service.journeys.view(name, days, cancelled), self._take)

    def _take(self, view: JourneyView) -> None:
        self._view = view
        self._draw()

    def _draw(self) -> None:
        if self._view is not None:
            lines = self.query_one(TextLines)
            lines.show(map_lines(self._view, lines.size.width or self.size.width))
            self.head.settle()

    def on_resize(self, _: Resize) -> None:
        """Boxes are as wide as there is room."""
        self.call_after_refresh(self._draw)

    def action_days(self) -> None:
        """The next span."""
        self.days = SPANS[(SPANS.index(self.days) + 1) % len(SPANS)]
        self.load()
