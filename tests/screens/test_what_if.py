"""What if and the backtest on the screen, on a real workspace; their cells and words without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.forecast.what_if import parse_change
from core.instants import HOUR
from screens.backtest import BacktestScreen, TriedScreen
from screens.cells import what_if as rows
from screens.cells.bars import Bar, bar_lines, bar_of_two
from screens.cells.grid import Grid, legend
from screens.cells.line import as_cell
from screens.cells.what_if import OptionChoice
from screens.figures import FiguresScreen
from screens.ports.pressure import Supposed
from screens.ports.what_if import ComparedStep, DecisionSide, Option
from screens.pressure import PressureScreen
from screens.sides import SidesScreen
from screens.triggers import TriggersScreen
from screens.what_if import WhatIfScreen
from screens.widgets.histogram import Histogram
from screens.widgets.table import VirtualTable
from tests.console.lives import BASKET, act, person, played, run, trigger
from tests.screens.furnished import NOW
from tests.screens.stage import HOSTILE, settled, stage, text

ZURICH = ZoneInfo("Europe/Zurich")
LIMIT = Option("rule", "three-a-week", "limit", "3", step=1)
PAUSED = Option("trigger", "birthday", "paused", "false")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour after people of all sorts left their baskets."""
    calls = [person(f"h{n}", firstName=name, email=f"h{n}@example.ch") for n, name in enumerate(HOSTILE[:4])]
    calls += [act(call["userId"], "Checkout Started", "2025-03-03T10:00:00Z") for call in calls]
    return played(
        tmp_path_factory.mktemp("if"),
        calls,
        {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"')},
    )


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


def front(app: Console) -> type:
    """The class of the screen in front."""
    return type(app.screen)


async def what_if(app: Console, pilot: Pilot[None], option: str = "limit") -> WhatIfScreen:
    """The screen of what-ifs, opened from that of the pressure, with the cursor on a setting of the only
    rule.
    """
    await settled(pilot)
    await pilot.press("i")
    await settled(pilot)
    screen = app.screen
    assert isinstance(screen, WhatIfScreen)
    screen.table.move(
        next(
            n
            for n, each in enumerate(screen.choices)
            if (each.option.name, each.option.key) == ("one-a-day", option)
        )
    )
    return screen


async def test_a_limit_is_changed_looked_at_and_taken_back_without_a_file(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await what_if(app, pilot)
        await pilot.press("plus", "plus", "minus")
        await settled(pilot)
        assert "WHAT IF  limit one-a-day 1 → 2" in text(app)
        await pilot.press("enter")
        await settled(pilot)
        shown = text(app)
        assert "WHAT IF  limit one-a-day 1 → 2" in shown
        assert "the decisions of 4 customers change" in shown
        await pilot.press("x")
        await settled(pilot)
        assert front(app) is FiguresScreen
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert front(app) is SidesScreen
        shown = text(app)
        assert "removed" in shown
        assert "\x1b" not in shown
        await pilot.press("escape", "escape", "escape")
        await settled(pilot)
        assert front(app) is PressureScreen
        assert "WHAT IF" not in text(app)


async def test_a_value_that_cannot_be_is_said_and_not_taken(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await what_if(app, pilot, "window")
        place = screen.table.cursor
        screen._change(place, "a fortnight")
        await settled(pilot)
        assert screen.choices[place].new is None
        assert "'a fortnight'" in text(app)


async def test_a_backtest_says_who_would_have_got_it_and_leads_to_her(service: LocalService) -> None:
    app = stage(service, triggers=TriggersScreen)
    async with app.run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        await pilot.press("b")
        await settled(pilot)
        assert isinstance(app.screen, BacktestScreen)
        shown = text(app)
        assert "BACKTEST" in shown
        assert "90 days from" in shown
        await pilot.press("tab", "tab", "tab", "d")
        await settled(pilot)
        assert "365 days from" in text(app)


async def test_every_bar_of_a_backtest_opens_as_many_decisions_as_it_counts(tmp_path: Path) -> None:
    calls = [person(f"h{n}", email=f"h{n}@example.ch") for n in range(3)]
    calls += [act(f"h{n}", "Checkout Started", f"2025-02-0{n + 1}T09:00:00Z") for n in range(3)]
    service = LocalService(
        played(tmp_path, calls, {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"')})
    )
    app = stage(service, triggers=lambda: BacktestScreen("basket"))
    async with app.run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, BacktestScreen)
        opened = 0
        for name in ("held-by", "aside", "months"):
            for bar in screen.query_one(f"#{name}", Histogram).items:
                if not isinstance(bar, Bar):
                    continue
                screen.post_message(Histogram.Opened(screen.query_one(f"#{name}", Histogram), bar))
                await settled(pilot)
                assert isinstance(app.screen, TriedScreen)
                listed = len(app.screen.query_one(VirtualTable).ids)
                assert listed == bar.number or name == "aside"
                assert listed
                opened += 1
                app.pop_screen()
                await settled(pilot)
        assert opened
    service.close()


# ---- cells and words ----


def test_changes_are_said_with_what_is_now() -> None:
    choices = [
        rows.to(OptionChoice(LIMIT), "2"),
        rows.to(OptionChoice(PAUSED), "true"),
        rows.to(OptionChoice(rows.FUTURE), "replay"),
    ]
    supposed = rows.supposed(choices, None)
    assert supposed.words == ("limit three-a-week 3 → 2", "birthday paused", "last week again")
    assert [str(change) for change in supposed.changes] == [
        "rule.three-a-week.limit=2",
        "trigger.birthday.paused=true",
    ]
    assert supposed.future == "replay"
    assert rows.chosen([LIMIT, PAUSED], supposed) == [choices[2], *choices[:2]]


def test_a_value_set_to_what_it_is_is_no_change() -> None:
    assert rows.to(OptionChoice(LIMIT), " 3 ").new is None
    assert not rows.supposed([rows.to(OptionChoice(LIMIT), "3")], None).is_what_if


@pytest.mark.parametrize(
    ("value", "steps", "found"), [("3", 1, "4"), ("0", -1, None), ("1.5", 1, "2.5"), ("x", 1, None)]
)
def test_numbers_are_counted_up_and_down_but_not_below_nothing(
    value: str, steps: int, found: str | None
) -> None:
    assert rows.stepped(rows.to(OptionChoice(LIMIT), value), steps) == found


def test_bars_show_what_is_more_and_what_is_less() -> None:
    assert bar_of_two(2, 4, 4, 8) == "████▓▓▓▓"
    assert bar_of_two(4, 2, 4, 8) == "████░░░░"
    assert bar_of_two(0, 1, 1000, 8) == "▓"
    assert bar_of_two(0, 0, 4, 8) == ""
    line = bar_lines([Bar("gap", 2, before=12)], 30)[0]
    assert as_cell(line[0]).text.split() == ["gap", "12→2"]


def test_differences_have_their_sign_and_a_scale_of_sizes() -> None:
    grid = Grid(("email",), (("Mon", "1"), ("Tue", "2")), ((-4, 3),), "more or less", signed=True)
    assert (grid.text(-4), grid.text(3), grid.text(0)) == ("-4", "+3", "·")
    assert grid.most == 4
    assert [words for words, _ in legend(grid)] == ["1", "2", "3", "4"]


def test_the_same_on_both_sides_is_said_once() -> None:
    taken = DecisionSide(NOW, "send", None, None, "Sent.")
    later = DecisionSide(NOW + HOUR, "defer", "PRESSURE", NOW + 2 * HOUR, "Deferred.")
    same, moved = (
        ComparedStep(NOW, "b", 1, "email", taken, taken, None),
        ComparedStep(NOW, "b", 1, None, taken, later, "changed"),
    )
    assert as_cell(rows.side_cells(same, NOW, ZURICH)[5]).text == "the same"
    assert as_cell(rows.side_cells(moved, NOW, ZURICH)[5]).text == "→ later 11:00 pressure until 12:00"
    assert len(rows.side_words(moved)) == 2


async def test_enter_looks_ahead_from_the_list_and_says_so_or_why_it_cannot(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await what_if(app, pilot)
        assert "⏎ Look ahead" in text(app)
        assert "⏎ Open" not in text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert app.screen is screen
        assert [str(notice.message) for notice in app._notifications] == [
            "Look ahead: nothing is changed yet; space changes the value under the cursor."
        ]


async def test_nothing_of_the_changes_is_cut_at_80_columns(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await what_if(app, pilot)
        await pilot.press("plus")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("x")
        await settled(pilot)
        assert front(app) is FiguresScreen
        assert "DIFFER GET MORE GET LESS" in text(app)


async def test_a_backtest_says_its_numbers_in_full_at_80_columns(service: LocalService) -> None:
    app = stage(service, triggers=TriggersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("b")
        await settled(pilot)
        assert front(app) is BacktestScreen
        shown = " ".join(text(app).split())
        assert "under today's rules" in shown
        assert "pushed aside" in shown


async def test_a_look_ahead_is_kept_under_a_name_and_replaced_after_a_question(
    service: LocalService, folder: Path
) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        shown = text(app)
        assert "Keep this look ahead" in shown
        assert "preview-2025-03-03" in shown
        await pilot.press("y")
        await settled(pilot)
        assert "Kept as preview-2025-03-03." in [*app._notifications][-1].message
        await pilot.press("s", "y")
        await settled(pilot)
        assert "Replace preview-2025-03-03?" in text(app)
        assert "decisions." in text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert front(app) is PressureScreen
        await pilot.press("s", "y")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "Kept as" in [*app._notifications][-1].message
    assert run("-w", folder, "previews", "show", "preview-2025-03-03") == 0
    (folder / "previews/preview-2025-03-03.preview").unlink()


async def test_a_name_that_is_none_is_said_in_the_dialog(service: LocalService) -> None:
    app = stage(service, pressure=PressureScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        app.screen.query_one("#field-name", Input).value = "../up"
        await pilot.press("y")
        await settled(pilot)
        assert "is no name for a preview" in text(app)


def test_the_changes_say_whose_windows_get_full_and_whom_a_rule_holds_back(service: LocalService) -> None:
    forecast = service.pressure.run(
        7, lambda: False, lambda done, total: None, Supposed((parse_change("rule.one-a-day.limit=3"),))
    )
    assert forecast.diff is not None
    found = rows.deltas(forecast.diff, forecast.limits_before, forecast.limits)
    assert [
        (each.what, each.name, each.before, each.after) for each in found if each.name == "one-a-day"
    ] == [
        ("held by", "one-a-day", 4, 0),
        ("held cust", "one-a-day", 4, 0),
        ("full", "one-a-day", 4, 0),
    ]
