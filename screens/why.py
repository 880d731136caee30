"""Why a customer got something, or nothing: one line a trigger, and the engine's answer to the one under the
cursor.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.explain.trigger_explanation import TriggerExplanation
from core.instants import Instant
from screens.cells import why as rows
from screens.cells.line import Cells
from screens.frame import Frame
from screens.message import open_message
from screens.ports import Cancelled, WorkspacePlace
from screens.ports.messages import MessageAsked
from screens.ports.pressure import Supposed
from screens.ports.service import Service
from screens.ports.why import CustomerExplanations
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedLines

TOP: Final = 1_000_000
"""More lines than any answer has."""


class WhyScreen(Frame):
    """Every trigger's verdict on one customer, by key; on one trigger from the start where it is named."""

    mode = "customers"
    DEFAULT_CSS = """
    WhyScreen #verdicts { height: 40%; min-height: 5; }
    WhyScreen #explanation { height: 1fr; border-top: solid $boost; }
    WhyScreen.-reading #verdicts { height: 5; }
    WhyScreen.-xwide #body { layout: horizontal; }
    WhyScreen.-xwide #verdicts { height: 1fr; width: 50%; }
    WhyScreen.-xwide #explanation { border-top: none; border-left: solid $boost; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "other", "Answer", "why.other", "from the list to the answer and back", show=True),
        key("c", "customer", "Customer", "why.customer", "everything about this customer", show=True),
        key(
            "p",
            "message",
            "Message",
            "why.message",
            "the last message of the trigger under the cursor, or as it would be now",
            show=True,
        ),
        key("t", "trigger", "Trigger", "why.trigger", "the trigger under the cursor", show=True),
    ]

    def __init__(self, customer: str, trigger: str | None = None) -> None:
        super().__init__()
        self.customer = customer
        self._trigger = trigger
        self._answer: CustomerExplanations | None = None
        self._now: Instant = 0
        self._place: WorkspacePlace | None = None
        self._read_of: str | None = None

    def crumbs(self) -> Sequence[str]:
        """Whom it is about."""
        name = None if self._answer is None else self._answer.name
        return (name or self.customer, "Why" if self._supposed() is None else "Why, as it is now")

    def _supposed(self) -> Supposed | None:
        """What the screens below suppose that is not so; the answers here know nothing of it."""
        for below in reversed(self.app.screen_stack[:-1]):
            forecast = getattr(below, "forecast", None)
            supposed = getattr(below, "supposed", None) or getattr(forecast, "supposed", None)
            if isinstance(supposed, Supposed) and supposed.is_what_if:
                return supposed
        return None

    def body(self) -> ComposeResult:
        """The verdicts, and below or beside them the answer."""
        with Vertical(id="body"):
            yield VirtualTable(
                TableRows(rows.COLUMNS, self._fetch, self._cells, rows.EXPORTED),
                empty="There are no triggers.",
                id="verdicts",
            )
            yield WrappedLines(id="explanation")

    @property
    def table(self) -> VirtualTable[TriggerExplanation]:
        """The verdicts."""
        return self.query_one(VirtualTable)

    # ---- data ----

    def load(self) -> None:
        """Ask the engine."""
        customer = self.customer
        self.ask(
            lambda service, cancelled: (
                service.place,
                service.now(),
                service.why.explanations(customer, cancelled),
            ),
            self._take,
        )

    def _take(self, answer: tuple[WorkspacePlace, Instant, CustomerExplanations]) -> None:
        self._place, self._now, self._answer = answer
        self.table.show(array("q", range(len(self._answer.explanations))))
        place = next(
            (
                number
                for number, each in enumerate(self._answer.explanations)
                if each.trigger == self._trigger
            ),
            None,
        )
        if place is not None:
            self.table.move(place - self.table.cursor)
            self._trigger = None
        self.head.refresh()

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, TriggerExplanation]:
        known = () if self._answer is None else self._answer.explanations
        return {number: known[number] for number in ids if number < len(known)}

    def _cells(self, row: TriggerExplanation) -> Sequence[Cells]:
        assert self._place is not None  # set with the answer
        return rows.cells(row, self._now, self._place.zone)

    @property
    def under_cursor(self) -> TriggerExplanation | None:
        """What is under the cursor."""
        row = self.table.row_id
        return self._answer.explanations[row] if self._answer is not None and row is not None else None

    @on(VirtualTable.Highlighted)
    def _explain(self) -> None:
        chosen = self.under_cursor
        answer = self.query_one("#explanation", WrappedLines)
        answer.show([] if chosen is None else rows.explanation(chosen, self.zone, self._supposed()))
        if chosen is not None and chosen.trigger != self._read_of:
            self._read_of = chosen.trigger
            answer.scroll_by(-TOP)

    def on_descendant_focus(self) -> None:
        """Where the answer is read, it has the room; the list keeps a few lines."""
        self.set_class(self.query_one("#explanation").has_focus, "-reading")

    # ---- keys ----

    @on(VirtualTable.Opened)
    def _read(self) -> None:
        self.query_one("#explanation").focus()

    def action_other(self) -> None:
        """From the list to the answer, and back."""
        (self.query_one("#explanation") if self.table.has_focus else self.table).focus()

    def action_back(self) -> None:
        """From the answer to the list, then back to where it was asked."""
        if self.query_one("#explanation").has_focus:
            self.table.focus()
        else:
            super().action_back()

    def action_customer(self) -> None:
        """Everything about the customer."""
        if self._answer is not None:
            self.host.open_customer(self._answer.customer_id)

    def action_trigger(self) -> None:
        """The trigger under the cursor."""
        if self.under_cursor is not None:
            self.host.open_trigger(self.under_cursor.trigger)

    def action_message(self) -> None:
        """The last message to the customer in the trigger under the cursor."""
        if self.under_cursor is not None and self._answer is not None:
            asked = MessageAsked(customer=self._answer.customer, trigger=self.under_cursor.trigger)
            open_message(self, asked)
