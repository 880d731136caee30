"""An order is one order, whoever tells of it and however often; what went back of it is subtracted once."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.events import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    ORDER_RETURNED,
    ORDER_UPDATED,
)
from core.model.orders import NOTHING, ORDER_ACTS, OrderSums, Telling, order_state, order_sums

SHOE = {"product_id": "shoe", "quantity": 1, "price": 60}
SOCK = {"product_id": "sock", "quantity": 2, "price": "10.00"}


def bought(amount: int | None = 8000, at: int = 10, *products: dict[str, object]) -> Telling:
    return Telling(ORDER_COMPLETED, at, amount, products or None)


def told(
    act: str, amount: int | None = None, *products: dict[str, object], at: int = 20, mark: str | None = None
) -> Telling:
    return Telling(act, at, amount, products or None, mark=mark)


CASES = [
    ("told three times", [bought(), bought(at=11), bought(at=12)], OrderSums(10, 8000, 0, 0, 0)),
    ("a free order", [bought(0)], OrderSums(10, 0, 0, 0, 0)),
    ("corrected upwards", [bought(), told(ORDER_UPDATED, 9000)], OrderSums(10, 9000, 0, 0, 0)),
    ("corrected in its "
     "products", [bought(8000, 10, SHOE), told(ORDER_UPDATED, None, SHOE, SOCK)],
     OrderSums(10, 8000, 0, 0, 3)),
    ("an update alone", [told(ORDER_UPDATED, 9000)], NOTHING),
    ("an update before it was "
     "told", [bought(), told(ORDER_UPDATED, 9000, at=5)], OrderSums(10, 8000, 0, 0, 0)),
    ("cancelled", [bought(), told(ORDER_CANCELLED)], NOTHING),
    ("cancelled, then told again", [bought(), told(ORDER_CANCELLED), bought(at=30)], NOTHING),
    ("refunded and cancelled", [bought(), told(ORDER_REFUNDED, 8000), told(ORDER_CANCELLED)], NOTHING),
    ("a part refunded", [bought(), told(ORDER_REFUNDED, 3000)], OrderSums(10, 8000, 3000, 1, 0)),
    ("refunded without amount", [bought(), told(ORDER_REFUNDED)], OrderSums(10, 8000, 8000, 1, 0)),
    ("refunded twice its "
     "amount", [bought(), told(ORDER_REFUNDED, 8000), told(ORDER_REFUNDED, 8000, at=21)],
     OrderSums(10, 8000, 8000, 2, 0)),
    ("one refund told "
     "twice", [bought(), told(ORDER_REFUNDED, 3000, mark="r1"), told(ORDER_REFUNDED, 3000, at=21,
         mark="r1")], OrderSums(10, 8000, 3000, 1, 0)),
    ("returned, then "
     "refunded", [bought(), told(ORDER_RETURNED, 3000), told(ORDER_REFUNDED, 3000, at=21)],
     OrderSums(10, 8000, 3000, 1, 0)),
    ("products returned at the order's "
     "price", [bought(8000, 10, SHOE, SOCK), told(ORDER_RETURNED, None, {"product_id": "sock",
         "quantity": 1})],
     OrderSums(10, 8000, 1000, 1, 3)),
    ("one product returned, the other "
     "refunded", [bought(8000, 10, SHOE, SOCK), told(ORDER_RETURNED, None, SHOE), told(ORDER_REFUNDED, None,
         SOCK)], OrderSums(10, 8000, 8000, 1, 3)),
    ("the same product returned and "
     "refunded", [bought(8000, 10, SHOE, SOCK), told(ORDER_RETURNED, None, SHOE), told(ORDER_REFUNDED, None,
         SHOE)], OrderSums(10, 8000, 6000, 1, 3)),
    ("a product returned "
     "twice", [bought(8000, 10, SHOE, SOCK), told(ORDER_RETURNED, None, SHOE), told(ORDER_RETURNED, None,
         SHOE, at=21)], OrderSums(10, 8000, 6000, 2, 3)),
    ("a return of an order nobody told", [told(ORDER_RETURNED, 3000)], OrderSums(None, 0, 3000, 1, 0)),
    ("a return and a refund of an order nobody "
     "told", [told(ORDER_RETURNED, 3000), told(ORDER_REFUNDED, 3500)], OrderSums(None, 0, 3500, 1, 0)),
    ("a refund told before its "
     "order", [bought(8000), told(ORDER_REFUNDED, 9000, at=1)], OrderSums(10, 8000, 8000, 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tellings", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_an_order_comes_to_in_whatever_order_it_is_told(
    tellings: list[Telling], expected: OrderSums
) -> None:
    assert {order_sums(order) for order in permutations(tellings)} == {expected}


@pytest.mark.parametrize(
    ("tellings", "status"),
    [
        ([bought()], "open"),
        ([bought(), told(ORDER_REFUNDED, 10)], "open"),
        ([bought(), told(ORDER_REFUNDED)], "returned"),
        ([bought(0)], "open"),
        ([bought(0), told(ORDER_RETURNED)], "returned"),
        ([told(ORDER_RETURNED, 10)], "returned"),
        ([bought(), told(ORDER_CANCELLED)], "cancelled"),
    ],
)
def test_an_order_is_open_cancelled_or_returned(tellings: list[Telling], status: str) -> None:
    assert order_state(tellings).status == status


PRODUCTS = st.lists(
    st.fixed_dictionaries(
        {"product_id": st.sampled_from("abc"), "quantity": st.integers(1, 3)},
        optional={"price": st.integers(0, 5) | st.just("1.005")},
    ),
    max_size=3,
).map(lambda products: tuple(products) or None)
TELLINGS = st.lists(
    st.builds(
        Telling,
        st.sampled_from(ORDER_ACTS),
        st.integers(0, 5),
        st.none() | st.integers(0, 1000),
        PRODUCTS,
        st.just(Decimal(100)),
        st.none() | st.sampled_from(["r1", "r2"]),
        st.tuples(st.just("shop"), st.binary(min_size=4, max_size=4)),
    ),
    max_size=7,
    unique_by=lambda telling: telling.tie,
)


@given(tellings=TELLINGS, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(tellings: list[Telling], order: object) -> None:
    shuffled = list(tellings)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order_sums(shuffled) == order_sums(tellings)


@given(tellings=TELLINGS)
def test_never_more_goes_back_than_an_order_has(tellings: list[Telling]) -> None:
    state = order_state(tellings)
    assert state.returned >= 0
    assert state.completed_at is None or state.returned <= state.amount
