"""What a customer has looked at, wants and has bought, as lists of products; and what others bought with it,
or instead of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import sqrt
from typing import Any, Final

from core.instants import DAY, Millis
from core.model.basket import BASKET_EVENTS, Basket, product_id
from core.model.events import LONG_AFTER, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, Event

Product = Mapping[str, Any]
"""`id`, and as far as the source tells them `name price url image_url category brand`; of a customer's own
also `at`, an instant.
"""

MOST: Final = 20
"""Products in one list."""
LISTS: Final = ("viewed", "basket", "wish_list", "bought", "similar", "upgrades", "goes_with")
"""The lists by the names under which templates know them."""
SHOPPING: Final = frozenset(
    {
        "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
        "Product Added to Wishlist",
        "Product Removed from Wishlist", "Wishlist Price Dropped", "Wishlist Product Added to "
                                                                   "Cart", ORDER_COMPLETED,
        ORDER_RETURNED, ORDER_REFUNDED,
    }
)  # fmt: skip
"""The events that `shopping` reads."""
LATEST: Final = 500
"""So many of a customer's events are looked at, the newest."""
SALES_SPAN: Final[Millis] = 90 * DAY
SALES_MOST: Final = 3_000
"""What sells is judged by the orders of this span, at most so many, the newest."""

_TOLD: Final = ("name", "category", "brand")
_PLACES: Final = ("url", "image_url")
_LEAST_TOGETHER: Final = 2
_LATEST_BOUGHT: Final = 5  # products of hers, and
_ORDERS_OF_ONE: Final = 100  # orders with each of them, that tell what goes together
_DOUBT: Final = 5  # orders: a pair seen in few of them counts for less
_LONGEST_BASKET: Final = 20
_DEAREST: Final = 10**12


@dataclass(frozen=True, slots=True)
class Shopping:
    """A customer's products, newest first, none twice, at most `MOST` a list; `known` are the ids of all she
    ever had at home.
    """

    viewed: Sequence[Product] = ()
    basket: Sequence[Product] = ()
    wish_list: Sequence[Product] = ()
    bought: Sequence[Product] = ()
    known: frozenset[str] = frozenset()


# ---- one customer ----


def shopping(events: Iterable[Event]) -> Shopping:
    """The lists after these events, which come in order of time; what was bought leaves the others, what went
    back is not bought.
    """
    shelves = _Shelves()
    for event in events:
        shelves.take(event)
    return Shopping(
        _newest(shelves.viewed),
        _newest(shelves.in_basket()),
        _newest(shelves.wished),
        _newest(shelves.bought),
        frozenset(shelves.known),
    )


class _Shelves:
    """The lists while events are taken in; the newest stands last."""

    def __init__(self) -> None:
        self.viewed: dict[str, Product] = {}
        self.basket: dict[str, Product] = {}  # whatever was ever put there; `held` says what still is
        self.held = Basket()
        self.wished: dict[str, Product] = {}
        self.bought: dict[str, Product] = {}
        self.known: set[str] = set()
        self.order_of: dict[str, str] = {}

    def take(self, event: Event) -> None:
        if event.name in BASKET_EVENTS and event.standing != LONG_AFTER:
            self.held.take(event.name, event.occurred_at, event.channel, event.properties)
        if event.name == ORDER_COMPLETED:
            self._buy(event)
        elif event.name in (ORDER_RETURNED, ORDER_REFUNDED):
            self._give_back(event)
        elif event.name in ("Cart Viewed", "Checkout Started"):
            for item in products_of(event):
                _put(self.basket, item)
        else:
            for item in products_of(event):
                self._move(event.name, item)

    def in_basket(self) -> dict[str, Product]:
        held = self.held.products()
        return {identifier: item for identifier, item in self.basket.items() if identifier in held}

    def _move(self, name: str, item: Product) -> None:
        if name in ("Product Added", "Wishlist Product Added to Cart"):
            _put(self.basket, item)
        elif name == "Product Added to Wishlist":
            _put(self.wished, item)
        elif name == "Product Removed from Wishlist":
            self.wished.pop(item["id"], None)
        elif name == "Wishlist Price Dropped" and item["id"] in self.wished:
            wish = self.wished[item["id"]]
            self.wished[item["id"]] = {**wish, **item, "at": wish["at"]}
        elif name == "Product Viewed":
            _put(self.viewed, item)

    def _buy(self, event: Event) -> None:
        for item in products_of(event):
            _put(self.bought, item)
            self.known.add(item["id"])
            self.order_of[item["id"]] = str(event.properties.get("order_id", ""))
            for shelf in (self.viewed, self.wished):
                shelf.pop(item["id"], None)

    def _give_back(self, event: Event) -> None:
        """The products it names; where it names none, all of its order."""
        order = str(event.properties.get("order_id", "?"))
        named = [item["id"] for item in products_of(event)]
        for identifier in named or [item for item, of in self.order_of.items() if of == order]:
            self.bought.pop(identifier, None)


