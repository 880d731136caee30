"""The journey of a trigger on a real database: each who entered is counted once, where they stand now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.model.fates import Fate
from core.model.journey_map import JourneyStep
from screens.journey import JourneyScreen
from screens.triggers import TriggersScreen
from tests.console.lives import BASKET, act, person, played, run, trigger, workspace
from tests.screens.stage import settled, stage, text
from tests.screens.test_frame import ready

LATER, SENT, GOAL_REACHED = Fate.LATER, Fate.SENT, Fate.GOAL_REACHED
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
    assert found.steps[1] == JourneyStep(Counter({LATER: 1, SENT: 2, GOAL_REACHED: 1}))
    assert found.steps[2] == JourneyStep(Counter({LATER: 1, GOAL_REACHED: 1}))
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
        assert "1 later, 1 goal reached" in text(app)


def test_what_waits_for_approval_is_told_in_the_words_of_the_outbox_and_held_once_approved(
    tmp_path: Path,
) -> None:
    events = [person("ann"), act("ann", "Checkout Started", "2025-03-03T09:15:00Z")]
    folder = played(tmp_path / "shop", events, {"basket": trigger(approval="true")})
    service = LocalService(folder)

    def fates() -> Counter[Fate]:
        return service.journeys.view("basket", 30, lambda: False).found.steps[1].fates

    assert fates() == {Fate.WAITS_FOR_APPROVAL: 1}
    assert run("-w", folder, "pause", "--trigger", "basket", "--yes") == 0
    assert fates() == {Fate.WAITS_FOR_APPROVAL: 1}
    assert run("-w", folder, "outbox", "approve", "1", "--yes") == 0
    service.version()
    assert fates() == {Fate.HELD: 1}
    service.close()
