"""The first screen: whether the engine runs, what goes out today, what needs somebody, how much the customers
bear, what comes next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message

from core.instants import MINUTE, Millis
from screens.cells import overview as rows
from screens.cells.gauge import LoadSpan
from screens.cells.line import Cell, Line, as_cell, fit
from screens.frame import Frame
from screens.host import Host
from screens.ports.overview import BaseGauge, Books, DayAhead, OverviewPage, Pulse, Undecided
from screens.widgets.acts_list import ActsList
from screens.widgets.histogram import Histogram
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Note
from screens.widgets.picked_lines import PickedLines
from screens.widgets.today_table import TodayTable

LOOK_S: Final = 15.0
"""Seconds after which the screen looks even if nobody has written: a scheduler that died writes nothing."""
PULSE_S: Final = 2.0
"""Seconds between two looks at when the engine last ticked."""
OLD: Final[Millis] = MINUTE
"""Dearer figures of that age are read anew with the others."""
OLD_OF_MANY: Final[Millis] = 10 * MINUTE
MANY: Final = 100_000
"""From so many customers on their gauge is dear."""


class NeedsList(PickedLines[rows.Attention]):
    """What needs somebody, as a list with a cursor; Enter goes where it can be dealt with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("needs"),
        key(
            "enter", "open", "Go there", "needs.open", "to the screen where this can be dealt with", show=True
        ),
    ]

    class Opened(Message):
        """Enter was pressed on something that another screen deals with."""

        def __init__(self, mode: str, words: str) -> None:
            super().__init__()
            self.mode = mode
            self.words = words

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Needs attention", empty="Nothing: all is well.", id=id)

    def head_of(self) -> str:
        """The title with their number."""
        return f"{self.title} ({len(self.items)})" if self.items else self.title

    def can_open(self, item: rows.Attention) -> bool:
        """Whether another screen deals with it."""
        return item.mode is not None

    def action_open(self) -> None:
        """Go where it can be dealt with."""
        if self.item is not None and self.item.mode is not None:
            self.post_message(self.Opened(self.item.mode, self.item.words))

    def line_of(self, item: rows.Attention, width: int) -> Line:
        """One of them, with the key that leads to it."""
        go = f" {item.key}" if item.key else ""
        words = fit(item.words, max(0, width - len(go) - 3))
        return [Cell(f"{item.sign} {words}", item.style), Cell(go, "accent")]


class SoonList(PickedLines[tuple[str, Line]]):
    """The next instant of each trigger, as its name and its line; Enter opens the trigger."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("soon"),
        key("enter", "open", "Open", "soon.open", "the trigger, its journey and who is under way", show=True),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(rows.SOON, empty="Nothing is due.", id=id)

    def line_of(self, item: tuple[str, Line], width: int) -> Line:
        """When, which, how many; the blank it begins with is the cursor's place."""
        first, *rest = item[1]
        text, style = as_cell(first)
        return [Cell(text[1:], style), *rest]

    def action_open(self) -> None:
        """The trigger."""
        if self.item is not None:
            cast("Host", self.app).open_trigger(self.item[0])


