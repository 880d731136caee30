"""A trigger tried on the past: who would have got it when, what would have held it back, what it would have
pushed aside.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from core.explain.words import counted
from core.forecast.preview_filter import PreviewFilter
from screens.cells import backtest as rows
from screens.cells import behind as behind_rows
from screens.cells.exports import Fields, instants, plain
from screens.cells.forecast import HELD
from screens.cells.line import Cell, Line
from screens.frame import Frame
from screens.long_question import LongQuestionFrame
from screens.paned_frame import PanedFrame
from screens.ports.backtest import Tried
from screens.ports.pressure import ForecastDecision
from screens.widgets.histogram import Histogram
from screens.widgets.keys import key
from screens.widgets.panes import PaneLine
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedNote

EXPORTED: Fields = (
    *instants("at"), *plain("customer", "name", "trigger", "step", "channel", "outcome", "reason"),
    *instants("until"),
)  # fmt: skip


class BacktestScreen(LongQuestionFrame, PanedFrame):
    """One trigger on the past; Tab goes to the next table."""

    mode = "triggers"
    DEFAULT_CSS = """
    BacktestScreen .pane { display: none; margin-top: 1; height: 1fr; }
    BacktestScreen .pane.current { display: block; }
    BacktestScreen #held-list { width: 2fr; }
    BacktestScreen.-narrow #held-by { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "pane(1)", "Next table", "backtest.next_pane", "to the next table", show=True),
        key("shift+tab", "pane(-1)", "Table before", "backtest.pane_before", "to the table before"),
        key("d", "days", "Days", "backtest.days", "try it on the last 30, 90 or 365 days", show=True),
        key("w", "why", "Why", "backtest.why", "what this customer got, and why", show=True),
    ]

    def __init__(self, trigger: str) -> None:
        super().__init__()
        self.trigger_name = trigger
        self.days = rows.DAYS[1]
        self.tried: Tried | None = None

    def crumbs(self) -> Sequence[str]:
        """Of which trigger."""
        return (self.trigger_name, "Backtest")

    def body(self) -> ComposeResult:
        """The sums, and the tables."""
        with Vertical(id="body"):
            yield WrappedNote(id="facts")
            yield PaneLine(rows.PANES)
            yield self._list("messages", "It would have sent nothing.", "pane current")
            with Horizontal(id="held", classes="pane"):
                yield self._list("held-list", "Nothing would have held it back.")
                yield Histogram("Held back", id="held-by")
            yield Histogram("Messages of others, without it → with it", id="aside", classes="pane")
            yield Histogram("Messages by month", id="months", classes="pane")

    def _list(self, name: str, empty: str, classes: str = "") -> VirtualTable[ForecastDecision]:
        return VirtualTable(
            TableRows(
                behind_rows.COLUMNS,
                lambda service, ids, cancelled: (
                    {} if self.tried is None else service.backtests.rows(self.tried, ids, cancelled)
                ),
                lambda row: behind_rows.cells(row, 0 if self.tried is None else self.tried.last, self.zone),
                EXPORTED,
            ),
            empty=empty,
            id=name,
            classes=classes,
        )

    def focus_first(self) -> None:
        """The table that is seen."""
        self.set_focus(self.query_one("#held-list" if self.pane == "held" else f"#{self.pane}"))

    # ---- asking ----

    def load(self) -> None:
        """Try it."""
        name, days = self.trigger_name, self.days
        self.ask_long(
            lambda service, cancelled, progress: service.backtests.run(name, days, cancelled, progress),
            self._show,
        )

    def data_changed(self) -> None:
        """The past stays what it was; trying it again is the operator's choice."""

    def progress_lines(self, done: int, total: int) -> Sequence[Line]:
        """How many customers were looked at."""
        return [[Cell(f" {rows.progress_words(self.days, done, total)}", "accent")]]

    def _show(self, tried: Tried) -> None:
        self.tried = tried
        for name, outcomes in (("messages", ("send",)), ("held-list", HELD)):
            table = self.query_one(f"#{name}", VirtualTable)
            self.ask(
                lambda service, cancelled, outcomes=outcomes: service.backtests.ids(
                    tried,
                    PreviewFilter(
                        outcomes=outcomes, triggers=(tried.trigger,), without_reasons=("GOAL_REACHED",)
                    ),
                    cancelled,
                ),  # type: ignore[misc]
                lambda ids, table=table: self._fill(table, ids),  # type: ignore[misc]
                group=name,
            )
        self._draw()

    def _fill(self, table: VirtualTable[ForecastDecision], ids: array[int]) -> None:
        table.show(ids, fresh=True)

    def _draw(self) -> None:
        if self.tried is None:
            self.show_facts([[Cell(" Nothing was tried yet. `r` tries it.", "dim")]])
            return
        self.show_facts(rows.facts(self.tried, "" if self.place is None else self.place.currency, self.zone))
        self.query_one("#held-by", Histogram).show("Held back", rows.held(self.tried))
        self.query_one("#aside", Histogram).show(
            "Messages of others, without it → with it", rows.aside(self.tried)
        )
        self.query_one("#months", Histogram).show("Messages by month", rows.months(self.tried, self.zone))

    def action_days(self) -> None:
        """Another span."""
        self.days = rows.next_days(self.days)
        self.load()

    def action_back(self) -> None:
        """Stop trying, if that is under way; the last result stays."""
        if not self.is_asking:
            super().action_back()
            return
        self.give_up()
        self.days = self.days if self.tried is None else self.tried.days
        self._draw()
        self.toast("Stopped. `r` tries it again.")

    # ---- choosing ----

    @property
    def row(self) -> ForecastDecision | None:
        """The decision under the cursor, where a list is seen."""
        row = self.focused.row if isinstance(self.focused, VirtualTable) else None
        return row if isinstance(row, ForecastDecision) else None

    def why_not(self, action: str) -> str | None:
        """What needs a customer."""
        return "choose a customer in a list first" if action == "why" and self.row is None else None

    @on(VirtualTable.Highlighted)
    def _another(self, message: VirtualTable.Highlighted) -> None:
        message.stop()
        self.refresh_bindings()

    @on(Histogram.Opened)
    def _open_bar(self, message: Histogram.Opened) -> None:
        message.stop()
        behind = message.bar.stands_for
        if self.tried is not None and isinstance(behind, PreviewFilter):
            self.app.push_screen(TriedScreen(self.tried, behind, message.bar.label))

    @on(VirtualTable.Opened)
    def _opened(self, message: VirtualTable.Opened) -> None:
        message.stop()
        row = message.table.row
        if isinstance(row, ForecastDecision):
            self.host.open_customer(row.customer_id)

    def action_why(self) -> None:
        """What the customer got, and why."""
        if self.row is not None:
            self.host.open_why(self.row.customer, self.trigger_name)


