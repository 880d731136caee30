"""Products of a customer's life, and what sells beside them."""

from __future__ import annotations

from typing import Any

from core.model.events import Event
from core.products import MOST, Sales, Shopping, shopping
from tests.core.builders import event


def about(name: str, when: str, product: str, **more: Any) -> Event:
    return event(name, when, product_id=product, **more)


def ordered(when: str, *products: str, **more: Any) -> Event:
    return event("Order Completed", when, products=[{"product_id": each} for each in products], **more)


def ids(products: Any) -> list[str]:
    return [each["id"] for each in products]


def lists(*events: Event) -> dict[str, list[str]]:
    found = shopping(events)
    return {
        name: ids(getattr(found, name))
        for name in ("viewed", "basket", "wish_list", "bought")
        if getattr(found, name)
    }


def test_the_newest_stands_first_and_none_twice() -> None:
    seen = [
        about("Product Viewed", "Mon 10:00", "a"),
        about("Product Viewed", "Mon 11:00", "b"),
        about("Product Viewed", "Mon 12:00", "a"),
    ]
    assert lists(*seen) == {"viewed": ["a", "b"]}


def test_what_was_bought_leaves_the_other_lists() -> None:
    life = [
        about("Product Viewed", "Mon 10:00", "a"), about("Product Added to Wishlist", "Mon 10:01", "a"),
        about("Product Added to Wishlist", "Mon 10:02", "b"), ordered("Tue 10:00", "a"),
    ]  # fmt: skip
    assert lists(*life) == {"wish_list": ["b"], "bought": ["a"]}


def test_a_wish_has_the_price_it_was_told_to_have_fallen_to_and_nothing_else_becomes_one() -> None:
    wish = event(
        "Product Added to Wishlist", "Mon 10:00", products=[{"product_id": "a", "name": "Coat", "price": 429}]
    )
    fell = [about("Wishlist Price Dropped", "Tue 10:00", each, price=299) for each in ("a", "b")]
    (only,) = shopping([wish, *fell]).wish_list
    assert (only["id"], only["name"], only["price"], only["at"]) == ("a", "Coat", 299, wish.occurred_at)


def test_an_order_online_empties_the_basket_and_one_in_a_store_takes_out_what_was_bought() -> None:
    filled = [about("Product Added", "Mon 10:00", "a"), about("Product Added", "Mon 10:01", "b")]
    assert "basket" not in lists(*filled, ordered("Tue 10:00", "c"))
    assert lists(*filled, ordered("Tue 10:00", "a", channel="store"))["basket"] == ["b"]


def test_a_checkout_tells_the_whole_basket() -> None:
    told = event("Checkout Started", "Mon 11:00", products=[{"sku": "x"}, {"product_id": 7}])
    assert lists(about("Product Added", "Mon 10:00", "a"), told) == {"basket": ["7", "x"]}


def test_what_went_back_was_not_bought_yet_is_known() -> None:
    bought = [ordered("Mon 10:00", "a", "b", order_id="1"), ordered("Tue 10:00", "c", order_id="2")]
    back = shopping(
        [*bought, event("Order Returned", "Wed 10:00", order_id="1", products=[{"product_id": "a"}])]
    )
    assert (ids(back.bought), back.known) == (["c", "b"], frozenset("abc"))
    assert ids(shopping([*bought, event("Order Refunded", "Wed 10:00", order_id="1")]).bought) == ["c"]


def test_products_without_an_id_and_addresses_that_are_no_pages_are_left_out() -> None:
    odd = [
        event("Product Viewed", "Mon 10:00", price=3),
        about("Product Viewed", "Mon 11:00", "a", url="javascript:x", price=-9, brand="A"),
    ]
    (only,) = shopping(odd).viewed
    assert (only["id"], only["brand"], only.keys() & {"url", "price"}) == ("a", "A", set())


def test_a_list_is_bounded() -> None:
    assert (
        len(shopping([about("Product Viewed", "Mon 10:00", str(number)) for number in range(50)]).viewed)
        == MOST
    )


def test_no_events_are_empty_lists() -> None:
    assert shopping([]) == Shopping()


BOOKS: dict[str, dict[str, Any]] = {
    "a": {"id": "a", "category": "books", "price": 10}, "b": {"id": "b", "category": "books", "price": 30},
    "c": {"id": "c", "category": "books", "price": 5}, "t": {"id": "t", "category": "toys", "price": 20},
    "x": {"id": "x"},
}  # fmt: skip


def sold(*orders: str) -> Sales:
    return Sales([BOOKS[each] for each in order] for order in orders)


def test_similar_are_the_best_sellers_of_the_category_without_what_she_knows() -> None:
    sales = sold("b", "b", "c", "a", "t", "t", "t")
    assert ids(sales.similar([BOOKS["a"]], frozenset())) == ["b", "c"]
    assert ids(sales.similar([BOOKS["a"]], frozenset("b"))) == ["c"]


def test_without_a_category_similar_are_the_best_sellers_of_all() -> None:
    assert ids(sold("t", "t", "a").similar([BOOKS["x"]], frozenset())) == ["t", "a"]


def test_upgrades_cost_more_than_what_she_paid_in_the_category() -> None:
    assert ids(sold("b", "c", "t").upgrades([BOOKS["a"]], frozenset("a"))) == ["b"]


def test_what_goes_with_it_is_bought_together_more_than_once_and_no_mere_best_seller() -> None:
    sales = sold("at", "at", "at", "ab", *["ax"] * 3, *["x"] * 60)
    assert ids(sales.goes_with([BOOKS["a"]], frozenset("a"))) == ["t", "x"]
