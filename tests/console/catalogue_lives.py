"""Small lives on which each campaign of the catalogue is played: the same for a customer of each language,
and one it must leave alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from console.catalogue import campaigns
from console.main import main
from tests.console.lives import act

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "de": {"firstName": "Anna", "lastName": "Keller", "gender": "female", "locale": "de-CH"},
    "fr": {"firstName": "Luc", "lastName": "Favre", "gender": "male", "locale": "fr-CH"},
    "it": {"firstName": "Sara", "lastName": "Rossi", "gender": "f", "locale": "it-CH"},
    "en": {"firstName": "Kim", "lastName": "Smith", "locale": "en"},
    "left": {"firstName": "Rolf", "lastName": "Berger", "locale": "de-CH"},
}
HOME = {"street": "Bahnhofstrasse 1", "postalCode": "8001", "city": "Zürich", "country": "CH"}
SETTINGS = """
[workspace]
name = "Muster Mode"
time_zone = "Europe/Zurich"
currency = "CHF"
locales = ["de", "fr", "it", "en"]
links = { shop = "https://www.example.ch/", survey = "https://www.example.ch/survey" }
[consent]
policy = "assumed"
[preference]
learn = true
[channels.email]
kind = "file"
[channels.sms]
kind = "file"
[channels.webpush]
kind = "file"
[channels.print]
kind = "file"
lead_time = "3d"
"""

PULLOVER = {
    "product_id": "P-17", "name": "Merino-Pullover", "category": "Pullover", "price": 89.90,
    "url": "https://www.example.ch/p/17",
}  # fmt: skip
CARDIGAN = {
    "product_id": "P-19",
    "name": "Strickjacke",
    "category": "Pullover",
    "price": 119,
    "url": "https://www.example.ch/p/19",
}
CAP = {"product_id": "P-50", "name": "Wollmütze", "category": "Accessoires", "price": 29.90}
COAT = {
    "product_id": "P-31",
    "name": "Wintermantel",
    "category": "Mäntel",
    "price": 429,
    "url": "https://www.example.ch/p/31",
}


class Life(NamedTuple):
    """What happened, as (instant, event, properties), and what happened besides to the one the campaign
    leaves alone.
    """

    acts: tuple[tuple[str, str, Mapping[str, Any]], ...]
    besides: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    traits: Mapping[str, Any] = {}
    instead: bool = False  # the one left alone lives `besides` only
    of: tuple[str, ...] = ()  # the campaigns that play; none: the one of the story's name
    variant: str | None = None  # all of the split in this one


def order(
    at: str, number: str, *products: Mapping[str, Any], **more: Any
) -> tuple[str, str, Mapping[str, Any]]:
    """An order of these products, one of each."""
    lines = [{**each, "quantity": 1} for each in products]
    total = sum(each["price"] for each in products)
    return (
        at,
        "Order Completed",
        {"order_id": number, "revenue": total, "total": total, "products": lines, **more},
    )


def returned(at: str, number: str) -> tuple[str, str, Mapping[str, Any]]:
    """The return of an order."""
    return at, "Order Returned", {"order_id": number, "total": 1}


def spent(amount: float) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Three orders of an amount in half a year."""
    return [
        (f"2025-0{month}-05T12:00:00Z", "Order Completed", {"order_id": f"S{month}", "revenue": amount})
        for month in (1, 2, 3)
    ]


STORE = {"channel": "store"}
DELIVERED = ("2025-03-06T10:00:00Z", "Order Delivered", {"order_id": "O-9", "products": [PULLOVER]})
MAILS = [
    (f"2025-0{1 + week // 4}-{2 + 7 * (week % 4):02d}T08:00:00Z", "Email Delivered", {"email_id": f"n{week}"})
    for week in range(8)
]

LEFT = (
    (
        "2025-03-04T19:31:00Z",
        "Checkout Started",
        {"cart_id": "K-4", "value": 119, "url": "https://www.example.ch/basket/4", "products": [CARDIGAN]},
    ),
)
BOUGHT = (order("2025-03-05T20:00:00Z", "O-1", CARDIGAN),)  # after the reminder, before the offer
ISSUED = (
    (
        "2025-03-01T08:00:00Z",
        "Coupon Issued",
        {"coupon_id": "G-5", "coupon": "FRUEHLING", "value": 20, "expires_at": "2025-03-31"},
    ),
)
REDEEMED = (("2025-03-05T15:00:00Z", "Coupon Redeemed", {"coupon_id": "G-5", **STORE}),)
FOLLOWED = tuple(
    (f"2025-02-{day}T18:00:00Z", "Message Clicked", {"channel": "sms", "trigger": "news"})
    for day in (11, 15, 19)
)
CHEAPER = ("2025-03-10T17:00:00Z", "Wishlist Price Dropped", {**COAT, "old_price": 429, "price": 299})
THINGS = (*(order(f"2025-01-0{day}T12:00:00Z", f"O{day}", CAP) for day in (1, 2, 3)), *MAILS)

