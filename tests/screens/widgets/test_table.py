"""The table over a million rows: what it reads, what it draws, and what it lets through to the terminal."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from threading import Event

import pytest
from textual.pilot import Pilot

from console.tui.app import Console
from screens.cells import behind, customers, decisions, outbox, timeline, triggers, why
from screens.cells.column import Column
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.widgets.table import TableRows, VirtualTable
from tests.screens.stage import Bare, Listing, settled, stage, text


@asynccontextmanager
async def shown(
    rows: int = 1_000_000, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Console, Listing, Pilot[None]]]:
    listing = Listing(rows)
    app = stage(Bare(), customers=lambda: listing)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, listing, pilot


def table_of(app: Console) -> VirtualTable[tuple[str, str]]:
    return app.screen.query_one(VirtualTable)


async def test_of_a_million_rows_only_those_around_the_view_are_read() -> None:
    async with shown() as (app, listing, pilot):
        assert "C1 " in text(app)
        assert sum(listing.asked) < 200


async def test_the_last_row_is_one_key_away_and_read_before_it_is_drawn() -> None:
    async with shown() as (app, listing, pilot):
        await pilot.press("G")
        await settled(pilot)
        assert "> C1000000 " in text(app).replace(">  ", "> ")
        assert "…" not in [line.strip() for line in text(app).splitlines()]
        assert sum(listing.asked) < 400


async def test_the_cursor_stays_on_its_row_when_rows_come_before_it() -> None:
    async with shown(rows=100) as (app, listing, pilot):
        table = table_of(app)
        table.move(4)
        await settled(pilot)
        assert table.row_id == 5
        table.show(array("q", [101, 102, 103, *range(1, 101)]))
        await settled(pilot)
        assert (table.row_id, table.cursor) == (5, 7)


async def test_a_row_that_is_gone_leaves_the_list() -> None:
    async with shown(rows=100) as (app, listing, pilot):
        table = table_of(app)
        listing.fetch = lambda service, ids, cancelled: {row: (f"C{row}", "") for row in ids if row != 3}  # type: ignore[method-assign]
        table._fetch = listing.fetch
        table.show(array("q", range(1, 101)))
        await settled(pilot)
        assert 3 not in table.ids
        assert len(table.ids) == 99


async def test_what_is_read_anew_and_is_as_it_was_is_not_drawn_again() -> None:
    async with shown(rows=100) as (app, listing, pilot):
        table = table_of(app)
        drawn: list[object] = []
        table.refresh = lambda *regions, **_: drawn.append(regions)  # type: ignore[method-assign,assignment]
        table.show(array("q", range(1, 101)))
        await settled(pilot)
        assert drawn == []
        table._fetch = lambda service, ids, cancelled: dict.fromkeys(ids, ("other", ""))
        table.show(array("q", range(1, 101)))
        await settled(pilot)
        assert drawn


async def test_rows_that_were_read_before_the_list_was_shown_anew_are_read_again() -> None:
    async with shown(rows=100) as (app, listing, pilot):
        table = table_of(app)
        go, answers = Event(), iter(["before", "after", "after", "after"])

        def fetch(service: Service, ids: Sequence[int], cancelled: Cancelled) -> dict[int, tuple[str, str]]:
            name = next(answers)
            if name == "before":
                go.wait(60)
            return {row: (f"C{row}", name) for row in ids}

        table._fetch = fetch
        table.show(array("q", range(1, 101)))
        await pilot.pause(0.02)
        table.show(array("q", range(1, 101)))
        go.set()
        await settled(pilot)
        assert "after" in text(app)
        assert "before" not in text(app)


async def test_moving_within_the_page_reads_nothing() -> None:
    async with shown() as (app, listing, pilot):
        before = len(listing.asked)
        for _ in range(10):
            table_of(app).move(1)
        await settled(pilot)
        assert len(listing.asked) == before
        assert table_of(app).row_id == 11


async def test_page_down_and_up_come_back_to_the_same_row() -> None:
    async with shown() as (app, listing, pilot):
        table = table_of(app)
        for key in ("action_page(1)", "action_page(1)", "action_page(-1)", "action_page(-1)"):
            getattr(table, key.partition("(")[0])(int(key.partition("(")[2][:-1]))
            await settled(pilot)
        assert table.row_id == 1


async def test_marks_are_kept_in_the_order_of_the_list_and_leave_with_their_rows() -> None:
    async with shown(rows=50) as (app, listing, pilot):
        table = table_of(app)
        table.action_mark()
        table.action_mark()
        await settled(pilot)
        assert list(table.chosen) == [1, 2]
        table.show(array("q", range(2, 51)))
        await settled(pilot)
        assert list(table.chosen) == [2]
        table.action_mark_all()
        assert len(table.marked) == 49


async def test_names_that_are_markup_or_commands_are_drawn_as_letters() -> None:
    async with shown() as (app, listing, pilot):
        picture = text(app)
        assert "[/x]" in picture
        assert "[@click=app.quit]x[/]" in picture
        assert not any(letter in picture for letter in "\x1b\x9b\x07\u202e")


async def test_enter_opens_the_row_under_the_cursor() -> None:
    async with shown() as (app, listing, pilot):
        await pilot.press("j", "enter")
        assert listing.opened == [2]


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_every_line_is_as_wide_as_the_terminal(size: tuple[int, int]) -> None:
    async with shown(size=size) as (app, listing, pilot):
        assert {len(line) for line in text(app).splitlines() if line.isascii()} == {size[0]}


async def test_columns_appear_when_there_is_room_for_them() -> None:
    async with shown() as (app, listing, pilot):
        table = table_of(app)
        table.columns = (Column("key", "KEY", 10), Column("name", "NAME", 20, least=100))
        assert [column.name for _, column, _ in table.shown(80)] == ["key"]
        assert [column.name for _, column, _ in table.shown(100)] == ["key", "name"]


@pytest.mark.parametrize(
    "columns",
    [
        customers.COLUMNS,
        timeline.COLUMNS,
        triggers.COLUMNS,
        triggers.WAITING,
        decisions.COLUMNS,
        outbox.COLUMNS,
        why.COLUMNS,
        behind.COLUMNS,
    ],
)
@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 132, 160])
def test_every_list_shows_whole_columns_only(columns: Sequence[Column], width: int) -> None:
    shown = VirtualTable[object](TableRows(columns, lambda *_: {}, lambda _: ())).shown(width)
    assert 2 + sum(room + 1 for _, _, room in shown) - 1 <= width
