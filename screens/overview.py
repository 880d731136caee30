"""The first screen: whether the engine runs, what goes out today, what needs somebody, how much the customers
bear, what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.strip import Strip

from core.instants import MINUTE, Millis
from screens.cells import overview as rows
from screens.cells.line import Cell, Line, fit
from screens.frame import Frame
from screens.ports.overview import BaseGauge, Books, DayAhead, OverviewPage, Pulse, Undecided
from screens.widgets.histogram import Histogram
from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Lines, Note

LOOK_S: Final = 15.0
"""Seconds after which the screen looks even if nobody has written: a scheduler that died writes nothing."""
PULSE_S: Final = 2.0
"""Seconds between two looks at when the engine last ticked."""
OLD: Final[Millis] = MINUTE
"""Dearer figures of that age are read anew with the others."""
OLD_OF_MANY: Final[Millis] = 10 * MINUTE
MANY: Final = 100_000
"""From so many customers on their gauge is dear."""


class NeedsList(Lines, can_focus=True):
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
        super().__init__(id=id)
        self.known = False
        self.items: Sequence[rows.Attention] = ()
        self.cursor = 0
        self._top = 0

    def show(self, items: Sequence[rows.Attention]) -> None:
        """Draw these from now on; the same again cost nothing."""
        if not self.known or items != self.items:
            self.known, self.items = True, items
            self._go(self.cursor)
            self.screen.refresh_bindings()

    def _go(self, place: int) -> None:
        self.cursor = min(max(0, place), max(0, len(self.items) - 1))
        page = max(1, self.size.height - 1)
        self._top = max(
            0, min(max(self._top, self.cursor - page + 1), self.cursor, max(0, len(self.items) - page))
        )
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self._go(self.cursor + pages * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        """To the first or the last."""
        self._go(len(self.items) if end else 0)

    def action_open(self) -> None:
        """Go where it can be dealt with."""
        item = self.items[self.cursor] if self.items else None
        if item is not None and item.mode is not None:
            self.post_message(self.Opened(item.mode, item.words))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter does something only where there is a place to go to."""
        return action != "open" or any(item.mode is not None for item in self.items)

    def render_line(self, y: int) -> Strip:
        """The title, or one of them."""
        width = self.size.width
        if y == 0:
            title = f" Needs attention ({len(self.items)})" if self.items else " Needs attention"
            return self.strip([Cell(fit(title, width), "head")], width)
        place = self._top + y - 1
        if place < len(self.items):
            return self._item(place, width)
        nothing = "Nothing: all is well." if self.known else "…"
        return self.strip([Cell(f" {nothing}", "dim")] if y == 1 and not self.items else [], width)

    def _item(self, place: int, width: int) -> Strip:
        item, is_here = (
            self.items[place],
            place == self.cursor and self.has_focus and self.items[place].mode is not None,
        )
        go = f" {item.key}" if item.key else ""
        room = max(0, width - len(go) - 4)
        words = fit(item.words, room)
        return self.strip(
            [">" if is_here else " ", Cell(f"{item.sign} {words}", item.style), Cell(go, "accent")],
            width,
            reverse=is_here,
        )

    def on_resize(self, _: Resize) -> None:
        """Another height shows others."""
        self._go(self.cursor)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()


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
            "what is set aside because working on it failed; release or drop it",
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
            yield Note("Today", id="today")
            with Horizontal(id="first", classes="row"):
                yield Histogram("Pressure", can_open=False, id="gauge")
                yield NeedsList(id="needs")
            with Horizontal(id="second", classes="row"):
                yield Note("Next within a day", id="soon")
                yield Note("Last acts of operators", id="acts")

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
        self.query_one("#today", Note).show(rows.today_lines(page, self.ahead, self.size.width), title)
        self._draw_needs()
        soon = self.query_one("#soon", Note)
        title, lines = rows.soon(page, self.ahead, self.zone, 30, soon.size.width)
        soon.show(lines or _nothing("Nothing is due."), title)
        acts = rows.act_lines(page.acts, page.at, self.zone, 30) or _nothing("None yet.")
        self.query_one("#acts", Note).show(acts)

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
        elif message.mode == "set-aside":
            self._read_set_aside()
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

    def _read_set_aside(self) -> None:
        """Which amounts no rate fits, and what to do."""
        from screens.widgets.wrapped import Details  # when first wanted, as above

        if self.undecided is not None:
            self.app.push_screen(Details("Amounts set aside", rows.set_aside_lines(self.undecided)))

    def action_quarantine(self) -> None:
        """What is set aside."""
        from screens.quarantine import QuarantineScreen  # when first wanted, as above

        self.app.push_screen(QuarantineScreen())


def _nothing(words: str) -> list[Line]:
    return [[Cell(f" {words}", "dim")]]