class OverviewScreen(Frame):
    """What an operator sees first."""

    mode = "overview"

    DEFAULT_CSS = """
    OverviewScreen #engine { height: 3; }
    OverviewScreen #today { height: auto; max-height: 10; }
    OverviewScreen .row { height: 1fr; }
    OverviewScreen .row > * { width: 1fr; height: 1fr; }
    OverviewScreen #gauge { margin-right: 1; }
    OverviewScreen #soon { margin-right: 1; }
    OverviewScreen.-short #first { height: 3fr; }
    OverviewScreen.-short #second { height: 2fr; }
    OverviewScreen.-tall #today { margin: 1 0; }
    OverviewScreen.-tall #first { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "tab",
            "app.focus_next",
            "Next part",
            "overview.next_part",
            "to the next part; Enter opens what its numbers count",
            show=True,
        ),
        key("shift+tab", "app.focus_previous", "Part before", "overview.part_before", "to the part before"),
        key(
            "right_square_bracket",
            "rule(1)",
            "Rule",
            "overview.next_rule",
            "the gauge of the next rule",
            show=True,
        ),
        key(
            "p",
            "pauses",
            "Pauses",
            "overview.pauses",
            "what is paused; pause or resume a channel, a segment",
            show=True,
        ),
        key(
            "s",
            "quarantine",
            "Set aside",
            "overview.quarantine",
            "what is set aside, channels that rest, triggers that are held; release or drop it",
            show=True,
        ),
        key(
            "left_square_bracket",
            "rule(-1)",
            "Rule before",
            "overview.last_rule",
            "the gauge of the rule before",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.page: OverviewPage | None = None
        self.gauge: BaseGauge | None = None
        self.ahead: DayAhead | None = None
        self.books: Books | None = None
        self.undecided: Undecided | None = None
        self.rule: str | None = None
        self._steered: object = None
        self._is_first = True
        self._asks_undecided = False
        self._is_undecided_old = False

    def body(self) -> ComposeResult:
        """Three lines, the table of today, and four panes."""
        with Vertical(id="body"):
            yield Note(id="engine")
            yield TodayTable(id="today")
            with Horizontal(id="first", classes="row"):
                yield Histogram("Pressure", id="gauge")
                yield NeedsList(id="needs")
            with Horizontal(id="second", classes="row"):
                yield SoonList(id="soon")
                yield ActsList(id="acts")

    def focus_first(self) -> None:
        """What needs somebody."""
        self.set_focus(self.query_one(NeedsList))

    # ---- asking ----

    def on_mount(self) -> None:
        """Look now and then."""
        self.set_interval(LOOK_S, self._look)
        self.set_interval(PULSE_S, self._feel)

    def _look(self) -> None:
        place = self.host.place
        if self.is_current and not self.host.frozen and place is not None and not place.simulated:
            self.load()

    def _feel(self) -> None:
        """The time since the last tick goes on, also while nobody writes."""
        place = self.host.place
        if (
            self.page is not None and self.is_current and not self.host.frozen
            and place is not None and not place.simulated and not place.is_lost
        ):  # fmt: skip
            self.ask(
                lambda service, cancelled: service.overview.pulse(cancelled), self._show_pulse, group="pulse"
            )

    def _show_pulse(self, pulse: Pulse) -> None:
        if self.page is None:
            return
        engine = replace(self.page.engine, last_tick=pulse.last_tick, last_dispatch=pulse.last_dispatch)
        self.page = replace(self.page, at=pulse.at, engine=engine)
        self._draw_head()

    def load(self) -> None:
        """The cheap figures; at first everything else after them."""
        self.ask(lambda service, cancelled: service.overview.page(cancelled), self._show_page)

    def action_reload(self) -> None:
        """Everything anew, the dear figures too."""
        self._is_first = True
        super().action_reload()

    def _show_page(self, page: OverviewPage) -> None:
        self.page = page
        self.draw()
        is_first, self._is_first = self._is_first, False
        self._ask_undecided()
        is_steered, self._steered = self._steered != rows.steering(page), rows.steering(page)
        if is_first or self._is_old(
            self.gauge, page, OLD_OF_MANY if self.gauge and self.gauge.customers > MANY else OLD
        ):
            self._ask_gauge()
        if is_first or is_steered or self._is_old(self.ahead, page, OLD):
            self.ask(
                lambda service, cancelled: service.overview.ahead(cancelled), self._show_ahead, group="ahead"
            )
        if is_first or self._is_old(self.books, page, OLD_OF_MANY):
            self.ask(
                lambda service, cancelled: service.overview.books(cancelled), self._show_books, group="books"
            )

    def _ask_undecided(self) -> None:
        """With every change; a question under way is answered first, so that a long import starves none."""
        self._is_undecided_old = self._asks_undecided
        if not self._asks_undecided:
            self._asks_undecided = True
            self.ask(
                lambda service, cancelled: service.overview.undecided(cancelled), self._show_undecided,
                group="undecided", failed=self._end_undecided,
            )  # fmt: skip

    def _end_undecided(self, _: str = "") -> None:
        self._asks_undecided = False

    def _show_undecided(self, undecided: Undecided) -> None:
        self._end_undecided()
        self.undecided = undecided
        self._draw_needs()
        if self._is_undecided_old:
            self._ask_undecided()

    def _is_old(self, known: BaseGauge | DayAhead | Books | None, page: OverviewPage, age: Millis) -> bool:
        return known is not None and abs(page.at - known.at) >= age

    def _ask_gauge(self) -> None:
        rule = self.rule
        self.ask(
            lambda service, cancelled: service.overview.gauge(rule, cancelled),
            self._show_gauge,
            group="gauge",
        )

    def _show_gauge(self, gauge: BaseGauge | None) -> None:
        self.gauge = gauge
        self._draw_gauge()
        self.refresh_bindings()

    def _show_ahead(self, ahead: DayAhead) -> None:
        self.ahead = ahead
        self.draw()

    def _show_books(self, books: Books) -> None:
        self.books = books
        self._draw_head()

    # ---- showing ----

    def draw(self) -> None:
        """Everything that the page and the look ahead say."""
        page = self.page
        if page is None:
            return
        self._draw_head()
        title = rows.today_title(page, self.ahead, self.zone)
        self.query_one(TodayTable).show(rows.today_lines(page, self.ahead, self.size.width), title)
        self._draw_needs()
        soon = self.query_one(SoonList)
        soon.title, lines = rows.soon(page, self.ahead, self.zone, 30, soon.size.width)
        soon.show([*zip(rows.soon_triggers(page, self.ahead), lines)])
        self.query_one(ActsList).show_acts(page.acts, page.at, self.zone)

    def _draw_needs(self) -> None:
        if self.page is not None:
            needs = rows.attention(self.page, self.ahead, self.undecided, self.zone)
            self.query_one(NeedsList).show(needs)

    def _draw_head(self) -> None:
        place = self.host.place
        if self.page is not None:
            simulated = place is not None and place.simulated
            self.query_one("#engine", Note).show(
                rows.head_lines(self.page, self.books, simulated, self.zone, self.size.width)
            )

    def _draw_gauge(self) -> None:
        histogram = self.query_one("#gauge", Histogram)
        if self.gauge is None:
            histogram.show("Pressure: no rule limits everybody", [])
            return
        sentence = rows.gauge_sentence(self.gauge, histogram.size.width)
        histogram.show(
            rows.gauge_title(self.gauge, histogram.size.width), rows.gauge_items(self.gauge), sentence
        )

    def on_resize(self, _: Resize) -> None:
        """Bars and sentences are as long as there is room."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        self.draw()
        if self.gauge is not None:
            self._draw_gauge()

    # ---- acting ----

    def action_rule(self, places: int) -> None:
        """Another rule's gauge."""
        if self.gauge is not None and self.gauge.rules:
            names = self.gauge.rules
            self.rule = names[(names.index(self.gauge.rule) + places) % len(names)]
            self._ask_gauge()

    def why_not(self, action: str) -> str | None:
        """Another gauge needs another rule."""
        if action == "rule" and (self.gauge is None or len(self.gauge.rules) < 2):
            return "there is no other rule that limits the contacts of everybody"
        return None

    @on(NeedsList.Opened)
    async def _go(self, message: NeedsList.Opened) -> None:
        message.stop()
        if message.mode == "pauses":
            self.action_pauses()
        elif message.mode == "unconverted":
            self._read_unconverted()
        elif message.mode == "people":
            await self.app.run_action("go('customers')")
            self._open_people()
        elif message.mode == rows.CLOCK:
            from screens.clock import ask_about_clock  # when first wanted, as below

            ask_about_clock(self, message.words)
        elif message.mode == "stop":
            await self.app.run_action("stop")
        elif message.mode == "quarantine":
            self.action_quarantine()
        else:
            await self.app.run_action(f"go('{message.mode}')")

    @on(ActsList.Opened)
    async def _open_act(self, message: ActsList.Opened) -> None:
        message.stop()
        from screens.audit import ActScreen  # when first wanted, as below

        await self.app.run_action("go('audit')")
        self.app.push_screen(ActScreen(message.act))

    @on(TodayTable.Opened)
    async def _open_today(self, message: TodayTable.Opened) -> None:
        """The messages that a number counts; what is still to be decided today is looked ahead at."""
        message.stop()
        if self.page is None:
            return
        channel = self.page.today[message.channel]
        name, figure = channel.channel, message.figure
        coming = rows.to_come(channel, self.ahead, self.page.engine.decided_until)
        if figure == "to come" and coming > channel.waiting:
            await self.app.run_action("go('pressure')")
            self.host.look_ahead_at(name)
        else:
            from screens.outbox_behind import OutboxBehindScreen  # when first wanted, as below

            self.app.push_screen(OutboxBehindScreen(name, "waiting" if figure == "to come" else figure))

    @on(Histogram.Opened, "#gauge")
    def _open_gauge(self, message: Histogram.Opened) -> None:
        """The customers behind a bar."""
        message.stop()
        bar, gauge = message.bar, self.gauge
        if gauge is None or not isinstance(bar.stands_for, LoadSpan):
            return
        from screens.customers_behind import CustomersBehindScreen  # when first wanted, as below

        first, last = bar.stands_for
        contacts = range(first, last + 1)
        self.app.push_screen(
            CustomersBehindScreen(
                self.mode,
                lambda service, cancelled: service.overview.customers_with(gauge.rule, contacts, cancelled),
                gauge.rule,
                f"{bar.label} contacts",
            )
        )

    def action_pauses(self) -> None:
        """What is paused, and the channels and segments that can be."""
        from screens.pauses import (
            PausesScreen,  # when first wanted: the first picture waits for nothing it does not need
        )

        self.app.push_screen(PausesScreen())

    def _open_people(self) -> None:
        """Who is who, above the list of customers."""
        from screens.people import PeopleScreen  # when first wanted, as above

        if not isinstance(self.app.screen, PeopleScreen):
            self.app.push_screen(PeopleScreen())

    def _read_unconverted(self) -> None:
        """Which amounts no rate fits, and what to do."""
        from screens.widgets.wrapped import Details  # when first wanted, as above

        if self.undecided is not None:
            self.app.push_screen(Details("Amounts not converted", rows.unconverted_lines(self.undecided)))

    def action_quarantine(self) -> None:
        """What is set aside."""
        from screens.quarantine import QuarantineScreen  # when first wanted, as above

        self.app.push_screen(QuarantineScreen())


def _nothing(words: str) -> list[Line]:
    return [[Cell(f" {words}", "dim")]]
