"""A terminal that is made smaller and larger, on every screen and in every dialog: nothing is lost by it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from console.tui.app import Console
from screens.help import Help
from screens.widgets.too_small import is_too_small, size_lines
from tests.console.furniture import furnished
from tests.screens.stage import settled, text

SIZES = ((20, 5), (59, 15), (60, 15), (59, 16), (1, 1), (60, 16), (79, 24), (99, 30), (100, 24), (160, 48))
HERE = (80, 24)
PLACES = (
    ("1", "1 p", "1 s", "1 question_mark", "1 exclamation_mark tab"),
    ("2", "2 enter", "2 w enter", "2 J", "2 slash", "2 colon"),
    ("3", "3 enter tab tab", "3 d", "3 b", "3 P", "3 P tab tab"),
    ("4", "4 tab tab", "4 enter", "4 t", "4 i", "4 s"),
    ("5", "5 slash", "5 enter", "5 s", "5 s A", "6", "6 enter"),
)
"""Keys that lead to each screen and dialog, one after the other in one console."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("sizes") / "shop")


async def _arrive(pilot: Pilot[None], keys: str) -> None:
    while not pilot.app.opened.done():  # type: ignore[attr-defined]
        await pilot.pause(0.01)
    await settled(pilot)
    for key in keys.split():
        await pilot.press(key)
        await settled(pilot)


@pytest.mark.parametrize("places", PLACES)
async def test_any_sequence_of_sizes_leaves_the_focus_and_the_keys_where_they_were(
    shop: Path, places: Sequence[str]
) -> None:
    turns = random.Random(places[0])
    app = Console(shop)
    async with app.run_test(size=HERE) as pilot:
        for keys in places:
            await _arrive(pilot, keys)
            screen, focused = app.screen, app.focused
            assert focused is not None
            for size in turns.choices(SIZES, k=turns.randint(1, 4)):
                await pilot.resize_terminal(*size)
                if is_too_small(Size(*size)):
                    await pilot.press("A")  # no key does what nobody sees
            await pilot.resize_terminal(*HERE)
            await settled(pilot)
            assert app.screen is screen
            assert app.focused is focused
            await _keys_work(pilot, screen, focused)


async def _keys_work(pilot: Pilot[None], screen: Screen[object], focused: Widget) -> None:
    """A key reaches what has the focus, and the screen."""
    if isinstance(focused, Input):
        await pilot.press("x")
        assert focused.value == "x"
    elif not screen.is_modal:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, Help)
    await pilot.press("escape")
    await settled(pilot)
    assert not pilot.app.screen.is_modal


async def test_a_key_after_a_resize_elsewhere_does_not_land_in_the_filter(shop: Path) -> None:
    app = Console(shop)
    async with app.run_test(size=HERE) as pilot:
        await _arrive(pilot, "5")
        for key in ("4", "5"):
            await pilot.resize_terminal(20, 5)
            await pilot.resize_terminal(*HERE)
            await pilot.press(key)
            await settled(pilot)
        await pilot.press("asterisk", "A", "y")
        assert not any(line.value for line in app.screen.query(Input))


@pytest.mark.parametrize("size", [*SIZES, (10, 1), (24, 2), (30, 10), (200, 3), (59, 48)])
def test_the_message_about_the_size_is_never_cut(size: tuple[int, int]) -> None:
    lines = size_lines(Size(*size))
    assert len(lines) <= size[1]
    assert all(len(line) <= size[0] for line in lines)
    if size >= (10, 1):
        assert "60x16" in " ".join(lines)
        assert "…" not in "".join(lines)


async def test_a_dialog_in_a_terminal_too_small_says_what_is_needed(shop: Path) -> None:
    app = Console(shop)
    async with app.run_test(size=HERE) as pilot:
        await _arrive(pilot, "3 P")
        await pilot.resize_terminal(20, 5)
        await settled(pilot)
        assert "60x16" in text(app)
        assert "Cancel" not in text(app)
