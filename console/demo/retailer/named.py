"""The named customers: one for each trouble that shops have with their triggers, each told day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from console.demo.retailer.calendar import moment
from console.demo.retailer.goods import PRODUCTS, product
from console.demo.retailer.people import STORES, HomePlace, RetailerCustomer, place

FIRST_NUMBER: Final = 1001


def named() -> Iterator[RetailerCustomer]:
    """All of them, C1001 and on, their accounts included."""
    for tell in _ALL:
        person = tell()
        person.register()
        yield person


def basket_then_store() -> RetailerCustomer:
    """Leaves a basket online, walks into the store and buys."""
    sofie = RetailerCustomer(
        1001,
        "Sofie",
        "Brunner",
        place("Bern"),
        date(2022, 3, 14),
        gender="female",
        birthday="1987-02-11",
        card=True,
    )
    cart = sofie.check_out(moment("03-08", "20:10"), product("Chino"))
    sofie.buy(moment("03-08", "20:14"), product("Chino"), cart=cart)
    sofie.view(moment("10-16", "17:58"), product("Regenmantel"))
    sofie.check_out(moment("10-16", "18:10"), product("Regenmantel"))
    sofie.buy(moment("10-16", "18:48"), product("Regenmantel"), store="Bern")
    return sofie


def return_before_review() -> RetailerCustomer:
    """Sends the order back before the review request falls due."""
    luca = RetailerCustomer(
        1002,
        "Luca",
        "Meier",
        place("Zürich"),
        date(2022, 3, 14),
        gender="male",
        birthday="1979-06-30",
        card=True,
    )
    luca.buy(moment("04-22", "12:40"), product("Oxfordhemd"))
    cart = luca.check_out(moment("10-06", "20:09"), product("Rollkragenpullover"))
    order = luca.buy(moment("10-06", "20:15"), product("Rollkragenpullover"), cart=cart)
    luca.send_back(moment("10-13", "11:30"), order, 99.90, store="Zürich")
    return luca


def pressed() -> RetailerCustomer:
    """Four triggers want the customer within a few days: a basket, its nudge, the birthday, a review and a
    coupon.
    """
    nina = RetailerCustomer(
        1003, "Nina", "Favre", place("Lausanne"), date(2022, 3, 14), gender="female", birthday="1991-10-16",
        phone=True, card=True
    )  # fmt: skip
    nina.buy(moment("05-17", "13:20"), product("Sommerkleid"), store="Lausanne")
    nina.buy(moment("10-04", "18:20"), product("Strickkleid"))
    nina.get_coupon(moment("10-07", "10:00"), 20, "27.10.2025")
    nina.check_out(moment("10-13", "12:05"), product("Umhängetasche"))
    return nina


def store_regular() -> RetailerCustomer:
    """Has not been online since February and is anything but lost: buys in the store every three
    weeks.
    """
    heidi = RetailerCustomer(
        1004,
        "Heidi",
        "Zürcher",
        place("Bern"),
        date(2021, 5, 4),
        gender="female",
        birthday="1958-08-23",
        card=True,
    )
    heidi.view(moment("02-02", "15:00"), product("Merinopullover"))
    for number in range(17):
        heidi.buy(
            moment("11-12", "10:30") + number * 21 * 1440, PRODUCTS[number % len(PRODUCTS)], store="Bern"
        )
    return heidi


def five_thousand() -> RetailerCustomer:
    """Crosses CHF 5000, shop and stores together."""
    beat = RetailerCustomer(
        1005,
        "Beat",
        "Schmid",
        place("Luzern"),
        date(2021, 9, 1),
        gender="male",
        birthday="1970-12-05",
        card=True,
    )
    wardrobe = (product("Wollmantel"), product("Daunenjacke"), product("Wanderschuh"))
    for number, day in enumerate(("11-23", "01-18", "03-15", "05-10", "07-05", "08-30")):
        beat.buy(moment(day, "11:15"), *wardrobe, store=STORES[number % 2] if number % 2 else None)
    beat.buy(moment("10-11", "16:05"), product("Wollmantel"), product("Schal"), store="Zürich")
    return beat


def tenth_purchase() -> RetailerCustomer:
    """The tenth purchase, five in the shop and five in a store."""
    claudia = RetailerCustomer(
        1006,
        "Claudia",
        "Rossi",
        place("Chur"),
        date(2022, 3, 14),
        gender="female",
        birthday="1983-04-19",
        card=True,
    )
    for number in range(10):
        at = moment("10-23", "14:30") - (9 - number) * 28 * 1440
        claudia.buy(at, PRODUCTS[(5 * number) % len(PRODUCTS)], store="Zürich" if number % 2 else None)
    return claudia


def without_consent() -> RetailerCustomer:
    """Leaves a basket and has never consented to anything."""
    thomas = RetailerCustomer(
        1007,
        "Thomas",
        "Graf",
        place("Basel"),
        date(2022, 3, 14),
        gender="male",
        birthday="1990-10-28",
        consents=(),
    )
    thomas.check_out(moment("10-20", "19:45"), product("Jeans gerade"), product("Ledergürtel"))
    return thomas


def far_away() -> RetailerCustomer:
    """Lives in New York: nine in the morning is three in the afternoon here."""
    new_york = HomePlace("New York", "10011", "de-CH", "US")
    emma = RetailerCustomer(
        1008,
        "Emma",
        "Tanaka",
        new_york,
        date(2022, 3, 14),
        birthday="1985-10-22",
        time_zone="America/New_York",
    )
    emma.buy(moment("09-04", "02:10"), product("Wanderschuh"))
    emma.check_out(moment("10-28", "03:20"), product("Wollmantel"))
    return emma


def withdraws() -> RetailerCustomer:
    """Withdraws his consent between the reminder and the nudge."""
    reto = RetailerCustomer(
        1009, "Reto", "Huber", place("St. Gallen"), date(2022, 3, 14), gender="male", birthday="--03-31"
    )
    reto.check_out(moment("10-21", "17:30"), product("Cordhose"), product("Schal"))
    reto.online(
        moment("10-22", "12:00"),
        "Consent Withdrawn",
        channel="email",
        purpose="marketing",
        source="preference centre",
    )
    return reto


def bounced() -> RetailerCustomer:
    """The mail address is dead; the birthday wishes go by SMS."""
    petra = RetailerCustomer(
        1010, "Petra", "Keller", place("Winterthur"), date(2022, 3, 14), gender="female",
        birthday="1976-10-24", phone=True,
        consents=("EMAIL", "SMS"),
    )  # fmt: skip
    petra.buy(moment("09-02", "09:10"), product("Strickjacke"))
    petra.reported(moment("09-17", "08:02"), "Email Bounced", bounce_type="permanent")
    return petra


def from_nobody_to_customer() -> RetailerCustomer:
    """Looks around without a name, then opens an account in the same browser and is welcomed."""
    jonas = RetailerCustomer(
        1011, "Jonas", "Weber", place("Genève"), date(2025, 10, 25), gender="male", device="a-7731"
    )
    for clock in ("19:02", "19:20", "21:05"):
        jonas.unnamed(
            moment("10-24", clock),
            "Product Viewed",
            product_id="P28",
            name="Wollmantel",
            category="Jacken",
            price=329.0,
        )
    jonas.wish(moment("10-29", "20:05"), product("Wollmantel"))
    return jonas


def back_below_the_mark() -> RetailerCustomer:
    """Crosses CHF 5000, sends a part back, crosses again: greeted once."""
    ruth = RetailerCustomer(
        1012,
        "Ruth",
        "Egli",
        place("Zürich"),
        date(2021, 2, 17),
        gender="female",
        birthday="1966-01-09",
        card=True,
    )
    big = (product("Wollmantel"), product("Wollmantel"), product("Daunenjacke"))
    for day in ("12-07", "02-15", "04-12", "06-14", "08-16"):
        ruth.buy(moment(day, "15:20"), *big)
    order = ruth.buy(moment("09-20", "15:20"), *big)
    ruth.send_back(moment("09-26", "10:00"), order, 907.00)
    ruth.buy(moment("10-18", "15:20"), *big)
    return ruth


def unused_coupon() -> RetailerCustomer:
    """Has a coupon of the autumn and leaves it; the reminder waits for approval with those of many others."""
    giulia = RetailerCustomer(
        1013,
        "Giulia",
        "Bernasconi",
        place("Lugano"),
        date(2022, 3, 14),
        gender="female",
        birthday="1988-07-02",
    )
    giulia.buy(moment("08-24", "20:40"), product("Stiefelette"))
    giulia.get_coupon(moment("10-21", "10:00"), 20, "7.11.2025")
    return giulia


def busy_week() -> RetailerCustomer:
    """The next days hold a basket, a coupon, a birthday and a review for the customer: more than there is
    room for.
    """
    elena = RetailerCustomer(
        1014, "Elena", "Frei", place("Zürich"), date(2022, 3, 14), gender="female", birthday="1994-11-04",
        phone=True, push=True,
        consents=("EMAIL", "SMS", "WEBPUSH"),
    )  # fmt: skip
    elena.buy(moment("06-21", "12:30"), product("Faltenjupe"))
    elena.buy(moment("10-21", "19:15"), product("Blazer"))
    elena.get_coupon(moment("10-24", "10:00"), 20, "10.11.2025")
    elena.check_out(moment("10-31", "22:40"), product("Abendkleid"), product("Wollmantel"))
    return elena


def three_years() -> RetailerCustomer:
    """A customer for three years on 28 October, reachable by post only."""
    martin = RetailerCustomer(
        1015,
        "Martin",
        "Wyss",
        place("Thun"),
        date(2022, 10, 28),
        gender="male",
        consents=(),
        street="Seestrasse 12",
    )
    martin.buy(moment("12-14", "11:00"), product("Pyjama"))
    martin.buy(moment("07-19", "18:35"), product("Leinenhemd"))
    return martin


_ALL: Final = (
    basket_then_store, return_before_review, pressed, store_regular, five_thousand, tenth_purchase,
    without_consent, far_away, withdraws,
    bounced, from_nobody_to_customer, back_below_the_mark, unused_coupon, busy_week, three_years,
)  # fmt: skip
