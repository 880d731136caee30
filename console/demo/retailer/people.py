"""A customer of the retailer and what the four sources say of that customer: the CRM, the shop, the tills,
the mail provider.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from console.demo.retailer import goods
from console.demo.retailer.calendar import DAYS, END, Minute, day_of, stamp
from console.demo.retailer.goods import Product

Call = dict[str, Any]


class HomePlace(NamedTuple):
    """Where somebody lives, and the language read there."""

    city: str
    postal_code: str
    locale: str
    country: str = "CH"


PLACES: Final = (
    HomePlace("Zürich", "8004", "de-CH"), HomePlace("Zürich", "8050", "de-CH"),
    HomePlace("Bern", "3011", "de-CH"), HomePlace("Basel", "4051", "de-CH"),
    HomePlace("Luzern", "6003", "de-CH"), HomePlace("Winterthur", "8400", "de-CH"),
    HomePlace("St. Gallen", "9000", "de-CH"),
    HomePlace("Aarau", "5000", "de-CH"), HomePlace("Thun", "3600", "de-CH"),
    HomePlace("Chur", "7000", "de-CH"), HomePlace("Olten", "4600", "de-CH"),
    HomePlace("Lausanne", "1003", "fr-CH"), HomePlace("Genève", "1204", "fr-CH"),
    HomePlace("Fribourg", "1700", "fr-CH"),
    HomePlace("Neuchâtel", "2000", "fr-CH"), HomePlace("Sion", "1950", "fr-CH"),
    HomePlace("Lugano", "6900", "it-CH"),
    HomePlace("Bellinzona", "6500", "it-CH"), HomePlace("Konstanz", "78462", "de-DE", "DE"),
    HomePlace("Bregenz", "6900", "de-AT", "AT"),
)  # fmt: skip
SHARES: Final = (9, 6, 9, 9, 6, 6, 5, 4, 4, 3, 3, 8, 8, 3, 3, 2, 4, 2, 3, 2)
STORES: Final = ("Zürich", "Bern", "Basel", "Lausanne")


def place(city: str) -> HomePlace:
    """The first place of that name."""
    return next(each for each in PLACES if each.city == city)


@dataclass(slots=True)
class RetailerCustomer:
    """A customer on the way through the two years: who it is, and the calls of each source so far."""

    number: int
    first: str
    last: str
    place: HomePlace
    created: date
    street: str = "Musterstrasse 1"
    gender: str | None = None
    birthday: str | None = None
    phone: bool = False
    card: bool = False
    push: bool = False
    device: str | None = None
    time_zone: str | None = None
    consents: Sequence[str] = ("EMAIL",)
    crm: list[tuple[Minute, Call]] = field(default_factory=list)
    shop: list[tuple[Minute, Call]] = field(default_factory=list)
    till: list[tuple[Minute, Call]] = field(default_factory=list)
    mail: list[tuple[Minute, Call]] = field(default_factory=list)
    key: str = ""
    email: str = ""
    said: int = 0
    bought: int = 0

    def __post_init__(self) -> None:
        self.key = f"C{self.number}"
        plain = (
            unicodedata.normalize("NFKD", f"{self.first}.{self.last}".lower())
            .encode("ascii", "ignore")
            .decode()
        )
        self.email = f"{plain.replace(' ', '')}.{self.number}@muster.example"  # .example is nobody's

    @property
    def begin(self) -> int:
        """The first whole day on which the customer can act."""
        return min(max(day_of(self.created) + 1, 0), DAYS - 1)

    # ---- who the customer is ----

    def register(self, clock: Minute = 620) -> None:
        """The account, as the CRM hands it over on the day it was opened or on the first of the past."""
        day = day_of(self.created)
        traits: Call = {
            "email": self.email, "firstName": self.first, "lastName": self.last, "locale": self.place.locale,
            "createdAt": f"{self.created.isoformat()}T{clock // 60:02d}:{clock % 60:02d}:00",
            "address": {
                "street": self.street, "postalCode": self.place.postal_code, "city": self.place.city,
                "country": self.place.country
            },
        }  # fmt: skip
        more = {"birthday": self.birthday, "gender": self.gender, "timezone": self.time_zone}
        traits |= {name: value for name, value in more.items() if value is not None}
        keys: dict[str, str | None] = {"EMAIL": self.email, "SMS": None, "WEBPUSH": None}
        if self.phone:
            traits["phone"] = keys["SMS"] = f"+4179{self.number:07d}"
        if self.card:
            traits["loyaltyId"] = self.loyalty
        context: Call = {
            "messaging_subscriptions": [
                {"type": each, "key": keys[each], "status": "SUBSCRIBED"} for each in self.consents
            ]
        }
        if self.push:
            context["webpush"] = {
                "endpoint": f"https://push.muster.example/{self.key}",
                "keys": {"p256dh": "cDI1NmRo", "auth": "YXV0aA"},
            }
        call = {"type": "identify", "userId": self.key, "traits": traits, "context": context}
        if self.device is not None:
            call["anonymousId"] = self.device
        at = max(day * 1440 + clock, 0)
        self._say(self.crm, at, call)
        if day >= 0:
            self.noted(at + 1, "Account Created")

    @property
    def loyalty(self) -> str:
        """The number of the card."""
        return f"L{self.number + 3000}"

    # ---- what the customer does ----

    def noted(self, at: Minute, event: str, **properties: Any) -> None:
        """What the CRM records of the customer."""
        self._say(
            self.crm, at, {"type": "track", "userId": self.key, "event": event, "properties": properties}
        )

    def online(self, at: Minute, event: str, **properties: Any) -> None:
        """An act in the web shop, where the customer is logged in."""
        call = {
            "type": "track",
            "userId": self.key,
            "event": event,
            "properties": properties,
            "context": {"channel": "web"},
        }
        self._say(self.shop, at, call)

    def unnamed(self, at: Minute, event: str, **properties: Any) -> None:
        """An act in the web shop on the device, before the shop knows the customer."""
        call = {
            "type": "track",
            "anonymousId": self.device,
            "event": event,
            "properties": properties,
            "context": {"channel": "web"},
        }
        self._say(self.shop, at, call)

    def at_till(self, at: Minute, event: str, **properties: Any) -> None:
        """An act in a store, where the till knows the card and nothing else."""
        said = {"loyalty_id": self.loyalty, **properties}
        self._say(
            self.till,
            at,
            {"type": "track", "event": event, "properties": said, "context": {"channel": "store"}},
        )

    def reported(self, at: Minute, event: str, **properties: Any) -> None:
        """What the mail provider reports, who knows the address and nothing else."""
        context = {"channel": "email", "traits": {"email": self.email}}
        self._say(
            self.mail, at, {"type": "track", "event": event, "properties": properties, "context": context}
        )

    def _say(self, source: list[tuple[Minute, Call]], at: Minute, call: Call) -> None:
        if at < END:
            self.said += 1
            source.append((at, {"messageId": f"{self.key}-{self.said}", **call, "timestamp": stamp(at)}))

    # ---- shopping ----

    def order_number(self) -> str:
        """The next number of an order or a basket of the customer."""
        self.bought += 1
        return f"{self.number}-{self.bought}"

    def buy(
        self,
        at: Minute,
        *products: Product,
        store: str | None = None,
        cart: str | None = None,
        coupon: str | None = None,
    ) -> str:
        """An order, online or in a store; its number."""
        order, bought = f"O{self.order_number()}", list(products)
        said: Call = {
            "order_id": order,
            "revenue": goods.total(bought),
            "currency": "CHF",
            "products": goods.lines(bought),
        }
        if cart is not None:
            said["cart_id"] = cart
        if coupon is not None:
            said["coupon"] = coupon
        if store is not None:
            self.at_till(at, "Order Completed", **said, store=store)
        else:
            self.online(at, "Order Completed", **said)
        return order

    def send_back(self, at: Minute, order: str, amount: float, store: str | None = None) -> None:
        """All or a part of an order goes back, by post or over the counter."""
        said = {"order_id": order, "revenue": round(amount, 2), "currency": "CHF"}
        if store is not None:
            self.at_till(at, "Order Returned", **said, store=store)
        else:
            self.online(at, "Order Returned", **said)

    def view(self, at: Minute, product: Product) -> None:
        """A look at a product."""
        self.online(
            at,
            "Product Viewed",
            product_id=product.id,
            name=product.name,
            category=product.category,
            price=product.price,
        )

    def wish(self, at: Minute, product: Product) -> None:
        """A product on the wish list."""
        self.online(
            at, "Product Added to Wishlist", product_id=product.id, name=product.name, price=product.price
        )

    def check_out(self, at: Minute, *products: Product) -> str:
        """A checkout begun; the basket's number."""
        cart = f"K{self.order_number()}"
        self.online(
            at,
            "Checkout Started",
            cart_id=cart,
            value=goods.total(list(products)),
            currency="CHF",
            products=goods.lines(list(products)),
        )
        return cart

    def get_coupon(self, at: Minute, value: int, valid_until: str) -> str:
        """A coupon for the customer; its number."""
        coupon = f"G{self.order_number()}"
        self.noted(
            at, "Coupon Issued", coupon_id=coupon, value=value, currency="CHF", valid_until=valid_until
        )
        return coupon

    def redeem(self, at: Minute, coupon: str, *products: Product, store: str | None = None) -> None:
        """An order paid in part with the coupon."""
        self.buy(at, *products, store=store, coupon=coupon)
        if store is not None:
            self.at_till(at, "Coupon Redeemed", coupon_id=coupon)
        else:
            self.online(at, "Coupon Redeemed", coupon_id=coupon)
