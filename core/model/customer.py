"""One customer as values: traits, aggregates, addresses, consents. `Profile.fold` takes in one event, in any
order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from core.instants import Instant, find_zone, zone_of_country
from core.model.basket import BASKET_EVENTS, Basket
from core.model.events import NO_ACTIVITY, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, Event

# expression name -> trait name, for the traits every system knows
TRAIT_FIELDS: Final[Mapping[str, str]] = {
    "email": "email",
    "phone": "phone",
    "first_name": "firstName",
    "last_name": "lastName",
    "gender": "gender",
    "locale": "locale",
    "timezone": "timezone",
    "birthday": "birthday",
    "registered_at": "createdAt",
    "city": "address.city",
    "postal_code": "address.postalCode",
}
AGGREGATE_FIELDS: Final = frozenset(
    {
        "orders",
        "revenue",
        "revenue_gross",
        "returned",
        "returns",
        "units",
        "first_order",
        "last_order",
        "last_activity",
        "basket_items",
    }
)
CHANNEL_ACTIVITY: Final[Mapping[str, str]] = {
    "last_activity_store": "store",
    "last_activity_web": "web",
    "last_activity_email": "email",
}


_GOING_BACK: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})


class Profile:
    """Traits and aggregates of one customer, kept up event by event; the order of arrival does not change the
    result.

    Money is minor units of the workspace's currency, instants are milliseconds UTC. `returned` is what went
    back: of one order the larger of returns and refunds, so a refund for a return subtracts once.
    """

    __slots__ = (
        "activity", "basket", "channels", "first_order", "last_activity", "last_order", "orders", "returned",
        "returned_orders",
        "returns", "revenue_gross", "traits", "traits_at", "units",
    )  # fmt: skip

    def __init__(self) -> None:
        self.traits: dict[str, Any] = {}
        self.traits_at: dict[str, Instant] = {}
        self.orders = 0
        self.revenue_gross = 0
        self.returned = 0
        self.returns = 0
        self.units = 0
        self.first_order: Instant | None = None
        self.last_order: Instant | None = None
        self.last_activity: Instant | None = None
        self.activity: dict[str, Instant] = {}  # name -> the latest event of it, reports about messages too
        self.channels: dict[str, Instant] = {}
        self.basket: Basket | None = None  # None: no event has told of it
        # order id -> [returned amount, returns, refunded amount, refunds]
        self.returned_orders: dict[str, list[int]] = {}

    @property
    def revenue(self) -> int:
        """What the customer spent, net of returns, in minor units."""
        return self.revenue_gross - self.returned

    @property
    def basket_items(self) -> int | None:
        """How many products are in the basket; None where that is not known."""
        return None if self.basket is None else self.basket.count()

    def copy(self) -> Profile:
        """An independent profile that can be folded on."""
        twin = Profile()
        twin.traits = self.traits.copy()
        twin.traits_at = self.traits_at.copy()
        twin.orders = self.orders
        twin.revenue_gross = self.revenue_gross
        twin.returned = self.returned
        twin.returns = self.returns
        twin.units = self.units
        twin.first_order = self.first_order
        twin.last_order = self.last_order
        twin.last_activity = self.last_activity
        twin.activity = self.activity.copy()
        twin.channels = self.channels.copy()
        twin.basket = None if self.basket is None else self.basket.copy()
        twin.returned_orders = {order: list(sums) for order, sums in self.returned_orders.items()}
        return twin

    def fold(self, event: Event) -> None:
        """Take in one event."""
        self.take(event.kind, event.name, event.occurred_at, event.channel, event.amount, event.properties)

    def take(
        self,
        kind: str,
        name: str,
        at: Instant,
        channel: str | None,
        amount: int | None,
        properties: Mapping[str, Any],
    ) -> None:
        """Take in what an event says, where the event itself is not at hand: intake has millions of them and
        makes none.
        """
        if kind == "identify":
            for trait, value in properties.items():
                self._take_trait(trait, value, at)
        elif kind != "alias":
            before = self.activity.get(name)
            if before is None or at > before:
                self.activity[name] = at
            if name in BASKET_EVENTS:
                self.basket = self.basket or Basket()
                self.basket.take(name, at, channel, properties)
            if name not in NO_ACTIVITY:
                self._take_act(name, at, channel, amount, properties)

    def _take_trait(self, name: str, value: Any, at: Instant) -> None:
        """The latest value stands; of two of one instant the one whose JSON is greater, whichever came
        first.
        """
        before = self.traits_at.get(name)
        if (
            before is None
            or at > before
            or (at == before and _canonical(value) > _canonical(self.traits[name]))
        ):
            self.traits[name] = value
            self.traits_at[name] = at

    def _take_act(
        self, name: str, at: Instant, channel: str | None, amount: int | None, properties: Mapping[str, Any]
    ) -> None:
        if self.last_activity is None or at > self.last_activity:
            self.last_activity = at
        if channel is not None and at > self.channels.get(channel, at - 1):
            self.channels[channel] = at
        if name == ORDER_COMPLETED:
            self._take_order(at, amount or 0, properties)
        elif name in _GOING_BACK:
            self._take_return(name, amount or 0, properties)

    def _take_order(self, at: Instant, amount: int, properties: Mapping[str, Any]) -> None:
        self.orders += 1
        self.revenue_gross += amount
        self.units += units(properties)
        if self.first_order is None or at < self.first_order:
            self.first_order = at
        if self.last_order is None or at > self.last_order:
            self.last_order = at

    def _take_return(self, name: str, amount: int, properties: Mapping[str, Any]) -> None:
        order = properties.get("order_id")
        if order is None:
            self.returned += amount
            self.returns += 1
            return
        sums = self.returned_orders.setdefault(str(order), [0, 0, 0, 0])
        self.returned -= max(sums[0], sums[2])
        self.returns -= max(sums[1], sums[3])
        side = 0 if name == ORDER_RETURNED else 2
        sums[side] += amount
        sums[side + 1] += 1
        self.returned += max(sums[0], sums[2])
        self.returns += max(sums[1], sums[3])

    def merge(self, other: Profile) -> None:
        """Take in another customer's profile, as if the other's events had always been this one's."""
        for name, at in other.traits_at.items():
            self._take_trait(name, other.traits[name], at)
        self.orders += other.orders
        self.revenue_gross += other.revenue_gross
        self.units += other.units
        self._merge_returns(other)
        self.first_order = _least(self.first_order, other.first_order)
        self.last_order = _greatest(self.last_order, other.last_order)
        self.last_activity = _greatest(self.last_activity, other.last_activity)
        for mine, theirs in ((self.activity, other.activity), (self.channels, other.channels)):
            for name, at in theirs.items():
                mine[name] = max(at, mine.get(name, at))
        if other.basket is not None:
            self.basket = self.basket or Basket()
            self.basket.merge(other.basket)

    def _merge_returns(self, other: Profile) -> None:
        self.returned += other.returned
        self.returns += other.returns
        for order, theirs in other.returned_orders.items():
            mine = self.returned_orders.setdefault(order, [0, 0, 0, 0])
            both = [a + b for a, b in zip(mine, theirs)]
            self.returned += max(both[0], both[2]) - max(mine[0], mine[2]) - max(theirs[0], theirs[2])
            self.returns += max(both[1], both[3]) - max(mine[1], mine[3]) - max(theirs[1], theirs[3])
            self.returned_orders[order] = both

    @property
    def country(self) -> str | None:
        """The country as the sources write it: of the address, else a trait of its own."""
        return self.traits.get("address.country") or self.traits.get("country")

    def zone(self, fallback: ZoneInfo) -> ZoneInfo:
        """The customer's own time zone, else the country's where it has exactly one, else the workspace's."""
        own = self.traits.get("timezone")
        if own is not None and (zone := find_zone(own)) is not None:
            return zone
        country = self.country
        if country is not None and (zone := zone_of_country(country)) is not None:
            return zone
        return fallback

    def field(self, name: str) -> Any:
        """A field of the condition language; None where it is missing."""
        trait = TRAIT_FIELDS.get(name)
        if trait is not None:
            return self.traits.get(trait)
        if name in AGGREGATE_FIELDS:
            return getattr(self, name)
        if name == "country":
            return self.country
        channel = CHANNEL_ACTIVITY.get(name)
        return self.channels.get(channel) if channel is not None else None


