"""The screen of pauses, and pausing a customer or a channel: what is asked, in what numbers, and what comes
of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from textual.widgets import Input

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.instants import HOUR
from screens.cells.pausing import pause_deed, resume_deed
from screens.customers import CustomersScreen
from screens.overview import OverviewScreen
from screens.pauses import PausesScreen
from screens.ports.pauses import PauseEffect
from screens.widgets.dialogs import Dialog
from storage import pauses
from storage.store import Store, set_meta
from tests.console.furniture import NOON, furnished
from tests.screens.furnished import FakeTriggers
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready
from tests.screens.test_triggers import safe

ZURICH = ZoneInfo("Europe/Zurich")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """The furnished workspace under a clock of its own, with its files in force."""
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--yes", "--at", "2025-03-30T11:00:00Z"]) == 0
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    service = LocalService(folder)
    yield service
    service.close()


def held(local: LocalService) -> dict[str, bool]:
    with local.store.reading() as connection:
        return {
            name: row.pause.transactional for name, row in pauses.current(connection, NOON + HOUR).items()
        }


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_what_is_paused_is_listed_before_what_can_be(size: tuple[int, int]) -> None:
    app = stage(Bare(triggers=FakeTriggers()), overview=PausesScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        shown = text(app)
        assert "‖ paused  channel sms" in shown
        assert "● on      segment vip" in shown
        assert "1 pause · 1 can be paused" in shown
        assert safe(shown)


async def test_a_channel_is_paused_and_resumed_from_the_list(local: LocalService) -> None:
    app = stage(local, overview=PausesScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        assert "● on      channel email" in text(app)
        await pilot.press("P")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert "Pause channel email?" in text(app)
        assert "Customers still enter" in text(app)
        app.screen.query_one("#field-reason", Input).value = "bounces"
        await pilot.press("down", "y")
        await settled(pilot)
        assert held(local) == {"channel:email": True}
        assert "‖ paused  channel email" in text(app)
        await pilot.press("U")
        await settled(pilot)
        assert "Resume channel email?" in text(app)
        await pilot.press("y")
        await settled(pilot)
        assert held(local) == {}


async def test_a_customer_is_paused_from_the_list_of_customers(local: LocalService) -> None:
    app = stage(local, customers=CustomersScreen)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("down", "P")
        await settled(pilot)
        assert "Pause customer u1?" in text(app)
        assert "Under way: 1 customer in" in text(app)
        await pilot.press("y")
        await settled(pilot)
        assert held(local) == {"customer:u1": False}
        assert "PAUSED" in local.customers.profile(1, lambda: False).badges
        await pilot.press("P")
        await settled(pilot)
        assert "Resume customer u1?" in text(app)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("basket", "Nobody is under way in it."),
        ("channel:sms", "Nobody is under way in a trigger that uses it."),
        ("segment:vip", "None of its members is under way."),
        ("customer:u9", "She is under way in no journey."),
    ],
)
def test_a_pause_that_reaches_nobody_says_so_in_words(name: str, said: str) -> None:
    effect = PauseEffect(name, name, 0, 0, 0, 0, NOON, None, ())
    assert pause_deed(effect, "keller", ZURICH).lines[:2] == [said, "Nothing waits in the outbox."]
    assert list(resume_deed(effect, "keller", ZURICH).lines)[:2] == [said, "Nothing waits in the outbox."]


async def test_the_overview_leads_to_the_pauses(local: LocalService) -> None:
    for name in ("channel:email", "segment:newsletter"):
        if name.startswith("channel") or name.partition(":")[2] in local.in_force().playbook.segments:
            local.triggers.pause(name, None, "launch")
    app: Console = stage(local, overview=OverviewScreen)
    async with app.run_test(size=(160, 48)) as pilot:
        await ready(pilot)
        assert "channel email paused since" in text(app)
        await pilot.press("p")
        await settled(pilot)
        assert isinstance(app.screen, PausesScreen)
        assert "launch" in text(app)


async def test_copying_a_line_takes_what_is_paused_and_a_key_that_cannot_work_says_one_sentence(
    local: LocalService,
) -> None:
    app = stage(local, overview=PausesScreen)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert "P pauses it." in text(app)
        await pilot.press("escape")
        await pilot.press("y")
        await settled(pilot)
        assert app.clipboard == "channel email"
        app.switch_mode("customers")
        await settled(pilot)
        await pilot.press("slash", *"nobody-of-this-name", "enter")
        await settled(pilot)
        await pilot.press("w")
        await settled(pilot)
        assert "Why: there is no customer under the cursor." in [
            str(notice.message) for notice in app._notifications
        ]
