"""One customer as values: traits, aggregates, addresses, consents. `Profile.fold` takes in one event, in any
order.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from core.instants import Instant, find_zone, zone_of_country
from core.model.basket import BASKET_EVENTS, Basket
from core.model.events import LONG_AFTER, NO_ACTIVITY, Event
from core.model.orders import NOTHING, OrderSums, Telling, order_sums, telling_of

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


class Profile:
    """Traits and aggregates of one customer, kept up event by event; the order of arrival does not change the
    result.

    Money is minor units of the workspace's currency, instants are milliseconds UTC. `told` is what is known
    of the orders that are spoken of: of a profile folded from its first event on, of all of them
    (`is_whole`); of one out of a database, of those that were handed to it with `know`.
    """

    __slots__ = (
        "activity", "basket", "channels", "is_whole", "last_activity", "lost", "order_instants", "returned",
        "returns", "revenue_gross", "told", "traits", "traits_at", "units",
    )  # fmt: skip

    def __init__(self) -> None:
        self.traits: dict[str, Any] = {}
        self.traits_at: dict[str, Instant] = {}
        self.revenue_gross = 0
        self.returned = 0
        self.returns = 0
        self.units = 0
        self.order_instants: list[Instant] = []  # when the orders that count were completed, in order
        self.last_activity: Instant | None = None
        self.activity: dict[str, Instant] = {}  # name -> the latest event of it, reports about messages too
        self.channels: dict[str, Instant] = {}
        self.lost: frozenset[str] = frozenset()  # addresses that somebody else has said since
        self.basket: Basket | None = None  # None: no event has told of it
        self.told: dict[str, tuple[Telling, ...]] = {}
        self.is_whole = True

    @property
    def orders(self) -> int:
        """How many orders count."""
        return len(self.order_instants)

    @property
    def first_order(self) -> Instant | None:
        """When the first order that counts was completed."""
        return self.order_instants[0] if self.order_instants else None

    @property
    def last_order(self) -> Instant | None:
        """When the latest order that counts was completed."""
        return self.order_instants[-1] if self.order_instants else None

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
        twin.revenue_gross = self.revenue_gross
        twin.returned = self.returned
        twin.returns = self.returns
        twin.units = self.units
        twin.order_instants = self.order_instants.copy()
        twin.last_activity = self.last_activity
        twin.activity = self.activity.copy()
        twin.channels = self.channels.copy()
        twin.lost = self.lost
        twin.basket = None if self.basket is None else self.basket.copy()
        twin.told = self.told.copy()
        twin.is_whole = self.is_whole
        return twin

    def know(self, order: str, tellings: Iterable[Telling]) -> None:
        """Hand over all that was told of an order before what is to be folded next; it changes no sum."""
        self.told[order] = tuple(tellings)

    def forget_orders(self) -> None:
        """Hold no longer what was told of single orders; the sums stay."""
        if self.told or self.is_whole:
            self.told, self.is_whole = {}, False

    def fold(self, event: Event) -> None:
        """Take in one event; LookupError where it speaks of an order that the profile was told nothing
        about.
        """
        self.take(
            event.kind, event.name, event.occurred_at, event.channel, event.properties,
            is_purchase=event.standing != LONG_AFTER,
        )  # fmt: skip
        telling = telling_of(event)
        if telling is not None:
            self.take_telling(event.order, telling)
        if event.traits:
            self.take_traits(event.traits, event.occurred_at)

    def take(
        self,
        kind: str,
        name: str,
        at: Instant,
        channel: str | None,
        properties: Mapping[str, Any],
        *,
        is_purchase: bool = True,
    ) -> None:
        """Take in what an event says, but for orders, where the event itself is not at hand: intake has
        millions of them and makes none. An order that is told again long after it was completed is no
        purchase, and leaves the basket as it is.
        """
        if kind == "identify":
            self.take_traits(properties, at)
        elif kind != "alias":
            before = self.activity.get(name)
            if before is None or at > before:
                self.activity[name] = at
            if is_purchase and name in BASKET_EVENTS:
                self.basket = self.basket or Basket()
                self.basket.take(name, at, channel, properties)
            if name not in NO_ACTIVITY:
                self._take_act(at, channel)

    def take_telling(self, order: str | None, telling: Telling) -> None:
        """Take in what is told of an order; one without a number is an order of its own.

        LookupError where a profile out of a database was not handed what was told of the order before.
        """
        if order is None:
            self._add(NOTHING, order_sums((telling,)))
            return
        before = self.told.get(order)
        if before is None:
            if not self.is_whole:
                raise LookupError(f"what was told of order {order!r} is not at hand")
            before = ()
        self.told[order] = after = (*before, telling)
        self._add(order_sums(before), order_sums(after))

    def _add(self, before: OrderSums, after: OrderSums) -> None:
        """An order comes to something else than before."""
        if before.at != after.at:
            if before.at is not None:
                self.order_instants.remove(before.at)
            if after.at is not None:
                insort(self.order_instants, after.at)
        self.revenue_gross += after.gross - before.gross
        self.returned += after.returned - before.returned
        self.returns += after.returns - before.returns
        self.units += after.units - before.units

    def take_traits(self, traits: Mapping[str, Any], at: Instant) -> None:
        """Take in what was said of the customer at an instant, in ms UTC."""
        for trait, value in traits.items():
            self._take_trait(trait, value, at)

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

    def _take_act(self, at: Instant, channel: str | None) -> None:
        if self.last_activity is None or at > self.last_activity:
            self.last_activity = at
        if channel is not None and at > self.channels.get(channel, at - 1):
            self.channels[channel] = at

    def merge(self, other: Profile) -> None:
        """Take in another customer's profile, as if the other's events had always been this one's; no order
        may be told of both.
        """
        for name, at in other.traits_at.items():
            self._take_trait(name, other.traits[name], at)
        self.order_instants = sorted([*self.order_instants, *other.order_instants])
        self.revenue_gross += other.revenue_gross
        self.returned += other.returned
        self.returns += other.returns
        self.units += other.units
        self.told |= other.told
        self.is_whole = self.is_whole and other.is_whole
        self.last_activity = _greatest(self.last_activity, other.last_activity)
        self.lost |= other.lost
        for mine, theirs in ((self.activity, other.activity), (self.channels, other.channels)):
            for name, at in theirs.items():
                mine[name] = max(at, mine.get(name, at))
        if other.basket is not None:
            self.basket = self.basket or Basket()
            self.basket.merge(other.basket)

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


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def _greatest(a: Instant | None, b: Instant | None) -> Instant | None:
    return b if a is None else a if b is None else max(a, b)


ConsentBasis = Literal["imported", "listed"]
"""`imported`: the state of a list, of which nobody knows when it was said, and which yields to every word.
`listed`: a word out of a list that has a date, its own or that of the list in which a yes became a no.
"""


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
    basis: ConsentBasis | None = None
    """None: it was said to a shop or form."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be used on a medium any more: it bounced, or its owner complained."""

    medium: str
    address: str
    reason: str
    arrived_at: Instant
    lifted_at: Instant | None = None

    def holds(self, at: Instant) -> bool:
        """Whether the address must not be used at the instant."""
        return self.arrived_at <= at and (self.lifted_at is None or at < self.lifted_at)


MEDIA: Final = ("email", "sms", "webpush", "whatsapp", "print", "webhook")


def full_name(first: str | None, last: str | None) -> str:
    """First and last name, as far as there are any."""
    return " ".join(part for part in (first, last) if part)


def address_of(profile: Profile, medium: str) -> str | None:
    """The address a medium uses: mail address, phone number, push endpoint, a postal address on one line;
    None if unusable, or if somebody else has said it since.
    """
    traits = profile.traits
    if medium in ("email", "sms", "whatsapp"):
        address = traits.get("email" if medium == "email" else "phone")
        return None if address in profile.lost else address
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
