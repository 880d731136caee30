"""The whole catalogue switched on at once over a year of real purchases, its limits counted again by other
means.

The purchases are those of the Online Retail file; what its shop did not record (addresses, views, baskets,
parcels, newsletters) is drawn around them from a seed. `python -m tests.console.catalogue.test_year` prints
the figures. The tests play 47 customers; `ONLINE_RETAIL=FILE` plays the whole file.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.catalogue import campaigns
from console.main import main
from core.instants import DAY, HOUR, Instant, local
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from tests.console.catalogue.test_stories import listed
from tests.console.catalogue_lives import switch_on
from tests.fixtures import online_retail

LONDON = ZoneInfo("Europe/London")
WEEK = 7 * DAY
MOST_SEEN = 20
SHARE = 4
"""Every fourth customer has addresses; nothing can be sent to the others."""
SETTINGS = """
[workspace]
name = "Online Retail"
time_zone = "Europe/London"
currency = "GBP"
locales = ["en"]
links = { shop = "https://shop.example/", survey = "https://shop.example/survey" }
[consent]
policy = "assumed"
[channels.email]
kind = "file"
send_window = ["Mon-Sun 07:00-21:00"]
[channels.sms]
kind = "file"
send_window = ["Mon-Sat 09:00-20:00"]
[channels.print]
kind = "file"
send_window = ["Mon-Fri 08:00-17:00"]
lead_time = "3d"
"""
PRESSURE = """
[[rule]]
name = "three-a-week"
limit = 3
window = "7d"
[[rule]]
name = "one-mail-in-two-days"
limit = 1
window = "2 days"
channels = ["email"]
[[rule]]
name = "eight-a-month"
limit = 8
window = "calendar month"
[[rule]]
name = "one-letter-a-quarter"
limit = 1
window = "calendar quarter"
channels = ["print"]
[[rule]]
name = "gap"
gap = "12h"
"""


class Contact(NamedTuple):
    """A message that went out, where it landed and whether it obeys; numbers grow in the order in which one
    customer's were decided.
    """

    number: int
    customer: int
    lands_at: Instant
    channel: str
    obeys: bool
    dispatch: tuple[int, int]  # a step sent over two channels at once is one contact in a rule over all


# ---- the year ----


def year(folder: Path) -> tuple[Path, dict[str, float]]:
    """The catalogue played over the year; the workspace of the replay, and how many seconds each part
    took.
    """
    shop, seconds = folder / "shop", {}
    shop.mkdir(parents=True)
    (shop / "manometer.toml").write_text(SETTINGS, encoding="utf-8")
    (shop / "pressure.toml").write_text(PRESSURE, encoding="utf-8")
    assert main(["-w", str(shop), "--json", "catalogue", "add", "--all"]) == 0
    switch_on(shop, *campaigns())
    around = shop / "around.ndjson"
    around.write_text("".join(json.dumps(call) + "\n" for call in drawn(Random(1))), encoding="utf-8")
    began = perf_counter()
    assert (
        main(
            [
                "-w",
                str(shop),
                "--json",
                "import",
                str(online_retail()),
                "--history",
                "--profile",
                "online-retail",
            ]
        )
        == 0
    )
    assert (
        main(["-w", str(shop), "--json", "import", str(around), "--history", "--source", "online-retail"])
        == 0
    )
    seconds["import"] = perf_counter() - began
    began = perf_counter()
    span = ["--from", "2010-12-01T00:00:00Z", "--to", "2011-12-31T00:00:00Z"]
    assert main(["-w", str(shop), "--json", "replay", *span, "--into", str(folder / "played")]) == 0
    seconds["replay"] = perf_counter() - began
    return folder / "played", seconds


def orders() -> dict[str, list[tuple[datetime, str, list[tuple[str, float]]]]]:
    """Each customer's orders with their first products, in order of time."""
    found: dict[tuple[str, str], tuple[datetime, list[tuple[str, float]]]] = {}
    for row in csv.DictReader(text_of(online_retail())):
        if row["CustomerID"] and not row["InvoiceNo"].startswith("C"):
            at = datetime.fromisoformat(row["InvoiceDate"])
            order = row["CustomerID"].removesuffix(".0"), row["InvoiceNo"]
            _, lines = found.setdefault(order, (at, []))
            lines.append((row["StockCode"], float(row["UnitPrice"])))
    by_customer = defaultdict(list)
    for (customer, number), (at, lines) in sorted(found.items(), key=lambda item: item[1][0]):
        by_customer[customer].append((at, number, lines[:MOST_SEEN]))
    return by_customer


