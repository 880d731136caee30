"""What operators did: one line an act, and the rows of one with its reason."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.errors import ManometerError
from core.explain.acts import act_words
from core.filters import value_of, with_field
from core.instants import Instant
from core.model.audit import AuditLine, OperatorAct
from screens.action_frame import ActingFrame
from screens.cells.audit import (
    COLUMNS,
    EXPORTED,
    HINT,
    LINE_COLUMNS,
    LINES_EXPORTED,
    act_head,
    cells,
    chip,
    detail,
    line_cells,
    reader,
)
from screens.cells.line import Cells
from screens.filtering import FilterInput
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details, WrappedNote


@dataclass(frozen=True, slots=True)
class ActsAnswer:
    """The acts that a filter line leaves as of an instant, or what is wrong with the line."""

    text: str
    at: Instant
    ids: array[int]
    fault: str | None = None


class AuditScreen(ActingFrame):
    """All acts, the newest first."""

    mode = "audit"
    filter_hint = HINT
    deeds = ("only",)
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "o",
            "only('operator')",
            "Operator",
            "audit.operator",
            "only what the operator under the cursor did; again: everybody",
            show=True,
        ),
        key(
            "K",
            "only('kind')",
            "Kind",
            "audit.kind",
            "only acts of the kind under the cursor; again: all kinds",
            show=True,
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable[OperatorAct](TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), id="body")

    @property
    def table(self) -> VirtualTable[OperatorAct]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask which acts there are."""
        text = self.filter_text
        self.ask(lambda service, cancelled: _asked(text, service, cancelled), self._take)

    def filtered(self, text: str) -> None:
        """Only those that fit."""
        self.load()

    def _take(self, answer: ActsAnswer) -> None:
        self.at = answer.at
        nothing = "No act fits. Esc clears the filter." if answer.text else "Nobody has done anything yet."
        self.table.empty = answer.fault or nothing
        self.table.show(answer.ids, fresh=answer.text != self._shown)
        self._shown = answer.text
        fits = chip(len(answer.ids), answer.text)
        self.say_filter(fits if answer.fault is None else f"/ {answer.text} — {answer.fault}")

    def _fetch(self, service: Service, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, OperatorAct]:
        return service.audit.rows(ids, cancelled)

    def _cells(self, act: OperatorAct) -> Sequence[Cells]:
        return cells(act, self.at, self.zone)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Narrowing needs a row to go by."""
        if action == "only" and self.table.row is None:
            return "there is no act under the cursor"
        return super().why_not(action)

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        act = self.table.row
        if act is not None:
            self.app.push_screen(ActScreen(act))

    def action_only(self, field: str) -> None:
        """Only acts like this one, or all again."""
        act = self.table.row
        if act is None:
            return
        value = act.author if field == "operator" else act.action
        text = with_field(self.filter_text, field, None if value_of(self.filter_text, field) else value)
        for line in self.query(FilterInput):
            line.value = text
        self.take_filter(text)


class ActScreen(ActingFrame):
    """One act: who, when, what and why, and the rows it left."""

    mode = "audit"
    deeds = ("customer", "trigger")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "t",
            "customer",
            "Customer",
            "act.customer",
            "the customer whom the row is about, with her timeline",
            show=True,
        ),
        key("d", "trigger", "Trigger", "act.trigger", "the trigger that the row is about", show=True),
    ]

    def __init__(self, act: OperatorAct) -> None:
        super().__init__()
        self.act_shown = act

    def crumbs(self) -> Sequence[str]:
        """What was done."""
        return (act_words(self.act_shown),)

    def body(self) -> ComposeResult:
        """Two lines, and the rows."""
        with Vertical(id="body"):
            yield WrappedNote(id="act")
            yield VirtualTable[AuditLine](
                TableRows(LINE_COLUMNS, self._fetch, line_cells, LINES_EXPORTED), empty="", id="lines"
            )

    @property
    def table(self) -> VirtualTable[AuditLine]:
        """The rows."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """Ask for the rows."""
        act = self.act_shown
        self.ask(
            lambda service, cancelled: (
                service.audit.rows([act.id], cancelled).get(act.id, act),
                service.audit.line_ids(act.id, cancelled),
            ),
            self._take,
        )

    def _take(self, answer: tuple[OperatorAct, array[int]]) -> None:
        self.act_shown, ids = answer
        self.query_one("#act", WrappedNote).show(act_head(self.act_shown, self.zone))
        self.table.show(ids)
        self.head.settle()
        self.chosen_changed()

    def _fetch(self, service: Service, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, AuditLine]:
        return service.audit.lines(ids, cancelled)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why there is no way to a customer or a trigger."""
        row = self.table.row if self.is_mounted else None
        if action == "customer" and (row is None or row.customer_id is None):
            return "the row is about no customer"
        if action == "trigger" and (row is None or row.trigger is None):
            return "the row is about no trigger"
        return super().why_not(action)

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        row = self.table.row
        if row is not None:
            self.app.push_screen(Details(f"Row {row.id}", detail(row, self.zone)))

    def action_customer(self) -> None:
        """The customer."""
        row = self.table.row
        if row is not None and row.customer_id is not None:
            self.host.open_customer(row.customer_id)

    def action_trigger(self) -> None:
        """The trigger."""
        row = self.table.row
        if row is not None and row.trigger is not None:
            self.host.open_trigger(row.trigger)


def _asked(text: str, service: Service, cancelled: Cancelled) -> ActsAnswer:
    at = service.now()
    try:
        terms = reader(at, service.place.zone).terms(text)
    except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
        return ActsAnswer(text, at, array("q"), str(error))
    return ActsAnswer(text, at, service.audit.acts(terms, cancelled))
