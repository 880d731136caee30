"""The customers behind one number."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.explain.words import counted
from core.instants import Instant
from screens.asking import Question
from screens.cells import customers as rows
from screens.cells.line import Cells
from screens.frame import Frame
from screens.ports import Cancelled
from screens.ports.customers import CustomerLine
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable


class CustomersBehindScreen(Frame):
    """A list of customers that some question gives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "why", "Why", "counted.why", "why the customer got something, or nothing", show=True),
    ]

    def __init__(self, mode: str, question: Question[array[int]], *path: str) -> None:
        super().__init__()
        self.mode = mode  # type: ignore[misc] # of the screen whose number this is
        self._question = question
        self._path = path
        self._at: Instant = 0

    def crumbs(self) -> Sequence[str]:
        """Which number it is."""
        return self._path

    def body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable(
            TableRows(rows.COLUMNS, self._fetch, self._cells, rows.EXPORTED), empty="Nobody.", id="body"
        )

    @property
    def row(self) -> CustomerLine | None:
        """The customer under the cursor."""
        return self.query_one(VirtualTable).row

    def load(self) -> None:
        """Ask who they are."""
        question = self._question
        self.ask(lambda service, cancelled: (service.now(), question(service, cancelled)), self._show)

    def _show(self, answer: tuple[Instant, array[int]]) -> None:
        self._at, ids = answer
        self.query_one(VirtualTable).show(ids)
        self.say_filter(counted(len(ids), "customer"))

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, CustomerLine]:
        return service.customers.rows(ids, cancelled)

    def _cells(self, row: CustomerLine) -> Sequence[Cells]:
        return rows.cells(row, self._at, self.zone)

    def why_not(self, action: str) -> str | None:
        """What needs a customer."""
        return "there is no customer under the cursor" if action == "why" and self.row is None else None

    @on(VirtualTable.Highlighted)
    def _another(self) -> None:
        self.refresh_bindings()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        if self.row is not None:
            self.host.open_customer(self.row.id)

    def action_why(self) -> None:
        """Why the customer got something, or nothing."""
        if self.row is not None:
            self.host.open_why(self.row.key)
