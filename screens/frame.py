"""The frame of every screen of the console: two lines above, one below, between them a filter and a body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key
from textual.widgets import Input

from screens.exporting import ExportingScreen
from screens.filtering import FilterInput
from screens.widgets.head import Head
from screens.widgets.key_line import KeyLine
from screens.widgets.keys import key
from screens.widgets.table import VirtualTable


class Frame(ExportingScreen):
    """A screen under the console's two head lines. A subclass names its `mode`, composes its `body` and loads
    in `load`.
    """

    AUTO_FOCUS = ""
    """None by itself: the filter line would be the first."""

    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame #body { height: 1fr; }
    Frame #filter, Frame #filter:focus {
        height: 1; border: none; padding: 0 1; background: $panel; display: none;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "slash",
            "filter",
            "Filter",
            "filter",
            "narrow what is listed; Enter keeps it, Esc clears it",
            show=True,
            priority=True,
        ),
        key("e", "export", "Export", "export", "write all that is listed into a CSV file"),
        key("escape", "back", "Back", "back", "clear the filter, else back; Esc never leaves the console"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.stale = True
        """The data changed while another screen was in front."""
        self.marks = 0
        """So many rows of the list are marked."""

    # ---- for the subclasses ----

    def body(self) -> ComposeResult:
        """The widgets between the lines above and below."""
        yield from ()

    def load(self) -> None:
        """Ask for everything shown; called at first, when the data changed, and on `r`."""

    def why_not(self, action: str) -> str | None:
        """Why an action of this screen cannot be done now, as a sentence; None where it can."""
        return None

    # ---- the frame ----

    @property
    def note(self) -> str:
        """What stands beside the path: how far a file is, else what of the list is left out."""
        marks = f"{self.marks:,} marked" if self.marks else ""
        return self.writing or " · ".join(part for part in (marks, self.chip) if part)

    def compose(self) -> ComposeResult:
        """Head, filter, body, keys."""
        yield Head()
        if self.filter_hint is not None:
            yield FilterInput(placeholder=self.filter_hint, id="filter")
        yield from self.body()
        yield KeyLine()

    def on_mount(self) -> None:
        """Load at once; where the service is not open yet the answers come when it is."""
        self.stale = False
        self.focus_first()
        self.load()

    def on_screen_resume(self) -> None:
        """Back on this screen: what changed meanwhile is loaded now."""
        if self.stale and self.is_mounted:
            self.stale = False
            self.load()

    def data_changed(self) -> None:
        """Somebody has written to the database."""
        if self.is_current and not self.host.frozen:
            self.load()
            self.head.refresh()
        else:
            self.stale = True

    def action_reload(self) -> None:
        """Read everything anew."""
        self.load()
        self.head.refresh()

    def action_back(self) -> None:
        """Stop writing a file, else close the filter, else leave the screen for the one below; a top-level
        screen stays.
        """
        if self.is_writing:
            self.stop_writing()
        elif self.filter_text or self.filter_is_open():
            self.clear_filter()
        elif self.is_mounted and self.is_active and len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    @on(VirtualTable.Highlighted)
    def _count_marks(self, message: VirtualTable.Highlighted) -> None:
        """Say how many rows are marked."""
        marks = sum(len(table.marked) for table in self.query(VirtualTable))
        if marks != self.marks:
            self.marks = marks
            self.head.settle()

    def on_key(self, event: Key) -> None:
        """The key of something that cannot be done now says why; one that does nothing here says that."""
        active = self.active_bindings.get(event.key)
        if isinstance(self.focused, Input) or (active is not None and active.enabled):
            return
        if active is None:
            if event.is_printable:
                event.stop()
                shown = "space" if event.character == " " else event.character
                self.toast(f"{shown} does nothing here; ? lists the keys that do.", bad=True)
            return
        action, parameters = parse(active.binding.action)[1:]
        reason = self.reason_of(action, parameters) or "not possible here"
        event.stop()
        self.toast(f"{active.binding.description}: {reason.removesuffix('.')}.", bad=True)

    def reason_of(self, action: str, parameters: Sequence[object]) -> str | None:
        """Why the action of a key cannot be done."""
        return self.why_not(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No filter key where there is no filter; what cannot be done now is shown greyed."""
        if action == "filter" and (self.filter_hint is None or isinstance(self.focused, FilterInput)):
            return False
        if action == "export" and self.exported() is None:
            return False
        return None if self.why_not(action) is not None else True
