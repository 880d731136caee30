"""The tables behind a forecast, and what is different in it: who gains, who loses, whose decisions change,
who has whose room.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.behind import open_behind
from screens.cells import figures
from screens.cells import forecast as forecast_rows
from screens.cells import what_if as rows
from screens.cells.line import Cell
from screens.exporting import Exportable
from screens.forecast_frame import ForecastFrame
from screens.paned_frame import PanedFrame
from screens.ports import Cancelled
from screens.ports.pressure import Forecast
from screens.ports.service import Service
from screens.ports.what_if import ChangedCustomer
from screens.sides import SidesScreen
from screens.widgets.heatmap import Heatmap
from screens.widgets.histogram import Histogram
from screens.widgets.keys import key
from screens.widgets.line_widget import Note
from screens.widgets.panes import PaneLine
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedNote

NAMES = 24
"""Columns of a trigger's name beside the matrix."""


class FiguresScreen(ForecastFrame, PanedFrame):
    """The tables of one forecast; Tab goes to the next."""

    DEFAULT_CSS = """
    FiguresScreen .pane { display: none; margin-top: 1; }
    FiguresScreen .pane.current { display: block; }
    FiguresScreen #cell { display: none; }
    FiguresScreen #cell.current { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "pane(1)", "Next table", "figures.next_pane", "to the next table", show=True),
        key("shift+tab", "pane(-1)", "Table before", "figures.pane_before", "to the table before"),
        key("w", "why", "Why", "figures.why", "why the customer under the cursor got something, or nothing"),
        key("0", "all", "All customers", "figures.all", "the customers of all triggers again"),
    ]

    def __init__(self, forecast: Forecast, pane: str) -> None:
        super().__init__(forecast)
        self.trigger: str | None = None
        self._first = pane
        self._deltas = (
            []
            if forecast.diff is None
            else rows.deltas(forecast.diff, forecast.limits_before, forecast.limits)
        )
        self._contest = figures.contest(forecast)

    def crumbs(self) -> Sequence[str]:
        """Of what these are."""
        return forecast_rows.path_of(self.forecast, "Tables")

    def body(self) -> ComposeResult:
        """What is supposed, the names of the tables, and the tables."""
        with Vertical(id="body"):
            yield WrappedNote(id="facts")
            yield PaneLine(figures.titles(self.forecast))
            yield VirtualTable[rows.Delta](
                TableRows(rows.DELTA_COLUMNS, self._fetch_deltas, rows.delta_cells, rows.EXPORTED_DELTAS),
                id="changes",
                classes="pane",
            )
            yield VirtualTable[ChangedCustomer](
                TableRows(
                    rows.CUSTOMER_COLUMNS,
                    lambda service, ids, cancelled: service.what_if.customer_rows(
                        self.forecast, ids, cancelled
                    ),
                    rows.customer_cells,
                    rows.EXPORTED_CUSTOMERS,
                ),
                empty="Nobody's decisions change.",
                id="customers",
                classes="pane",
            )
            yield Heatmap(label=NAMES, id="beats", classes="pane")
            yield WrappedNote(id="cell")
            yield Histogram("Waiting for room or time", id="off", classes="pane")
            yield Histogram(
                "Messages a day, and what the channel takes", can_open=False, id="capacity", classes="pane"
            )

    def on_mount(self) -> None:
        """The table that was asked for."""
        self.query_one(PaneLine).show(self._first)
        super().on_mount()
        self.see(self._first)

    # ---- data ----

    def load(self) -> None:
        """All but the customers is there; those are asked for."""
        forecast = self.forecast
        self.query_one("#facts", Note).show(forecast_rows.facts_in_short(forecast, self.zone))
        self.query_one("#changes", VirtualTable).show(array("q", range(len(self._deltas))))
        self.query_one("#beats", Heatmap).show(self._contest.grid)
        self.query_one("#off", Histogram).show("Waiting for room or time", figures.put_off(forecast))
        self.query_one("#capacity", Histogram).show(
            "Messages a day, and what the channel takes", figures.capacities(forecast)
        )
        self._load_customers()

    def _load_customers(self) -> None:
        trigger, table = self.trigger, self.query_one("#customers", VirtualTable)
        if self.forecast.diff is not None:
            self.ask(
                lambda service, cancelled: service.what_if.customers(self.forecast, trigger, cancelled),
                self._take_customers,
            )
            table.empty = "Nobody's decisions change."

    def _take_customers(self, ids: array[int]) -> None:
        self.query_one("#customers", VirtualTable).show(ids)
        self.say_filter(f"{len(ids):,} customers" + (f", {self.trigger} (0: all)" if self.trigger else ""))

    def _fetch_deltas(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, rows.Delta]:
        return {number: self._deltas[number] for number in ids}

    def exported(self) -> Exportable | None:
        """The table that is seen, where it is a list."""
        seen = self.query_one(f"#{self.pane}")
        return cast("Exportable", seen) if isinstance(seen, VirtualTable) else None

    # ---- panes ----

    def see(self, pane: str) -> None:
        """Show this one, the matrix with the words of its cell."""
        self.query_one("#cell").set_class(pane == "beats", "current")
        super().see(pane)

    # ---- choosing ----

    @property
    def customer(self) -> ChangedCustomer | None:
        """The customer under the cursor, where they are seen."""
        row = self.query_one("#customers", VirtualTable).row
        return row if isinstance(row, ChangedCustomer) and self.pane == "customers" else None

    def why_not(self, action: str) -> str | None:
        """What needs a customer, or one trigger's customers."""
        if action == "why" and (not self.is_mounted or self.customer is None):
            return "choose a customer in the table Customers first"
        if action == "all" and self.trigger is None:
            return "all customers are listed"
        return None

    def action_why(self) -> None:
        """Why the customer got something, or nothing."""
        if self.customer is not None:
            self.host.open_why(self.customer.customer)

    def action_all(self) -> None:
        """The customers of all triggers."""
        self.trigger = None
        self._load_customers()

    @on(VirtualTable.Highlighted)
    def _another(self, message: VirtualTable.Highlighted) -> None:
        message.stop()
        self.refresh_bindings()

    @on(VirtualTable.Opened, "#changes")
    def _open_delta(self, message: VirtualTable.Opened) -> None:
        """The customers of a trigger, or all."""
        message.stop()
        delta = self._deltas[message.row]
        self.trigger = delta.name if delta.what == "messages" else None
        self.action_show("customers")
        self._load_customers()

    @on(VirtualTable.Opened, "#customers")
    def _open_customer(self, message: VirtualTable.Opened) -> None:
        message.stop()
        if self.customer is not None:
            self.app.push_screen(SidesScreen(self.forecast, self.customer))

    @on(Heatmap.Moved)
    def _say_cell(self, message: Heatmap.Moved) -> None:
        message.stop()
        words = figures.contest_words(self._contest, message.heatmap.row, message.heatmap.column)
        self.query_one("#cell", Note).show([[Cell(f" {words}", "strong")]])

    @on(Heatmap.Opened)
    def _open_cell(self, message: Heatmap.Opened) -> None:
        message.stop()
        column = message.heatmap.column
        open_behind(
            self,
            self.forecast,
            figures.behind_contest(self._contest, column),
            "Who beats whom",
            self._contest.losers[column],
        )

    @on(Histogram.Opened)
    def _open_bar(self, message: Histogram.Opened) -> None:
        message.stop()
        behind = figures.behind_lost(message.bar.stands_for)
        if behind is not None:
            open_behind(self, self.forecast, behind, "Lost", message.bar.label)