class TriedScreen(Frame):
    """The decisions behind one number of a backtest; of another trigger those that are not the same without
    the one that is tried.
    """

    mode = "triggers"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "why", "Why", "tried.why", "what this customer got, and why", show=True)
    ]

    def __init__(self, tried: Tried, behind: PreviewFilter, what: str) -> None:
        super().__init__()
        self.tried = tried
        self.behind = behind
        self._what = what

    def crumbs(self) -> Sequence[str]:
        """Which number it is."""
        return (self.tried.trigger, "Backtest", self._what)

    def body(self) -> ComposeResult:
        """What they are, and the list."""
        with Vertical(id="body"):
            yield WrappedNote(id="facts")
            yield VirtualTable(
                TableRows(
                    behind_rows.COLUMNS,
                    lambda service, ids, cancelled: service.backtests.rows(self.tried, ids, cancelled),
                    lambda row: behind_rows.cells(row, self.tried.last, self.zone),
                    EXPORTED,
                ),
                empty="No decisions.",
                id="behind",
            )

    @property
    def row(self) -> ForecastDecision | None:
        """The decision under the cursor."""
        return self.query_one(VirtualTable).row

    def load(self) -> None:
        """Ask which they are; the past stays what it was."""
        self.query_one("#facts", WrappedNote).show(rows.behind_facts(self.tried, self.behind))
        self.ask(
            lambda service, cancelled: service.backtests.ids(self.tried, self.behind, cancelled), self._show
        )

    def _show(self, ids: array[int]) -> None:
        self.query_one(VirtualTable).show(ids)
        self.say_filter(counted(len(ids), "decision"))

    def data_changed(self) -> None:
        """The past stays what it was."""

    def why_not(self, action: str) -> str | None:
        """What needs a customer."""
        return "there is no row under the cursor" if action == "why" and self.row is None else None

    @on(VirtualTable.Highlighted)
    def _another(self) -> None:
        self.refresh_bindings()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        if self.row is not None:
            self.host.open_customer(self.row.customer_id)

    def action_why(self) -> None:
        """What the customer got, and why."""
        if self.row is not None:
            self.host.open_why(self.row.customer, self.row.trigger)
