"""One customer: name, timeline, what is known, contact pressure, and what is planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from core.instants import Instant
from core.model.pauses import target_key
from screens.asking import Question
from screens.cells import customer as rows
from screens.cells import timeline as timeline_rows
from screens.message import ask_for_message
from screens.paned_frame import PanedFrame
from screens.pausing import ask_to_pause_or_resume
from screens.ports import WorkspacePlace
from screens.ports.customers import CustomerGauge, CustomerProfile, Planned
from screens.ports.messages import MessageAsked
from screens.timeline import Timeline
from screens.widgets.keys import key
from screens.widgets.line_widget import Note
from screens.widgets.panes import PaneLine
from screens.widgets.wrapped import WrappedLines

T = TypeVar("T")

PANES: Final = (
    ("timeline", "Timeline"),
    ("profile", "Profile"),
    ("pressure", "Pressure"),
    ("planned", "Planned"),
)


class CustomerScreen(PanedFrame):
    """Everything about one customer. One pane at a time; where there is room, the timeline with the others
    beside it.
    """

    mode = "customers"
    filter_hint = timeline_rows.HINT
    DEFAULT_CSS = """
    CustomerScreen #customer { height: 2; }
    CustomerScreen .part { display: none; width: 1fr; height: 1fr; }
    CustomerScreen .part.current { display: block; }
    CustomerScreen .part > Note { display: none; height: 1; }
    CustomerScreen #side { width: 1fr; height: 1fr; display: none; }
    CustomerScreen #side.current { display: block; }
    CustomerScreen.-xwide PaneLine { display: none; }
    CustomerScreen.-xwide .part, CustomerScreen.-xwide #side { display: block; }
    CustomerScreen.-xwide .part > Note { display: block; }
    CustomerScreen.-xwide #side { width: 62; border-left: solid $boost; }
    CustomerScreen.zoomed .part { display: none; }
    CustomerScreen.zoomed .part.current { display: block; height: 1fr; max-height: 100%; }
    CustomerScreen.zoomed #side { display: none; width: 1fr; border-left: none; }
    CustomerScreen.zoomed #side.current { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "pane(1)", "Next pane", "customer.next_pane", "to the next pane", show=True),
        key("shift+tab", "pane(-1)", "Pane before", "customer.pane_before", "to the pane before"),
        key("w", "why", "Why", "customer.why", "why this customer got something, or nothing", show=True),
        key("t", "show('timeline')", "Timeline", "customer.timeline", "to the timeline over all channels"),
        key(
            "P",
            "pause",
            "Pause",
            "customer.pause",
            "pause all messages to her, or end that; asks first, in numbers",
        ),
        key("m", "message", "Message", "customer.message", "any template for this customer, to look at"),
        key("z", "zoom", "Zoom", "customer.zoom", "this pane alone, or all again"),
    ]

    def __init__(self, customer_id: int) -> None:
        super().__init__()
        self.customer_id = customer_id
        self._profile: CustomerProfile | None = None

    def crumbs(self) -> Sequence[str]:
        """The customer's name, else the key."""
        return () if self._profile is None else (self._profile.name or self._profile.key,)

    def body(self) -> ComposeResult:
        """Head, names of the panes, panes."""
        yield Note(id="customer")
        yield PaneLine(PANES)
        with Horizontal(id="body"):
            with Vertical(id="part-timeline", classes="part current"):
                yield Timeline(self.customer_id, id="timeline")
            with Vertical(id="side"):
                for name, _ in PANES[1:]:
                    with Vertical(id=f"part-{name}", classes="part"):
                        yield Note(id=f"title-{name}")
                        yield WrappedLines(id=name)

    def on_mount(self) -> None:
        """Name the panes; the frame loads."""
        for name, title in PANES[1:]:
            self.query_one(f"#title-{name}", Note).show([rows.pane_title(title)])

    @property
    def timeline(self) -> Timeline:
        """The customer's timeline."""
        return self.query_one(Timeline)

    # ---- data ----

    def load(self) -> None:
        """Ask for each pane apart: the quick ones do not wait for the slow."""
        self.timeline.load()
        self._ask_for_panes()

    def action_reload(self) -> None:
        """Read everything anew."""
        self.timeline.load(anew=True)
        self._ask_for_panes()

    def _ask_for_panes(self) -> None:
        customer = self.customer_id
        self._ask_for(
            "profile",
            lambda service, cancelled: service.customers.profile(customer, cancelled),
            self._show_profile,
        )
        self._ask_for(
            "pressure",
            lambda service, cancelled: service.customers.pressure(customer, cancelled),
            self._show_pressure,
        )
        self._ask_for(
            "planned",
            lambda service, cancelled: service.customers.planned(customer, cancelled),
            self._show_planned,
        )

    def _ask_for(
        self, pane: str, question: Question[T], show: Callable[[T, Instant, WorkspacePlace], None]
    ) -> None:
        self.ask(
            lambda service, cancelled: (question(service, cancelled), service.now(), service.place),
            lambda answer: show(*answer),
            group=pane,
        )

    def _show_profile(self, profile: CustomerProfile, now: Instant, place: WorkspacePlace) -> None:
        self._profile = profile
        self.query_one("#customer", Note).show(rows.head(profile))
        self._pane("profile").show(rows.profile(profile, now, place.zone, place.currency))
        self.head.settle()

    def _show_pressure(self, gauges: tuple[CustomerGauge, ...], now: Instant, place: WorkspacePlace) -> None:
        self._pane("pressure").show(rows.pressure(gauges, now, place.zone))

    def _show_planned(self, planned: Planned, now: Instant, place: WorkspacePlace) -> None:
        self._pane("planned").show(rows.planned(planned, now, place.zone))

    def _pane(self, name: str) -> WrappedLines:
        return self.query_one(f"#{name}", WrappedLines)

    # ---- panes ----

    def see(self, pane: str) -> None:
        """Show this one: below the timeline where there is no room for both, else beside it."""
        for name, _ in PANES:
            self.query_one(f"#part-{name}").set_class(name == pane, "current")
        self.query_one("#side", Widget).set_class(pane != "timeline", "current")
        self.query_one("#part-timeline").set_class(pane == "timeline", "current")
        self.focus_first()

    def action_zoom(self) -> None:
        """The pane with the focus alone, or all again."""
        self.toggle_class("zoomed")

    # ---- keys ----

    def filtered(self, text: str) -> None:
        """The filter is the timeline's."""
        if self.pane != "timeline":
            self.action_show("timeline")
        self.timeline.narrow(text)

    @property
    def is_filtered(self) -> bool:
        """Whether entries of the timeline are left out, by words or by keys."""
        return self.timeline.is_narrowed

    def action_back(self) -> None:
        """Widen the timeline, else back to the list."""
        if self.timeline.is_narrowed and not self.filter_text and not self.is_writing:
            self.timeline.widen()
        else:
            super().action_back()

    def action_pause(self) -> None:
        """Pause the customer, or end that pause."""
        if self._profile is not None:
            ask_to_pause_or_resume(self, target_key("customer", self._profile.key))

    def action_why(self) -> None:
        """Why this customer got something, or nothing."""
        if self._profile is not None:
            self.host.open_why(self._profile.key)

    def action_message(self) -> None:
        """Any template for this customer."""
        if self._profile is not None:
            ask_for_message(self, MessageAsked(customer=self._profile.key))
