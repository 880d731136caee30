"""Products in messages: looked up to the moment of handing over, and only where a template asks."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import text

from console.cli.context import Context
from core.instants import parse_instant
from storage.products import sales
from tests.console.lives import act, person, run, workspace

BASKET = """
title = "Basket left behind"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
after = "1h"
[[steps]]
channels = ["email"]
template = "products"
"""
TEMPLATE = (
    "{% for product in customer.basket %}{{ product.name }} {{ product.at }} {% endfor %}| {{ "
    "customer.similar[0].name }}"
)
HAT = {"product_id": "h", "name": "Hat", "category": "hats", "price": 10}
CAP = {"product_id": "c", "name": "Cap", "category": "hats", "price": 20}
TIE = {"product_id": "t", "name": "Tie", "category": "ties", "price": 30}


def sent(folder: Path) -> list[str]:
    lines = (folder / "outbox" / "email.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["parts"]["email.txt"] for line in lines]


def test_a_message_shows_the_basket_as_it_is_when_it_goes_out_and_what_compares_with_it(
    tmp_path: Path,
) -> None:
    calls = [
        person("anna"), person("beat"),
        act("beat", "Order Completed", "2024-12-27T10:00:00Z", order_id="1", products=[CAP]),
        act("anna", "Checkout Started", "2025-01-03T10:00:00Z", products=[HAT, TIE], value=40),
        act("anna", "Order Completed", "2025-01-03T10:30:00Z", order_id="2", products=[TIE], channel="store"),
    ]  # fmt: skip
    shop = workspace(tmp_path / "shop", calls, {"basket": BASKET}, products=TEMPLATE)
    assert (
        run(
            "-w",
            shop,
            "replay",
            "--from",
            "2025-01-01T00:00:00Z",
            "--to",
            "2025-01-04T00:00:00Z",
            "--into",
            tmp_path / "played",
        )
        == 0
    )
    assert sent(tmp_path / "played") == ["Hat 2025-01-03 | Cap"]


def test_a_live_message_shows_the_same_as_the_replay(tmp_path: Path) -> None:
    bought = act("anna", "Order Completed", "2025-01-02T10:00:00Z", order_id="1", products=[CAP])
    shop = workspace(
        tmp_path / "shop",
        [person("anna"), bought],
        {"basket": BASKET},
        products=TEMPLATE + "{{ customer.bought[0].name }}",
    )
    (shop / "new.ndjson").write_text(
        json.dumps(act("anna", "Checkout Started", "2025-01-03T10:00:00Z", products=[HAT]))
    )
    assert run("-w", shop, "import", shop / "new.ndjson", "--at", "2025-01-03T10:00:00Z") == 0
    assert run("-w", shop, "tick", "--at", "2025-01-03T11:00:00Z") == 0
    assert sent(shop) == ["Hat 2025-01-03 | Cap"]


def test_check_knows_the_lists_and_finds_slips_in_their_names(tmp_path: Path) -> None:
    shop = workspace(tmp_path / "shop", [], {"basket": BASKET}, products="{{ customer.wishlist }}")
    assert run("-w", shop, "check") == 1
    (shop / "templates" / "products" / "email.txt").write_text(TEMPLATE)
    assert run("-w", shop, "check") == 0


def test_what_sells_is_read_by_the_index_of_orders(tmp_path: Path) -> None:
    shop = workspace(tmp_path / "shop", [])
    with Context(shop, json=True) as context, context.store.reading() as connection:
        sales(connection, parse_instant("2025-01-01T00:00:00Z"))
        where = "name = 'Order Completed' AND occurred_at > 1 AND occurred_at <= 9"
        query = f"SELECT properties FROM events WHERE {where} ORDER BY occurred_at DESC"
        plan = " ".join(str(row) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert "ix_events_orders" in plan
