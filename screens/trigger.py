"""One trigger: its journey, what it decided, who is under way, its file, and what was done to it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message

from core.instants import Instant
from screens.cells import triggers as rows
from screens.cells.line import Cells, Line
from screens.message import ask_for_message
from screens.paned_frame import PanedFrame
from screens.pausing import PAUSING, PausingFrame
from screens.ports import Cancelled
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.ports.triggers import TriggerLine, TriggerView, WaitingView
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Note, TextLines
from screens.widgets.panes import PaneLine
from screens.widgets.picked_lines import PickedLines
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import WrappedLines

PANES: Final = (
    ("journey", "Journey"), ("outcomes", "Outcomes"), ("waiting", "Waiting"), ("definition", "Definition"),
    ("history", "History"),
)  # fmt: skip
BESIDE: Final = 1
"""So many of them stand beside the others where there is room."""


class OutcomesList(PickedLines[tuple[rows.Counts, Line]]):
    """What was decided, by reason; Enter lists the decisions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("outcomes"),
        key("enter", "open", "Open", "outcomes.open", "the decisions that the number counts", show=True),
    ]

    class Opened(Message):
        """Enter was pressed on a number."""

        def __init__(self, counts: rows.Counts) -> None:
            super().__init__()
            self.counts = counts

    def __init__(self, *, id: str, classes: str | None = None) -> None:
        super().__init__("Outcomes", empty=rows.NOTHING_DECIDED, id=id)
        self.set_classes(classes or "")

    def line_of(self, item: tuple[rows.Counts, Line], width: int) -> Line:
        """Outcome, reason, number, share, bar."""
        return item[1]

    def action_open(self) -> None:
        """Its decisions."""
        if self.item is not None:
            self.post_message(self.Opened(self.item[0]))


class TriggerScreen(PanedFrame, PausingFrame):
    """Everything about one trigger; Tab goes to the next pane."""

    mode = "triggers"
    DEFAULT_CSS = """
    TriggerScreen #body { height: 1fr; }
    TriggerScreen #head { height: 3; margin: 0 0 1 0; }
    TriggerScreen .pane { display: none; margin: 1 1 0 1; }
    TriggerScreen .pane.current { display: block; }
    TriggerScreen #panes { height: 1fr; }
    TriggerScreen #left { display: none; width: 76; border-right: solid $boost; }
    TriggerScreen.-xwide #left { display: block; }
    TriggerScreen #side-journey { height: 1fr; margin: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "pane(1)", "Next pane", "trigger.next_pane", "to the next pane", show=True),
        key("shift+tab", "pane(-1)", "Pane before", "trigger.pane_before", "to the pane before"),
        key("o", "show('definition')", "File", "trigger.definition", "its file as it is in force, to read"),
        *PAUSING,
        key("m", "message", "Message", "trigger.message", "its message for anyone, to look at"),
        key("w", "why", "Why", "trigger.why", "why the customer under the cursor got something or nothing"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.trigger_name = name
        self.view: TriggerView | None = None

    @property
    def chosen_name(self) -> str:
        """The trigger's name, which is known before anything is read."""
        return self.trigger_name

    def crumbs(self) -> Sequence[str]:
        """The trigger's name."""
        return (self.trigger_name,)

    def body(self) -> ComposeResult:
        """The head, and the panes; where there is room the journey stands beside the others."""
        with Vertical(id="body"):
            yield Note(id="head")
            with Horizontal(id="panes"):
                with Vertical(id="left"):
                    yield WrappedLines(id="side-journey")
                with Vertical():
                    yield PaneLine(PANES)
                    yield WrappedLines(id="journey", classes="pane current")
                    yield OutcomesList(id="outcomes", classes="pane")
                    yield VirtualTable(
                        TableRows(rows.WAITING, self._fetch, self._cells, rows.EXPORTED_WAITING),
                        empty="Nobody is under way.",
                        id="waiting",
                        classes="pane",
                    )
                    yield WrappedLines(id="definition", classes="pane")
                    yield WrappedLines(id="history", classes="pane")

    def on_resize(self, _: Resize) -> None:
        """What stands beside the panes is none of them."""
        self.call_after_refresh(self._offer_panes)

    def _offer_panes(self) -> None:
        if self.query_one(PaneLine).offer(PANES[BESIDE:] if self.has_class("-xwide") else PANES):
            self.see(self.pane)

    # ---- data ----

    def load(self) -> None:
        """Ask for the trigger, and for who waits."""
        name = self.trigger_name
        self.ask(
            lambda service, cancelled: (service.now(), service.triggers.view(name, cancelled)), self._take
        )
        self.ask(
            lambda service, cancelled: service.triggers.waiting_ids(name, cancelled),
            self._take_waiting,
            group="waiting",
        )

    def _take(self, answer: tuple[Instant, TriggerView]) -> None:
        self.at, self.view = answer
        view, currency = self.view, "" if self.place is None else self.place.currency
        self.query_one("#head", Note).show(rows.head(view, self.at, self.zone))
        journey = rows.journey(view, currency)
        outcomes = self.query_one(OutcomesList)
        outcomes.title = rows.outcomes_title(view.outcomes)
        outcomes.show(rows.outcomes(view.outcomes))
        shown = {
            "journey": journey, "side-journey": journey,
            "definition": rows.toml(view.definition), "history": rows.history(view.history, self.zone),
        }  # fmt: skip
        for name, lines in shown.items():
            self.query_one(f"#{name}", TextLines).show(lines)
        self.chosen_changed()

    def _take_waiting(self, ids: array[int]) -> None:
        self.query_one(VirtualTable).show(ids)

    def _fetch(self, service: Service, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, WaitingView]:
        return service.triggers.waiting_rows(ids, cancelled)

    def _cells(self, row: WaitingView) -> Sequence[Cells]:
        return rows.waiting_cells(row, self.at, self.zone)

    @property
    def line(self) -> TriggerLine | None:
        """The trigger in numbers."""
        return None if self.view is None else self.view.line

    @property
    def waiting(self) -> WaitingView | None:
        """The customer under the cursor, where the pane is seen."""
        row: WaitingView | None = self.query_one(VirtualTable).row
        return row if self.pane == "waiting" else None

    def see(self, pane: str) -> None:
        """Show this one; what can be done is another matter in each."""
        super().see(pane)
        self.chosen_changed()

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be done to the trigger, or to the customer under the cursor."""
        if action == "why":
            return None if self.waiting is not None else "choose a customer in the pane Waiting first"
        return super().why_not(action)

    @on(OutcomesList.Opened)
    def _open_outcome(self, message: OutcomesList.Opened) -> None:
        """The decisions that a number counts."""
        message.stop()
        if self.view is None:
            return
        from screens.decisions_behind import DecisionsBehindScreen  # when first wanted, as everywhere

        since = self.view.outcomes_since
        self.app.push_screen(DecisionsBehindScreen(self.trigger_name, since, message.counts))

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        if self.waiting is not None:
            self.host.open_customer(self.waiting.customer_id)

    def action_why(self) -> None:
        """Why the customer under the cursor got something or nothing."""
        if self.waiting is not None:
            self.host.open_why(self.waiting.customer, self.trigger_name)

    def action_message(self) -> None:
        """Its message for anyone, at first for the customer under the cursor."""
        customer = "" if self.waiting is None else self.waiting.customer
        trigger = None if self.view is None else self.view.trigger
        template = trigger.steps[0].template if trigger is not None and trigger.steps else None
        ask_for_message(self, MessageAsked(customer=customer, trigger=self.trigger_name, template=template))
