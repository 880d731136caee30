"""Addresses to which nothing is sent any more: found, added from a file or by hand, and lifted."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.errors import ManometerError
from core.instants import Instant
from core.model.suppressed import SuppressedAddress
from screens.action_frame import ActingFrame
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.suppressions import (
    COLUMNS,
    EXPORTED,
    HINT,
    add_deed,
    cells,
    chip,
    detail,
    file_deed,
    lift_deed,
    listed_deed,
)
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.ports.suppressions import ListEffect
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a filter line leaves as of an instant, or what is wrong with the line."""

    text: str
    at: Instant
    ids: array[int]
    fault: str | None = None


class SuppressionsScreen(ActingFrame):
    """All of them, the newest first."""

    mode = "outbox"
    filter_hint = HINT
    deeds = ("add", "add_file", "lift", "customer")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "A",
            "add",
            "Add",
            "suppressions.add",
            "suppress an address; asks for it and for the reason",
            show=True,
        ),
        key(
            "F",
            "add_file",
            "Add a file",
            "suppressions.add_file",
            "suppress the addresses of a file; says first what is in it",
            show=True,
        ),
        key("L", "lift", "Lift", "suppressions.lift", "allow addresses again; asks first", show=True),
        key(
            "t",
            "customer",
            "Customer",
            "suppressions.customer",
            "the customer of the address, with her timeline over all channels",
            show=True,
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Suppressed addresses",)

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable(TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), id="body")

    @property
    def table(self) -> VirtualTable[SuppressedAddress]:
        """The list."""
        return self.query_one(VirtualTable)

    # ---- data ----

    def load(self) -> None:
        """Ask for what the filter line leaves."""
        text = self.filter_text
        self.ask(lambda service, cancelled: _asked(text, service, cancelled), self._take)

    def filtered(self, text: str) -> None:
        """The line says something else: the list begins anew."""
        self.table.await_list()
        self.load()

    def _take(self, answer: _Listed) -> None:
        self.at = answer.at
        self.table.empty = answer.fault or (
            "No address fits. Esc clears the filter." if answer.text else "No address is suppressed."
        )
        self.table.show(answer.ids, fresh=answer.text != self._shown)
        self._shown = answer.text
        said = chip(len(answer.ids), answer.text)
        self.say_filter(said if answer.fault is None else f"/ {answer.text} — {answer.fault}")
        self.chosen_changed()

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, SuppressedAddress]:
        return service.suppressions.rows(ids, cancelled)

    def _cells(self, row: SuppressedAddress) -> Sequence[Cells]:
        return cells(row, self.at, self.zone)

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.app.push_screen(Details("Suppressed address", detail(row, self.zone)))

    def action_customer(self) -> None:
        """The customer of the address, where one is known."""
        row = self.table.row
        if row is not None:
            self.ask(
                lambda service, cancelled: service.suppressions.owner(row.address, cancelled),
                self._open_owner,
                group="owner",
            )

    def _open_owner(self, customer: int | None) -> None:
        if customer is None:
            self.toast("No customer is known by this address.", bad=True)
        else:
            self.host.open_customer(customer)

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why nothing can be added, or lifted here."""
        if action in ("add", "add_file"):
            return self.read_only()
        if action == "lift":
            if self.table.is_awaited:
                return self.read_only() or "the list is still being read"
            return self.read_only() or (None if self.table.chosen else "there is nothing under the cursor")
        if action == "customer" and self.table.row is None:
            return "there is nothing under the cursor"
        return super().why_not(action)

    def action_add(self) -> None:
        """Ask for an address and the reason."""
        if self.place is not None:
            confirm(self, add_deed(self.place.author), self._add)

    def _add(self, given: DialogAnswer) -> None:
        address, reason = given.values["address"], given.values["reason"]
        self.act(lambda service: service.suppressions.add(address, reason), self.done)

    def action_add_file(self) -> None:
        """Ask for a file, and then, in numbers, whether to suppress what is in it."""
        confirm(self, file_deed(), self._read_file)

    def _read_file(self, given: DialogAnswer) -> None:
        path = given.values["path"]
        self.ask(
            lambda service, cancelled: service.suppressions.read_file(path, cancelled),
            self._ask_to_add,
            group="file",
        )

    def _ask_to_add(self, effect: ListEffect) -> None:
        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(lambda service: service.suppressions.add_file(effect.path, reason), self.done)

        if self.place is not None:
            confirm(self, listed_deed(effect, self.place.author), do)

    def action_lift(self) -> None:
        """Ask whether the marked addresses, or that under the cursor, may be written to again."""
        chosen = list(self.table.chosen)
        row = self.table.row if chosen == [self.table.row_id] else None

        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.table.settle(chosen)
            self.act(lambda service: service.suppressions.lift(chosen, reason), self._lifted)

        if self.place is not None and chosen:
            confirm(self, lift_deed(len(chosen), row, self.place.author), do)

    def _lifted(self, sentence: str) -> None:
        self.table.clear_marks()
        self.done(sentence)


def _asked(text: str, service: Service, cancelled: Cancelled) -> _Listed:
    at = service.now()
    try:
        return _Listed(text, at, service.suppressions.ids(text, cancelled))
    except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
        return _Listed(text, at, array("q"), str(error))
