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
from screens.widgets.table import TableOrder, TableRows, VirtualTable
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


async def test_every_list_is_sorted_by_the_next_column_turned_round_and_put_back() -> None:
    async with shown(rows=30) as (app, listing, pilot):
        table = table_of(app)
        await pilot.press("s")
        await settled(pilot)
        assert "▲KEY" in text(app)
        assert list(table.ids)[:3] == [1, 10, 11]  # keys are texts
        await pilot.press("S")
        await settled(pilot)
        assert "▼KEY" in text(app)
        assert list(table.ids)[:2] == [9, 8]
        table.show(array("q", range(1, 9)))  # read anew, it stays sorted
        await settled(pilot)
        assert list(table.ids)[:2] == [8, 7]
        await pilot.press("s", "s")
        await settled(pilot)
        assert list(table.ids) == list(range(1, 9))
        assert table.row_id in table.ids


async def test_a_list_too_long_to_sort_says_so() -> None:
    async with shown(rows=30_000) as (app, listing, pilot):
        await pilot.press("s", "S")
        await settled(pilot)
        said = " ".join(each.message for each in app._notifications)
        assert "30,000 rows are too many to sort" in said
        assert "No column sorts the list" in said


async def test_what_is_marked_is_copied_and_exported_alone() -> None:
    async with shown(rows=30) as (app, listing, pilot):
        table = table_of(app)
        await pilot.press("space", "j", "space", "y")
        await settled(pilot)
        assert app.clipboard == "C1\nC3"
        assert list(table.taken) == [1, 3]
        assert "2 marked" in text(app)


@pytest.mark.parametrize("key", ["n", "x"])
async def test_a_key_that_does_nothing_here_says_so(key: str) -> None:
    async with shown(rows=3) as (app, listing, pilot):
        await pilot.press(key)
        await settled(pilot)
        assert [each.message for each in app._notifications] == [
            f"{key} does nothing here; ? lists the keys that do."
        ]


def test_rows_without_a_value_come_last_whichever_way_they_are_sorted() -> None:
    keys: dict[int, tuple[bool, object]] = {1: (False, 5), 2: (True, None), 3: (False, 7)}
    assert TableOrder(0).ordered([1, 2, 3], keys) == [1, 3, 2]
    assert TableOrder(0, is_downwards=True).ordered([1, 2, 3], keys) == [3, 1, 2]
    mixed: dict[int, tuple[bool, object]] = {1: (False, 5), 2: (False, "a")}
    assert TableOrder(0).ordered([2, 1], mixed) == [1, 2]