def text_of(path: Path) -> StringIO:
    """A file's text, whether it is packed or not."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return StringIO(content.decode(errors="replace"), newline="")


def drawn(random: Random) -> Iterator[dict[str, Any]]:
    """What surely happened around the purchases and was not recorded."""
    for customer, bought in sorted(orders().items()):
        if int(customer) % SHARE:
            continue
        yield person(customer, bought[0][0], random)
        yield track(customer, "Account Created", bought[0][0] - timedelta(hours=2))
        for at, number, lines in bought:
            yield from around_an_order(customer, at, number, lines, random)
        for week in range(56):
            yield from a_week(customer, datetime(2010, 12, 2, 9) + timedelta(weeks=week), random)  # noqa: DTZ001 - the shop's local time


def person(customer: str, first: datetime, random: Random) -> dict[str, Any]:
    """Addresses, a birthday and the day of registration."""
    created = first - timedelta(days=random.randrange(1, 1500))
    traits: dict[str, Any] = {
        "email": f"c{customer}@shop.example", "firstName": "Pat", "lastName": f"No. {customer}",
        "locale": "en-GB",
        "birthday": (
            f"19{random.randrange(50, 99)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
        ),
        "createdAt": stamp(created),
    }  # fmt: skip
    if random.random() < 0.6:
        traits["phone"] = f"+4477{customer:0>8}"
    if random.random() < 0.7:
        traits["address"] = {
            "street": "1 High Street",
            "postalCode": "N1 9GU",
            "city": "London",
            "country": "GB",
        }
    return {
        "type": "identify",
        "messageId": f"i{customer}",
        "userId": customer,
        "timestamp": stamp(created),
        "traits": traits,
    }


def around_an_order(
    customer: str, at: datetime, number: str, lines: list[tuple[str, float]], random: Random
) -> Iterator[dict[str, Any]]:
    """Views and a basket before it, parcel and answers after it, wishes and coupons now and then."""
    product = {
        "product_id": lines[0][0],
        "sku": lines[0][0],
        "name": f"Article {lines[0][0]}",
        "price": lines[0][1],
    }
    for hours in (50, 30, 20)[: random.randrange(4)]:
        yield track(customer, "Product Viewed", at - timedelta(hours=hours), **product)
    if random.random() < 0.5:
        basket = {
            "cart_id": f"K{number}",
            "value": round(sum(price for _, price in lines) * 10, 2),
            "products": [product],
        }
        yield track(
            customer, "Checkout Started", at - timedelta(minutes=random.choice((10, 40, 90, 4000))), **basket
        )
    if random.random() < 0.2:
        yield track(customer, "Product Added to Wishlist", at - timedelta(days=9), wishlist_id="W", **product)
        yield track(
            customer,
            "Wishlist Price Dropped",
            at + timedelta(days=5),
            **{**product, "old_price": lines[0][1] * 2},
        )
    if random.random() < 0.1:
        yield track(customer, "Product Back in Stock", at + timedelta(days=8), **product)
        yield track(customer, "Coupon Issued", at + timedelta(days=1), coupon_id=f"G{number}", value=10)
    yield track(customer, "Order Shipped", at + timedelta(days=1), order_id=number)
    yield track(customer, "Order Delivered", at + timedelta(days=3), order_id=number, products=[product])
    if random.random() < 0.1:
        yield track(
            customer, "Support Case Closed", at + timedelta(days=6), case_id=f"T{number}", order_id=number
        )
        yield track(
            customer,
            "Survey Answered",
            at + timedelta(days=9),
            kind="csat",
            score=random.randrange(1, 6),
            order_id=number,
        )


def a_week(customer: str, at: datetime, random: Random) -> Iterator[dict[str, Any]]:
    """The newsletter, for one customer in five."""
    if int(customer) % 3 == 0:
        yield track(customer, "Email Delivered", at, email_id=f"{at:%U}")
        if int(customer) % 2 == 0 and int(customer) % 5 and random.random() < 0.3:
            yield track(customer, "Email Link Clicked", at + timedelta(hours=5), email_id=f"{at:%U}")


def track(customer: str, event: str, at: datetime, **properties: Any) -> dict[str, Any]:
    """A call as a source sends it."""
    identity = f"{customer}-{event}-{stamp(at)}-{properties.get('product_id', '')}"
    return {
        "type": "track",
        "messageId": identity,
        "userId": customer,
        "event": event,
        "timestamp": stamp(at),
        "properties": properties,
    }


def stamp(at: datetime) -> str:
    """A local time of the shop with its offset."""
    return at.replace(tzinfo=LONDON).isoformat()


# ---- counted again ----


def contacts(folder: Path) -> list[Contact]:
    """What went out and counts."""
    columns = messages.c
    query = select(
        columns.id,
        columns.customer_id,
        columns.lands_at,
        columns.channel,
        columns.purpose,
        columns.enrolment_id,
        columns.step,
    )
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        rows = connection.execute(query.where(columns.counts == 1, columns.state == "sent")).all()
    return [Contact(*row[:4], row.purpose == "marketing", (row.enrolment_id, row.step)) for row in rows]


def broken(mine: list[Contact]) -> Iterator[str]:
    """The rules that one customer's contacts break, each by walking its window by hand; what needs no room
    may come on top later.
    """
    for contact in (each for each in mine if each.obeys):
        others = [each for each in mine if each is contact or each.obeys or each.number < contact.number]
        at = contact.lands_at
        if len({each.dispatch for each in others if at - WEEK < each.lands_at <= at}) > 3:
            yield f"three-a-week {contact}"
        mails = [
            each
            for each in others
            if each.channel == "email" and 0 <= days(each.lands_at, at) <= 1 and each.lands_at <= at
        ]
        if contact.channel == "email" and len(mails) > 1:
            yield f"one-mail-in-two-days {contact}"
        if (
            len(
                {
                    each.dispatch
                    for each in others
                    if month(each.lands_at) == month(at) and each.lands_at <= at
                }
            )
            > 8
        ):
            yield f"eight-a-month {contact}"
        letters = [
            each for each in others if each.channel == "print" and quarter(each.lands_at) == quarter(at)
        ]
        if contact.channel == "print" and len(letters) > 1:
            yield f"one-letter-a-quarter {contact}"
        if any(each.dispatch != contact.dispatch and abs(each.lands_at - at) < 12 * HOUR for each in others):
            yield f"gap {contact}"


def days(earlier: Instant, later: Instant) -> int:
    """Local days between two instants."""
    return (local(later, LONDON).date() - local(earlier, LONDON).date()).days


def month(at: Instant) -> tuple[int, int]:
    """Year and month."""
    day = local(at, LONDON)
    return day.year, day.month


def quarter(at: Instant) -> tuple[int, int]:
    """Year and quarter."""
    day = local(at, LONDON)
    return day.year, (day.month - 1) // 3


def reminded_after_buying(folder: Path) -> list[tuple[int, Instant]]:
    """Basket reminders that went out though an order came between the basket and the message."""
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        ordered: dict[int, list[Instant]] = defaultdict(list)
        orders_of = select(events.c.customer_id, events.c.occurred_at).where(
            events.c.name == "Order Completed", events.c.customer_id.is_not(None)
        )
        for customer, at in connection.execute(orders_of.order_by(events.c.occurred_at)):
            ordered[customer].append(at)
        sent = select(messages.c.customer_id, messages.c.planned_at).where(
            messages.c.trigger == "basket-abandonment", messages.c.step == 1, messages.c.state == "sent"
        )
        rows = connection.execute(sent).all()
    return [
        (customer, at)
        for customer, at in rows
        if bisect_right(ordered[customer], at) != bisect_right(ordered[customer], at - HOUR)
    ]


# ---- the experiment ----


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return year(tmp_path_factory.mktemp("year"))[0]


def test_no_rule_was_broken_over_the_year(played: Path) -> None:
    by_customer = defaultdict(list)
    for contact in contacts(played):
        by_customer[contact.customer].append(contact)
    assert len(by_customer) > 30
    assert [fault for mine in by_customer.values() for fault in broken(mine)] == []


def test_no_message_went_out_twice_and_the_books_balance(played: Path) -> None:
    rows = listed(played, "outbox")
    # two orders of one minute are confirmed each, by its number
    named = ("customer", "trigger", "step", "channel", "planned_at", "subject")
    steps = Counter(tuple(row[name] for name in named) for row in rows)
    assert [step for step, times in steps.items() if times > 1] == []
    assert len({row["key"] for row in rows}) == len(rows)
    (status,) = listed(played, "status")
    assert status["conservation"]["holds"] is True
    assert status["failed"] == 0


def test_nobody_was_reminded_of_a_basket_after_buying(played: Path) -> None:
    assert reminded_after_buying(played) == []


def test_every_campaign_had_its_customers(played: Path) -> None:
    sent = {row["trigger"] for row in listed(played, "outbox") if row["state"] == "sent"}
    expected = {trigger for campaign in campaigns().values() for trigger in campaign.triggers}
    assert expected - sent == {"replenishment"}  # the file does not say what is used up


def figures() -> None:
    """Print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        played, seconds = year(Path(folder))
        decided = Counter(
            (row["trigger"], row["outcome"], row["reason"] or "") for row in listed(played, "decisions")
        )
        by_customer = defaultdict(list)
        for contact in contacts(played):
            by_customer[contact.customer].append(contact)
        faults = [fault for mine in by_customer.values() for fault in broken(mine)]
        reminded = reminded_after_buying(played)
        for fault in faults[:4]:
            mine = by_customer[int(fault.split("customer=")[1].split(",")[0])]
            sys.stderr.write(
                f"{fault}\n"
                + "".join(f"   {each}\n" for each in sorted(mine, key=lambda each: each.lands_at))
            )
        sys.stderr.write(
            f"{seconds}\n{decided.total()} decisions, {len(faults)} faults {faults[:5]}, reminded late "
            f"{reminded[:5]}\n"
        )
        for (trigger, outcome, reason), number in sorted(decided.items()):
            sys.stderr.write(f"{trigger:28} {outcome:9} {reason:16} {number}\n")
        sys.stderr.write(f"{listed(played, 'status')}\n")


if __name__ == "__main__":
    figures()
