"""The ordinary customers: how often they buy follows a power law, when they buy the season, and few of them
do everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Final

from console.demo.retailer import goods
from console.demo.retailer.calendar import DAYS, FIRST, Minute, is_open, moment, store_minute, web_minute
from console.demo.retailer.people import PLACES, SHARES, STORES, HomePlace, RetailerCustomer


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GERMAN: Final = (
    _words(
        "Anna Lea Lena Laura Julia Sandra Monika Ursula Regula Barbara Christine Nadine Simone Vreni Andrea"
    ),
    _words("Daniel Thomas Peter Marco Stefan Urs Hans Markus Lukas Simon Pascal Roger Bruno Fabian Noah"),
    _words(
        "Müller Meier Schmid Keller Weber Huber Schneider Steiner Fischer Gerber Baumann Frei Zimmermann "
        "Moser Widmer Wyss Graf Roth Suter "
        "Bühler Bachmann Lüthi Egli Hofer Käser Ammann Zürcher Stucki Kunz Brunner"
    ),
    _words("Bahnhofstrasse Dorfstrasse Hauptstrasse Lindenweg Seestrasse Kirchgasse Rosenweg Schulstrasse"),
)
_FRENCH: Final = (
    _words("Camille Chloé Sophie Isabelle Aline Élodie Mathilde Nathalie Céline"),
    _words("Julien Nicolas Philippe Yves Olivier Sébastien Luc Antoine Mathieu"),
    _words(
        "Favre Rochat Martin Dubois Perret Blanc Jaquet Monnier Chevalley Pittet Aubert Bonvin Rey Gillard"
    ),
    ("Rue du Lac", "Avenue de la Gare", "Rue du Marché", "Chemin des Vignes", "Rue Neuve", "Route de Berne"),
)
_ITALIAN: Final = (
    _words("Giulia Chiara Francesca Elena Paola Silvia Martina"),
    _words("Luca Marco Davide Matteo Fabio Stefano Nicola"),
    _words("Bernasconi Rossi Bianchi Ferrari Fontana Crivelli Galli Cattaneo Pedrazzini"),
    ("Via Nassa", "Via San Gottardo", "Viale Stazione", "Via Cantonale", "Via al Lago"),
)
_NAMES: Final = {"de": _GERMAN, "fr": _FRENCH, "it": _ITALIAN}
_MOST_A_YEAR: Final = 34.0
_KEEN: Final = 2.5  # orders a year
_FEW_BASKETS: Final = (0, 0, 0, 0, 0, 1, 1)  # left behind in three months
_MANY_BASKETS: Final = (0, 1, 2, 3, 4)


def ordinary(dice: Random, number: int, since: int) -> RetailerCustomer:
    """One who buys now and then; what is merely looked at is known from day `since` on."""
    person = _somebody(dice, number)
    habit = dice.choices(("web", "both", "store"), (45, 35, 20))[0] if person.card else "web"
    if person.device is not None and person.begin > 1:
        _look_around_unnamed(person, dice)
    person.register(9 * 60 + int(dice.random() * 720))
    last = _last_day(person, dice)
    a_year = min(dice.paretovariate(1.3), _MOST_A_YEAR)
    _shop(person, dice, habit, a_year, last, since)
    if habit != "store":
        _browse(person, dice, a_year, max(person.begin, since), last)
    _coupons(person, dice, last)
    if "EMAIL" in person.consents:
        _read_newsletters(person, dice)
    _change_mind(person, dice)
    return person


# ---- who the customer is ----


def _somebody(dice: Random, number: int) -> RetailerCustomer:
    roll = dice.random
    place = dice.choices(PLACES, SHARES)[0]
    women, men, families, streets = _NAMES[place.locale[:2]]
    is_woman = roll() < 0.64
    phone, push = place.country == "CH" and roll() < 0.45, roll() < 0.28
    return RetailerCustomer(
        number,
        dice.choice(women if is_woman else men),
        dice.choice(families),
        place,
        created=_created(dice),
        street=_street(dice, place, streets),
        gender="female" if is_woman else "male",
        birthday=_born(dice) if roll() < 0.68 else None,
        phone=phone,
        card=place.country == "CH" and roll() < 0.6,
        push=push,
        device=f"a-{number}" if roll() < 0.25 else None,
        consents=_consents(dice, phone, push),
    )


def _created(dice: Random) -> date:
    """Three in ten opened their account in the last two years."""
    days = int(dice.random() * (DAYS - 2)) if dice.random() < 0.3 else -int(1 + dice.random() * 1500)
    return FIRST + timedelta(days=days)


def _street(dice: Random, place: HomePlace, streets: Sequence[str]) -> str:
    name, house = dice.choice(streets), 1 + int(dice.random() * 80)
    return f"{house}, {name}" if place.locale == "fr-CH" else f"{name} {house}"


def _born(dice: Random) -> str:
    born = date(2006, 1, 1) - timedelta(days=int(dice.triangular(0, 23_000, 9_000)))
    return f"--{born:%m-%d}" if dice.random() < 0.08 else born.isoformat()


def _consents(dice: Random, phone: bool, push: bool) -> list[str]:
    given = ["EMAIL"] if dice.random() < 0.72 else []
    if phone and dice.random() < 0.35:
        given.append("SMS")
    if push and dice.random() < 0.85:
        given.append("WEBPUSH")
    return given


def _change_mind(person: RetailerCustomer, dice: Random) -> None:
    """Some want no more mail, some no letters, and some addresses die."""
    roll = dice.random()
    if roll < 0.035 and "EMAIL" in person.consents:
        person.reported(web_minute(dice, person.begin), "Unsubscribed", channel="email")
    elif roll < 0.055 and person.consents:
        said = {
            "channel": dice.choice(person.consents).lower(),
            "purpose": "marketing",
            "source": "preference centre",
        }
        person.online(web_minute(dice, person.begin), "Consent Withdrawn", **said)
    elif roll < 0.075:
        person.reported(web_minute(dice, person.begin), "Email Bounced", bounce_type="permanent")
    if dice.random() < 0.04:
        person.noted(
            store_minute(dice, person.begin),
            "Consent Withdrawn",
            channel="print",
            objected=True,
            source="letter",
        )


# ---- what the customer buys ----


def _last_day(person: RetailerCustomer, dice: Random) -> int:
    """The day by which the customer has turned elsewhere; most stay."""
    return DAYS if dice.random() < 0.72 else person.begin + int(dice.random() * (DAYS - person.begin)) + 1


def _shop(person: RetailerCustomer, dice: Random, habit: str, a_year: float, last: int, since: int) -> None:
    roll = dice.random
    store_share = {"web": 0.0, "both": 0.5, "store": 0.95}[habit]
    for _ in range(int(a_year * (last - person.begin) / 365 + roll())):
        products = goods.some(dice)
        if roll() < store_share:
            person.buy(store_minute(dice, person.begin, last), *products, store=_store(person, dice))
        else:
            _order_online(person, dice, web_minute(dice, person.begin, last), products, since)


def _order_online(
    person: RetailerCustomer, dice: Random, at: Minute, products: list[goods.Product], since: int
) -> None:
    cart = None
    if at >= since * 1440:
        person.view(at - 9 - int(dice.random() * 20), products[0])
        cart = person.check_out(at - 2 - int(dice.random() * 5), *products)
    order = person.buy(at, *products, cart=cart)
    if dice.random() < 0.13:
        back = at + 1440 * (4 + int(dice.random() * 9)) + int(dice.random() * 300)
        over_the_counter = person.card and is_open(back) and dice.random() < 0.3
        person.send_back(back, order, products[0].price, _store(person, dice) if over_the_counter else None)


def _store(person: RetailerCustomer, dice: Random) -> str:
    """The one in the customer's town, else any."""
    return person.place.city if person.place.city in STORES and dice.random() < 0.9 else dice.choice(STORES)


