"""The first screen on a service of plain values."""

from __future__ import annotations

from array import array
from dataclasses import replace
from zoneinfo import ZoneInfo

from core.health import Health, HealthFinding
from core.instants import parse_instant
from screens.customers import CustomersScreen
from screens.customers_behind import CustomersBehindScreen
from screens.outbox_behind import OutboxBehindScreen
from screens.overview import NeedsList, OverviewScreen
from screens.people import PeopleScreen
from screens.ports import Cancelled
from screens.ports.overview import (
    BaseGauge,
    Books,
    ChannelToday,
    DayAhead,
    Engine,
    OverviewPage,
    Pulse,
    Undecided,
)
from screens.ports.pauses import PauseView
from tests.screens.furnished import FakeOutbox
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_customers import People
from tests.screens.test_people import FakePeople
from tests.screens.test_what_if import front

ZURICH = ZoneInfo("Europe/Zurich")
NOW = parse_instant("2025-11-01T00:00:00+01:00")
ENGINE = Engine(1, None, None, NOW, NOW, 0, 0, 0, None)
PAGE = OverviewPage(NOW, ENGINE, (), {}, Health("healthy", True, ()), (), ())


class FakeOverview:
    """Answers at once, and counts how often it looked ahead."""

    def __init__(self) -> None:
        self.shown = PAGE
        self.looks = 0
        self.confirmed: list[str] = []
        self.asked: list[tuple[object, object]] = []
        self.base: BaseGauge | None = None

    def page(self, cancelled: Cancelled) -> OverviewPage:
        return self.shown

    def gauge(self, rule: str | None, cancelled: Cancelled) -> BaseGauge | None:
        return self.base

    def customers_with(self, rule: str, contacts: range, cancelled: Cancelled) -> array[int]:
        self.asked.append((rule, contacts))
        return array("q", [1, 2])

    def messages(self, channel: str, figure: str, cancelled: Cancelled) -> array[int]:
        self.asked.append((channel, figure))
        return array("q", [3, 2])

    def ahead(self, cancelled: Cancelled) -> DayAhead:
        self.looks += 1
        return DayAhead(NOW, 1, {}, {} if self.shown.paused else {"basket": (NOW, 3)})

    def undecided(self, cancelled: Cancelled) -> Undecided:
        return Undecided(2, {"EUR": 3, "USD": 1})

    def pulse(self, cancelled: Cancelled) -> Pulse:
        engine = self.shown.engine
        return Pulse(self.shown.at, engine.last_tick, engine.last_dispatch)

    def books(self, cancelled: Cancelled) -> Books:
        return Books(NOW, True, 50, 40, 30)

    def confirm_clock(self, reason: str) -> str:
        self.confirmed.append(reason)
        return "The clock is trusted."


async def test_a_clock_that_is_not_trusted_is_confirmed_from_the_list_of_what_needs_somebody() -> None:
    overview = FakeOverview()
    finding = HealthFinding("clock", "clock", "the clock was set forward by 20d", NOW)
    overview.shown = replace(PAGE, health=Health("degraded", True, (finding,)))
    app = stage(Bare(overview=overview), overview=OverviewScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert app.screen.focused is app.screen.query_one(NeedsList)
        await pilot.press("enter")
        await settled(pilot)
        assert "Is the clock right?" in text(app)
        assert "set forward by 20d" in text(app)
        await pilot.press("escape")
        assert overview.confirmed == []
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert overview.confirmed == [""]


async def test_a_trigger_that_was_paused_is_at_once_no_longer_foreseen_even_where_the_clock_stands() -> None:
    overview = FakeOverview()
    app = stage(Bare(overview=overview), overview=OverviewScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert "basket 3 messages" in text(app)
        overview.shown = replace(PAGE, paused={"basket": PauseView(NOW, None, "keller", None)})
        app.screen.load()  # type: ignore[attr-defined]
        await settled(pilot)
        await settled(pilot)
        assert overview.looks == 2
        assert "basket 3 messages" not in text(app)
        app.screen.load()  # type: ignore[attr-defined]
        await settled(pilot)
        assert overview.looks == 2


async def test_enter_leads_to_what_waits_for_a_decision() -> None:
    service = Bare(overview=FakeOverview(), people=FakePeople(), customers=People())
    app = stage(service, overview=OverviewScreen, customers=CustomersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert "who is who: 2 conflicts" in text(app)
        assert "not converted: 4 in EUR, USD" in text(app)
        await pilot.press("j", "enter")
        await settled(pilot)
        assert "They are in no sum" in text(app)
        await pilot.press("escape", "k", "enter")
        await settled(pilot)
        assert isinstance(app.screen, PeopleScreen)
        assert "two birthdays" in text(app)
        await pilot.press("1")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert [type(each) for each in app.screen_stack] == [CustomersScreen, PeopleScreen]


TODAY = (ChannelToday("email", 57, 0, 87, None), ChannelToday("sms", 3, 4, 0, None))


async def test_every_figure_of_the_overview_opens_what_it_counts() -> None:
    overview = FakeOverview()
    overview.shown = replace(PAGE, today=TODAY)
    overview.base = BaseGauge(NOW, "three-a-week", 3, "7d", 10, {1: 2, 3: 1})
    service = Bare(overview=overview, outbox=FakeOutbox(), customers=People())
    app = stage(service, overview=OverviewScreen)
    opened: list[str] = []
    app.open_trigger = opened.append  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await settled(pilot)
        app.screen.query_one("#today").focus()
        await pilot.press("enter", "escape", "right", "right", "enter")
        await settled(pilot)
        assert front(app) is OutboxBehindScreen
        assert "waiting for approval" in text(app)
        assert "2 messages" in text(app)
        await pilot.press("escape", "j", "left", "enter")
        await settled(pilot)
        assert overview.asked == [("email", "sent"), ("email", "approval"), ("sms", "waiting")]
        await pilot.press("escape")
        app.screen.query_one("#gauge").focus()
        await pilot.press("j", "enter")
        await settled(pilot)
        assert front(app) is CustomersBehindScreen
        assert "1 contacts" in text(app)
        assert overview.asked[-1] == ("three-a-week", range(1, 2))
        await pilot.press("escape")
        app.screen.query_one("#soon").focus()
        await pilot.press("enter")
        assert opened == ["basket"]
