"""One message to read: reached from everywhere, said to be what it is, taken away, and sent as a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from textual.widgets import Input

from console.tui.app import Console
from core.instants import DAY
from screens.customer import CustomerScreen
from screens.decisions import DecisionsScreen
from screens.message import MessageScreen
from screens.outbox import OutboxScreen
from screens.ports import Cancelled
from screens.ports.customers import EntryKind, TimelineEntry
from screens.ports.messages import MessageAsked
from screens.why import WhyScreen
from screens.widgets.dialogs import Dialog
from tests.console.furniture import NOON
from tests.screens.furnished import FakeDecisions, FakeMessages, FakeOutbox
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_customers import People, Reasons
from tests.screens.test_frame import ready
from tests.screens.test_triggers import SIZES, safe, toasts


def on(
    service: Any = None, messages: FakeMessages | None = None, **screens: Any
) -> tuple[Console, FakeMessages]:
    kept = messages or FakeMessages()
    return stage(Bare(outbox=FakeOutbox(), decisions=FakeDecisions(), messages=kept), **screens), kept


async def opened(pilot: Any, key: str = "p") -> None:
    await ready(pilot)
    await pilot.press(key)
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_says_what_it_is_and_hostile_text_does_no_harm(size: tuple[int, int]) -> None:
    app, messages = on(outbox=OutboxScreen)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        assert isinstance(app.screen, MessageScreen)
        assert "shown as sent" in text(app)
        assert "as text" in text(app)
        assert safe(text(app))
        await pilot.press("n")
        await settled(pilot)
        assert "shown as now" in text(app)
        await pilot.press("n")
        await settled(pilot)
        assert "shown as sent" in text(app)
        assert [each.anew for each in messages.asked] == [False, True, False]
        await pilot.press("escape")
        assert "shown as" not in text(app)


async def test_a_decision_leads_to_its_message() -> None:
    app, messages = on(decisions=DecisionsScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert messages.asked == [MessageAsked(decision=1_000)]


async def test_it_is_written_into_a_file_or_shown_where_it_lies() -> None:
    app, _ = on(outbox=OutboxScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("e")
        await settled(pilot)
        assert "Written to /shop/exports/message.html" in toasts(app)
        await pilot.press("o")
        await settled(pilot)
        assert "There is no browser here." in toasts(app)


async def test_a_proof_asks_to_whom_and_goes_to_those_alone_that_are_listed() -> None:
    app, messages = on(outbox=OutboxScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("P")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        app.screen.query_one("#field-address", Input).value = "other@shop.example"
        await pilot.press("y")
        await settled(pilot)
        assert "is not listed" in text(app)
        app.screen.query_one("#field-address", Input).value = "ANNA@shop.example"
        app.screen.query_one("#field-reason", Input).value = "new copy"
        await pilot.press("y")
        await settled(pilot)
        assert messages.sent == [("ANNA@shop.example", "new copy")]


async def test_where_nobody_is_listed_a_proof_says_what_to_write() -> None:
    app, messages = on(messages=FakeMessages(()), outbox=OutboxScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("P")
        await settled(pilot)
        assert "[proofs]" in toasts(app)
        assert messages.sent == []


async def test_another_template_is_asked_for_and_what_is_wrong_is_said() -> None:
    app, messages = on(outbox=OutboxScreen)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await pilot.press("m")
        await settled(pilot)
        dialog = app.screen
        assert isinstance(dialog, Dialog)
        for name, value, fault in (
            ("template", "ofer", "There is no template 'ofer'. Did you mean 'offer'?"),
            ("channel", "mail", "There is no channel 'mail'."),
            ("at", "soon", "soon"),
        ):
            line = dialog.query_one(f"#field-{name}", Input)
            before, line.value = line.value, value
            await pilot.press("y")
            assert fault in text(app)
            line.value = before
        dialog.query_one("#field-at", Input).value = "2026-01-31T09:00"
        await pilot.press("y")
        await settled(pilot)
        asked = messages.asked[-1]
        assert (asked.template, asked.customer, asked.channel) == ("offer", "C7", "email")
        assert asked.at == 1_769_846_400_000
        assert "shown as sample" in text(app)
        await pilot.press("n")
        assert messages.asked[-1] == asked


class Timelines(People):
    """A message, a decision and an event, which are the entries 1 to 3."""

    def entry_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, TimelineEntry]:
        kinds: tuple[EntryKind, ...] = ("message", "decision", "event")
        return {
            entry: TimelineEntry(entry, NOON - entry * DAY, kinds[(entry - 1) % 3], None, "x", "y", "send")
            for entry in ids
        }


async def test_entries_of_the_timeline_lead_to_their_messages() -> None:
    messages = FakeMessages()
    app = stage(Bare(customers=Timelines(), messages=messages), customers=lambda: CustomerScreen(7))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, MessageScreen)
        await pilot.press("escape", "down", "p")
        await settled(pilot)
        await pilot.press("escape", "down", "p")
        await settled(pilot)
        assert "no message or decision under the cursor" in toasts(app)
        assert messages.asked == [MessageAsked(entry=1), MessageAsked(entry=2)]


async def test_why_leads_to_the_last_message_of_a_trigger_and_a_customer_to_any_template() -> None:
    messages = FakeMessages()
    service = Bare(customers=People(), why=Reasons(), messages=messages)
    app = stage(service, customers=lambda: WhyScreen("u1"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await settled(pilot)
        (asked,) = messages.asked
        assert asked.customer
        assert asked.trigger
        assert (asked.number, asked.template) == (None, None)
        app.push_screen(CustomerScreen(7))
        await settled(pilot)
        await pilot.press("m")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert app.screen.query_one("#field-customer", Input).value
