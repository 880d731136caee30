"""The customer screens on a stage: a service of plain values, most of them hostile; and once on a real
database.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, cast

from textual.pilot import Pilot
from textual.screen import Screen

from console.clock import SIMULATED_AT
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.instants import DAY
from screens.customer import CustomerScreen
from screens.customers import CustomersScreen
from screens.frame import Frame
from screens.ports import Cancelled, CancelledError
from screens.ports.customers import (
    CustomerGauge,
    CustomerLine,
    CustomerProfile,
    CustomerSort,
    EntryDetails,
    Hits,
    Planned,
    Tell,
    TimelineEntry,
)
from screens.ports.why import CustomerExplanations
from screens.why import WhyScreen
from storage.store import Store, set_meta
from tests.console.furniture import NOON, furnished
from tests.screens.cells.test_customers import GAUGE, PLANNED, PROFILE, ROW, VERDICT, known, otherwise
from tests.screens.stage import HOSTILE, Bare, settled, stage, text

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def name(number: int) -> str:
    return HOSTILE[number % len(HOSTILE)]


class People:
    """Thirty customers with hostile names; every filter but the empty one finds the first three."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, CustomerSort, bool]] = []
        self.narrowed: list[str] = []

    def ids(
        self, text: str, sort: CustomerSort, is_downwards: bool, cancelled: Cancelled, found: Tell
    ) -> Hits:
        self.asked.append((text, sort, is_downwards))
        if text == "x:y":
            return Hits(array("q"), f"There is no field {HOSTILE[3]!r}.")
        found(array("q", [1]))
        return Hits(array("q", range(1, 4 if text else 31)))

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        return {
            row: replace(ROW, id=row, key=f"u{row}", name=name(row), city=name(row + 1), email=name(row + 2))
            for row in ids
        }

    def profile(self, customer_id: int, cancelled: Cancelled) -> CustomerProfile:
        traits: dict[str, Any] = {name(number): {name(number + 1): [name(number + 2)]} for number in range(9)}
        profile = known(**traits, email=HOSTILE[4])
        return replace(PROFILE, id=customer_id, name=HOSTILE[1], key=HOSTILE[3], profile=profile)

    def pressure(self, customer_id: int, cancelled: Cancelled) -> tuple[CustomerGauge, ...]:
        return (replace(GAUGE, rule=HOSTILE[0]), replace(GAUGE, rule="one-a-day", used=9))

    def planned(self, customer_id: int, cancelled: Cancelled) -> Planned:
        return replace(PLANNED, under_way=(replace(PLANNED.under_way[0], title=HOSTILE[1]),))

    def entries(self, customer_id: int, text: str, cancelled: Cancelled, found: Tell) -> Hits:
        self.narrowed.append(text)
        found(array("q", [1, 2]))
        return Hits(array("q", range(1, 20)))

    def entry_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, TimelineEntry]:
        return {
            entry: TimelineEntry(
                entry, NOON - entry * DAY, "event", name(entry), name(entry), name(entry), ""
            )
            for entry in ids
        }

    def details(self, entry: int, cancelled: Cancelled) -> EntryDetails:
        return EntryDetails(HOSTILE[0], tuple(HOSTILE), tuple((each, each) for each in HOSTILE))

    def channels(self, customer_id: int, cancelled: Cancelled) -> tuple[str, ...]:
        return ("email", "web")


class Reasons:
    """Many triggers' explanations."""

    def explanations(self, customer: str, cancelled: Cancelled) -> CustomerExplanations:
        others = [
            otherwise(name, HOSTILE[0], words=f"Because of {HOSTILE[3]}.", verdict="none", reason=None)
            for name in ("birthday", *(f"t{number}" for number in range(20)))
        ]
        return CustomerExplanations(7, customer, HOSTILE[1], (VERDICT, *others))


def service(people: People | None = None) -> Bare:
    return Bare(customers=people or People(), why=Reasons())


def seen(pilot: Pilot[None]) -> str:
    return text(cast("Console", pilot.app))


def is_on(pilot: Pilot[None], screen: type[Screen[None]]) -> bool:
    return isinstance(pilot.app.screen, screen)


def type_filter(pilot: Pilot[None], words: str) -> None:
    cast("Frame", pilot.app.screen).take_filter(words)


def harmless(shown: str) -> bool:
    return RAW.search(shown) is None


async def test_the_list_shows_hostile_names_as_text_and_finds_while_one_types() -> None:
    people = People()
    async with stage(service(people), customers=CustomersScreen).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = seen(pilot)
        assert harmless(shown)
        assert "[@click=app.quit]" in shown
        assert "30 customers" in shown
        type_filter(pilot, "kell")
        await settled(pilot)
        assert people.asked[-1] == ("kell", "key", False)
        assert "/ kell — 3 of 30" in seen(pilot)
        type_filter(pilot, "x:y")
        await settled(pilot)
        assert "There is no field" in seen(pilot)
        assert "No customer fits" in seen(pilot)


async def test_the_list_is_sorted_and_turned_round_by_keys() -> None:
    people = People()
    async with stage(service(people), customers=CustomersScreen).run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        await pilot.press("s", "s")
        await settled(pilot)
        assert people.asked[-1] == ("", "orders", True)
        assert "by orders ↓" in seen(pilot)
        await pilot.press("S")
        await settled(pilot)
        assert people.asked[-1] == ("", "orders", False)
        assert "by orders ↑" in seen(pilot)


async def test_why_nothing_is_two_keys_from_the_found_customer() -> None:
    async with stage(service(), customers=CustomersScreen).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("w")
        await settled(pilot)
        assert is_on(pilot, WhyScreen)
        shown = seen(pilot)
        assert "✗ never" in shown
        assert "✗ no " in shown
        assert harmless(shown)
        await pilot.press("enter")
        assert pilot.app.screen.query_one("#explanation").has_focus
        await pilot.press("escape", "escape")
        assert is_on(pilot, CustomersScreen)


