"""All customers: found by name, address, key or any identity while one types."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.model.pauses import target_key
from screens.cells import customers as rows
from screens.cells.line import Cells
from screens.found_table import FoundTable
from screens.frame import Frame
from screens.pausing import ask_to_pause_or_resume
from screens.ports import Cancelled
from screens.ports.customers import CustomerLine, CustomerSort, Hits
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable

NOBODY: Final = "There are no customers yet. `manometer import` brings them."
NOBODY_FITS: Final = "No customer fits."
CLEARS: Final = "Esc clears the filter."
LONG: Final = 20_000
"""A longer list is not found anew whenever somebody writes, only its visible rows are read again; `r` finds
it anew.
"""


class CustomersTable(FoundTable[CustomerLine]):
    """The list, which is found in its order: the screen sorts it however long it is."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Sorting is the screen's."""
        return action not in ("sort", "turn_order")


class CustomersScreen(Frame):
    """The list of customers."""

    mode = "customers"
    filter_hint = rows.HINT
    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "why", "Why", "customers.why", "why the customer got something, or nothing", show=True),
        key(
            "t",
            "timeline",
            "Timeline",
            "customers.timeline",
            "what the customer did and got, over all channels",
        ),
        key(
            "P",
            "pause",
            "Pause",
            "customers.pause",
            "pause all messages to the customer, or end that; asks first, in numbers",
        ),
        key("s", "sort", "Sort", "customers.sort", "sort by the next column", show=True),
        key("S", "turn", "Reverse", "customers.turn", "turn the order round"),
        key(
            "J",
            "people",
            "Who is who",
            "customers.people",
            "customers that may be one person: what waits for a decision",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort: CustomerSort = "key"
        self._is_reverse = False
        self._total: int | None = None
        self._is_outdated = True  # what is listed is of an earlier filter
        self._awaited: Callable[[], None] | None = None  # what is to be done to the first who is found

    def body(self) -> ComposeResult:
        """The table."""
        yield CustomersTable(
            TableRows(rows.COLUMNS, self._fetch, self._cells, rows.EXPORTED),
            longest=LONG,
            show_first=self._show_first,
            id="body",
        )

    @property
    def table(self) -> FoundTable[CustomerLine]:
        """The list."""
        return self.query_one(FoundTable)

    # ---- data ----

    def load(self) -> None:
        """Find them; of a long list that is there already only the visible rows are read again."""
        if self.table.is_long:
            self.table.read_again()
        else:
            self._find()

    def action_reload(self) -> None:
        """Find everybody anew."""
        self._find()

    def filtered(self, text: str) -> None:
        """Find those the filter holds for."""
        self._is_outdated = True
        self.table.begin_anew()
        self._awaited = None
        self._find("searching …")

    def _find(self, note: str = "") -> None:
        text, sort = self.filter_text, self._sort
        is_downwards = rows.is_downwards(sort, self._is_reverse)
        if note:
            self._say(len(self.table.ids), note)
        self.table.find(
            lambda service, cancelled, found: service.customers.ids(
                text, sort, is_downwards, cancelled, found
            ),
            self._take,
            group="find",
            failed=self._fail,
        )

    def _fail(self, _: str) -> None:
        """What was listed before is what there is."""
        self._is_outdated, self._awaited = False, None
        self.refresh_bindings()

    def _show_first(self, ids: array[int]) -> None:
        self._show(ids)
        self._say(len(ids), "searching …")

    def _take(self, hits: Hits) -> None:
        if not self.filter_text:
            self._total = len(hits.ids)
        self._show(hits.ids, hits.fault or "", hits.hint)
        self._say(len(hits.ids), hits.fault or "")
        if not hits.ids and self._awaited is not None:
            self._awaited = None
            self.toast(self.table.empty, bad=True)

    def _show(self, ids: array[int], fault: str = "", hint: str = "") -> None:
        said = [fault, NOBODY_FITS, hint, CLEARS] if self.filter_text else [fault, NOBODY]
        self.table.empty = " ".join(part for part in said if part)
        self.table.show_found(ids)
        self._is_outdated = False

    def _say(self, found: int, note: str = "") -> None:
        self.say_filter(rows.chip(found, self._total, self.filter_text, self._sort, self._is_reverse, note))

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, CustomerLine]:
        return service.customers.rows(ids, cancelled)

    def _cells(self, row: CustomerLine) -> Sequence[Cells]:
        return rows.cells(row, self.table.now, self.table.zone)

    # ---- keys ----

    def why_not(self, action: str) -> str | None:
        """What is about one customer needs one under the cursor."""
        if (
            action in ("why", "timeline", "pause")
            and self.is_mounted
            and self.table.row_id is None
            and not self._is_outdated
        ):
            return "there is no customer under the cursor"
        return None

    @on(VirtualTable.Opened)
    def _open(self, message: VirtualTable.Opened) -> None:
        self._with_customer(lambda row: self.host.open_customer(row.id))

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        self.refresh_bindings()
        awaited = self._awaited
        if awaited is not None and not self._is_outdated and self.table.row is not None:
            self._awaited = None
            if self.is_current:
                awaited()

    def _with_customer(self, do: Callable[[CustomerLine], None]) -> None:
        """Do something to the customer under the cursor; while the list is still that of an earlier filter,
        to the first who is found.
        """
        row = self.table.row
        if row is None or self._is_outdated:
            self._awaited = lambda: self._with_customer(do)
        else:
            do(row)

    def action_why(self) -> None:
        """Why the customer under the cursor got something, or nothing."""
        self._with_customer(lambda row: self.host.open_why(row.key))

    def action_timeline(self) -> None:
        """The timeline of the customer under the cursor."""
        self._with_customer(lambda row: self.host.open_customer(row.id))

    def action_pause(self) -> None:
        """Pause the customer under the cursor, or end the customer's pause."""
        self._with_customer(lambda row: ask_to_pause_or_resume(self, target_key("customer", row.key)))

    def action_sort(self) -> None:
        """Sort by the next column; the list stays as it is until the order is there."""
        self._sort, self._is_reverse = rows.next_sort(self._sort), False
        self._find_sorted()

    def action_turn(self) -> None:
        """Turn the order round."""
        self._is_reverse = not self._is_reverse
        self._find_sorted()

    def _find_sorted(self) -> None:
        self.table.begin_anew(takes_first=False)
        self._find("sorting …")

    def action_people(self) -> None:
        """What waits for the operator's word on who is who."""
        from screens.people import PeopleScreen  # when first wanted, as everywhere

        self.app.push_screen(PeopleScreen())