LIVES: Mapping[str, Life] = {
    "welcome-series": Life(
        (("2025-03-03T16:05:00Z", "Account Created", {}),
            ("2025-03-04T19:00:00Z", "Product Viewed", PULLOVER)),
        (order("2025-03-04T20:00:00Z", "O-1", PULLOVER, **STORE),),
    ),
    "basket-abandonment": Life(
        (("2025-03-04T19:31:00Z", "Checkout Started",
          {"cart_id": "K-4", "value": 429, "url": "https://www.example.ch/basket/4", "products": [COAT]}),),
        (order("2025-03-04T20:00:00Z", "O-1", COAT, **STORE),),
        {"address": HOME}, variant="plain",
    ),
    "basket-abandonment-plain": Life(LEFT, BOUGHT, {"address": HOME}, of=("basket-abandonment",),
        variant="plain"),
    "basket-abandonment-delivery": Life(LEFT, BOUGHT, {"address": HOME}, of=("basket-abandonment",),
        variant="delivery"),
    "basket-abandonment-discount": Life(LEFT, BOUGHT, {"address": HOME}, of=("basket-abandonment",),
        variant="discount"),
    "browse-abandonment": Life(
        tuple((f"2025-03-0{day}T18:00:00Z", "Product Viewed", PULLOVER) for day in (3, 4, 5)),
        (("2025-03-05T19:00:00Z", "Product Added", {"cart_id": "K-1", **PULLOVER}),),
    ),
    "wish-list": Life(
        (("2025-03-03T18:00:00Z", "Product Added to Wishlist", {"wishlist_id": "W", **COAT}),),
        (("2025-03-04T18:00:00Z", "Product Removed from Wishlist",
            {"wishlist_id": "W", "product_id": "P-31"}),),
    ),
    "price-drop": Life(
        (("2025-03-03T18:00:00Z", "Product Added to Wishlist", {"wishlist_id": "W", **COAT}),
         ("2025-03-10T06:00:00Z", "Wishlist Price Dropped", {**COAT, "old_price": 429, "price": 299})),
        (("2025-03-10T06:00:00Z", "Wishlist Price Dropped", {**COAT, "old_price": 429, "price": 299}),),
        instead=True,  # she never wished for it
    ),
    "back-in-stock": Life(
        (("2025-03-10T07:00:00Z", "Product Back in Stock", COAT),),
        (order("2025-03-10T07:02:00Z", "O-1", COAT),)
    ),
    "back-in-stock-together": Life(
        (("2025-03-10T07:00:00Z", "Product Back in Stock", COAT),
            ("2025-03-10T07:00:00Z", "Product Back in Stock", CARDIGAN)),
        (order("2025-03-10T07:02:00Z", "O-1", COAT),), of=("back-in-stock",),
    ),
    "wish-list-together": Life(
        (*(("2025-03-03T18:00:00Z", "Product Added to Wishlist",
            {"wishlist_id": "W", **each}) for each in (COAT, PULLOVER)),
         CHEAPER, ("2025-03-10T17:00:00Z", "Wishlist Price Dropped", {**PULLOVER, "old_price": 89.90,
             "price": 59.90})),
        (order("2025-03-10T17:30:00Z", "O-1", COAT),), of=("price-drop", "wish-list"),
    ),
    "cross-sell": Life((order("2025-03-05T12:00:00Z", "O-9", PULLOVER),),
        (returned("2025-03-12T12:00:00Z", "O-9"),)),
    "up-sell": Life(
        (order("2025-02-01T12:00:00Z", "O-8", CAP), order("2025-02-03T12:00:00Z", "O-9", PULLOVER)),
        (order("2025-02-03T12:00:00Z", "O-9", PULLOVER),),
        instead=True,  # her first
    ),
    "after-sale-tips": Life((DELIVERED,), (returned("2025-03-08T12:00:00Z", "O-9"),)),
    "review-request": Life(
        (DELIVERED, ("2025-03-18T19:00:00Z", "Product Reviewed", {"product_id": "P-17", "rating": 5})),
        (returned("2025-03-08T12:00:00Z", "O-9"),),
    ),
    "coupon-reminder": Life(ISSUED, REDEEMED),
    "coupon-reminder-preferred": Life((*FOLLOWED, *ISSUED), REDEEMED, {"phone": "+41791234567"},
        of=("coupon-reminder",)),
    "purchase-rhythm": Life(
        tuple(order(f"2025-{month:02d}-{day:02d}T12:00:00Z", f"O{month}{day}", CAP) for month,
            day in ((1, 2), (1, 16), (1, 30), (2, 13))),
        (order("2025-02-27T12:00:00Z", "O-S", CAP, **STORE),
            order("2025-03-13T12:00:00Z", "O-T", CAP, **STORE),
         order("2025-03-27T12:00:00Z", "O-U", CAP, **STORE),
         order("2025-04-10T12:00:00Z", "O-V", CAP, **STORE)),
    ),
    "replenishment": Life(
        tuple(order(f"2025-0{month}-05T12:00:00Z", f"O{month}", CAP, consumable=True) for month in (1, 2, 3)),
        (order("2025-03-30T12:00:00Z", "O-S", CAP, consumable=True, **STORE),),
    ),
    "birthday-card": Life(
        (order("2025-01-05T12:00:00Z", "O-1", CAP),), (("2025-01-06T12:00:00Z", "Product Viewed", CAP),),
        {"birthday": "1985-03-20", "address": HOME}, instead=True,  # never bought
    ),
    "birthday-card-by-mail": Life(
        (order("2025-01-05T12:00:00Z", "O-1", CAP),), (("2025-01-06T12:00:00Z", "Product Viewed", CAP),),
        {"birthday": "1985-03-20"}, of=("birthday-card",), instead=True,
    ),
    "registration-anniversary": Life(
        (order("2025-01-05T12:00:00Z", "O-1", CAP),), (("2025-01-06T12:00:00Z", "Product Viewed", CAP),),
        {"createdAt": "2022-03-10T12:00:00Z"}, instead=True,
    ),
    "spend-5000": Life((*spent(1700),),
        (returned("2025-02-20T12:00:00Z", "S2"), ("2025-02-21T12:00:00Z", "Order Refunded",
                       {"order_id": "S1", "total": 500})), {"address": HOME}),
    "tenth-purchase": Life(
        tuple(order(f"2025-02-{day:02d}T12:00:00Z", f"O{day}", CAP,
            **(STORE if day % 2 else {})) for day in range(1, 11)),
        tuple(order(f"2025-02-{day:02d}T12:00:00Z", f"O{day}", CAP) for day in range(1, 10)),
        instead=True,
    ),
    "reactivation": Life(
        tuple(order(f"2024-09-0{day}T12:00:00Z", f"O{day}", PULLOVER) for day in (1, 2, 3, 4)),
        (order("2025-01-10T12:00:00Z", "O-S", CAP, **STORE),),
        {"address": HOME},
    ),
    "reactivation-best": Life(
        tuple(order(f"2024-09-0{day}T12:00:00Z", f"O{day}", COAT) for day in (1, 2, 3, 4)),
        (order("2025-01-10T12:00:00Z", "O-S", CAP, **STORE),),
        {"address": HOME}, of=("reactivation",),
    ),
    "newsletter-silent": Life(
        THINGS, (("2025-02-10T19:00:00Z", "Email Link Clicked", {"email_id": "n5"}),),
        {"phone": "+41791234567"}
    ),
    "newsletter-silent-preferred": Life(
        THINGS, (("2025-02-10T19:00:00Z", "Email Link Clicked", {"email_id": "n5"}),),
        {"phone": "+41791234567", "address": HOME, "preferredChannel": "print"}, of=("newsletter-silent",),
    ),
    "order-confirmation": Life(
        (order("2025-03-05T12:00:00Z", "O-9", PULLOVER, CAP), DELIVERED),
        (("2025-03-05T12:00:00Z", "Order Completed", {"revenue": 29.90, "products": [CAP], **STORE}),),
        instead=True,  # a till's receipt
    ),
    "shipping-confirmation": Life(
        (("2025-03-06T15:00:00Z", "Order Shipped",
            {"order_id": "O-9", "parcel_id": "99.00.12", "tracking_url": "https://www.example.ch/t/99"}),),
        (order("2025-03-05T12:00:00Z", "O-9", CAP),),
        instead=True,  # not shipped yet
    ),
    "survey-nps": Life((order("2025-02-05T12:00:00Z", "O-9", CAP),),
        (returned("2025-02-20T12:00:00Z", "O-9"),)),
    "survey-csat": Life((DELIVERED,),
        (("2025-03-07T12:00:00Z", "Survey Answered", {"kind": "csat", "score": 5, "order_id": "O-9"}),)),
    "survey-ces": Life(
        (("2025-03-18T11:00:00Z", "Support Case Closed", {"case_id": "T-4", "order_id": "O-9"}),),
        (("2025-03-19T08:00:00Z", "Survey Answered", {"kind": "ces", "score": 6}),),
    ),
    "survey-recovery": Life(
        (("2025-03-18T11:00:00Z", "Survey Answered", {"kind": "nps", "score": 3, "order_id": "O-9"}),),
        (("2025-03-18T11:00:00Z", "Survey Answered", {"kind": "nps", "score": 9, "order_id": "O-9"}),),
        instead=True,
    ),
}  # fmt: skip


