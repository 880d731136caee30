"""A database of before orders were known by their number gets its orders once, and nothing fires by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select

from core.sources.order_terms import OrderTerms
from storage.intake.order_migration import ORDERS_BUILT, build_where_missing
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.migrations import migrate
from storage.schema.operations import audit
from storage.sqlite import dbapi
from storage.store import Store, meta

TERMS = OrderTerms("CHF", ZoneInfo("Europe/Zurich"))
NOW = 1_772_000_000_000
OLD_SUMS = [3, 18_000, 2_000, 1, 3, 10, 30, 40]
EVENTS: list[tuple[int, str, int, int | None, dict[str, Any]]] = [
    (1, "Order Completed", 10, 6_000, {"order_id": "A1", "revenue": 60}),
    (1, "Order Completed", 20, 6_000, {"order_id": "A1", "revenue": 60}),
    (1, "Order Completed", 30, 6_000, {"order_id": "A2", "revenue": 60, "currency": "EUR"}),
    (1, "Order Refunded", 40, 0, {"order_id": "A1", "products": [{"sku": "x"}]}),
    (2, "Order Completed", 10, 6_000, {"order_id": "A3", "revenue": 60}),
    (3, "Product Viewed", 10, None, {}),
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
            (2, 6_000, 30), (1, 6_000, 10), (0, 0, 10)
        ]  # fmt: skip
        assert [row.planned_version for row in people] == [0, 5, 5]
        assert [row.next_due_at for row in people] == [None, None, None]
        assert [tuple(row) for row in told] == [
            ("A1", 0, None, 6_000), ("A1", 1, None, 6_000), ("A2", 0, "EUR", None), ("A1", 0, None, None),
            ("A3", 0, None, 6_000), (None, 0, None, None),
        ]  # fmt: skip
        assert report == {"customers": 1, "orders": [4, 3], "revenue": [24_000, 12_000], "unreadable": 0}
        assert [tuple(row) for row in noted] == [("migrate", "orders")]
        build_where_missing(store, TERMS, NOW, "ann")
        with store.reading() as connection:
            assert len(connection.execute(select(audit)).all()) == 1


def test_a_new_database_has_nothing_to_build(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        build_where_missing(store, TERMS, NOW, "ann")
        with store.reading() as connection:
            assert meta(connection, ORDERS_BUILT) is None
