"""The decisions behind one number of a forecast, with the one under the cursor in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.forecast.preview_filter import PreviewFilter
from screens.cells import behind as rows
from screens.cells.forecast import path_of
from screens.cells.line import Cell, Line
from screens.forecast_frame import ForecastFrame
from screens.frame import Frame
from screens.message import open_message
from screens.ports.messages import MessageAsked
from screens.ports.pressure import Forecast, ForecastDecision
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedLines


def open_behind(screen: Frame, forecast: Forecast, behind: PreviewFilter, *crumbs: str) -> None:
    """List the decisions behind a number of a forecast; `crumbs` say which number it is."""
    screen.app.push_screen(BehindScreen(forecast, behind, path_of(forecast, *crumbs)))


def export_decisions(screen: Frame, forecast: Forecast, behind: PreviewFilter) -> None:
    """Write decisions of a forecast to a CSV file and say where it is."""
    screen.take_away(
        lambda service, cancelled: service.pressure.export(forecast, behind, cancelled), "decision"
    )


class BehindScreen(ForecastFrame):
    """The decisions behind one number of a forecast, with the one under the cursor in words."""

    DEFAULT_CSS = """
    BehindScreen #words { height: 6; margin: 0 1; }
    BehindScreen.-tall #words { height: 9; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "why", "Why", "behind.why", "every check between this customer and the trigger", show=True),
        key(
            "p",
            "message",
            "Message",
            "behind.message",
            "the message as it would be made as of then",
            show=True,
        ),
        key("e", "take_away", "Export", "behind.export", "write these decisions to a CSV file", show=True),
    ]

    def __init__(self, forecast: Forecast, behind: PreviewFilter, path: Sequence[str]) -> None:
        super().__init__(forecast)
        self.behind = behind
        self._path = path

    def body(self) -> ComposeResult:
        """The list, and one decision in words."""
        with Vertical(id="body"):
            yield VirtualTable[ForecastDecision](
                TableRows(
                    rows.COLUMNS,
                    lambda service, ids, cancelled: service.pressure.rows(self.forecast, ids, cancelled),
                    lambda row: rows.cells(row, self.forecast.first, self.zone),
                ),
                empty="No decisions.",
                id="behind",
            )
            yield WrappedLines(id="words")

    def focus_first(self) -> None:
        """The list."""
        self.set_focus(self.query_one("#behind", VirtualTable))

    def crumbs(self) -> Sequence[str]:
        """What was opened."""
        return self._path

    def load(self) -> None:
        """Ask which decisions there are; they do not change."""
        table = self.query_one("#behind", VirtualTable)
        self.ask(
            lambda service, cancelled: service.pressure.ids(self.forecast, self.behind, cancelled), table.show
        )

    @on(VirtualTable.Highlighted)
    def _explain(self, message: VirtualTable.Highlighted) -> None:
        message.stop()
        number = message.row
        if number is not None:
            self.ask(
                lambda service, cancelled: service.pressure.why(self.forecast, number, cancelled),
                self._say,
                group="words",
            )

    def _say(self, words: str) -> None:
        row = self.query_one("#behind", VirtualTable).row
        is_imagined = isinstance(row, ForecastDecision) and row.imagined
        told: list[Line] = [[Cell(rows.IMAGINED_WORDS, "warn")]] if is_imagined else []
        self.query_one("#words", WrappedLines).show([*told, [words]])

    @on(VirtualTable.Opened)
    def _open(self, message: VirtualTable.Opened) -> None:
        message.stop()
        row = message.table.row
        if isinstance(row, ForecastDecision):
            self.host.open_customer(row.customer_id)

    def action_why(self) -> None:
        """Everything that was asked on the way."""
        row = self.query_one("#behind", VirtualTable).row
        if isinstance(row, ForecastDecision):
            self.host.open_why(row.customer, row.trigger)

    def action_message(self) -> None:
        """The message as it would be made as of the decision."""
        row = self.query_one("#behind", VirtualTable).row
        if isinstance(row, ForecastDecision):
            open_message(
                self,
                MessageAsked(
                    customer=row.customer, trigger=row.trigger, step=row.step, channel=row.channel, at=row.at
                ),
            )

    def action_take_away(self) -> None:
        """Write these decisions to a file."""
        export_decisions(self, self.forecast, self.behind)
