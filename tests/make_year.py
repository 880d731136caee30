"""Makes the year of purchases that `manometer demo` plays: 150 customers of an imaginary Swiss retailer, as Segment calls.

    python -m tests.make_year

writes console/year/year.ndjson.gz anew. Everything is drawn from one seed, so it always comes out the same. The first twelve
customers are written by hand, one for each trouble that shops have with their triggers; the others make up the crowd.
"""

from __future__ import annotations

import gzip
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

SEED = 1848
CUSTOMERS = 150
ZURICH = ZoneInfo("Europe/Zurich")
FIRST, END = datetime(2024, 11, 1, tzinfo=ZURICH), datetime(2025, 11, 1, tzinfo=ZURICH)
DAYS = (END.date() - FIRST.date()).days
TARGET = Path(__file__).parents[1] / "console" / "year" / "year.ndjson.gz"

Call = dict[str, Any]


class Product(NamedTuple):
    """What the shop sells, at a price in francs."""

    id: str
    name: str
    category: str
    price: float


PRODUCTS = tuple(
    Product(f"P{number:02d}", name, category, price)
    for number, (name, category, price) in enumerate(
        (
            ("Leinenhemd", "Hemden", 79.90), ("Oxfordhemd", "Hemden", 69.90), ("Flanellhemd", "Hemden", 59.90),
            ("Merinopullover", "Strick", 119.90), ("Strickjacke", "Strick", 139.90), ("Rollkragenpullover", "Strick", 99.90),
            ("Chino", "Hosen", 89.90), ("Jeans gerade", "Hosen", 109.90), ("Cordhose", "Hosen", 99.90),
            ("Sommerkleid", "Kleider", 129.90), ("Wickelkleid", "Kleider", 149.90), ("Strickkleid", "Kleider", 159.90),
            ("Regenmantel", "Jacken", 189.90), ("Daunenjacke", "Jacken", 249.00), ("Wollmantel", "Jacken", 329.00),
            ("Wanderschuh", "Schuhe", 199.00), ("Turnschuh weiss", "Schuhe", 119.00), ("Stiefelette", "Schuhe", 169.00),
            ("Socken, drei Paar", "Wäsche", 24.90), ("Schal", "Accessoires", 49.90), ("Ledergürtel", "Accessoires", 59.90),
            ("Umhängetasche", "Accessoires", 139.00), ("Mütze", "Accessoires", 34.90), ("T-Shirt, zwei Stück", "Wäsche", 39.90),
        ),
        1,
    )
)  # fmt: skip
PLACES = (
    ("Zürich", "8004", "de-CH"), ("Bern", "3011", "de-CH"), ("Basel", "4051", "de-CH"), ("Luzern", "6003", "de-CH"),
    ("Winterthur", "8400", "de-CH"), ("St. Gallen", "9000", "de-CH"), ("Lausanne", "1003", "fr-CH"), ("Genève", "1204", "fr-CH"),
    ("Fribourg", "1700", "fr-CH"), ("Chur", "7000", "de-CH"),
)  # fmt: skip
STORES = ("Zürich", "Bern", "Lausanne")
GERMAN = (
    "Anna Lea Lena Laura Julia Sandra Monika Ursula Regula Barbara Christine Nadine Simone Vreni Andrea Daniel Thomas Peter Marco "
    "Stefan Urs Hans Markus Lukas Simon Pascal Roger Bruno Fabian Noah"
)
FRENCH = "Camille Chloé Sophie Isabelle Aline Élodie Mathilde Julien Nicolas Philippe Yves Olivier Sébastien Luc"
FAMILIES = (
    "Müller Meier Schmid Keller Weber Huber Schneider Steiner Fischer Gerber Brunner Baumann Frei Zimmermann Moser Widmer Wyss Graf "
    "Roth Suter Bühler Bachmann Lüthi Egli Hofer Käser Ammann Zürcher Stucki Kunz"
)
FAMILLES = "Favre Rochat Martin Dubois Perret Blanc Jaquet Monnier Chevalley Pittet Aubert Bonvin"