def _put(shelf: dict[str, Product], item: Product) -> None:
    shelf.pop(item["id"], None)
    shelf[item["id"]] = item


def _newest(shelf: Mapping[str, Product]) -> tuple[Product, ...]:
    return tuple(list(shelf.values())[: -MOST - 1 : -1])


def products_of(event: Event) -> Iterator[Product]:
    """The products an event tells of: those of its `products`, else the one it is itself about."""
    for item in told(event.properties):
        yield {**item, "at": event.occurred_at}


def told(properties: Mapping[str, Any]) -> Iterator[Product]:
    """The products in an event's properties; one without `product_id` and `sku` is none."""
    listed = properties.get("products")
    for given in listed if isinstance(listed, list) else [properties]:
        found = _product(given) if isinstance(given, dict) else None
        if found is not None:
            yield found


def _product(given: Mapping[str, Any]) -> Product | None:
    identifier = product_id(given)
    if identifier is None:
        return None
    item: dict[str, Any] = {"id": identifier}
    item |= {name: value for name in _TOLD if isinstance(value := given.get(name), str) and value}
    item |= {
        name: value
        for name in _PLACES
        if isinstance(value := given.get(name), str) and value.startswith(("https://", "http://"))
    }
    if (price := _number(given.get("price"))) is not None:
        item["price"] = price
    return item


def _number(value: object) -> int | float | None:
    """A price as a source writes it, as a number or a text."""
    try:
        price = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return (
        price
        if isinstance(price, (int, float)) and not isinstance(price, bool) and 0 <= price < _DEAREST
        else None
    )


# ---- what sells ----


class Sales:
    """What sold of late, from the products of each order, the newest order first."""

    def __init__(self, orders: Iterable[Iterable[Product]]) -> None:
        self._products: dict[str, Product] = {}
        self._sold: Counter[str] = Counter()
        self._orders: list[tuple[str, ...]] = []
        self._orders_with: dict[str, list[int]] = defaultdict(list)
        for order in orders:
            self._note(order)
        ranked = sorted(self._sold, key=lambda each: (-self._sold[each], each))
        self._ranked: dict[str | None, list[str]] = {None: ranked}
        for identifier in ranked:
            if (category := self._products[identifier].get("category")) is not None:
                self._ranked.setdefault(category, []).append(identifier)

    def _note(self, order: Iterable[Product]) -> None:
        items = {item["id"]: item for item in islice(order, _LONGEST_BASKET)}
        place = len(self._orders)
        names = tuple(
            self._products.setdefault(identifier, item)["id"] for identifier, item in items.items()
        )  # each text kept once
        for name in names:
            self._orders_with[name].append(place)
        self._sold.update(names)
        self._orders.append(names)

    def similar(self, to: Sequence[Product], without: Collection[str]) -> list[Product]:
        """Best sellers of the first product's category, then of the others'; of the whole shop where none has
        a category.
        """
        unwanted = {*without, *(item["id"] for item in to)}
        categories: list[str | None] = list(
            dict.fromkeys(item["category"] for item in to if "category" in item)
        )
        ranked = (each for category in categories or [None] for each in self._ranked.get(category, ()))
        return self._listed(each for each in ranked if each not in unwanted)

    def upgrades(self, bought: Sequence[Product], without: Collection[str]) -> list[Product]:
        """Best sellers of the same categories that cost more than what she bought there."""
        paid: dict[str, float] = {}
        for item in bought:
            if "category" in item and "price" in item:
                paid.setdefault(item["category"], item["price"])
        ranked = (each for category in paid for each in self._ranked.get(category, ()))
        return self._listed(each for each in ranked if each not in without and self._is_dearer(each, paid))

    def _is_dearer(self, identifier: str, paid: Mapping[str, float]) -> bool:
        item = self._products[identifier]
        return bool(item.get("price", 0) > paid[item["category"]])

    def goes_with(self, bought: Sequence[Product], without: Collection[str]) -> list[Product]:
        """What others have most often bought together with the newest of these, common goods and rare chances
        weighed down.
        """
        together = Counter[str]()
        for item in bought[:_LATEST_BOUGHT]:
            for place in self._orders_with.get(item["id"], ())[:_ORDERS_OF_ONE]:
                together.update(each for each in self._orders[place] if each != item["id"])
        found = [each for each, times in together.items() if times >= _LEAST_TOGETHER and each not in without]
        return self._listed(sorted(found, key=lambda each: (-self._bond(each, together[each]), each)))

    def _bond(self, identifier: str, times: int) -> float:
        return times / sqrt(self._sold[identifier]) * times / (times + _DOUBT)

    def _listed(self, identifiers: Iterable[str]) -> list[Product]:
        found: list[Product] = []
        for identifier in dict.fromkeys(identifiers):
            found.append(self._products[identifier])
            if len(found) == MOST:
                break
        return found
