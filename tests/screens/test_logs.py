"""The screens of decisions and the outbox: lists, filters, details, and acts that ask first."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from console.tui.app import Console
from screens.decisions import DecisionsScreen
from screens.outbox import OutboxScreen
from screens.ports.terms import LogFilter
from screens.widgets.dialogs import Dialog
from screens.widgets.wrapped import Details
from tests.screens.furnished import FakeDecisions, FakeMessages, FakeOutbox
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready
from tests.screens.test_triggers import SIZES, safe, toasts


def on_decisions() -> tuple[Console, FakeDecisions]:
    service = FakeDecisions()
    return stage(Bare(decisions=service, messages=FakeMessages()), decisions=DecisionsScreen), service


def on_outbox() -> tuple[Console, FakeOutbox]:
    service = FakeOutbox()
    return stage(Bare(outbox=service, messages=FakeMessages()), outbox=OutboxScreen), service


@pytest.mark.parametrize("size", SIZES)
async def test_decisions_and_one_in_full_show_and_hostile_text_does_no_harm(size: tuple[int, int]) -> None:
    app, _ = on_decisions()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert "→ later" in text(app)
        assert "1,000 decisions" in text(app)
        assert safe(text(app))
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, Details)
        assert "What stood against it" in text(app) or size[1] < 40
        assert safe(text(app))
        await pilot.press("escape")
        assert isinstance(app.screen, DecisionsScreen)


async def test_o_turns_through_the_outcomes_and_escape_shows_all_again() -> None:
    app, service = on_decisions()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("o", "o")
        await settled(pilot)
        assert service.asked[-1].only == (("outcome", "defer"),)
        assert "/ outcome:defer — 1,000" in text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert service.asked[-1] == LogFilter()


async def test_a_filter_that_names_nothing_says_so_beside_it_and_without_a_toast() -> None:
    app, _ = on_decisions()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        for line, said in (("nonsense", "nothing called 'nonsense'"), ("triger:x", "no field 'triger'")):
            app.screen.query_one(Input).value = line
            await pilot.pause(0.2)
            await settled(pilot)
            assert said in text(app)
        assert not toasts(app)


async def test_only_what_was_written_since_is_read_when_others_write_and_all_of_it_on_r() -> None:
    app, service = on_decisions()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        service.last = 1_003
        app.screen.data_changed()  # type: ignore[attr-defined]
        await settled(pilot)
        assert (len(service.asked), service.newer_asked) == (1, 1)
        assert "1,003 decisions" in text(app)
        app.screen.action_reload()  # type: ignore[attr-defined]
        await settled(pilot)
        assert len(service.asked) == 2


async def test_customer_why_and_trigger_are_one_key_away() -> None:
    app, _ = on_decisions()
    went: list[object] = []
    app.open_customer = went.append  # type: ignore[method-assign, assignment]
    app.open_trigger = went.append  # type: ignore[method-assign, assignment]
    app.open_why = lambda customer, trigger=None: went.append((customer, trigger))  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("t", "w", "d")
        assert went == [7, ("C7", "basket"), "basket"]


# ---- the outbox ----


@pytest.mark.parametrize("size", SIZES)
async def test_messages_one_and_its_preview_show_and_hostile_text_does_no_harm(size: tuple[int, int]) -> None:
    app, _ = on_outbox()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert "‖ waits for" in text(app)
        assert "20 wait for approval · 1 failed" in text(app)
        assert safe(text(app))
        for key, part in (("enter", "shown as sent"), ("p", "shown as sent")):
            await pilot.press(key)
            await settled(pilot)
            assert part in text(app)
            assert safe(text(app))
            await pilot.press("escape")


async def test_approving_marked_messages_asks_in_numbers_and_leaves_out_what_is_not_held() -> None:
    app, service = on_outbox()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("asterisk")
        assert "21 marked" in text(app)
        await pilot.press("A")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert "Approve 20 messages?" in text(app)
        assert "1 failed" in text(app)
        await pilot.press("y")
        assert "What was typed is not 20." in text(app)
        await pilot.press("2", "0", "enter", "enter")
        await settled(pilot)
        assert service.done == [("approve", list(range(1, 21)), "")]
        assert "20 messages approved." in toasts(app)


async def test_rejecting_needs_a_reason_and_escape_does_nothing() -> None:
    app, service = on_outbox()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("X")
        await settled(pilot)
        await pilot.press("y")
        assert isinstance(app.screen, Dialog)
        assert "this is needed" in text(app)
        await pilot.press("escape")
        assert service.done == []


async def test_an_act_that_cannot_be_done_says_why_at_its_key() -> None:
    app, service = on_outbox()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("R")
        assert "message 1 is held; it must be failed or uncertain" in toasts(app)
        await pilot.press("G", "A")
        await settled(pilot)
        assert "message 21 is failed; it must be held" in toasts(app)
        assert service.done == []
