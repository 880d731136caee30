"""What every screen of the console knows: where the console stands, and how to say something shortly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, cast
from zoneinfo import ZoneInfo

from textual.screen import Screen

from screens.asking import Asking
from screens.cells.safe_text import safe_lines
from screens.host import Host
from screens.ports import WorkspacePlace
from screens.widgets.head import Head
from screens.widgets.too_small import KeepsFocus

UTC: Final = ZoneInfo("UTC")


class ConsoleScreen(KeepsFocus, Asking, Screen[None]):
    """A screen below the console's head. A subclass names its `mode`."""

    mode: ClassVar[str] = ""
    """The top-level screen it belongs to."""

    def crumbs(self) -> Sequence[str]:
        """The path to what is shown, below its top-level screen; data, made safe where it is drawn."""
        return ()

    @property
    def host(self) -> Host:
        """The app, as far as screens know it."""
        return cast("Host", self.app)

    @property
    def place(self) -> WorkspacePlace | None:
        """Where the console stands; None while the workspace is being opened."""
        return self.host.place

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that times are shown in."""
        return UTC if self.place is None else self.place.zone

    @property
    def head(self) -> Head:
        """The lines above."""
        return self.query_one(Head)

    def toast(self, sentence: str, *, bad: bool = False) -> None:
        """A short notice; data in it is made safe."""
        self.notify(safe_lines(sentence), severity="error" if bad else "information", markup=False)
