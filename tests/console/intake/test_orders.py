"""Orders from the files of a workspace to its sums: namespaces, currencies, and what waits for a rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.main import main

SETTINGS = """
[workspace]
name = "orders"
time_zone = "Europe/Zurich"
currency = "CHF"
rates = "rates.csv"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
[sources.till]
orders = "till"
[profiles.table]
kind = "orders"
source = "shop"
[profiles.table.columns]
key = "number"
at = "at"
amount = "total"
currency = "currency"
[profiles.table.identities]
user = "who"
[profiles.lines]
kind = "events"
source = "shop"
event = "Order Completed"
[profiles.lines.columns]
key = "line"
at = "at"
amount = "total"
[profiles.lines.identities]
user = "who"
[profiles.lines.properties]
order_id = "number"
"""
SPENT = """
title = "100 spent"
status = "active"
purpose = "marketing"
[when]
kind = "threshold"
metric = "revenue"
reaches = 100
[[steps]]
channels = ["email"]
template = "note"
"""


class Shop:
    """A workspace in a folder, and what its commands say."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys, self.calls = folder, capsys, 0
        self.write("manometer.toml", SETTINGS)
        self.write("triggers/spent.toml", SPENT)
        self.write("templates/note/email.txt", "Thanks")
        self.write("rates.csv", "day,currency,rate\n2026-03-01,EUR,0.95\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, *words: str) -> str:
        assert main(["-w", str(self.folder), *words]) == 0, self.capsys.readouterr()
        return self.capsys.readouterr().out

    def rows(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def tell(self, *calls: dict[str, Any], source: str = "shop", at: str = "2026-03-02T12:00:00Z") -> str:
        lines = []
        for call in calls:
            self.calls += 1
            said = {
                "type": "track",
                "userId": "u1",
                "messageId": f"m{self.calls}",
                "event": "Order Completed",
            }
            said["timestamp"] = "2026-03-02T10:00:00Z"
            lines.append(json.dumps(said | call))
        self.write(f"calls-{self.calls}.ndjson", "\n".join(lines))
        path = str(self.folder / f"calls-{self.calls}.ndjson")
        return self.run("import", path, "--source", source, "--at", at)

    def revenue(self) -> tuple[int, float]:
        [row] = self.rows("customers")
        return row["orders"], row["revenue"]


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path, capsys)


def order(number: str | None, revenue: Any, **said: Any) -> dict[str, Any]:
    return {"properties": {"order_id": number, "revenue": revenue} | said}


def test_two_sources_with_numbers_of_their_own_tell_of_two_orders(shop: Shop) -> None:
    shop.tell(order("7", 10))
    shop.tell(order("7", 20), source="till")
    assert shop.revenue() == (2, 30)
    assert {row["order"] for row in shop.rows("orders")} == {"7", "till:7"}


def test_an_amount_is_converted_by_its_local_day(shop: Shop) -> None:
    shop.tell(order("A1", 100, currency="EUR"))
    assert shop.revenue() == (1, 95)
    [row] = shop.rows("orders")
    assert (row["currency"], row["amount"], row["net"]) == ("EUR", 100, 100)


def test_what_has_no_rate_is_not_converted_visibly_and_converted_at_the_next_apply(shop: Shop) -> None:
    said = shop.tell(
        {"type": "identify", "traits": {"email": "u1@example.ch"}},
        order("A1", 200, currency="USD"),
        order(None, 50, currency="USD"),
        {"event": "Order Refunded", "timestamp": "2026-03-02T11:00:00Z"} | order("A1", 20, currency="USD"),
    )
    assert "3 amounts in USD not converted" in said
    assert shop.revenue() == (2, 0)
    assert "not converted" in shop.run("check")
    main(["-w", str(shop.folder), "status", "--json"])
    assert json.loads(shop.capsys.readouterr().out)["set_aside"] == {"USD": 3}
    shop.run("tick", "--at", "2026-03-02T13:00:00Z")
    assert shop.rows("decisions") == []

    shop.write("rates.csv", "day,currency,rate\n2026-03-01,EUR,0.95\n2026-03-01,USD,0.9\n")
    assert "3 amounts converted" in shop.run("apply", "--yes", "--at", "2026-03-03T08:00:00Z")
    assert shop.revenue() == (2, 207)  # (200 - 20 + 50) * 0.9
    main(["-w", str(shop.folder), "status", "--json"])
    assert json.loads(shop.capsys.readouterr().out)["set_aside"] == {}
    shop.run("tick", "--at", "2026-03-03T09:00:00Z")
    assert [(row["trigger"], row["outcome"]) for row in shop.rows("decisions")] == [("spent", "send")]
    listed = {row["order"]: row for row in shop.rows("orders")}
    assert (listed["A1"]["amount"], listed["A1"]["refunded"], listed["A1"]["net"]) == (200, 20, 180)
    assert listed[None]["amount"] == 50

    shop.write("rates.csv", "day,currency,rate\n2026-03-01,USD,0.5\n")
    shop.run("apply", "--yes", "--at", "2026-03-04T08:00:00Z")
    assert shop.revenue() == (2, 207)


def test_a_table_that_cannot_be_read_is_a_fault_with_its_line(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("rates.csv", "day,currency,rate\n2026-03-01,EUR,zero\n")
    assert main(["-w", str(shop.folder), "check"]) == 1
    assert "rates.csv:2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('rates = "rates.csv"', 'rates = "other.csv"', "there is no file other.csv"),
        ('rates = "rates.csv"', 'rates = "../rates.csv"', "is no .csv file of the workspace"),
        ('currency = "CHF"', 'currency = "KWD"', "more than two decimals"),
        ('orders = "till"', 'orders = "a b"', "is no name of a namespace"),
    ],
)
def test_settings_of_orders_that_cannot_hold_are_faults(
    shop: Shop, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    shop.write("manometer.toml", SETTINGS.replace(before, after))
    assert main(["-w", str(shop.folder), "check"]) == 1
    assert said in " ".join(capsys.readouterr().out.split())


def test_orders_are_listed_as_they_stand(shop: Shop) -> None:
    shoes = [{"sku": "s", "quantity": 1, "price": 60}]
    shop.tell(
        order("A1", 60, products=shoes), order("A1", 60), order("A2", 5), order("A2", 5) | {"userId": "u2"},
        {"event": "Order Cancelled"} | order("A3", None), order("A3", 9),
        {"event": "Order Returned"} | order("A1", None),
        {"event": "Order Returned", "properties": {"total": 3}},
    )  # fmt: skip
    rows = {(row["order"], row["customer"]): row for row in shop.rows("orders")}
    assert rows["A1", "u1"] | {"at": None} == {
        "order": "A1", "customer": "u1", "at": None, "source": "shop", "status": "returned",
        "currency": "CHF", "amount": 60, "refunded": 60, "net": 0, "products": shoes,
    }  # fmt: skip
    assert (rows["A3", "u1"]["status"], rows["A3", "u1"]["net"]) == ("cancelled", 0)
    assert (rows["A2", "u1"]["status"], rows["A2", "u2"]["amount"]) == ("open", 5)
    assert (rows[None, "u1"]["amount"], rows[None, "u1"]["refunded"]) == (None, 3)
    assert "(of 2 customers)" in shop.run("orders")
    assert {row["customer"] for row in shop.rows("orders", "--customer", "u2")} == {"u2"}


def test_what_is_left_of_an_order_counts_once_an_import_is_taken_back(shop: Shop) -> None:
    shop.tell(order("A1", 60))
    shop.tell(order("A1", 70), order("A2", 5) | {"userId": None, "anonymousId": "a1"}, source="server")
    shop.tell(order("A2", 5))
    assert [(row["customer"], row["orders"]) for row in shop.rows("customers")] == [
        ("anonymous:a1", 0),
        ("u1", 2),
    ]
    shop.run("imports", "undo", "1", "--yes")
    shop.run("imports", "undo", "3", "--yes")
    rows = shop.rows("customers")
    assert [(row["customer"], row["orders"], row["revenue"]) for row in rows] == [
        ("anonymous:a1", 1, 5), ("u1", 1, 70)
    ]  # fmt: skip


def test_an_unreadable_amount_rejects_its_line_and_the_rest_is_taken(shop: Shop) -> None:
    said = shop.tell(order("A1", "a lot"), order("A2", 5))
    assert "1 rejected" in said
    assert shop.revenue() == (1, 5)


class TestTables:
    """An order from a table is the order that calls tell of, and its money is converted as theirs is."""

    def table(self, shop: Shop, *lines: str, profile: str = "table", source: str = "shop") -> None:
        shop.calls += 1
        name = f"table{shop.calls}.csv"
        header = "number,at,who,total,currency" if profile == "table" else "line,at,who,total,number"
        shop.write(name, "\n".join((header, *lines)) + "\n")
        shop.run("import", str(shop.folder / name), "--profile", profile, "--source", source, "--history")

    def test_an_order_of_a_call_comes_again_in_a_table(self, shop: Shop) -> None:
        shop.tell(order("A1", 60))
        self.table(shop, "A1,2026-03-02T10:00:00Z,u1,60.00,CHF", "A2,2026-03-02T10:00:00Z,u1,5.00,CHF")
        assert shop.revenue() == (2, 65)
        assert [row["order"] for row in shop.rows("orders")] == ["A1", "A2"]

    def test_in_a_list_of_events_alike(self, shop: Shop) -> None:
        shop.tell(order("A1", 60))
        self.table(shop, "L1,2026-03-02T10:00:00Z,u1,60.00,A1", profile="lines")
        assert shop.revenue() == (1, 60)

    def test_its_currency_is_converted_or_told(self, shop: Shop) -> None:
        self.table(
            shop, "A1,2026-03-02T10:00:00Z,u1,100.00,EUR", "A2,2026-03-02T10:00:00Z,u1,100.00,USD",
            "A3,2026-03-02T10:00:00Z,u1,10.00,",
        )  # fmt: skip
        assert shop.revenue() == (3, 105)

    def test_a_currency_in_the_cell_of_a_list_of_events_alike(self, shop: Shop) -> None:
        self.table(shop, "L1,2026-03-02T10:00:00Z,u1,100.00 EUR,A1", profile="lines")
        assert shop.revenue() == (1, 95)

    def test_its_number_counts_in_the_namespace_of_its_source(self, shop: Shop) -> None:
        self.table(shop, "7,2026-03-02T10:00:00Z,u1,1.00,CHF")
        self.table(shop, "7,2026-03-02T10:00:00Z,u1,2.00,CHF", source="till")
        assert shop.revenue() == (2, 3)
        assert {row["order"] for row in shop.rows("orders")} == {"7", "till:7"}

    def test_placeholders_are_no_numbers_and_each_line_is_an_order(self, shop: Shop) -> None:
        self.table(
            shop, "0,2026-03-02T10:00:00Z,u1,1.00,CHF", "0,2026-03-02T10:00:00Z,u1,2.00,CHF",
            "null,2026-03-02T11:00:00Z,u1,4.00,CHF",
        )  # fmt: skip
        assert shop.revenue() == (3, 7)

    def test_amounts_in_a_home_currency_without_decimals(self, shop: Shop) -> None:
        shop.write("manometer.toml", SETTINGS.replace('"CHF"', '"JPY"').replace('rates = "rates.csv"', ""))
        self.table(shop, "A1,2026-03-02T10:00:00Z,u1,500,JPY")
        shop.tell(order("A2", 500))
        assert shop.revenue() == (2, 1_000)
