"""Orders as shops really send them, twice, out of order and by several ways: each counts once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.store import Store
from tests.storage.intake.test_undo import Call, bring, does, guest, says, state


def order(act: str, hour: int, **said: Any) -> Call:
    return does("ann", f"Order {act}", hour, **({"order_id": "1"} | said))


FILES: dict[str, tuple[list[list[Call]], tuple[int, int, int]]] = {
    "a refund before its order": (
        [[order("Refunded", 2, revenue=20)], [order("Completed", 1, revenue=50)]], (1, 3000, 2000)
    ),
    "a refund told twice": (
        [[order("Completed", 1, revenue=50)], [order("Refunded", 2, revenue=20, refund_id="r")],
         [order("Refunded", 3, revenue=20, refund_id="r")]], (1, 3000, 2000)
    ),
    "refunds beyond the order": (
        [[order("Completed", 1, revenue=50), order("Refunded", 2, revenue=40),
          order("Refunded", 3, revenue=40)]], (1, 0, 5000)
    ),
    "cancelled before it was completed": (
        [[order("Cancelled", 2)], [order("Completed", 1, revenue=50)]], (0, 0, 0)
    ),
    "one number as text and number": (
        [[order("Completed", 1, order_id=number, revenue=50) for number in (1, "1", 1.0, " 1 ")]],
        (1, 5000, 0),
    ),
    "updates out of order": (
        [[order("Updated", 3, revenue=70)], [order("Updated", 2, revenue=60)],
         [order("Completed", 1, revenue=50)]], (1, 7000, 0)
    ),
    "a guest who turns out to be known": (
        [[guest("a@x.ch", "Order Completed", 1, order_id="1", revenue=50)],
         [order("Completed", 1, revenue=50)], [says("ann", 2, email="a@x.ch")]], (1, 5000, 0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_an_order_counts_once_however_it_is_sent(tmp_path: Path, name: str) -> None:
    files, sums = FILES[name]
    with Store.create(tmp_path / "shop.db") as store:
        for day, calls in enumerate(files):
            bring(store, calls, day)
        (found,) = state(store)["people"].values()
        assert found[2:5] == sums