@dataclass
class Person:
    """A customer on her way through the year: who she is, and the calls of hers so far."""

    key: str
    first: str
    last: str
    place: tuple[str, str, str] = PLACES[0]
    birthday: str | None = None
    created: str = "2022-03-14"
    phone: str | None = None
    card: str | None = None
    time_zone: str | None = None
    country: str = "CH"
    consents: tuple[str, ...] = ("EMAIL",)
    calls: list[Call] = field(default_factory=list)
    numbers: int = 0

    @property
    def email(self) -> str:
        """Her address, under a name that no mail server has."""
        plain = unicodedata.normalize("NFKD", f"{self.first}.{self.last}".lower()).encode("ascii", "ignore").decode()
        return f"{plain}.{self.key[-3:]}@muster.example"

    def call(self, at: datetime, **said: Any) -> None:
        """Keep one call, in the order of its keys."""
        self.calls.append({**said, "timestamp": at.isoformat(timespec="seconds")})

    def track(self, at: datetime, event: str, **properties: Any) -> None:
        """An act in the web shop, where she is logged in."""
        self.call(at, type="track", userId=self.key, event=event, properties=properties, context={"channel": "web"})

    def at_till(self, at: datetime, event: str, **properties: Any) -> None:
        """An act in a store, where the till knows her loyalty card and nothing else."""
        said = {"loyalty_id": self.card, **properties}
        self.call(at, type="track", event=event, properties=said, context={"channel": "store"})

    def reported(self, at: datetime, event: str, **properties: Any) -> None:
        """What the mail provider reports, who knows her address and nothing else."""
        self.call(at, type="track", event=event, properties=properties, context={"channel": "email", "traits": {"email": self.email}})

    def number(self, sign: str) -> str:
        """The next number of an order or a basket of hers."""
        self.numbers += 1
        return f"{sign}{self.key[1:]}-{self.numbers}"

    def register(self) -> None:
        """Her account, as the CRM hands it over on the day she opened it or on the first of the year."""
        created = datetime.fromisoformat(f"{self.created}T10:20:00").replace(tzinfo=ZURICH)
        city, postal_code, locale = self.place
        traits: Call = {
            "email": self.email, "firstName": self.first, "lastName": self.last, "createdAt": created.isoformat(), "locale": locale,
            "address": {"city": city, "postalCode": postal_code, "country": self.country},
        }  # fmt: skip
        more = {"birthday": self.birthday, "phone": self.phone, "loyaltyId": self.card, "timezone": self.time_zone}
        traits |= {name: value for name, value in more.items() if value is not None}
        keys = {"EMAIL": self.email, "SMS": self.phone}
        given = [{"type": medium, "key": keys[medium], "status": "SUBSCRIBED"} for medium in self.consents if keys[medium]]
        at = max(created, FIRST)
        self.calls.insert(0, {"type": "identify", "userId": self.key, "traits": traits, "context": {"messaging_subscriptions": given}})
        self.calls[0]["timestamp"] = at.isoformat(timespec="seconds")

    def buy(self, at: datetime, *products: Product, store: str | None = None, cart: str | None = None) -> str:
        """An order, online or in a store; its number."""
        order = self.number("O")
        lines = [{"product_id": p.id, "name": p.name, "price": p.price, "quantity": 1} for p in products]
        said = {"order_id": order, "revenue": round(sum(p.price for p in products), 2), "currency": "CHF", "products": lines}
        if store is not None:
            self.at_till(at, "Order Completed", **said, store=store)
        else:
            self.track(at, "Order Completed", **said, **({"cart_id": cart} if cart else {}))
        return order

    def view(self, at: datetime, product: Product) -> None:
        """A look at a product."""
        self.track(at, "Product Viewed", product_id=product.id, name=product.name, price=product.price)

    def check_out(self, at: datetime, *products: Product) -> str:
        """A checkout begun; the basket's number."""
        cart = self.number("K")
        self.track(at, "Checkout Started", cart_id=cart, value=round(sum(p.price for p in products), 2), currency="CHF")
        return cart


def on(day: str, clock: str) -> datetime:
    """A local instant of the year: `10-16` and `18:10`; November and December are of 2024."""
    year = 2024 if day >= "11" else 2025
    return datetime.fromisoformat(f"{year}-{day}T{clock}").replace(tzinfo=ZURICH)


