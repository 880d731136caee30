"""Profiles that come with the product, on files in the shape of the real exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console.intake.csv_profiles import shipped_profiles
from console.intake.files import IntakeSettings, import_file
from core.instants import parse_instant
from core.sources.connector import SourceFile
from core.sources.identities import IdentitySettings
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.store import Store

NOW = parse_instant("2026-03-01T12:00:00Z")
EXPORTS = Path(__file__).parents[2] / "fixtures" / "exports"
ORDERS: dict[str, tuple[str | None, str, int, tuple[int, int, int]]] = {
    # currency as written, instant and amount of the first order, lines read, taken and rejected
    "shopify-orders": ("CHF", "2025-05-01T07:59:00Z", 10_090, (5, 5, 0)),
    "woocommerce-orders": ("CHF", "2025-05-01T08:00:00Z", 4_990, (2, 2, 0)),
    "woocommerce-order-lines": (None, "2025-05-01T08:00:00Z", 4_990, (3, 3, 0)),
    "shopware-orders": (None, "2025-05-01T08:00:00Z", 4_990, (1, 1, 0)),
    "magento-orders": (None, "2025-05-01T12:00:00Z", 121_940, (2, 2, 0)),
    "prestashop-orders": ("CHF", "2025-05-01T08:00:00Z", 4_990, (2, 1, 1)),
    "german-till": (None, "2025-05-01T08:00:00Z", 205_990, (4, 4, 0)),
}
PEOPLE: dict[str, dict[str, str]] = {
    "shopify-customers": {"email": "granted", "sms": "withdrawn"},
    "woocommerce-customers": {},
    "shopware-customers": {},
    "shopware-newsletter": {"email": "granted"},
    "magento-customers": {},
    "prestashop-customers": {"email": "granted"},
    "mailchimp-subscribed": {"email": "granted"},
    "mailchimp-unsubscribed": {"email": "withdrawn"},
    "klaviyo": {"email": "granted"},
    "cleverreach": {"email": "granted"},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def taken(store: Store, profile: str, path: Path | None = None) -> tuple[int, int, int]:
    rejects = store.path.parent / "rejects"
    identities = IdentitySettings(region="CH")
    settings = IntakeSettings(ZoneInfo("Europe/Zurich"), rejects, currency="CHF", identities=identities)
    file = SourceFile(path or EXPORTS / f"{profile}.csv", profile=profile)
    done = import_file(store, file, settings=settings, arrived_at=NOW)
    return done.read, done.taken, done.rejected


@pytest.mark.parametrize("profile", sorted(ORDERS))
def test_orders_of_shops_and_tills_are_read_as_they_are_exported(store: Store, profile: str) -> None:
    currency, at, amount, counts = ORDERS[profile]
    assert taken(store, profile) == counts
    with store.reading() as connection:
        columns = (events.c.amount, events.c.occurred_at, events.c.properties)
        sales = select(*columns).where(events.c.name == "Order Completed").order_by(events.c.id)
        found = connection.execute(sales).all()
        customer = connection.execute(select(customers.c.email).order_by(customers.c.id)).scalar()
    sum_, occurred_at, properties = found[0]
    assert (sum_, occurred_at) == (amount, parse_instant(at))
    assert (f'"currency":"{currency}"' in properties) == (currency is not None)
    assert customer == (None if profile == "german-till" else "a@x.ch")


@pytest.mark.parametrize("profile", sorted(PEOPLE))
def test_lists_of_people_are_read_as_they_are_exported(store: Store, profile: str) -> None:
    read, took, rejected = taken(store, profile)
    assert (took, rejected) == (read, 0)
    with store.reading() as connection:
        names = select(customers.c.email, customers.c.first_name, customers.c.last_name)
        first = connection.execute(names.order_by(customers.c.id)).first()
        ledger = connection.execute(select(consents.c.channel, consents.c.state)).all()
    assert first is not None
    assert tuple(first) == ("a@x.ch", "Ann", "Ek")
    assert {row.channel: row.state for row in ledger} == PEOPLE[profile]


def test_every_shipped_profile_has_an_export_to_be_tried_on() -> None:
    tried = {*ORDERS, *PEOPLE}
    assert {path.stem for path in EXPORTS.glob("*.csv")} == tried
    assert set(shipped_profiles()) == tried | {"customers", "online-retail"}


def test_what_was_cancelled_in_the_shop_is_no_order_whatever_its_payment_says(store: Store) -> None:
    taken(store, "shopify-orders")
    with store.reading() as connection:
        names = connection.execute(select(events.c.properties).where(events.c.name == "Order Completed"))
        assert ["5551234567890" in properties for (properties,) in names] == [True]


def test_the_orders_of_one_guest_make_one_customer_however_many_numbers_the_shop_gave_her(
    store: Store,
) -> None:
    assert taken(store, "shopware-customers") == (5, 5, 0)
    with store.reading() as connection:
        found = connection.execute(select(customers.c.email, customers.c.phone, customers.c.country)).all()
    assert [tuple(row) for row in found] == [("a@x.ch", "+41791234567", "CH")]


def test_a_birthday_that_the_shop_shifted_with_its_zone_is_its_day(store: Store) -> None:
    taken(store, "magento-customers")
    with store.reading() as connection:
        (traits,) = connection.execute(select(customers.c.traits)).one()
        (birthday,) = connection.execute(select(customers.c.birthday)).one()
    assert birthday == "1990-04-05", traits


def test_a_list_with_names_where_addresses_belong_is_refused(store: Store, tmp_path: Path) -> None:
    """PrestaShop 1.7.6 wrote the first name into the columns of last name and address."""
    path = tmp_path / "customers.csv"
    path.write_text((EXPORTS / "prestashop-customers.csv").read_text("utf-8").replace("a@x.ch", "Ann"))
    assert taken(store, "prestashop-customers", path) == (1, 0, 1)


def test_the_goods_that_came_back_to_the_till_go_back_to_their_receipt(store: Store) -> None:
    taken(store, "german-till")
    with store.reading() as connection:
        returned = select(events.c.amount, events.c.properties).where(events.c.name == "Order Returned")
        ((amount, properties),) = connection.execute(returned).all()
    assert amount == 1_000
    assert '"order_id":"4711"' in properties


def test_who_has_left_is_never_granted_by_the_profile_for_those_who_stayed(store: Store) -> None:
    assert taken(store, "mailchimp-subscribed", EXPORTS / "mailchimp-unsubscribed.csv") == (1, 0, 1)
