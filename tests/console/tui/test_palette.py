"""The palette: screens first, verbs with what they are about, nothing twice; and a help that begins with the
screen's own deeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.command import CommandInput, CommandList
from textual.pilot import Pilot

from console.main import main
from console.tui.app import Console
from screens.backtest import BacktestScreen
from screens.help import EntryList
from screens.why import WhyScreen
from screens.widgets.dialogs import Dialog
from screens.widgets.keys import SCREENS
from tests.console.furniture import TRIGGER, furnished
from tests.screens.stage import settled, text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = furnished(tmp_path_factory.mktemp("palette") / "shop")
    assert main(["-w", str(folder), "apply", "--yes"]) == 0
    return folder


@asynccontextmanager
async def palette(shop: Path, written: str) -> AsyncIterator[tuple[Console, Pilot[None]]]:
    """The palette over the list of triggers, with these words in it and what it found."""
    app = Console(shop)
    async with app.run_test(size=(100, 40)) as pilot:
        while not app.opened.done():
            await pilot.pause(0.01)
        await pilot.press("3", "colon")
        await pilot.pause(0.3)
        app.screen.query_one(CommandInput).value = written
        for _ in range(100):
            await pilot.pause(0.02)
            if found(app) and (written == "" or " ".join(found(app)[0].split()[:1]) != "Overview"):
                break
        await pilot.pause(0.4)
        yield app, pilot


def found(app: Console) -> list[str]:
    """What the palette lists, without what explains it."""
    listed = app.screen.query_one(CommandList)
    return [str(listed.get_option_at_index(place).hit.text) for place in range(listed.option_count)]  # type: ignore[attr-defined]


async def test_it_begins_with_the_screens_and_lists_nothing_twice(shop: Path) -> None:
    async with palette(shop, "") as (app, _):
        listed = found(app)
        assert listed[: len(SCREENS)] == [title for _, _, title in SCREENS]
        assert len(listed) == len(set(listed))
        assert not any(words.startswith(("one line", "to Pressure", "Go to")) for words in listed)


async def test_a_verb_and_a_name_pause_what_they_name_after_asking(shop: Path) -> None:
    async with palette(shop, "pause basket") as (app, pilot):
        assert found(app)[0] == f"Pause {TRIGGER}"
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, Dialog)
        assert f"Pause {TRIGGER}?" in text(app)


@pytest.mark.parametrize(
    ("words", "screen"), [("why anna basket", WhyScreen), ("backtest birthday", BacktestScreen)]
)
async def test_other_verbs_lead_to_their_screen(shop: Path, words: str, screen: type) -> None:
    async with palette(shop, words) as (app, pilot):
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, screen)


async def test_what_is_paused_already_says_by_whom_and_why(shop: Path) -> None:
    assert main(["-w", str(shop), "triggers", "pause", TRIGGER, "--reason", "wrong price", "--yes"]) == 0
    async with palette(shop, "pause basket-rem") as (app, _):
        assert found(app)[0].startswith(f"{TRIGGER} is paused already by ")
        assert found(app)[0].endswith(": “wrong price”")
    assert main(["-w", str(shop), "triggers", "resume", TRIGGER, "--yes"]) == 0


async def test_the_help_begins_with_what_the_screen_does(shop: Path) -> None:
    app = Console(shop)
    async with app.run_test(size=(100, 40)) as pilot:
        while not app.opened.done():
            await pilot.pause(0.01)
        await pilot.press("5", "question_mark")
        words = [entry.words for entry in app.screen.query_one(EntryList).entries]
        assert any(word.startswith("let held messages go") for word in words[:4])
        places = {
            begins: next(place for place, word in enumerate(words) if word.startswith(begins))
            for begins in ("addresses to which", "mark or unmark", "narrow what is listed", "one line down")
        }
        assert list(places.values()) == sorted(places.values())
