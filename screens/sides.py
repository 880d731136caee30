"""One customer's decisions under the rules in force and under changed ones, side by side."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.cells import forecast as forecast_rows
from screens.cells import what_if as rows
from screens.forecast_frame import ForecastFrame
from screens.ports import Cancelled
from screens.ports.pressure import Forecast
from screens.ports.service import Service
from screens.ports.what_if import ChangedCustomer, ComparedStep
from screens.widgets.keys import key
from screens.widgets.line_widget import Note
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedLines


class SidesScreen(ForecastFrame):
    """One customer's decisions under the rules in force and under the changed ones, side by side, the one
    under the cursor in words.
    """

    DEFAULT_CSS = """
    SidesScreen #words { height: 7; margin: 0 1; }
    SidesScreen.-tall #words { height: 10; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "why", "Why", "sides.why", "every check between this customer and the trigger", show=True),
        key("c", "customer", "Customer", "sides.customer", "everything about this customer", show=True),
    ]

    def __init__(self, forecast: Forecast, customer: ChangedCustomer) -> None:
        super().__init__(forecast)
        self.customer = customer
        self._sides: Sequence[ComparedStep] = ()

    def body(self) -> ComposeResult:
        """What is supposed, the list, and one line in words."""
        with Vertical(id="body"):
            yield Note(id="facts")
            yield VirtualTable[ComparedStep](
                TableRows(
                    rows.SIDE_COLUMNS,
                    self._fetch,
                    lambda side: rows.side_cells(side, self.forecast.first, self.zone),
                    rows.EXPORTED_SIDES,
                ),
                empty="Nothing falls due.",
                id="sides",
            )
            yield WrappedLines(id="words")

    def focus_first(self) -> None:
        """The list."""
        self.set_focus(self.query_one("#sides", VirtualTable))

    def crumbs(self) -> Sequence[str]:
        """Whose they are."""
        return forecast_rows.path_of(self.forecast, "Customers", self.customer.customer)

    def load(self) -> None:
        """Ask for both sides."""
        number = self.customer.customer_id
        self.query_one("#facts", Note).show([forecast_rows.badge(self.forecast.supposed)])
        self.ask(
            lambda service, cancelled: service.what_if.sides(self.forecast, number, cancelled), self._take
        )

    def _take(self, sides: Sequence[ComparedStep]) -> None:
        self._sides = sides
        self.query_one("#sides", VirtualTable).show(array("q", range(len(sides))))
        named = f"{self.customer.customer} {self.customer.name}".strip()
        self.query_one("#facts", Note).show(
            [forecast_rows.badge(self.forecast.supposed), [f" {named}: {rows.kinds_words(sides)}"]]
        )

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, ComparedStep]:
        return {number: self._sides[number] for number in ids if number < len(self._sides)}

    @on(VirtualTable.Highlighted)
    def _explain(self, message: VirtualTable.Highlighted) -> None:
        message.stop()
        if message.row is not None and message.row < len(self._sides):
            self.query_one("#words", WrappedLines).show(rows.side_words(self._sides[message.row]))

    @on(VirtualTable.Opened)
    def _opened(self, message: VirtualTable.Opened) -> None:
        message.stop()
        self.action_why()

    def action_why(self) -> None:
        """Every check between the customer and the trigger, as things stand."""
        row = self.query_one("#sides", VirtualTable).row
        self.host.open_why(self.customer.customer, row.trigger if isinstance(row, ComparedStep) else None)

    def action_customer(self) -> None:
        """Everything about the customer."""
        self.host.open_customer(self.customer.customer_id)
