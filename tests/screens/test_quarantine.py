"""The screen of what is set aside: what it lists, and what release and drop ask and do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.model.quarantine import SetAside, Suspect
from screens.overview import OverviewScreen
from screens.ports import Cancelled
from screens.quarantine import QuarantineScreen
from screens.widgets.dialogs import Dialog
from storage import audit, quarantine
from tests.console.furniture import NOON, furnished
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready

THINGS = (
    SetAside(1, "customer", "7", "c-7", 0, "unexpected JSONDecodeError (trace ab)", "ab"),
    SetAside(2, "template", "email\noffer", "offer [b]x[/]", 0, "a number is too large (trace cd)", "cd"),
)


class FakeQuarantine:
    """What is set aside as values."""

    def listing(self, cancelled: Cancelled) -> tuple[SetAside, ...]:
        return THINGS


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    service = LocalService(furnished(tmp_path / "shop"))
    with service.store.writing() as connection:
        suspect = Suspect("event", "7", "7 of customer anna")
        quarantine.note_failure(connection, suspect, "it cannot be read", "ab", NOON, most=1)
    yield service
    service.close()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_what_is_set_aside_is_listed_with_its_reason(size: tuple[int, int]) -> None:
    app = stage(Bare(quarantine=FakeQuarantine()), overview=QuarantineScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        shown = text(app)
    assert "customer" in shown
    assert "offer [b]x[/]" in shown
    assert "2 things set aside" in shown


async def test_releasing_asks_first_and_is_written_down(local: LocalService) -> None:
    app = stage(local, overview=OverviewScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("s")
        await settled(pilot)
        await pilot.press("R")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert "Work on event 7 of customer anna again?" in text(app)
        await pilot.press("y")
        await settled(pilot)
        assert "nothing is set aside" in text(app)
    with local.store.reading() as connection:
        (line,) = [row for row in audit.entries(connection) if row["action"] == "quarantine release"]
        assert quarantine.listing(connection) == []
    assert line["author"] == local.place.author


async def test_dropping_needs_a_reason(local: LocalService) -> None:
    app = stage(local, overview=QuarantineScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("D")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "this is needed" in text(app)
        app.screen.query_one(Input).value = "lost"
        await pilot.press("y")
        await settled(pilot)
    with local.store.reading() as connection:
        (line,) = [row for row in audit.entries(connection) if row["action"] == "quarantine drop"]
        assert quarantine.listing(connection) == []
    assert line["reason"] == "lost"


def test_a_console_for_reading_only_changes_nothing(tmp_path: Path) -> None:
    service = LocalService(furnished(tmp_path / "shop"), read_only=True)
    with pytest.raises(ManometerError, match="Nothing was changed"):
        service.quarantine.release(THINGS[0])
    with pytest.raises(ManometerError, match="Nothing was changed"):
        service.quarantine.drop(THINGS[0], "x")
    service.close()
