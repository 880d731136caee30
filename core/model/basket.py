"""What lies in a customer's basket: kept up event by event, in any order of arrival.

Two sorts of events tell of it. Some say the whole: an order online leaves nothing, a view of the basket and
a checkout name what it holds. The others change it by one product. What counts is the latest event that says
the whole, and the changes after it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from core.instants import Instant
from core.model.events import ORDER_COMPLETED

ADDING: Final = frozenset({"Product Added", "Wishlist Product Added to Cart"})
REMOVING: Final = "Product Removed"
VIEWED: Final = "Cart Viewed"
SAYING_ALL: Final = frozenset({VIEWED, "Checkout Started"})
BASKET_EVENTS: Final = ADDING | SAYING_ALL | {REMOVING, ORDER_COMPLETED}
"""The names of the events that tell of a basket."""

MOST_CHANGES: Final = 200
"""So many changes are kept, the newest."""
_ALL_OF_IT: Final = 0
"""The number of pieces by which a product changes that is taken out whole."""

Change = tuple[Instant, str, float]
"""When it was, which product, and by how many pieces."""


@dataclass(slots=True)
class Basket:
    """The products in a basket with their pieces. The order in which events are taken in changes nothing."""

    whole_at: Instant | None = None
    whole: Mapping[str, float] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    unnamed_at: Instant | None = None
    """When the latest event was that names no product."""

    def copy(self) -> Basket:
        """An independent basket with the same contents."""
        return Basket(self.whole_at, self.whole, self.changes.copy(), self.unnamed_at)

    def take(self, name: str, at: Instant, channel: str | None, properties: Mapping[str, Any]) -> None:
        """Take in an event of one of the `BASKET_EVENTS`."""
        if name == ORDER_COMPLETED:
            self._take_order(at, channel, properties)
        elif name in SAYING_ALL:
            self._take_whole(name, at, properties)
        else:
            self._take_change(name, at, properties)

    def products(self) -> dict[str, float]:
        """The products in it, by id, with their pieces."""
        held = dict(self.whole)
        for _, product, pieces in self.changes:
            left = held.get(product, 0) + pieces
            if pieces != _ALL_OF_IT and left > 0:
                held[product] = left
            else:
                held.pop(product, None)
        return held

    def count(self) -> int | None:
        """How many products are in it; None where nothing is known, or the latest event names no product."""
        held = len(self.products())
        last = max(self.whole_at or 0, self.changes[-1][0] if self.changes else 0)
        is_told = self.whole_at is not None or self.changes
        if held == 0 and (not is_told or (self.unnamed_at is not None and self.unnamed_at > last)):
            return None
        return held

    def merge(self, other: Basket) -> None:
        """Take in another customer's basket, as if its events had always been of this one."""
        if other.whole_at is not None:
            self._say_whole(other.whole_at, other.whole)
        for at, product, pieces in other.changes:
            self._change(at, product, pieces)
        if other.unnamed_at is not None:
            self._note_unnamed(other.unnamed_at)

    # ---- one event ----

    def _take_order(self, at: Instant, channel: str | None, properties: Mapping[str, Any]) -> None:
        """An order online empties the basket, one in a store takes out what was bought."""
        if channel != "store":
            self._say_whole(at, {})
            return
        for product, _ in pieces_of(properties):
            self._change(at, product, _ALL_OF_IT)

    def _take_whole(self, name: str, at: Instant, properties: Mapping[str, Any]) -> None:
        held: dict[str, float] = {}
        for product, pieces in pieces_of(properties):
            held[product] = held.get(product, 0) + (1 if pieces is None else pieces)
        if held or (name == VIEWED and properties.get("products") == []):
            self._say_whole(at, held)
        else:
            self._note_unnamed(at)

    def _take_change(self, name: str, at: Instant, properties: Mapping[str, Any]) -> None:
        is_named = False
        for product, pieces in pieces_of(properties):
            is_named = True
            if name in ADDING:
                self._change(at, product, 1 if pieces is None else pieces)
            else:
                self._change(at, product, _ALL_OF_IT if pieces is None else -pieces)
        if not is_named:
            self._note_unnamed(at)

    def _say_whole(self, at: Instant, held: Mapping[str, float]) -> None:
        """The latest stands; of two of one instant the empty one, else the one whose products are greater."""
        before = self.whole_at
        if before is not None and (at, not held, sorted(held.items())) <= (
            before,
            not self.whole,
            sorted(self.whole.items()),
        ):
            return
        self.whole_at, self.whole = at, held
        self.changes = [change for change in self.changes if change[0] > at]

    def _change(self, at: Instant, product: str, pieces: float) -> None:
        if self.whole_at is None or at > self.whole_at:
            # of one instant and product, what comes in stands before what goes out
            insort(self.changes, (at, product, pieces), key=lambda each: (each[0], each[1], -each[2]))
            del self.changes[:-MOST_CHANGES]

    def _note_unnamed(self, at: Instant) -> None:
        if self.unnamed_at is None or at > self.unnamed_at:
            self.unnamed_at = at


def pieces_of(properties: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """The ids of the products an event tells of, each with its pieces; None where they are not said."""
    listed = properties.get("products")
    for given in listed if isinstance(listed, list) else [properties]:
        product = product_id(given) if isinstance(given, dict) else None
        if product is not None:
            yield product, _pieces(given.get("quantity"))


def product_id(given: Mapping[str, Any]) -> str | None:
    """By what a product is known; one without `product_id` and `sku` is none."""
    identifier = given.get("product_id") or given.get("sku")
    return str(identifier) if isinstance(identifier, (str, int)) else None


def _pieces(quantity: object) -> float | None:
    """A number of pieces above 0, as a number or a text."""
    try:
        pieces = float(quantity) if isinstance(quantity, (str, int, float)) else 0.0
    except (ValueError, OverflowError):
        return None
    return pieces if isfinite(pieces) and pieces > 0 and not isinstance(quantity, bool) else None