def call(user: str, event: str, at: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A track call; `channel` goes to its context."""
    plain = {key: value for key, value in properties.items() if key != "channel"}
    made = act(user, event, at, **({"channel": properties["channel"]} if "channel" in properties else {}))
    return {**made, "messageId": f"{made['messageId']}-{plain.get('product_id', '')}", "properties": plain}


def calls(life: Life) -> Iterator[dict[str, Any]]:
    """The life as sources send it, and some orders of others, by which the shop knows what sells."""
    for name, traits in PEOPLE.items():
        known = {"email": f"{name}@example.ch", **traits, **life.traits}
        yield {
            "type": "identify",
            "messageId": f"i-{name}",
            "userId": name,
            "timestamp": "2024-08-01T00:00:00Z",
            "traits": known,
        }
        lived = (
            *(() if name == "left" and life.instead else life.acts),
            *(life.besides if name == "left" else ()),
        )
        yield from (call(name, event, at, properties) for at, event, properties in lived)
    for number, products in enumerate([(PULLOVER, CAP), (PULLOVER, CAP), (CARDIGAN,), (CARDIGAN, COAT)]):
        at, event, properties = order(f"2025-01-2{number}T10:00:00Z", f"X{number}", *products)
        yield call(f"other-{number}", event, at, properties)
    at, event, properties = order("2025-02-28T10:00:00Z", "X9", PULLOVER, CAP)
    yield call("other-9", event, at, properties)


def played(folder: Path, name: str) -> Path:
    """The campaigns of a life added, switched on and played on it; the workspace of the replay."""
    life = LIVES[name]
    names = life.of or (name,)
    shop = folder / "shop"
    shop.mkdir(parents=True)
    (shop / "manometer.toml").write_text(SETTINGS, encoding="utf-8")
    assert main(["-w", str(shop), "--json", "catalogue", "add", *names]) == 0
    switch_on(shop, *names)
    if life.variant is not None:
        all_in_one(shop / "triggers" / f"{names[0]}.toml", life.variant)
    (shop / "calls.ndjson").write_text(
        "".join(json.dumps(call) + "\n" for call in calls(life)), encoding="utf-8"
    )
    assert main(["-w", str(shop), "--json", "import", str(shop / "calls.ndjson"), "--history"]) == 0
    span = ["--from", "2025-01-01T00:00:00Z", "--to", "2025-04-20T00:00:00Z"]
    assert main(["-w", str(shop), "--json", "replay", *span, "--into", str(folder / "played")]) == 0
    return folder / "played"


def switch_on(shop: Path, *names: str) -> None:
    """Make the triggers of campaigns active, without a share kept out."""
    for name in names:
        for trigger in campaigns()[name].triggers:
            path = shop / "triggers" / f"{trigger}.toml"
            text = path.read_text(encoding="utf-8").replace('status   = "draft"', 'status   = "active"')
            path.write_text(
                "".join(line for line in text.splitlines(True) if not line.startswith("holdout")),
                encoding="utf-8",
            )


def all_in_one(path: Path, variant: str) -> None:
    """Give the whole split of a trigger to one variant."""
    head, table, rest = re.split(
        r"(?<=\[split\])(.*?)(?=\n\[)", path.read_text(encoding="utf-8"), maxsplit=1, flags=re.DOTALL
    )
    shares = re.sub(
        r"^(\w+)( *= )[\d.]+",
        lambda share: f"{share[1]}{share[2]}{float(share[1] == variant)}",
        table,
        flags=re.MULTILINE,
    )
    path.write_text(head + shares + rest, encoding="utf-8")