# ---- twelve by hand ----


def by_hand() -> Iterator[Person]:
    """One customer for each classical trouble."""
    yield basket_then_store()
    yield return_before_review()
    yield pressed()
    yield store_regular()
    yield five_thousand()
    yield tenth_purchase()
    yield without_consent()
    yield far_away()
    yield withdraws()
    yield bounced()
    yield from_nobody_to_customer()
    yield back_below_the_mark()


def product(name: str) -> Product:
    """By its name."""
    return next(each for each in PRODUCTS if each.name == name)


def basket_then_store() -> Person:
    """Leaves a basket online, walks into the store and buys."""
    sofie = Person("C1001", "Sofie", "Brunner", PLACES[1], "1987-02-11", card="L4001")
    cart = sofie.check_out(on("03-08", "20:10"), product("Chino"))
    sofie.buy(on("03-08", "20:14"), product("Chino"), cart=cart)
    sofie.view(on("10-16", "17:58"), product("Regenmantel"))
    sofie.check_out(on("10-16", "18:10"), product("Regenmantel"))
    sofie.buy(on("10-16", "18:48"), product("Regenmantel"), store="Bern")
    return sofie


def return_before_review() -> Person:
    """Sends the order back before the review request falls due."""
    luca = Person("C1002", "Luca", "Meier", PLACES[0], "1979-06-30", card="L4002")
    luca.buy(on("04-22", "12:40"), product("Oxfordhemd"))
    cart = luca.check_out(on("10-06", "20:09"), product("Daunenjacke"))
    order = luca.buy(on("10-06", "20:15"), product("Daunenjacke"), cart=cart)
    luca.at_till(on("10-13", "11:30"), "Order Returned", order_id=order, revenue=249.00, currency="CHF", store="Zürich")
    return luca


def pressed() -> Person:
    """Several triggers want her in one week: a basket, its offer, a birthday, a product looked at, a review."""
    nina = Person("C1003", "Nina", "Favre", PLACES[6], "1991-10-16", phone="+41790001003", card="L4003")
    nina.buy(on("05-17", "13:20"), product("Sommerkleid"), store="Lausanne")
    nina.buy(on("10-08", "18:20"), product("Strickkleid"))
    nina.check_out(on("10-13", "12:05"), product("Umhängetasche"))
    for day, clock in (("10-14", "21:15"), ("10-15", "07:40"), ("10-15", "12:10")):
        nina.view(on(day, clock), product("Stiefelette"))
    return nina


def store_regular() -> Person:
    """Has not been online since February and is anything but lost: she buys in the store every three weeks."""
    heidi = Person("C1004", "Heidi", "Zürcher", PLACES[1], "1958-08-23", created="2021-05-04", card="L4004")
    heidi.view(on("02-02", "15:00"), product("Merinopullover"))
    at = on("11-12", "10:30")
    for number in range(17):
        heidi.buy(at + number * timedelta(days=21), PRODUCTS[number % len(PRODUCTS)], store="Bern")
    return heidi


def five_thousand() -> Person:
    """Crosses CHF 5000, shop and stores together."""
    beat = Person("C1005", "Beat", "Schmid", PLACES[3], "1970-12-05", created="2021-09-01", card="L4005")
    wardrobe = (product("Wollmantel"), product("Daunenjacke"), product("Wanderschuh"))
    for number, day in enumerate(("11-23", "01-18", "03-15", "05-10", "07-05", "08-30")):
        beat.buy(on(day, "11:15"), *wardrobe, store=STORES[number % 2] if number % 2 else None)
    beat.buy(on("10-11", "16:05"), product("Wollmantel"), product("Schal"), store="Zürich")
    return beat


def tenth_purchase() -> Person:
    """Her tenth purchase, five in the shop and five in a store."""
    claudia = Person("C1006", "Claudia", "Rossi", PLACES[9], "1983-04-19", card="L4006")
    for number in range(10):
        at = on("10-23", "14:30") - (9 - number) * timedelta(days=31)
        claudia.buy(at, PRODUCTS[(5 * number) % len(PRODUCTS)], store="Zürich" if number % 2 else None)
    return claudia


