"""A trigger that would send far more than anybody expects is held before it has reached everybody, and an
operator lets it go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.dispatch import Dispatched
from core.forecast.preview import PreviewCell, Totals
from core.health import Trouble
from core.instants import DAY, HOUR, MINUTE, Instant
from core.limits.surge import SurgeLimits
from storage import surges
from storage.forecasts.saved_previews import Saving
from tests.console.dispatch.test_dispatch import MAIN, NOON, Shop

TODAY = NOON - 12 * HOUR


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


def bounded(shop: Shop, *lines: str) -> None:
    table = "\n".join(("[surge]", *lines, ""))
    shop.files["manometer.toml"] = MAIN.replace("EMAIL_SETTINGS", "") + table


def foresee(shop: Shop, number: int, name: str = "plan", **about: Any) -> None:
    """A kept preview of a week with so many sends of the basket on 5 March."""
    (shop.folder / "previews").mkdir(exist_ok=True)
    cells = Counter({PreviewCell("2024-03-05", "basket", "email", "send", None): number})
    asked = {"now": TODAY - DAY, "first": TODAY, "last": TODAY + 7 * DAY, "trigger": None, "version": 0}
    with Saving(shop.folder / "previews", name, force=True) as saving:
        saving.finish(asked | {"changes": []} | about, Totals(cells=cells))


def held(shop: Shop) -> dict[str, Trouble]:
    with shop.store.reading() as connection:
        return surges.surges(connection)


def fill(shop: Shop, number: int, first: int = 1, **values: Any) -> None:
    for each in range(first, first + number):
        shop.add(each, **values)


def release(shop: Shop, at: Instant) -> int:
    with shop.store.writing() as connection:
        return surges.release(connection, "basket", at)


def test_more_than_a_number_an_hour_is_held_and_other_triggers_go_on(shop: Shop) -> None:
    bounded(shop, "per_hour = 5")
    fill(shop, 6)
    fill(shop, 5, first=7, trigger="receipt", purpose="transactional")
    assert shop.dispatch() == Dispatched(sent=5, held=6)
    assert shop.state(1) == ("held", "SURGE")
    assert held(shop) == {"basket": Trouble("6 held: more than 5 within an hour", NOON)}


@pytest.mark.parametrize(("gap", "sent"), [(30 * MINUTE, 0), (HOUR, 3)])
def test_what_went_within_the_hour_counts(shop: Shop, gap: int, sent: int) -> None:
    bounded(shop, "per_hour_of = { basket = 5 }")
    fill(shop, 3)
    assert shop.dispatch().sent == 3
    fill(shop, 3, first=4, planned_at=NOON + gap)
    assert shop.dispatch(NOON + gap).sent == sent


def test_what_comes_after_it_is_held_too_until_somebody_lets_all_go(shop: Shop) -> None:
    bounded(shop, "per_hour = 5")
    fill(shop, 6)
    shop.dispatch()
    fill(shop, 1, first=7, planned_at=NOON + MINUTE)
    assert shop.dispatch(NOON + 2 * HOUR) == Dispatched(held=1)
    assert held(shop)["basket"].since == NOON
    assert release(shop, NOON + 2 * HOUR) == 7
    fill(shop, 5, first=8, planned_at=NOON + 2 * HOUR + 1)
    assert shop.dispatch(NOON + 2 * HOUR + MINUTE) == Dispatched(sent=12)
    assert held(shop) == {}
    fill(shop, 1, first=13, planned_at=NOON + 2 * HOUR + 2)
    assert shop.dispatch(NOON + 2 * HOUR + 2 * MINUTE) == Dispatched(held=1)


def test_more_than_so_many_times_its_forecast_is_held(shop: Shop) -> None:
    bounded(shop, "times = 2", "least = 3")
    foresee(shop, 4)
    fill(shop, 8)
    assert shop.dispatch().sent == 8
    fill(shop, 1, first=9)
    assert shop.dispatch() == Dispatched(held=1)
    (trouble,) = held(shop).values()
    assert trouble.reason == "1 held: more than 8 on a day for which the preview plan foresaw 4"


def test_a_trigger_that_was_not_foreseen_at_all_has_the_least(shop: Shop) -> None:
    bounded(shop, "least = 3")
    foresee(shop, 0)
    fill(shop, 4)
    assert shop.dispatch() == Dispatched(held=4)


@pytest.mark.parametrize(
    "about",
    [
        {"version": 7},
        {"changes": ["a rule"]},
        {"trigger": "receipt"},
        {"first": NOON},
        {"last": NOON},
    ],
)
def test_a_preview_of_something_else_is_no_forecast(shop: Shop, about: dict[str, Any]) -> None:
    bounded(shop, "least = 3")
    foresee(shop, 0, **about)
    fill(shop, 4)
    assert shop.dispatch().sent == 4


def test_the_newest_forecast_holds_and_a_damaged_one_is_none(shop: Shop) -> None:
    bounded(shop, "times = 1", "least = 0")
    foresee(shop, 1, "older", now=TODAY - 2 * DAY)
    foresee(shop, 4)
    (shop.folder / "previews" / "broken.preview").write_text("no database")
    fill(shop, 4)
    assert shop.dispatch().sent == 4


def test_the_numbers_of_a_trigger_come_before_those_of_all() -> None:
    limits = SurgeLimits(times=2.5, least=10, per_hour=100, per_hour_of={"news": 5})
    assert (limits.of_hour("news"), limits.of_hour("basket"), SurgeLimits().of_hour("news")) == (5, 100, None)
    assert (limits.of_day(3), limits.of_day(5)) == (10, 12)
