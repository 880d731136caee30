"""Widgets in the room they have: wide terminals are used, popups are as high as what they say, the essential
of a dialog is seen in a low one.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import ComposeResult

from screens.cells.deed import Deed, DialogField
from screens.cells.grid import Grid
from screens.frame import Frame
from screens.widgets.dialogs import Dialog
from screens.widgets.heatmap import Heatmap
from screens.widgets.wrapped import Details
from tests.screens.stage import Bare, Listing, settled, stage, text
from tests.screens.test_frame import ready

DAYS = [(day, str(number)) for number, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))]


class Mapped(Frame):
    """A heat map of a week."""

    mode = "customers"

    def body(self) -> ComposeResult:
        yield Heatmap(id="body")

    def load(self) -> None:
        rows = ("email", "webpush2webpush2")
        self.query_one(Heatmap).show(Grid(rows, tuple(DAYS), ((123,) * 7, (2,) * 7), "sent"))


@pytest.mark.parametrize(("width", "least"), [(160, 120), (80, 60)])
async def test_a_heat_map_uses_the_width_there_is(width: int, least: int) -> None:
    app = stage(Bare(), customers=Mapped)
    async with app.run_test(size=(width, 30)) as pilot:
        await settled(pilot)
        lines = text(app).splitlines()
        head = next(line for line in lines if "Mon" in line and "Sun" in line)
        assert len(head.rstrip()) >= least
        label = next(line for line in lines if "webpush" in line)
        assert "…  " in label, "the label touches no cell"


@pytest.mark.parametrize(("lines", "high"), [(3, 5), (200, 43)])
async def test_a_popup_is_as_high_as_its_text_and_scrolls_where_there_is_less_room(
    lines: int, high: int
) -> None:
    app = stage(Bare(), customers=lambda: Listing(rows=3))
    said: Sequence[Sequence[str]] = [[f"line {number}"] for number in range(lines)]
    async with app.run_test(size=(160, 48)) as pilot:
        await ready(pilot)
        await app.push_screen(Details("Row", said))
        while app.screen.query_one("#box").size.height + 2 != high:
            await pilot.pause(0.01)
        await settled(pilot)
        assert app.screen.query_one("#box").size.height + 2 == high
        await pilot.press("end")
        await settled(pilot)
        assert f"line {lines - 1}" in text(app)


async def test_the_reason_and_the_number_are_seen_in_a_low_terminal_however_much_is_said() -> None:
    said = [f"Sentence number {number} of many." for number in range(40)]
    deed = Deed("Approve 87?", said, "Approve 87", fields=(DialogField("reason", "Why"),), typed="87")
    app = stage(Bare(), customers=lambda: Listing(rows=3))
    async with app.run_test(size=(60, 16)) as pilot:
        await app.push_screen(Dialog(deed))
        await settled(pilot)
        seen = text(app)
        assert all(part in seen for part in ("Sentence number 0", "Why", "r leads here", "Type 87", "(y)"))
        for _ in range(30):
            await pilot.press("pagedown")
        assert "Sentence number 39" in text(app)
        assert "(y)" in text(app)