def _browse(person: RetailerCustomer, dice: Random, a_year: float, first: int, last: int) -> None:
    """Baskets left behind, wishes, and what is looked at again and again."""
    if first >= last:
        return
    share = (last - first) / 90
    roll = dice.random
    baskets = _MANY_BASKETS if a_year > _KEEN else _FEW_BASKETS
    for _ in range(int(dice.choice(baskets) * share + roll() * 0.5)):
        _leave_basket(person, dice, web_minute(dice, first, last))
    for _ in range(int(dice.choice((0, 0, 0, 1, 2)) * share + roll() * 0.5)):
        person.wish(web_minute(dice, first, last), goods.one(dice))
    if roll() < 0.14 * share:
        liked, at = goods.one(dice), web_minute(dice, first, last)
        for _ in range(dice.choice((3, 3, 4))):
            person.view(at, liked)
            at += 120 + int(roll() * 2200)


def _leave_basket(person: RetailerCustomer, dice: Random, at: Minute) -> None:
    products = goods.some(dice)
    person.view(at - 6 - int(dice.random() * 20), products[0])
    person.check_out(at, *products)
    roll, next_day = dice.random(), (at // 1440 + 1) * 1440 + 600 + int(dice.random() * 400)
    if roll < 0.12:
        person.buy(at + 30 + int(dice.random() * 2000), *products)
    elif roll < 0.24 and person.card and is_open(next_day):
        person.buy(next_day, *products, store=_store(person, dice))


def _look_around_unnamed(person: RetailerCustomer, dice: Random) -> None:
    """The evening before the account is opened, known by the device alone."""
    at, liked = person.begin * 1440 - 2880 + 1140 + int(dice.random() * 120), goods.one(dice)
    for _ in range(2):
        person.unnamed(
            at,
            "Product Viewed",
            product_id=liked.id,
            name=liked.name,
            category=liked.category,
            price=liked.price,
        )
        at += 7


# ---- coupons and newsletters ----

_AUTUMN: Final = moment("10-21", "10:00")
_CAMPAIGN: Final = 0.11


def _coupons(person: RetailerCustomer, dice: Random, last: int) -> None:
    """The autumn coupon of October to some, and now and then one of thanks."""
    roll = dice.random
    if person.begin < _AUTUMN // 1440 < last and roll() < _CAMPAIGN:
        coupon = person.get_coupon(_AUTUMN, 20, "7.11.2025")
        if roll() < 0.25:
            _redeem(person, dice, _AUTUMN // 1440 + 1, coupon)
    elif roll() < 0.1 and person.begin < DAYS - 110:
        day = DAYS - 110 + int(roll() * 100)
        coupon = person.get_coupon(day * 1440 + 600, 10, f"{FIRST + timedelta(days=day + 20):%-d.%-m.%Y}")
        if roll() < 0.4:
            _redeem(person, dice, day + 1, coupon)


def _redeem(person: RetailerCustomer, dice: Random, first: int, coupon: str) -> None:
    end = min(first + 9, DAYS)
    if person.card and dice.random() < 0.5:
        person.redeem(store_minute(dice, first, end), coupon, *goods.some(dice), store=_store(person, dice))
    else:
        person.redeem(web_minute(dice, first, end), coupon, *goods.some(dice))


def _read_newsletters(person: RetailerCustomer, dice: Random) -> None:
    """The monthly newsletter of the shop's old mailing program in the last months: opened by some, clicked by
    few.
    """
    for day in range(DAYS - 116, DAYS, 30):
        if day < person.begin or dice.random() > 0.3:
            continue
        at, campaign = (
            day * 1440 + 485 + int(dice.random() * 900),
            f"newsletter-{FIRST + timedelta(days=day):%Y-%m}",
        )
        person.reported(at, "Email Opened", campaign=campaign)
        if dice.random() < 0.2:
            person.reported(at + 1, "Email Link Clicked", campaign=campaign)
