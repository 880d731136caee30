"""The lines above every screen: where the console stands, and the way to what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, Protocol, cast

from textual.strip import Strip

from core.instants import Instant, local
from screens.cells.line import Cell, Cells, fit
from screens.cells.safe_text import display_width, safe_text
from screens.host import Host
from screens.ports import WorkspacePlace
from screens.widgets.keys import SCREENS
from screens.widgets.line_widget import Lines

AS_OF: Final = "as of"
ROOMY: Final = 72
"""Columns below which only the screen in front is named: the path needs the room more."""


class Headed(Protocol):
    """What the head says of the screen below it."""

    mode: ClassVar[str]
    """The top-level screen it belongs to."""

    def crumbs(self) -> Sequence[str]:
        """The path to what is shown, below its top-level screen."""
        ...

    @property
    def note(self) -> str:
        """What stands beside the path: how far a file is, else what of the list is left out."""
        ...


class Head(Lines):
    """Two or three lines: where the console stands, and the screens with their numbers and the path to what
    is shown.
    """

    DEFAULT_CSS = "Head { height: 2; dock: top; }"

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        return (self._first, self._second, self._third)[y]()

    def _third(self) -> Strip:
        return self.strip([f" {self._path()}"], self.size.width)

    def _first(self) -> Strip:
        app = cast("Host", self.app)
        width = self.size.width
        place = app.place
        left: list[Cells] = [Cell(" Manometer", "strong")]
        if place is None:
            return self.strip([*left, Cell("  opening …", "dim")], width)
        left.append(Cell(f" {place.workspace} "))
        whole, short = ([*left, *badges(place, app.frozen, short=short)] for short in (False, True))
        at = app.as_of()
        if at is None:
            return self._both(whole, "", width)
        clock = _clock(at, place, width - _wide(whole) - 2)
        if clock.startswith(AS_OF):
            return self._both(whole, clock, width)
        return self._both(short, _clock(at, place, width - _wide(short) - 2), width)

    def _second(self) -> Strip:
        return self._both(self._tabs(), "" if self._is_tall else self._path(), self.size.width)

    def _tabs(self) -> list[Cell]:
        """The screens with their numbers; where not all titles have room, the last ones are left out, but
        that of the screen in front; on a narrow terminal it is the only one.
        """
        here, width = cast("Headed", self.screen).mode, self.app.size.width
        texts = {mode: f" {number} {title} " for number, mode, title in SCREENS}
        for number, mode, _ in reversed(SCREENS):
            if mode != here and (width < ROOMY or len("".join(texts.values())) > width):
                texts[mode] = f" {number} "
        return [Cell(text, "cursor" if mode == here else "dim") for mode, text in texts.items()]

    def _path(self) -> str:
        screen = cast("Headed", self.screen)
        return "  ".join(part for part in (" > ".join(screen.crumbs()), screen.note) if part)

    @property
    def _is_tall(self) -> bool:
        return self.size.height > 2

    def settle(self) -> None:
        """A third line where the second has no room for path and filter."""
        room = self.app.size.width - sum(len(tab.text) for tab in self._tabs()) - 2
        self.styles.height = 3 if display_width(safe_text(self._path())) > room else 2
        self.refresh()

    def on_resize(self) -> None:
        """Another width has room for another path."""
        self.settle()

    def _both(self, left: Sequence[Cells], right: str, width: int) -> Strip:
        room = width - _wide(left) - 2
        return self.strip([*left, fit(right, max(0, room), right=True), " "], width)


def _wide(line: Sequence[Cells]) -> int:
    return sum(display_width(part if isinstance(part, str) else part.text) for part in line)


def badges(place: WorkspacePlace, frozen: bool, *, short: bool = False) -> Iterable[Cells]:
    """What an operator must know before any key: whether this is live, stopped, read-only, frozen, or without
    recorded consent.
    """
    yield Cell("[SIMULATED]" if place.simulated else "[LIVE]", "accent" if place.simulated else "ok")
    if place.is_lost:
        yield Cell(" [DATABASE GONE]" if not short else " [GONE]", "bad")
    if place.stopped:
        yield Cell(" [STOPPED]", "bad")
    if place.clock_held:
        yield Cell(" [CLOCK]", "bad")
    if place.read_only is not None:
        yield Cell(" [READ-ONLY]", "warn")
    if frozen:
        yield Cell(" [FROZEN]", "warn")
    if place.consent_assumed:
        yield Cell(f" [CONSENT ASSUMED{'' if short else ': test data only'}]", "bad")


def _clock(at: Instant, place: WorkspacePlace, room: int) -> str:
    """The instant of what is shown, as fully as there is room for."""
    there = local(at, place.zone)
    forms = (
        f"{AS_OF} {there:%a %d %b %Y %H:%M} {place.zone.key}",
        f"{AS_OF} {there:%a %d %b %Y %H:%M}",
        f"{there:%a %d %b %Y %H:%M}",
        f"{there:%a %d %b %H:%M}",
        f"{there:%d %b %H:%M}",
        f"{there:%H:%M}",
    )
    return next((form for form in forms if len(form) <= room), "")
