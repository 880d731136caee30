"""A screen of several panes, of which one is seen at a time."""

from __future__ import annotations

from textual import on

from screens.frame import Frame
from screens.widgets.panes import PaneLine


class PanedFrame(Frame):
    """A frame with a `PaneLine`, showing one pane at a time: the widget of the class `pane` that is named
    like it.
    """

    @property
    def pane(self) -> str:
        """The pane that is seen."""
        return self.query_one(PaneLine).current

    def focus_first(self) -> None:
        """The pane that is seen."""
        self.set_focus(self.query_one(f"#{self.pane}"))

    def action_pane(self, step: int) -> None:
        """The next pane, or the one before."""
        self.see(self.query_one(PaneLine).go(step))

    def action_show(self, pane: str) -> None:
        """One pane by its name."""
        self.query_one(PaneLine).show(pane)
        self.see(pane)

    @on(PaneLine.Chosen)
    def _clicked(self, message: PaneLine.Chosen) -> None:
        self.action_show(message.pane)

    def see(self, pane: str) -> None:
        """Show this one, the keys going to it."""
        for widget in self.query(".pane"):
            widget.set_class(widget.id == pane, "current")
        self.focus_first()
        self.refresh_bindings()
