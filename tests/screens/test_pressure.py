"""The pressure screen and the first screen on a real workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from screens.behind import BehindScreen
from screens.overview import NeedsList, OverviewScreen
from screens.ports import Cancelled, CancelledError, Progress
from screens.ports.pressure import Forecast, ForecastDecision, Supposed
from screens.pressure import PressureScreen
from screens.widgets.heatmap import Heatmap
from screens.widgets.histogram import Histogram
from screens.widgets.table import VirtualTable
from tests.console.lives import BASKET, act, person, played, run, trigger
from tests.screens.stage import HOSTILE, settled, stage, text

PEOPLE = ("anna", *HOSTILE[:6])
SMALL, LARGE = (80, 24), (160, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replayed workspace half an hour after people of all sorts left their baskets."""
    calls = [person("anna")] + [
        person(f"h{n}", firstName=name, email=f"h{n}@example.ch") for n, name in enumerate(HOSTILE)
    ]
    calls += [act(call["userId"], "Checkout Started", "2025-03-03T10:00:00Z") for call in calls]
    return played(
        tmp_path_factory.mktemp("seen"),
        calls,
        {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"')},
    )


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


async def test_it_looks_ahead_when_first_opened_and_goes_down_to_the_words_of_a_decision(
    service: LocalService,
) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        shown = text(app)
        assert "7 days from Mon 03 Mar 10:30: 33 decisions for 11 customers" in shown
        assert "> email" in shown
        assert re.search(r"\[ +11\]", shown)
        assert "11 of 11 customers (100 %) reach it" in shown
        await pilot.press("m", "enter")
        await settled(pilot)
        assert isinstance(app.screen, BehindScreen)
        shown = text(app)
        assert "Mon 03 Mar > email > later, held or never" in shown
        assert "rule one-a-day" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


async def test_the_words_of_a_decision_say_where_it_is_only_imagined(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        await pilot.press("m", "enter")
        await settled(pilot)
        assert "only might happen" not in text(app)
        table: VirtualTable[ForecastDecision] = app.screen.query_one("#behind", VirtualTable)
        assert table.row is not None
        table._rows[table.row.id] = replace(table.row, imagined=True)
        app.screen._say("Sent (step 1 over email).")  # type: ignore[attr-defined]
        await pilot.pause()
        assert "~ imagined: it comes of events that only might happen" in text(app)


async def test_bars_lead_to_their_decisions_and_the_pressed_to_the_customer(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    monkeypatch.setattr(Console, "open_customer", lambda _, customer: opened.append(customer))
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        held, pressed = (app.screen.query_one(f"#{name}", Histogram) for name in ("held", "pressed"))
        held.action_open()
        await settled(pilot)
        assert isinstance(app.screen, BehindScreen)
        assert len(app.screen.query_one("#behind").ids) == 11  # type: ignore[attr-defined]
        await pilot.press("escape")
        pressed.action_open()
        await settled(pilot)
        assert len(opened) == 1


async def test_measure_rule_and_filter_change_what_is_seen(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, PressureScreen)
        screen.action_measure()
        screen.action_measure()
        await settled(pilot)
        assert "contacts per customer reached" in text(app)
        screen.take_filter("nudge")
        await settled(pilot)
        assert "/ nudge: 1 of 2 triggers" in text(app)
        assert "Held back, 1 trigger" in text(app)


async def test_a_look_ahead_can_be_stopped_and_the_last_result_stays(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, PressureScreen)
        begun = Event()

        def endless(days: int, cancelled: Cancelled, progress: Progress, supposed: Supposed) -> Forecast:
            progress(500, 12_000)
            begun.set()
            while not cancelled():
                sleep(0.005)
            raise CancelledError

        monkeypatch.setattr(service.pressure, "run", endless)
        screen.action_days()
        while not begun.is_set():
            await pilot.pause(0.01)
        await pilot.pause()
        assert "500 of 12,000 customers (4 %)  Esc stops" in text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert "7 days from" in text(app)
        assert screen.days == 7


async def test_several_processes_start_under_the_console(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.forecast.shards.LARGE", 2)
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        assert "33 decisions for 11 customers" in text(app)


async def test_what_was_written_since_is_said_and_the_picture_stays(
    service: LocalService, folder: Path
) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        assert run("-w", folder, "triggers", "pause", "nudge", "--yes") == 0
        app.screen.data_changed()  # type: ignore[attr-defined]
        await settled(pilot)
        assert "! old: 1 operator act since" in text(app)
        assert app.screen.query_one(Heatmap).grid.most == 11
    assert run("-w", folder, "triggers", "resume", "nudge", "--yes") == 0


# ---- the first screen ----


@pytest.mark.parametrize("size", [SMALL, LARGE, (60, 20)])
async def test_the_first_screen_says_everything_that_matters_at_any_size(
    service: LocalService, size: tuple[int, int]
) -> None:
    app = stage(service, overview=OverviewScreen)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = text(app)
    for words in (
        "clock stands",
        "● on",
        "● add up",
        "Today, Mon 03 Mar",
        "one-a-day",
        "◀ limit",
        "Nothing: all is well.",
        "basket",
    ):
        assert words in shown, words


async def test_what_needs_somebody_leads_to_its_screen(
    service: LocalService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []
    monkeypatch.setattr(Console, "action_go", lambda _, mode: gone.append(mode))
    assert run("-w", folder, "triggers", "pause", "nudge", "--reason", "\x1b]0;x\x07[/x]", "--yes") == 0
    app = stage(service, overview=OverviewScreen)
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert "‖ nudge paused since 10:30 by" in text(app)
        assert "\x1b" not in text(app)
        assert app.screen.focused is app.screen.query_one(NeedsList)
        await pilot.press("enter")
        await settled(pilot)
    assert gone == ["triggers"]
    assert run("-w", folder, "triggers", "resume", "nudge", "--yes") == 0
