"""What lies in a basket, whatever the order in which it is told."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from core.model.basket import MOST_CHANGES, Basket
from core.model.events import Event
from tests.core.builders import event, order


def basket(*events: Event) -> Basket:
    told = Basket()
    for each in events:
        told.take(each.name, each.occurred_at, each.channel, each.properties)
    return told


def added(when: str, product: str | None = "a", **more: Any) -> Event:
    return event("Product Added", when, **({} if product is None else {"product_id": product}), **more)


def removed(when: str, product: str = "a", **more: Any) -> Event:
    return event("Product Removed", when, product_id=product, **more)


def viewed(when: str, *products: str) -> Event:
    return event("Cart Viewed", when, products=[{"sku": each} for each in products])


@pytest.mark.parametrize(
    ("life", "count"),
    [
        ([], None),
        ([added("Mon 10:00"), added("Mon 10:01", "b"), added("Mon 10:02")], 2),
        ([added("Mon 10:00"), removed("Mon 10:01")], 0),
        ([removed("Mon 10:01")], 0),
        ([added("Mon 10:00", quantity=3), removed("Mon 10:01", quantity="2")], 1),
        ([added("Mon 10:00", quantity=3), removed("Mon 10:01", quantity=3)], 0),
        ([added("Mon 10:00", quantity=3), removed("Mon 10:01")], 0),
        ([added("Mon 10:00"), removed("Mon 10:00")], 0),  # a source that stamps minutes
        ([added("Mon 10:00"), viewed("Mon 10:01", "b", "c")], 2),
        ([added("Mon 10:00"), viewed("Mon 10:01")], 0),
        ([added("Mon 10:00"), order("Mon 10:01", channel="web")], 0),
        ([added("Mon 10:00"), order("Mon 10:01", channel="store")], 1),
        ([added("Mon 10:00"), order("Mon 10:01", channel="store", products=[{"product_id": "a"}])], 0),
        ([order("Mon 10:00"), added("Mon 10:01", None)], None),
        ([order("Mon 10:00"), event("Checkout Started", "Mon 10:01", value=50)], None),
        ([event("Checkout Started", "Mon 10:01", value=50), order("Mon 10:02")], 0),
        ([added("Mon 10:00"), added("Mon 10:01", None)], 1),
    ],
)
def test_it_holds_what_was_put_in_and_not_taken_out(life: list[Event], count: int | None) -> None:
    assert basket(*life).count() == count


def test_no_order_of_arrival_changes_it() -> None:
    lot = Random(7)
    for _ in range(300):
        hours = [f"Mon {lot.randrange(8, 13):02d}:00" for _ in range(7)]
        life = [
            lot.choice([added, removed])(when, lot.choice("ab"), quantity=lot.choice([1, 2, None]))
            for when in hours[:5]
        ]
        bought = order(hours[6], channel=lot.choice(["web", "store"]), products=[{"sku": "b"}])
        life += [viewed(hours[5], *lot.sample("abc", 2)), bought]
        first = basket(*life)
        lot.shuffle(life)
        parts = basket(*life[:3])
        parts.merge(basket(*life[3:]))
        for other in (basket(*life), parts):
            assert (other.products(), other.count(), other.changes) == (
                first.products(), first.count(), first.changes,
            )  # fmt: skip


def test_only_the_newest_changes_are_kept() -> None:
    told = basket(*(added(1_000 + number, str(number)) for number in range(MOST_CHANGES + 5)))  # type: ignore[arg-type]
    assert (told.count(), "0" in told.products()) == (MOST_CHANGES, False)
