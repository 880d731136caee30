"""A stage for screens: the real console with a service of plain values, and what its terminal would show."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import WorkerState

from console.tui.app import Console
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import plain
from screens.cells.line import Cells
from screens.frame import Frame
from screens.ports import Cancelled, WorkspacePlace
from screens.ports.service import Service
from screens.widgets.table import TableRows, VirtualTable

HOSTILE = (
    "[/x]", "[@click=app.quit]x[/]", "[", "\x1b]52;c;cHduZWQ=\x1b\\", "\x1b]0;PWNED\x07", "\x9b2J",
    "\u202egnp.exe", "王小明",
    "👩\u200d👧 Emoji", "x" * 300,
)  # fmt: skip
"""Names that a customer may have given: each has broken some terminal program."""


class Bare:
    """The part of a service that every screen needs; parts are set as attributes."""

    place = WorkspacePlace("Muster Mode", ZoneInfo("Europe/Zurich"), "CHF", "keller", True, None, False)

    def __init__(self, **parts: Any) -> None:
        self.written = 0
        self.closed = False
        for name, part in parts.items():
            setattr(self, name, part)

    def now(self) -> Instant:
        return 1_769_850_000_000

    def take_commands(self) -> Sequence[str]:
        return ()

    def version(self) -> int:
        return self.written

    def close(self) -> None:
        self.closed = True


def stage(service: Any, **screens: Callable[[], Screen[None]]) -> Console:
    """The console with these screens in place of its own, by mode, on this service."""

    class Stage(Console):
        MODES: ClassVar = {**Console.MODES, **screens}
        DEFAULT_MODE = next(iter(screens))

        def open_service(self) -> Service:
            if isinstance(service, Exception):
                raise service
            given: Service = service
            return given

    return Stage(Path())


async def settled(pilot: Pilot[None]) -> None:
    """Wait until every question was answered and drawn."""
    for _ in range(3):
        while any(worker.state in (WorkerState.PENDING, WorkerState.RUNNING) for worker in pilot.app.workers):
            await pilot.pause(0.005)
        await pilot.pause()


def text(app: Console) -> str:
    """What the terminal would show."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()
    )


class Person(NamedTuple):
    """A row of the table below."""

    key: str
    name: str


class Listing(Frame):
    """A table over a million rows that exist nowhere."""

    mode = "customers"
    filter_hint = "a number"

    def __init__(self, rows: int = 1_000_000, asked: list[int] | None = None) -> None:
        super().__init__()
        self.rows = rows
        self.asked = asked if asked is not None else []
        self.opened: list[int] = []

    def body(self) -> ComposeResult:
        columns = Column("key", "KEY", 10), Column("name", "NAME", 20, grow=1)
        yield VirtualTable(TableRows(columns, self.fetch, self.cells, plain(*Person._fields)), id="body")

    def fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, tuple[str, str]]:
        self.asked.append(len(ids))
        return {row: Person(f"C{row}", HOSTILE[row % len(HOSTILE)]) for row in ids}

    def cells(self, row: tuple[str, str]) -> Sequence[Cells]:
        return row

    def load(self) -> None:
        self.ask(lambda service, cancelled: array("q", range(1, self.rows + 1)), self.show)

    def show(self, ids: array[int]) -> None:
        self.query_one(VirtualTable).show(ids)
        self.say_filter(f"{len(ids):,} rows")

    def on_virtual_table_opened(self, message: VirtualTable.Opened) -> None:
        self.opened.append(message.row)
