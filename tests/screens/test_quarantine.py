"""The screen of what is set aside: what it lists, and what release and drop ask and do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from textual.widgets import Input

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.instants import MINUTE
from core.model.quarantine import SetAside, Suspect
from screens.overview import OverviewScreen
from screens.ports import Cancelled
from screens.ports.quarantine import Standstill
from screens.quarantine import QuarantineScreen
from screens.widgets.dialogs import Dialog
from storage import audit, brakes, quarantine
from storage.schema.messages import messages
from storage.status import HALTED
from storage.store import set_meta
from tests.console.furniture import NOON, furnished
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready

THINGS = (
    SetAside(1, "customer", "7", "c-7", 0, "unexpected JSONDecodeError (trace ab)", "ab"),
    SetAside(2, "template", "email\noffer", "offer [b]x[/]", 0, "a number is too large (trace cd)", "cd"),
)
LINES = tuple(Standstill(each.kind, each.what, each.since, each.reason, thing=each) for each in THINGS)


class FakeQuarantine:
    """What is set aside as values."""

    def listing(self, cancelled: Cancelled) -> tuple[Standstill, ...]:
        return LINES


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


def held_back(local: LocalService) -> None:
    """Mail brakes, and a trigger is held for what it would send."""
    braked = {
        "reason": "braked: 10 messages in a row were refused",
        "since": NOON - 2,
        "until": NOON + MINUTE,
    }
    with local.store.writing() as connection:
        brakes.change(connection, HALTED, "email", {**braked, "version": 1, "braked": True})
        connection.execute(
            update(messages).values(state="held", reason="SURGE", trigger="basket", released_at=None)
        )
        set_meta(connection, "surges", '{"basket": {"reason": "more than 5 within an hour", "since": 1}}')


@pytest.mark.parametrize(
    ("row", "title", "action", "subject"),
    [
        (0, "Let the trigger basket go?", "release trigger", "basket"),
        (1, "Let the channel email go?", "release channel", "email"),
    ],
)
async def test_a_brake_and_a_surge_are_let_go_with_a_reason_and_written_down_as_by_the_command(
    local: LocalService, row: int, title: str, action: str, subject: str
) -> None:
    held_back(local)
    app = stage(local, overview=OverviewScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert "1 thing set aside · 2 things held back" in text(app)
        await pilot.press(*("j" for _ in range(row)), "D")
        await settled(pilot)
        assert isinstance(app.screen, QuarantineScreen)
        assert app.screen.why_not("drop") == "it waits, and is not broken: R lets it go"
        await pilot.press("R")
        await settled(pilot)
        assert title in text(app)
        assert ("0 messages due over it." in text(app)) == (action == "release channel")
        await pilot.press("y")
        await settled(pilot)
        assert "this is needed" in text(app)
        app.screen.query_one(Input).value = "put right"
        await pilot.press("y")
        await settled(pilot)
        assert "1 thing set aside · 1 thing held back" in text(app)
    with local.store.reading() as connection:
        (line,) = [entry for entry in audit.entries(connection) if entry["action"] == action]
    assert (line["subject"], line["author"], line["reason"]) == (subject, local.place.author, "put right")


async def test_what_rests_or_is_held_leads_from_the_overview_to_the_key_that_lets_it_go(
    local: LocalService,
) -> None:
    held_back(local)
    app = stage(local, overview=OverviewScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, QuarantineScreen)
        assert "Release" in text(app)


def test_a_console_for_reading_only_changes_nothing(tmp_path: Path) -> None:
    service = LocalService(furnished(tmp_path / "shop"), read_only=True)
    with pytest.raises(ManometerError, match="Nothing was changed"):
        service.quarantine.release(LINES[0], None)
    with pytest.raises(ManometerError, match="Nothing was changed"):
        service.quarantine.drop(THINGS[0], "x")
    service.close()