def without_consent() -> Person:
    """Leaves a basket and has never consented to anything."""
    thomas = Person("C1007", "Thomas", "Graf", PLACES[2], "1990-10-28", consents=())
    thomas.check_out(on("10-20", "19:45"), product("Jeans gerade"), product("Ledergürtel"))
    return thomas


def far_away() -> Person:
    """Lives in New York: nine in the morning is three in the afternoon here."""
    emma = Person("C1008", "Emma", "Tanaka", ("New York", "10011", "de-CH"), "1985-10-22", time_zone="America/New_York", country="US")
    emma.buy(on("09-04", "02:10"), product("Wanderschuh"))
    emma.check_out(on("10-28", "03:20"), product("Wollmantel"))
    return emma


def withdraws() -> Person:
    """Withdraws her consent between the reminder and the offer."""
    reto = Person("C1009", "Reto", "Huber", PLACES[5], "--03-31")
    reto.check_out(on("10-21", "17:30"), product("Cordhose"), product("Schal"))
    reto.track(on("10-22", "12:00"), "Consent Withdrawn", channel="email", purpose="marketing", source="preference centre")
    return reto


def bounced() -> Person:
    """The mail address is dead; the birthday wishes go by SMS."""
    petra = Person("C1010", "Petra", "Keller", PLACES[4], "1976-10-24", phone="+41790001010", consents=("EMAIL", "SMS"))
    petra.buy(on("09-02", "09:10"), product("Strickjacke"))
    petra.reported(on("09-17", "08:02"), "Email Bounced", bounce_type="permanent")
    return petra


def from_nobody_to_customer() -> Person:
    """Looks around without a name, then opens an account in the same browser."""
    jonas = Person("C1011", "Jonas", "Weber", PLACES[7], created="2025-10-25")
    looked = {"product_id": "P15", "name": "Wollmantel", "price": 329.0}
    for clock in ("19:02", "19:20", "21:05"):
        jonas.call(on("10-24", clock), type="track", anonymousId="a-7731", event="Product Viewed", properties=looked)
    jonas.call(on("10-25", "10:20"), type="identify", userId="C1011", anonymousId="a-7731", traits={"firstName": "Jonas"})
    jonas.track(on("10-29", "20:05"), "Product Added to Wishlist", product_id="P15", name="Wollmantel", price=329.0)
    return jonas


def back_below_the_mark() -> Person:
    """Crosses CHF 5000, sends half of it back, crosses again: greeted once."""
    ruth = Person("C1012", "Ruth", "Egli", PLACES[0], "1966-01-09", created="2021-02-17", card="L4012")
    big = (product("Wollmantel"), product("Wollmantel"), product("Daunenjacke"))
    for day in ("12-07", "02-15", "04-12", "06-14", "08-16"):
        ruth.buy(on(day, "15:20"), *big)
    order = ruth.buy(on("09-20", "15:20"), *big)
    ruth.track(on("09-26", "10:00"), "Order Returned", order_id=order, revenue=907.00, currency="CHF")
    ruth.buy(on("10-18", "15:20"), *big)
    return ruth


# ---- the crowd ----


def crowd(dice: Random, first: int, number: int) -> Iterator[Person]:
    """So many ordinary customers."""
    for each in range(first, first + number):
        yield ordinary(dice, each)


def ordinary(dice: Random, number: int) -> Person:
    """One who buys now and then, leaves baskets, looks around, sends things back."""
    place = dice.choice(PLACES)
    is_french = place[2] == "fr-CH"
    born = date(dice.randint(1950, 2005), 1, 1) + timedelta(days=dice.randrange(365))
    created = FIRST.date() - timedelta(days=dice.randrange(1200) - 150)
    person = Person(
        f"C{number}", _one_of(dice, FRENCH if is_french else GERMAN), _one_of(dice, FAMILLES if is_french else FAMILIES), place,
        birthday=born.isoformat() if dice.random() < 0.7 else None,
        created=created.isoformat(),
        phone=f"+4179000{number}" if dice.random() < 0.4 else None,
        card=f"L{number}" if dice.random() < 0.65 else None,
        consents=dice.choice(((), ("EMAIL",), ("EMAIL",), ("EMAIL",), ("EMAIL",), ("EMAIL", "SMS"))),
    )  # fmt: skip
    begin = max(created - FIRST.date(), timedelta()).days + 1
    store_share = dice.choice((0.0, 0.2, 0.5, 0.9)) if person.card else 0.0
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4, 5, 7, 11))):
        _shop(person, dice, begin, store_share)
    for _ in range(dice.choice((0, 1, 2, 3, 5))):
        person.check_out(_moment(dice, begin), *_some(dice))
    for _ in range(dice.choice((0, 1, 2, 4))):
        wish = dice.choice(PRODUCTS)
        person.track(_moment(dice, begin), "Product Added to Wishlist", product_id=wish.id, name=wish.name, price=wish.price)
    for _ in range(dice.choice((0, 1, 3))):
        _look_again_and_again(person, dice, begin)
    if "EMAIL" in person.consents:
        _read_newsletters(person, dice, begin)
    return person


