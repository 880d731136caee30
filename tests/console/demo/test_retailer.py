"""The imaginary retailer: her customers come out the same each time, belong to nobody, and keep the hours of
the stores.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from console.channels import adapter_kinds
from console.demo.furnished import END
from console.demo.retailer.layout import lay_out
from console.demo.retailer.past import SEED, SOURCES, write_past
from console.workspace.reading import read_workspace
from core.instants import parse_instant

CUSTOMERS = 200


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    write_past(folder, CUSTOMERS, 90, SEED)
    return folder


@pytest.fixture(scope="module")
def calls(past: Path) -> dict[str, list[dict[str, Any]]]:
    return {source: [json.loads(line) for line in _content(past, source).splitlines()] for source in SOURCES}


def _content(folder: Path, source: str) -> bytes:
    return gzip.decompress((folder / f"{source}.ndjson.gz").read_bytes())


def test_equal_arguments_give_equal_files(past: Path, tmp_path: Path) -> None:
    write_past(tmp_path, CUSTOMERS, 90, SEED)
    assert all(
        (tmp_path / f"{source}.ndjson.gz").read_bytes() == (past / f"{source}.ndjson.gz").read_bytes()
        for source in SOURCES
    )


def test_another_seed_gives_other_people_but_the_same_named_ones(
    calls: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_past(tmp_path, CUSTOMERS, 90, SEED + 1)
    others = [json.loads(line) for line in _content(tmp_path, "crm").splitlines()]
    same = [call["userId"] for call in others if call["type"] == "identify" and call in calls["crm"]]
    assert sorted(same) == [f"C{1001 + number}" for number in range(15)]


def test_the_first_customers_stay_who_they_are_when_there_are_more(
    calls: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_past(tmp_path, CUSTOMERS // 2, 90, SEED)
    fewer = [json.loads(line) for line in _content(tmp_path, "till").splitlines()]
    assert [call for call in fewer if call not in calls["till"]] == []


def test_no_address_can_belong_to_anybody(past: Path) -> None:
    said = b"".join(_content(past, source) for source in SOURCES)
    addresses = set(re.findall(rb"[\w.+-]+@[\w.-]+", said))
    assert len(addresses) == CUSTOMERS
    assert all(address.endswith(b"@muster.example") for address in addresses)
    assert all(
        phone.startswith(b"+41790") for phone in re.findall(rb"\+\d+", re.sub(rb"\d\+\d\d:\d\d", b"", said))
    )


def test_everything_has_happened_before_the_clock_stands(calls: dict[str, list[dict[str, Any]]]) -> None:
    for said in calls.values():
        times = [parse_instant(call["timestamp"]) for call in said]
        assert times == sorted(times)
        assert times[-1] < END


def test_every_call_has_a_number_of_its_own(calls: dict[str, list[dict[str, Any]]]) -> None:
    numbers = Counter(call["messageId"] for said in calls.values() for call in said)
    assert set(numbers.values()) == {1}


def test_the_tills_are_silent_at_night_and_on_sundays(calls: dict[str, list[dict[str, Any]]]) -> None:
    times = [datetime.fromisoformat(call["timestamp"]) for call in calls["till"]]
    assert not [at for at in times if at.weekday() == 6 or not 9 <= at.hour < 19]


def test_few_articles_sell_often_and_many_seldom(calls: dict[str, list[dict[str, Any]]]) -> None:
    orders = [call for said in calls.values() for call in said if call.get("event") == "Order Completed"]
    sold = Counter(
        line["product_id"] for order in orders for line in order["properties"]["products"]
    ).most_common()
    assert sum(count for _, count in sold[:6]) > sum(count for _, count in sold[15:])


def test_all_kinds_of_life_are_there(calls: dict[str, list[dict[str, Any]]]) -> None:
    events = {call.get("event", call["type"]) for said in calls.values() for call in said}
    assert events == {
        "identify", "Account Created", "Checkout Started", "Consent Withdrawn", "Coupon Issued",
        "Coupon Redeemed", "Email Bounced",
        "Email Link Clicked", "Email Opened", "Order Completed", "Order Returned",
        "Product Added to Wishlist", "Product Viewed",
        "Unsubscribed",
    }  # fmt: skip
    places = {call["traits"]["address"]["country"] for call in calls["crm"] if call["type"] == "identify"}
    assert {"CH", "DE", "AT"} <= places


def test_the_shipped_workspace_has_no_fault_no_warning_and_all_kinds(tmp_path: Path) -> None:
    lay_out(tmp_path / "shop")
    workspace = read_workspace(tmp_path / "shop", channel_kinds=adapter_kinds(), templates=True)
    assert workspace.warnings == ()
    assert {trigger.when.kind for trigger in workspace.playbook.triggers} == {
        "behavioural",
        "recurring",
        "threshold",
        "transactional",
    }
    assert sum(trigger.status == "active" for trigger in workspace.playbook.triggers) == 10
