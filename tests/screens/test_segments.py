"""The screen of audiences: counted off the thread that draws, laid over each other, and who came and went."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.clock import SIMULATED_AT
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from core.errors import ManometerError
from core.instants import DAY, HOUR, Instant, parse_instant
from core.model.audiences import AudienceChanges, AudienceLine, AudienceOverlap
from screens.customer import CustomerScreen
from screens.customers import CustomersScreen
from screens.overview import OverviewScreen
from screens.ports import Cancelled, CancelledError
from screens.ports.customers import CustomerLine
from screens.ports.segments import AudiencesPage
from screens.segments import ChangesScreen, SegmentsScreen
from screens.widgets.dialogs import Dialog
from storage.store import set_meta
from tests.console.lives import act, person, run, workspace
from tests.screens.stage import HOSTILE, Bare, settled, stage, text
from tests.screens.test_frame import ready

NOW = parse_instant("2025-03-10T12:00:00Z")
SEGMENTS = """
[segments.buyers]
title = "Bought something"
where = "orders >= 1"
[segments.regulars]
title = "Bought twice"
where = "orders >= 2"
[segments.lately]
title = "Bought within two days"
where = "count('Order Completed', last='2d') >= 1"
[segments.new]
title = "Buyers, not regulars"
where = "segment('buyers') and not segment('regulars')"
"""


def never() -> bool:
    return False


def bought(key: str, order: str, at: str) -> dict[str, Any]:
    return act(key, "Order Completed", at, order_id=order, revenue=10)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """Ann bought twice, the second time yesterday; bob long ago; eve yesterday; and cat never did."""
    events = [
        *(person(name) for name in ("ann", "bob", "cat", "eve")),
        bought("ann", "1", "2025-03-01T10:00:00Z"), bought("ann", "2", "2025-03-09T18:00:00Z"),
        bought("bob", "3", "2025-02-01T10:00:00Z"), bought("eve", "4", "2025-03-09T18:00:00Z"),
    ]  # fmt: skip
    folder = workspace(tmp_path / "shop", events)
    (folder / "segments.toml").write_text(SEGMENTS)
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-01T00:00:00Z") == 0
    service = LocalService(folder)
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOW))
    yield service
    service.close()


def line(local: LocalService, name: str) -> AudienceLine:
    return next(each for each in local.segments.page(never).lines if each.name == name)


def changes(local: LocalService, name: str, since: Instant) -> tuple[list[str], list[str], int, int]:
    found = local.segments.changes(line(local, name), since, never, lambda _, __: None)
    keys = local.segments.customers([*found.came, *found.went], never)
    return (
        sorted(keys[row].key for row in found.came), sorted(keys[row].key for row in found.went),
        found.then, found.now,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "since", "found"),
    [
        ("buyers", NOW - 3 * DAY, (["eve"], [], 2, 3)),
        ("regulars", NOW - 3 * DAY, (["ann"], [], 0, 1)),
        ("new", NOW - 3 * DAY, (["eve"], ["ann"], 2, 2)),
        ("lately", NOW - 3 * DAY, (["ann", "eve"], [], 0, 2)),
        ("lately", parse_instant("2025-03-02T00:00:00Z"), (["eve"], [], 1, 2)),
        ("buyers", NOW - HOUR, ([], [], 3, 3)),
        ("buyers", parse_instant("2020-01-01T00:00:00Z"), (["ann", "bob", "eve"], [], 0, 3)),
    ],
)
def test_who_came_and_who_went_is_told_as_it_was_then(
    local: LocalService, name: str, since: Instant, found: tuple[list[str], list[str], int, int]
) -> None:
    assert changes(local, name, since) == found


def test_an_instant_ago_everybody_was_where_they_are(local: LocalService) -> None:
    for each in local.segments.page(never).lines:
        count = local.segments.count(each, never)
        assert changes(local, each.name, NOW - 1) == ([], [], count, count)


def test_two_audiences_are_laid_over_each_other(local: LocalService) -> None:
    overlap = local.segments.overlap(line(local, "buyers"), line(local, "regulars"), never)
    assert overlap == AudienceOverlap(3, 1, 1)
    assert local.segments.overlap(line(local, "new"), line(local, "regulars"), never).both == 0


def test_what_is_given_up_ends_and_the_future_is_refused(local: LocalService) -> None:
    with pytest.raises(CancelledError):
        local.segments.changes(line(local, "buyers"), NOW - DAY, lambda: True, lambda _, __: None)
    with pytest.raises(ManometerError, match="not in the past"):
        local.segments.changes(line(local, "buyers"), NOW, never, lambda _, __: None)
    with pytest.raises(ManometerError, match="no longer in the playbook"):
        local.segments.count(AudienceLine("gone", "", ""), never)


async def test_segments_are_counted_opened_compared_and_looked_back_at(local: LocalService) -> None:
    app = stage(local, segments=SegmentsScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        assert "4 customers in all" in text(app)
        assert "75 %" in text(app)
        await pilot.press("space", "o")
        await settled(pilot)
        assert "1 is in both: 33 % of buyers, 100 % of regulars" in text(app)
        await pilot.press("escape", "c")
        await settled(pilot)
        assert isinstance(front(app), Dialog)
        app.screen.query_one(Input).value = "tomorrow"
        await pilot.press("y")
        await settled(pilot)
        assert "is no time" in text(app)
        app.screen.query_one(Input).value = "3d"
        await pilot.press("y")
        await settled(pilot)
        assert isinstance(front(app), ChangesScreen)
        assert "1 came, 0 went" in text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(front(app), CustomerScreen)
        await pilot.press("escape", "escape", "home", "enter")
        await settled(pilot)
        screen = front(app)
        assert isinstance(screen, CustomersScreen)
        assert screen.filter_text == "segment:buyers"
        assert len(screen.table.ids) == 3


def front(app: Console) -> object:
    """The screen in front."""
    return app.screen


class SlowSegments:
    """Audiences whose counting takes until it is given up."""

    def __init__(self) -> None:
        self.given_up = Event()

    def page(self, cancelled: Cancelled) -> AudiencesPage:
        return AudiencesPage(Bare().now(), [AudienceLine(name, name, name) for name in HOSTILE], 4)

    def count(self, line: AudienceLine, cancelled: Cancelled) -> int:
        while not cancelled():
            pass
        self.given_up.set()
        raise CancelledError

    def overlap(self, one: AudienceLine, other: AudienceLine, cancelled: Cancelled) -> AudienceOverlap:
        raise AssertionError

    def changes(
        self, line: AudienceLine, since: Instant, cancelled: Cancelled, tell: Callable[[int, int], None]
    ) -> AudienceChanges:
        return AudienceChanges(since, since, array("q"), array("q"), 0, 0)

    def customers(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        return {}


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_counting_holds_up_nothing_and_ends_when_the_screen_is_left(size: tuple[int, int]) -> None:
    slow = SlowSegments()
    app = stage(Bare(segments=slow), segments=SegmentsScreen, overview=OverviewScreen)
    async with app.run_test(size=size) as pilot:
        await drawn(app, pilot)
        assert "…" in text(app)
        assert "\x1b" not in text(app)
        await pilot.press("j", "2")
        assert slow.given_up.wait(10)


async def drawn(app: Console, pilot: Pilot[None]) -> None:
    """Wait for the list, whose counting goes on."""
    while "customers in all" not in text(app):
        await pilot.pause(0.01)