def units(properties: Mapping[str, Any]) -> int:
    """How many pieces the products of an order are; a product without a quantity is one."""
    products = properties.get("products")
    if not isinstance(products, list):
        return 0
    total = 0
    for product in products:
        quantity = product.get("quantity", 1) if isinstance(product, dict) else 0
        total += int(quantity) if isinstance(quantity, (int, float)) else 0
    return total


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def _least(a: Instant | None, b: Instant | None) -> Instant | None:
    return b if a is None else a if b is None else min(a, b)


def _greatest(a: Instant | None, b: Instant | None) -> Instant | None:
    return b if a is None else a if b is None else max(a, b)


class Consent(NamedTuple):
    """One entry of the append-only ledger: what the customer said about one channel and purpose, for one
    address or for all.
    """

    channel: str
    purpose: str  # "*" for every purpose that needs a consent
    state: Literal["granted", "withdrawn", "objected"]
    occurred_at: Instant
    arrived_at: Instant
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be used on a medium any more: it bounced, or its owner complained."""

    medium: str
    address: str
    reason: str
    arrived_at: Instant


MEDIA: Final = ("email", "sms", "webpush", "whatsapp", "print", "webhook")


def full_name(first: str | None, last: str | None) -> str:
    """First and last name, as far as there are any."""
    return " ".join(part for part in (first, last) if part)


def address_of(profile: Profile, medium: str) -> str | None:
    """The address a medium uses: mail address, phone number, push endpoint, a postal address on one line;
    None if unusable.
    """
    traits = profile.traits
    if medium == "email":
        return traits.get("email")
    if medium in ("sms", "whatsapp"):
        return traits.get("phone")
    if medium == "webpush":
        subscription = traits.get("webpush")
        return subscription.get("endpoint") if isinstance(subscription, dict) else None
    if medium == "print":
        return _postal_address(profile)
    return f"{medium}:" if medium == "webhook" else None


def _postal_address(profile: Profile) -> str | None:
    traits = profile.traits
    street, code, city = (traits.get(f"address.{part}") for part in ("street", "postalCode", "city"))
    if not (street and code and city):
        return None
    name = " ".join(str(part) for part in (traits.get("firstName"), traits.get("lastName")) if part)
    return ", ".join(str(part) for part in (name, street, f"{code} {city}", profile.country) if part)
