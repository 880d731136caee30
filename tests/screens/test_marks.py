"""Marks: no key is lost in silence, they follow the filter, and after an act the cursor stays where it is."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event

from textual.widgets import Input

from console.tui.app import Console
from core.model.outbox import Act, ListedMessage
from screens.outbox import OutboxScreen
from screens.ports import Cancelled
from screens.ports.terms import LogFilter
from screens.widgets.dialogs import Dialog
from screens.widgets.table import VirtualTable
from tests.screens.furnished import MESSAGE, FakeOutbox
from tests.screens.stage import Bare, settled, stage, text
from tests.screens.test_frame import ready
from tests.screens.test_triggers import toasts


class Box(FakeOutbox):
    """Six held messages; what is approved goes to the end of the list, and `state:held` leaves the others
    alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open = Event()
        self.open.set()
        self.approved: list[int] = []

    def ids(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        while not self.open.wait(0.01) and not cancelled():
            pass
        held = [row for row in range(1, 7) if row not in self.approved]
        return array("q", held if wanted.only else [*held, *self.approved])

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ListedMessage]:
        return {row: replace(MESSAGE, id=row, state="due" if row in self.approved else "held") for row in ids}

    def act(self, action: Act, ids: Sequence[int], reason: str) -> str:
        self.approved += ids
        return super().act(action, ids, reason)


def on_outbox(*, needs_reasons: bool = False) -> tuple[Console, Box]:
    box = Box()
    service = Bare(outbox=box)
    service.place = replace(service.place, needs_reasons=needs_reasons)
    return stage(service, outbox=OutboxScreen), box


def table(app: Console) -> VirtualTable[ListedMessage]:
    return app.screen.query_one(VirtualTable)


async def test_all_that_is_marked_before_the_list_is_there_is_marked_when_it_is() -> None:
    app, box = on_outbox()
    box.open.clear()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        while not app.opened.done():
            await pilot.pause(0.01)
        await pilot.press("asterisk", "space", "A")
        assert "all of it is marked when it is there" in toasts(app)
        assert "nothing was marked" in toasts(app)
        assert "the list is still being read" in toasts(app)
        box.open.set()
        await settled(pilot)
        assert sorted(table(app).marked) == [1, 2, 3, 4, 5, 6]
        assert box.done == []


async def test_marks_follow_the_filter_and_the_star_after_it_marks_what_it_leaves() -> None:
    app, box = on_outbox()
    box.approved = [1, 2]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("asterisk")
        assert len(table(app).marked) == 6
        await pilot.press("slash")
        app.screen.query_one(Input).value = "state:held"
        await pilot.press("enter", "asterisk")
        await settled(pilot)
        assert list(table(app).chosen) == [3, 4, 5, 6]
        assert "4 marked" in text(app)
        await pilot.press("asterisk")
        assert not table(app).marked


async def test_marks_that_a_filter_hides_count_for_nothing_until_it_shows_them_again() -> None:
    app, box = on_outbox()
    box.approved = [1]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("space", "G", "space")  # 2, and 1 at the end of the list
        assert sorted(table(app).marked) == [1, 2]
        for value, marked in (("state:held", [2]), ("", [1, 2])):
            app.screen.query_one(Input).value = value
            await pilot.pause(0.2)
            await settled(pilot)
            assert sorted(table(app).marked) == marked


async def test_the_cursor_goes_on_to_the_next_row_wherever_the_one_acted_on_goes() -> None:
    app, box = on_outbox()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("j")
        for on_row in (3, 4):
            await pilot.press("A")
            await settled(pilot)
            await pilot.press("y")
            await settled(pilot)
            assert table(app).row_id == on_row
        assert box.approved == [2, 3]
        await pilot.press("G", "k", "k", "A")  # the last that is held
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert table(app).row_id == 2


async def test_the_reason_is_one_key_away_and_needed_where_the_workspace_says_so() -> None:
    app, box = on_outbox(needs_reasons=True)
    async with app.run_test(size=(80, 30)) as pilot:
        await ready(pilot)
        await pilot.press("A")
        await settled(pilot)
        await pilot.press("y")
        assert isinstance(app.screen, Dialog)
        assert "this is needed" in text(app)
        await pilot.press("r", *"fine", "enter", "enter")
        await settled(pilot)
        assert box.done == [("approve", [1], "fine")]
