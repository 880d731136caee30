"""The commands of what was done in a session: told after each act, listed, copied whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from screens.commands import CommandsScreen
from screens.suppressions import SuppressionsScreen
from tests.console.furniture import furnished
from tests.screens.stage import settled, stage, text
from tests.screens.test_frame import ready


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    service = LocalService(furnished(tmp_path / "shop"))
    yield service
    service.close()


async def carried_out(app: Console, pilot: Pilot[None]) -> None:
    """Wait until what was confirmed is carried out and told."""
    await settled(pilot)
    while app.is_busy:
        await pilot.pause(0.01)
    await settled(pilot)


async def test_the_command_of_an_act_is_told_listed_and_copied_whole(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("at")
        await settled(pilot)
        assert isinstance(app.screen, CommandsScreen)
        assert "Nothing was done in this session yet." in text(app)
        await pilot.press("minus", "A")
        await settled(pilot)
        address, reason = app.screen.query(Input)
        address.value, reason.value = "new@example.ch", "[b]asked[/b] by phone, twice, and by letter"
        await pilot.press("y")
        await carried_out(app, pilot)
        assert any(told.message.startswith("$ manometer -w") for told in app._notifications)
        command = app.session[-1].command
        assert command.endswith("--reason '[b]asked[/b] by phone, twice, and by letter'")
        await pilot.press("at")
        await settled(pilot)
        assert "manometer -w" in text(app)
        await pilot.press("y")
        assert app.clipboard == command
        await pilot.press("enter")
        await settled(pilot)
        assert "twice, and by letter" in text(app)


async def test_what_was_refused_is_no_command(local: LocalService) -> None:
    app = stage(local, outbox=SuppressionsScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.act(lambda service: service.suppressions.add("no address", "x"), lambda _: None)
        await settled(pilot)
        await carried_out(app, pilot)
        assert app.session == []