class SlowPeople(People):
    """Nobody is found by a filter until the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()

    def ids(
        self, text: str, sort: CustomerSort, is_downwards: bool, cancelled: Cancelled, found: Tell
    ) -> Hits:
        if not text:
            return super().ids(text, sort, is_downwards, cancelled, found)
        while not self.gate.wait(0.01):
            if cancelled():
                raise CancelledError
        return Hits(array("q", [] if text == "nobody" else [7, 8]))


class Asked(Reasons):
    """Who was asked about."""

    def __init__(self) -> None:
        self.customers: list[str] = []

    def explanations(self, customer: str, cancelled: Cancelled) -> CustomerExplanations:
        self.customers.append(customer)
        return super().explanations(customer, cancelled)


async def test_a_key_before_the_search_has_answered_is_for_the_first_who_is_found() -> None:
    people, asked = SlowPeople(), Asked()
    async with stage(Bare(customers=people, why=asked), customers=CustomersScreen).run_test(
        size=(80, 24)
    ) as pilot:
        await settled(pilot)
        await pilot.press("slash", "k", "enter", "w")
        assert "searching" in seen(pilot)
        assert is_on(pilot, CustomersScreen)
        assert asked.customers == []
        people.gate.set()
        await settled(pilot)
        await settled(pilot)
        assert is_on(pilot, WhyScreen)
        assert asked.customers == ["u7"]


async def test_a_key_for_whom_nobody_is_found_says_so_and_is_forgotten() -> None:
    people, asked = SlowPeople(), Asked()
    async with stage(Bare(customers=people, why=asked), customers=CustomersScreen).run_test(
        size=(80, 24), notifications=True
    ) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"nobody", "enter", "w")
        people.gate.set()
        await settled(pilot)
        assert [notice.message.partition(".")[0] for notice in pilot.app._notifications] == [
            "No customer fits"
        ]
        await pilot.press("escape")
        await settled(pilot)
        assert is_on(pilot, CustomersScreen)
        assert asked.customers == []


async def test_a_key_is_forgotten_with_the_filter_that_it_waited_for() -> None:
    people, asked = SlowPeople(), Asked()
    async with stage(Bare(customers=people, why=asked), customers=CustomersScreen).run_test(
        size=(80, 24)
    ) as pilot:
        await settled(pilot)
        await pilot.press("slash", "k", "enter", "w", "escape")
        people.gate.set()
        await settled(pilot)
        assert "30 customers" in seen(pilot)
        assert is_on(pilot, CustomersScreen)
        assert asked.customers == []


async def test_a_named_trigger_is_under_the_cursor_from_the_start() -> None:
    async with stage(service(), customers=lambda: WhyScreen("u1", "t3")).run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, WhyScreen)
        assert screen.under_cursor is not None
        assert screen.under_cursor.trigger == "t3"
        assert harmless(seen(pilot))


async def test_a_customer_has_one_pane_at_a_time_where_it_is_narrow() -> None:
    async with stage(service(), customers=lambda: CustomerScreen(7)).run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        views = [seen(pilot)]
        assert pilot.app.focused is pilot.app.screen.query_one("#timeline")
        for _ in range(3):
            await pilot.press("tab")
            await settled(pilot)
            views.append(seen(pilot))
        assert all(map(harmless, views))
        assert [
            "[Timeline]" in views[0],
            "[Profile]" in views[1],
            "[Pressure]" in views[2],
            "[Planned]" in views[3],
        ] == [True] * 4
        assert "net of returns" in views[1]
        assert "FULL" in views[2]
        assert "Foreseen until" in views[3]
        await pilot.press("t")
        assert pilot.app.focused is pilot.app.screen.query_one("#timeline")


async def test_a_wide_screen_shows_everything_and_zooms_on_one() -> None:
    async with stage(service(), customers=lambda: CustomerScreen(7)).run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        shown = seen(pilot)
        assert harmless(shown)
        assert all(part in shown for part in ("WHEN", "net of returns", "one-a-day", "Foreseen until"))
        await pilot.press("tab", "z")
        await settled(pilot)
        zoomed = seen(pilot)
        assert "net of returns" in zoomed
        assert "WHEN" not in zoomed
        assert "Foreseen until" not in zoomed


async def test_the_timeline_is_narrowed_by_keys_and_words_and_widened_by_escape() -> None:
    people = People()
    async with stage(service(people), customers=lambda: CustomerScreen(7)).run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        await pilot.press("o", "c")
        await settled(pilot)
        type_filter(pilot, "boots")
        await settled(pilot)
        assert people.narrowed[-1] == 'kind:message channel:"email" boots'
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert people.narrowed[-1] == ""


async def test_enter_on_an_entry_shows_it_in_full_and_harmless() -> None:
    async with stage(service(), customers=lambda: CustomerScreen(7)).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        shown = seen(pilot)
        assert harmless(shown)
        assert "[@click=app.quit]x[/]" in shown
        await pilot.press("escape")
        assert is_on(pilot, CustomerScreen)


async def test_a_customer_of_a_real_database_is_found_and_opened(tmp_path: Path) -> None:
    place = furnished(tmp_path / "shop")
    with Store.open(place / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    async with stage(LocalService(place), customers=CustomersScreen).run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        assert "2 customers" in seen(pilot)
        assert harmless(seen(pilot))
        type_filter(pilot, "müller")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        shown = seen(pilot)
        assert "Anna Müller" in shown
        assert "three-a-week" in shown
        assert "Basket left behind" in shown
        await pilot.press("w")
        await settled(pilot)
        assert "STATE" in seen(pilot)
