"""The screen of what operators did: one line an act, its rows, what narrows it, and the ways there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from screens.audit import ActScreen, AuditScreen
from screens.customer import CustomerScreen
from screens.overview import OverviewScreen
from screens.widgets.table import VirtualTable
from screens.widgets.wrapped import Details
from storage import audit
from tests.console.furniture import NOON, furnished
from tests.screens.stage import HOSTILE, settled, stage, text
from tests.screens.test_frame import ready

EVIL = " ".join(HOSTILE)


def front(app: Console) -> object:
    """The screen in front."""
    return app.screen


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """A workspace in which 87 messages were approved at once, and somebody paused something for an evil
    reason.
    """
    service = LocalService(furnished(tmp_path / "shop"))
    with service.store.writing() as connection:
        details = [(str(number), {"was": "held"}) for number in range(1, 88)]
        audit.record_each(connection, NOON, "olga", "outbox approve", details, "looked at")
        audit.record(connection, NOON, "keller", "pause", "basket-reminder", EVIL)
    yield service
    service.close()


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_an_act_on_87_messages_is_one_line_and_opens_its_rows(
    local: LocalService, size: tuple[int, int]
) -> None:
    app = stage(local, overview=OverviewScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("8")
        await settled(pilot)
        assert isinstance(front(app), AuditScreen)
        shown = text(app)
        assert shown.count("approve") == 1
        assert "87 messages" in shown
        assert "keller" in shown
        assert "\x1b" not in shown
        await pilot.press("j", "enter")
        await settled(pilot)
        assert isinstance(front(app), ActScreen)
        assert "looked at" in text(app)
        assert len(app.screen.query_one(VirtualTable).ids) == 87
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(front(app), Details)
        assert "was" in text(app)
        await pilot.press("escape", "t")
        await settled(pilot)
        assert isinstance(front(app), CustomerScreen)


async def test_the_list_is_narrowed_by_the_operator_under_the_cursor_and_by_terms(
    local: LocalService,
) -> None:
    app = stage(local, audit=AuditScreen)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await pilot.press("o")
        await settled(pilot)
        assert "keller" in text(app)
        assert "olga" not in text(app)
        await pilot.press("o")
        await settled(pilot)
        assert "olga" in text(app)
        screen = app.screen
        assert isinstance(screen, AuditScreen)
        for line, said in {
            "kind:approve since:2025-01-01": "1 act",
            "!kind:approve subject:basket": "1 act",
            "since:yesteryear": "is no time",
            "nobody": "0 acts",
        }.items():
            screen.take_filter(line)
            await settled(pilot)
            assert said in text(app)


async def test_the_last_acts_of_the_overview_open_their_rows(local: LocalService) -> None:
    app = stage(local, overview=OverviewScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        assert "olga approve 87 messages: looked at" in text(app)
        app.screen.query_one("#acts").focus()
        await pilot.press("j", "enter")
        await settled(pilot)
        assert isinstance(front(app), ActScreen)
        assert "looked at" in text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(front(app), AuditScreen)