def _one_of(dice: Random, names: str) -> str:
    return dice.choice(names.split())


def _moment(dice: Random, begin: int) -> datetime:
    """Some time when people shop, from so many days into the year on."""
    day = FIRST.date() + timedelta(days=dice.randrange(begin, DAYS))
    return datetime.combine(day, time(dice.choice((7, 9, 10, 12, 12, 13, 15, 17, 18, 19, 20, 21, 22)), dice.randrange(60)), ZURICH)


def _some(dice: Random) -> list[Product]:
    return dice.sample(PRODUCTS, dice.choice((1, 1, 1, 2, 3)))


def _shop(person: Person, dice: Random, begin: int, store_share: float) -> None:
    at, products = _moment(dice, begin), _some(dice)
    if dice.random() < store_share:
        person.buy(at.replace(hour=9 + dice.randrange(9)), *products, store=dice.choice(STORES))
        return
    person.view(at - timedelta(minutes=dice.randrange(6, 40)), products[0])
    cart = person.check_out(at - timedelta(minutes=dice.randrange(1, 6)), *products)
    order = person.buy(at, *products, cart=cart)
    back = at + timedelta(days=dice.randrange(3, 16), hours=dice.randrange(5))
    if dice.random() < 0.15 and back < END:
        person.track(back, "Order Returned", order_id=order, revenue=products[0].price, currency="CHF")


def _look_again_and_again(person: Person, dice: Random, begin: int) -> None:
    at, liked = _moment(dice, begin), dice.choice(PRODUCTS)
    for _ in range(dice.choice((3, 3, 4))):
        if at < END:
            person.view(at, liked)
        at += timedelta(hours=dice.randrange(2, 40))


def _read_newsletters(person: Person, dice: Random, begin: int) -> None:
    """The monthly newsletter of the shop's old mailing program: opened by some, clicked by few."""
    for month in range(12):
        sent = FIRST + timedelta(days=4 + month * 30, hours=8)
        if sent < FIRST + timedelta(days=begin) or dice.random() > 0.15:
            continue
        opened = sent + timedelta(minutes=dice.randrange(5, 2000))
        person.reported(opened, "Email Opened", campaign=f"newsletter-{sent:%Y-%m}")
        if dice.random() < 0.25:
            person.reported(opened + timedelta(minutes=1), "Email Link Clicked", campaign=f"newsletter-{sent:%Y-%m}")


# ---- the file ----


def calls() -> list[Call]:
    """Every call of the year in order of time, numbered."""
    dice = Random(SEED)
    people = list(by_hand())
    people += crowd(dice, 1001 + len(people), CUSTOMERS - len(people))
    for person in people:
        person.register()
    every = sorted((call for person in people for call in person.calls), key=lambda call: datetime.fromisoformat(call["timestamp"]))
    return [{"messageId": f"m{number}", **call} for number, call in enumerate(every, 1)]


def content() -> bytes:
    """The year as NDJSON."""
    return b"".join(orjson.dumps(call, option=orjson.OPT_APPEND_NEWLINE) for call in calls())


def write(target: Path = TARGET) -> None:
    """Write the file, compressed the same way each time."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(content())
    target.write_bytes(packed.getvalue())


if __name__ == "__main__":
    write()
    print(f"{TARGET}: {len(calls()):,} calls, {TARGET.stat().st_size:,} bytes")
