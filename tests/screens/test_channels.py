"""The screen of channels and sources: what it shows, what can be done from it, and what cannot, with why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from textual.pilot import Pilot
from textual.widgets import Input

from console.main import main
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.instants import DAY, HOUR, MINUTE, format_instant
from core.model.ways import ChannelFigures, ChannelLine, SourceLine
from screens.channels import ChannelsScreen
from screens.ports import Cancelled
from screens.ports.ways import WaysPage
from screens.widgets.dialogs import Dialog
from storage import audit, brakes
from storage.schema.messages import messages
from storage.status import HALTED
from tests.console.furniture import NOON, furnished
from tests.screens.stage import HOSTILE, Bare, settled, stage, text
from tests.screens.test_frame import ready

NOW = Bare().now()
EVIL = " ".join(HOSTILE)
EMAIL = ChannelLine(
    "email", "smtp", "email", "braked", ChannelFigures(1204, NOW - DAY, 12, 90_000, NOW, 3, 4, 5, 6, 7),
    NOW - HOUR, NOW + MINUTE, EVIL, "20000/day", last_error=EVIL,
)  # fmt: skip
PAGE = WaysPage(
    NOW,
    (EMAIL, replace(EMAIL, name=EVIL, state="works", reason=None, figures=ChannelFigures())),
    (
        SourceLine("shop", "folder", "silent", NOW - DAY, 0, 12, HOUR),
        SourceLine(EVIL, "", "heard", NOW, 1, 2, is_declared=False),
    ),
)  # fmt: skip


class FakeWays:
    """Channels and sources as values."""

    def page(self, cancelled: Cancelled) -> WaysPage:
        return PAGE


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_channels_and_sources_are_listed_and_what_is_wrong_is_told(size: tuple[int, int]) -> None:
    app = stage(Bare(ways=FakeWays()), channels=ChannelsScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        shown = text(app)
        assert "! braked" in shown
        assert "1,204" in shown
        assert "! silent" in shown
        assert "1 left alone, 1 channel late, 1 source silent" in shown
        assert "\x1b" not in shown
        await pilot.press("enter")
        await settled(pilot)
        assert "carries email" in text(app)
        await pilot.press("escape", "tab", "enter")
        await settled(pilot)
        assert "a fault after 1h" in text(app)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """A workspace whose mail is braked, and one of its messages has failed."""
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder)
    value = {"reason": "it refuses", "since": NOON, "until": NOON + MINUTE, "version": 1, "braked": True}
    with service.store.writing() as connection:
        brakes.change(connection, HALTED, "email", value)
        connection.execute(
            update(messages)
            .where(messages.c.id == 1)
            .values(state="failed", channel="email", error="550 no", expires_at=service.now() + DAY)
        )
    yield service
    service.close()


async def carried_out(app: Console, pilot: Pilot[None]) -> None:
    await settled(pilot)
    while app.is_busy:
        await pilot.pause(0.01)
    await settled(pilot)


def acts(local: LocalService) -> list[tuple[object, object, object]]:
    with local.store.reading() as connection:
        return [(row["action"], row["subject"], row["reason"]) for row in audit.entries(connection)][1:]


async def test_a_brake_is_released_with_a_reason_as_by_the_command(local: LocalService) -> None:
    app = stage(local, channels=ChannelsScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        assert "! braked" in text(app)
        await pilot.press("R")
        await settled(pilot)
        assert "It is left alone: it refuses." in text(app)
        await pilot.press("y")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)  # a reason is needed
        app.screen.query_one(Input).value = "the server is back"
        await pilot.press("y")
        await carried_out(app, pilot)
        assert "! braked" not in text(app)
        await pilot.press("R")
        await settled(pilot)
        assert "email is not left alone" in "".join(told.message for told in app._notifications)
    assert acts(local) == [("release channel", "email", "the server is back")]
    assert app.session[-1].command.endswith("channels release email --reason 'the server is back'")


async def test_a_channel_is_paused_resumed_and_its_failed_messages_tried_again(local: LocalService) -> None:
    app = stage(local, channels=ChannelsScreen)
    async with app.run_test(size=(100, 40)) as pilot:
        await ready(pilot)
        for key in ("P", "y"):
            await pilot.press(key)
            await carried_out(app, pilot)
        with local.store.reading() as connection:
            assert "pause" in [row["action"] for row in audit.entries(connection)]
        for key in ("U", "y"):
            await pilot.press(key)
            await carried_out(app, pilot)
        for key in ("T", "y"):
            await pilot.press(key)
            await carried_out(app, pilot)
    assert [act[:2] for act in acts(local)] == [
        ("pause", "channel:email"), ("resume", "channel:email"), ("outbox retry", "1"),
    ]  # fmt: skip


async def test_a_channel_is_checked_and_tried_from_here(local: LocalService) -> None:
    app = stage(local, channels=ChannelsScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert "email is ready" in "".join(told.message for told in app._notifications)
        await pilot.press("M")
        await settled(pilot)
        app.screen.query(Input).first().value = "me@example.ch"
        await pilot.press("y")
        await carried_out(app, pilot)
    assert acts(local) == [("test channel", "me@example.ch", None)]


async def test_a_console_for_reading_only_checks_and_does_nothing_else(tmp_path: Path) -> None:
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder, read_only=True)
    app = stage(service, channels=ChannelsScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("R", "M", "P", "c")
        await settled(pilot)
        said = "".join(told.message for told in app._notifications)
        assert "--read-only" in said
        assert "email is ready" in said
        assert not isinstance(app.screen, Dialog)
    service.close()
