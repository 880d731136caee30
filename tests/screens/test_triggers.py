"""The screens of triggers: what they show, what their keys do, and what they refuse and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.instants import DAY, format_instant
from core.model.counts import OutcomeCount
from screens.decisions import DecisionsOf
from screens.ports import WorkspacePlace
from screens.trigger import TriggerScreen
from screens.triggers import TriggersScreen
from screens.widgets.dialogs import Dialog
from storage.store import set_meta
from tests.console.furniture import NOON, furnished
from tests.screens.furnished import FakeDecisions, FakeTriggers
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready

SIZES = [(60, 20), (80, 24), (160, 48)]


def toasts(app: Console) -> str:
    return " ".join(str(each.message) for each in app._notifications)


def safe(shown: str) -> bool:
    return all(letter == "\n" or letter.isprintable() for letter in shown)


@pytest.mark.parametrize("size", SIZES)
async def test_triggers_are_listed_with_their_states_and_hostile_titles_do_no_harm(
    size: tuple[int, int],
) -> None:
    app = stage(Bare(triggers=FakeTriggers()), triggers=TriggersScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        shown = text(app)
        assert "● active  basket" in shown
        assert "‖ paused  birthday" in shown
        assert "3 triggers" in shown
        assert safe(shown)


async def test_the_journey_stands_beside_the_other_panes_and_nothing_stands_there_twice() -> None:
    app = stage(Bare(triggers=FakeTriggers()), triggers=lambda: TriggerScreen("basket"))
    async with app.run_test(size=(160, 48)) as pilot:
        await ready(pilot)
        await settled(pilot)
        shown = text(app)
        assert shown.count("Enters when Checkout Started comes") == 1
        assert "[Outcomes]  Waiting   Definition   History" in shown
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert " Journey  [Outcomes]  Waiting" in text(app)


async def test_an_outcome_opens_the_decisions_that_it_counts() -> None:
    triggers = FakeTriggers()
    service = Bare(triggers=triggers, decisions=FakeDecisions())
    app = stage(service, triggers=lambda: TriggerScreen("basket"))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "j", "enter")
        await settled(pilot)
        assert triggers.done[-1] == (
            "decisions of", "basket", (OutcomeCount("suppress", "NO_CONSENT", 95),),
        )  # fmt: skip
        assert "95 decisions" in text(app)


async def test_the_filter_narrows_the_list_and_says_so() -> None:
    app = stage(Bare(triggers=FakeTriggers()), triggers=TriggersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.screen.query_one(Input).value = "paused"
        await pilot.pause(0.2)
        await settled(pilot)
        assert "/ paused — 1 of 3" in text(app)
        assert "basket " not in text(app)


async def test_pausing_asks_in_numbers_with_the_focus_on_cancel_and_undo_takes_it_back() -> None:
    service = FakeTriggers()
    app = stage(Bare(triggers=service), triggers=TriggersScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("P")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert "1,204 customers in 1,300 journeys" in text(app)
        assert isinstance(app.focused, Button)
        assert app.focused.id == "cancel"
        app.screen.query_one("#field-until", Input).value = "soon"
        app.screen.query_one("#field-reason", Input).value = "wrong price"
        await pilot.press("y")
        assert "'soon' is no time" in text(app)
        app.screen.query_one("#field-until", Input).value = "1d"
        await pilot.press("y")
        await settled(pilot)
        assert service.done == [("pause", "basket", 1_769_850_000_000 + DAY, "wrong price")]
        assert "u undoes it" in toasts(app)
        assert "‖ paused  basket" in text(app)
        await pilot.press("u")
        await settled(pilot)
        assert service.done[-1] == ("undo", "basket")


async def test_resuming_offers_the_policies_and_does_the_chosen_one() -> None:
    service = FakeTriggers()
    app = stage(Bare(triggers=service), triggers=TriggersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("j", "U")
        await settled(pilot)
        assert "(•) skip" in text(app)
        assert "by olga: wrong price" in text(app)
        await pilot.press("down", "y")
        await settled(pilot)
        assert service.done == [("resume", "birthday", "overdue", "")]


async def test_a_key_that_cannot_act_says_why() -> None:
    app = stage(Bare(triggers=FakeTriggers()), triggers=TriggersScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("U")
        assert "basket is not paused" in toasts(app)
        assert app.screen.check_action("resume", ()) is None
        await pilot.press("G", "P")
        assert "a draft and never runs" in toasts(app)


async def test_a_console_for_reading_only_says_so_at_the_key() -> None:
    service = Bare(triggers=FakeTriggers())
    service.place = WorkspacePlace(
        "Test", service.place.zone, "CHF", "keller", False, "the console was started with --read-only", False
    )
    app = stage(service, triggers=TriggersScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("P")
        await settled(pilot)
        assert "started with --read-only" in toasts(app)
        assert not isinstance(app.screen, Dialog)


def opened(service: Bare) -> Console:
    app = stage(service, triggers=TriggersScreen)
    app.customers = []  # type: ignore[attr-defined]
    app.open_customer = app.customers.append  # type: ignore[attr-defined, method-assign]
    return app


async def open_first(pilot: Pilot[None]) -> TriggerScreen:
    await ready(pilot)
    await pilot.press("enter")
    await settled(pilot)
    assert isinstance(pilot.app.screen, TriggerScreen)
    return pilot.app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_one_trigger_shows_each_pane_and_hostile_text_does_no_harm(size: tuple[int, int]) -> None:
    app = opened(Bare(triggers=FakeTriggers()))
    async with app.run_test(size=size) as pilot:
        screen = await open_first(pilot)
        assert "Enters when Checkout Started comes" in text(app)
        for pane, part in (
            ("outcomes", "405 decisions"), ("waiting", "C1 "), ("definition", 'title = "x"'),
            ("history", "pause"),
        ):  # fmt: skip
            screen.action_show(pane)
            await settled(pilot)
            assert part in text(app), pane
            assert safe(text(app))
        assert ("1. at once over email" in text(app)) is (size[0] >= 140)


async def test_tab_goes_through_the_panes_and_enter_on_somebody_who_waits_opens_her() -> None:
    app = opened(Bare(triggers=FakeTriggers()))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await open_first(pilot)
        await pilot.press("w")
        assert "choose a customer in the pane Waiting" in toasts(app)
        await pilot.press("tab", "tab")
        await settled(pilot)
        assert "[Waiting]" in text(app)
        await pilot.press("j", "enter")
        await settled(pilot)
        assert app.customers == [2]  # type: ignore[attr-defined]
        assert screen.check_action("why", ()) is True


async def test_the_decisions_of_a_trigger_are_one_key_away_and_escape_leads_back() -> None:
    decisions = FakeDecisions()
    app = opened(Bare(triggers=FakeTriggers(), decisions=decisions))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert isinstance(app.screen, DecisionsOf)
        assert decisions.asked[0].only == (("trigger", "basket"),)
        await pilot.press("escape")
        assert "● active  basket" in text(app)


async def test_on_a_real_workspace_a_trigger_is_paused_and_the_list_says_so(tmp_path: Path) -> None:
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder)
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    app = stage(service, triggers=TriggersScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "● active  basket-reminder" in text(app)
        await pilot.press("P")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "‖ paused  basket-reminder" in text(app)


async def test_a_deed_on_one_row_is_refused_while_others_are_marked() -> None:
    app = stage(Bare(triggers=FakeTriggers()), triggers=TriggersScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("asterisk", "P")
        await settled(pilot)
        assert "one row at a time, and others are marked" in toasts(app)
        await pilot.press("asterisk", "P")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
