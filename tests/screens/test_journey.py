"""The journey of a trigger on a real database: each who entered is counted once, where they stand now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.model.journey_map import JourneyStep
from screens.journey import JourneyScreen
from screens.triggers import TriggersScreen
from tests.console.lives import BASKET, act, person, run, workspace
from tests.screens.stage import settled, stage, text
from tests.screens.test_frame import ready

TWO = f"""{BASKET}
[[steps]]
after = "2d"
channels = ["email"]
template = "note"
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    """Ann got the first mail and waits for the second, bob bought before the first, cat after it, and eve has
    only just begun.
    """
    events = [
        *(person(name, email=f"{name}@example.ch") for name in ("ann", "bob", "cat", "eve")),
        *(act(name, "Checkout Started", "2025-03-03T10:00:00Z") for name in ("ann", "bob", "cat")),
        act("bob", "Order Completed", "2025-03-03T10:30:00Z", order_id="1"),
        act("cat", "Order Completed", "2025-03-03T20:00:00Z", order_id="2"),
        act("eve", "Checkout Started", "2025-03-04T09:30:00Z"),
    ]
    folder, into = workspace(tmp_path / "shop", events, {"basket": TWO}), tmp_path / "played"
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-04T10:00:00Z")
    assert run("-w", folder, "replay", *span, "--every", "15m", "--into", into) == 0
    service = LocalService(into)
    yield service
    service.close()


def test_each_who_entered_is_counted_once_where_they_stand(local: LocalService) -> None:
    found = local.journeys.view("basket", 30, lambda: False).found
    assert (found.entered, found.under_way) == (4, 2)
    assert found.steps[1] == JourneyStep(standing=1, sent=2, goal=1)
    assert found.steps[2] == JourneyStep(standing=1, goal=1)
    assert [number for _, number in found.days if number] == [3, 1]
    with pytest.raises(ManometerError, match="no longer in the playbook"):
        local.journeys.view("gone", 30, lambda: False)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_it_opens_from_the_list_of_triggers(local: LocalService, size: tuple[int, int]) -> None:
    app = stage(local, triggers=TriggersScreen)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("J")
        await settled(pilot)
        assert isinstance(app.screen, JourneyScreen)
        assert "4 entries in 30 days, 2 under way" in text(app)
        await pilot.press("d", "G")
        await settled(pilot)
        assert "2 came, 50 % of all who entered" in text(app)
        assert "1 wait, 1 goal" in text(app)
