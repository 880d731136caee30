"""A database of before orders were known by their number gets its orders once, and nothing fires by that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select

from core.sources.order_terms import OrderTerms
from core.sources.rates import read_rates
from storage.intake import decisions
from storage.intake.conversions import convert
from storage.intake.order_migration import ORDERS_BUILT, build_where_missing
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.migrations import migrate
from storage.schema.operations import audit
from storage.schema.profiles import load_profile, profile_from
from storage.sqlite import dbapi
from storage.store import Store, meta

TERMS = OrderTerms("CHF", ZoneInfo("Europe/Zurich"))
NOW = 1_772_000_000_000
OLD_SUMS = [3, 18_000, 2_000, 1, 3, 10, 30, 40]
RATES = read_rates("day,currency,rate\n1970-01-01,EUR,0.9\n")
EVENTS: list[tuple[int, str, int, int | None, dict[str, Any]]] = [
    (1, "Order Completed", 10, 6_000, {"order_id": "A1", "revenue": 60}),
    (1, "Order Completed", 20, 6_000, {"order_id": "A1", "revenue": 60}),
    (1, "Order Completed", 30, 6_000, {"order_id": "A2", "revenue": 60, "currency": "EUR"}),
    (1, "Order Refunded", 40, 0, {"order_id": "A1", "products": [{"sku": "x"}]}),
    (2, "Order Completed", 10, 6_000, {"order_id": "A3", "revenue": 60}),
    (3, "Product Viewed", 10, None, {}),
    (3, "Product Added", 20, None, {"product_id": "p1"}),
]


def old_database(path: Path) -> None:
    migrate(path, to=3)
    raw = dbapi.connect(str(path))
    settled = orjson.dumps({"traits": {}, "sums": OLD_SUMS}).decode()
    people = (
        (1, "u1", 3, 18_000, 40, settled, 5), (2, "u2", 1, 6_000, 10, None, 5), (3, "u3", 0, 0, 10, None, 5)
    )  # fmt: skip
    raw.executemany(
        "INSERT INTO customers (id, key, orders, revenue, last_activity_at, settled, planned_version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        people,
    )
    raw.executemany(
        "INSERT INTO identities (customer_id, kind, value, first_seen_at) VALUES (?, 'user', ?, 0)",
        [(number, key) for number, key, *_ in people],
    )
    raw.executemany(
        "INSERT INTO events (dedup, customer_id, kind, name, occurred_at, arrived_at, source, amount, "
        "properties) VALUES (?, ?, 'track', ?, ?, ?, 'shop', ?, ?)",
        [
            (bytes([number] * 16), customer, name, at, at, amount, orjson.dumps(said).decode())
            for number, (customer, name, at, amount, said) in enumerate(EVENTS)
        ],
    )
    raw.execute("INSERT INTO arrivals (customer_id, event_id) VALUES (1, 4)")
    raw.commit()
    raw.close()


def test_orders_are_built_once_and_profiles_folded_anew(tmp_path: Path) -> None:
    old_database(tmp_path / "shop.db")
    with Store.open(tmp_path / "shop.db") as store:
        build_where_missing(store, TERMS, NOW, "ann")
        with store.reading() as connection:
            people = connection.execute(select(customers).order_by(customers.c.id)).all()
            told = connection.execute(
                select(events.c.order_key, events.c.standing, events.c.currency, events.c.amount)
            ).all()
            report = orjson.loads(meta(connection, ORDERS_BUILT) or "")
            noted = connection.execute(select(audit.c.action, audit.c.subject)).all()
        assert [(row.orders, row.revenue, row.last_activity_at) for row in people] == [
            (2, 6_000, 30), (1, 6_000, 10), (0, 0, 20)
        ]  # fmt: skip
        assert [row.planned_version for row in people] == [0, 0, 0]
        assert [row.next_due_at for row in people] == [None, None, None]
        assert [tuple(row) for row in told] == [
            ("A1", 0, None, 6_000), ("A1", 1, None, 6_000), ("A2", 0, "EUR", None), ("A1", 0, None, None),
            ("A3", 0, None, 6_000), (None, 0, None, None), (None, 0, None, None),
        ]  # fmt: skip
        assert report == {
            "customers": 3, "orders": [4, 3], "revenue": [24_000, 12_000], "baskets": 3, "addresses": 0,
            "unreadable": 0, "converted": 0, "set_aside": {"EUR": 1}, "kept": 0, "last_event": 7,
        }  # fmt: skip
        assert [tuple(row) for row in noted] == [("migrate", "orders")]
        build_where_missing(store, TERMS, NOW, "ann")
        with store.reading() as connection:
            assert len(connection.execute(select(audit)).all()) == 1


def test_a_new_database_has_nothing_to_build(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        build_where_missing(store, TERMS, NOW, "ann")
        with store.reading() as connection:
            assert meta(connection, ORDERS_BUILT) is None


def migrated(path: Path, terms: OrderTerms, *statements: str) -> Store:
    """A database of before, with more in it, after its orders were built."""
    old_database(path)
    raw = dbapi.connect(str(path))
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()
    store = Store.open(path)
    build_where_missing(store, terms, NOW, "ann")
    return store


def test_baskets_are_known_afterwards(tmp_path: Path) -> None:
    with migrated(tmp_path / "shop.db", TERMS) as store, store.reading() as connection:
        details = connection.execute(select(customers.c.detail).order_by(customers.c.id)).scalars()
        baskets = [profile_from([0, 0, 0, 0, None, "{}", detail]).basket_items for detail in details]
        assert baskets == [0, 0, 1]


def test_the_rates_in_force_convert_what_was_taken_in_before(tmp_path: Path) -> None:
    terms = replace(TERMS, rates=RATES)
    with migrated(tmp_path / "shop.db", terms) as store, store.reading() as connection:
        told = connection.execute(select(events.c.amount, events.c.rate).where(events.c.currency == "EUR"))
        assert [tuple(row) for row in told] == [(5_400, "0.9")]
        assert connection.execute(select(customers.c.revenue)).scalars().all() == [11_400, 6_000, 0]
        report = orjson.loads(meta(connection, ORDERS_BUILT) or "")
        assert (report["converted"], report["set_aside"]) == (1, {})


def test_rates_that_come_later_convert_it_where_it_stands_and_begin_nothing(tmp_path: Path) -> None:
    with migrated(tmp_path / "shop.db", TERMS) as store:
        with store.writing() as connection:
            assert convert(connection, replace(TERMS, rates=RATES), NOW, lambda _, __: True) == 1
        with store.reading() as connection:
            assert connection.execute(select(customers.c.revenue)).scalars().all() == [11_400, 6_000, 0]
            assert len(connection.execute(select(events.c.id)).all()) == len(EVENTS)
            waiting = connection.execute(select(arrivals.c.event_id)).scalars().all()
            assert waiting == [4]
            settled = connection.execute(select(customers.c.settled).where(customers.c.id == 1)).scalar_one()
            assert load_profile(settled).revenue == 11_400


def test_joins_that_would_not_be_made_today_stand_and_are_listed(tmp_path: Path) -> None:
    second = "INSERT INTO identities (customer_id, kind, value, first_seen_at) VALUES (1, 'user', 'u9', 7)"
    with migrated(tmp_path / "shop.db", TERMS, second) as store, store.reading() as connection:
        kept = list(decisions.conflicts(connection))
        assert kept == [
            {"kind": "kept", "identity": None, "customers": ["u1", "u9"], "people": 2, "since": 7}
        ]  # fmt: skip
        assert orjson.loads(meta(connection, ORDERS_BUILT) or "")["kept"] == 1


def test_a_guest_can_be_written_to_at_the_address_of_an_order(tmp_path: Path) -> None:
    guest = (
        "INSERT INTO customers (id, key, planned_version) VALUES (4, 'email:guest@example.ch', 5)",
        "INSERT INTO identities (id, customer_id, kind, value, first_seen_at) "
        "VALUES (40, 4, 'email', 'guest@example.ch', 0)",
        "INSERT INTO events (dedup, customer_id, identity_id, kind, name, occurred_at, arrived_at, source) "
        "VALUES (x'ff', 4, 40, 'track', 'Newsletter Read', 50, 50, 'shop')",
    )
    with migrated(tmp_path / "shop.db", TERMS, *guest) as store, store.reading() as connection:
        assert (
            connection.execute(select(customers.c.email).where(customers.c.id == 4)).scalar_one()
            == "guest@example.ch"
        )
        assert orjson.loads(meta(connection, ORDERS_BUILT) or "")["addresses"] == 1
