"""`manometer imports`: the files that came in, and one of them taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import BASKET, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
PER_CART = BASKET.replace('after = "1h"', 'after = "1h"\nper = "cart_id"')
MONDAY = "2025-03-03T"


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Ann is known by an import of history, which is the first; a playbook is in force."""
    folder = workspace(tmp_path / "shop", [person("ann")], {"basket": PER_CART})
    assert run("-w", folder, "apply", "--yes", "--at", f"{MONDAY}08:00:00Z") == 0
    capsys.readouterr()
    return folder


def bring(folder: Path, name: str, calls: Iterable[dict[str, Any]], at: str) -> Path:
    file = folder / f"{name}.ndjson"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", file, "--at", at, "--json") == 0
    return file


def rows(folder: Path, output: Output, *words: str) -> list[dict[str, Any]]:
    output.readouterr()
    assert run("-w", folder, *words, "--json") == 0
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


def tick(folder: Path, at: str) -> None:
    assert run("-w", folder, "tick", "--at", at) == 0


def checkout(user: str, at: str, cart: str = "A") -> dict[str, Any]:
    return act(user, "Checkout Started", at, cart_id=cart)


def test_every_file_is_listed_with_what_became_of_its_lines(shop: Path, capsys: Output) -> None:
    file = bring(shop, "monday", [checkout("ann", f"{MONDAY}09:00:00Z"), person("bob")], f"{MONDAY}09:05:00Z")
    with file.open("a") as more:
        more.write("no json\n")
    run("-w", shop, "import", file, "--at", f"{MONDAY}09:06:00Z")
    first, second, third = rows(shop, capsys, "imports", "list")
    assert (first["id"], first["taken"], first["undone"]) == (1, 1, None)
    assert second == {
        "id": 2, "at": "2025-03-03T09:05:00Z", "path": str(file), "profile": None, "lines": 2, "taken": 2,
        "duplicate": 0, "rejected": 0, "finished": True, "undone": None,
    }  # fmt: skip
    assert (third["lines"], third["duplicate"], third["rejected"]) == (3, 2, 1)


def test_a_dry_run_says_what_would_go_and_changes_nothing(shop: Path, capsys: Output) -> None:
    agreed = act("bob", "Consent Granted", f"{MONDAY}08:30:00Z", channel="email", purpose="marketing")
    agreed["properties"]["channel"] = "email"
    calls = [person("bob"), agreed, checkout("ann", f"{MONDAY}09:00:00Z")]
    bring(shop, "monday", calls, f"{MONDAY}09:05:00Z")
    tick(shop, f"{MONDAY}09:10:00Z")
    before = rows(shop, capsys, "customers")
    (said,) = rows(shop, capsys, "imports", "undo", "2", "--dry-run", "--at", f"{MONDAY}09:20:00Z")
    assert said == {
        "id": 2, "events": 3, "customers": 1, "consents": 1, "journeys": 1, "messages": 0, "sent": 0,
        "suppressions": 0, "soft_bounces": 0, "joins": 0,
    }  # fmt: skip
    assert rows(shop, capsys, "customers") == before
    assert [row["undone"] for row in rows(shop, capsys, "imports")] == [None, None]


def test_an_import_taken_back_leaves_what_was_there_before(shop: Path, capsys: Output) -> None:
    before = rows(shop, capsys, "customers")
    order = act("ann", "Order Completed", f"{MONDAY}08:30:00Z", order_id="1", revenue=50)
    bring(shop, "monday", [order, person("bob"), person("ann", at=f"{MONDAY}08:31:00Z", firstName="Eve")],
          f"{MONDAY}09:05:00Z")  # fmt: skip
    tick(shop, f"{MONDAY}09:06:00Z")
    assert rows(shop, capsys, "customers") != before
    assert run("-w", shop, "imports", "undo", "2", "--yes", "--at", f"{MONDAY}09:20:00Z") == 0
    tick(shop, f"{MONDAY}09:30:00Z")
    after = rows(shop, capsys, "customers")
    assert [{**row, "next_due": None} for row in after] == [{**row, "next_due": None} for row in before]
    assert rows(shop, capsys, "customers", "timeline", "ann")[0]["kind"] == "identify"
    assert [row["undone"] for row in rows(shop, capsys, "imports")] == [None, "2025-03-03T09:20:00Z"]
    assert [row["action"] for row in rows(shop, capsys, "audit")][-1] == "undo import"


def test_a_journey_whose_cause_is_gone_ends_and_the_corrected_file_begins_it_again(
    shop: Path, capsys: Output
) -> None:
    bring(shop, "wrong", [checkout("ann", f"{MONDAY}09:00:00Z")], f"{MONDAY}09:05:00Z")
    tick(shop, f"{MONDAY}09:10:00Z")
    assert run("-w", shop, "imports", "undo", "2", "--yes", "--at", f"{MONDAY}09:20:00Z") == 0
    tick(shop, f"{MONDAY}10:30:00Z")
    assert rows(shop, capsys, "outbox") == []
    bring(shop, "right", [checkout("ann", f"{MONDAY}10:00:00Z")], f"{MONDAY}10:35:00Z")
    tick(shop, f"{MONDAY}11:00:00Z")
    decided = [(row["at"], row["outcome"], row["reason"]) for row in rows(shop, capsys, "decisions")]
    assert decided == [
        ("2025-03-03T09:20:00Z", "suppress", "REJECTED"),
        ("2025-03-03T11:00:00Z", "send", None),
    ]
    (why,) = rows(shop, capsys, "why", "ann", "basket", "--at", f"{MONDAY}10:32:00Z")
    assert "import 2" in why["words"]


def test_messages_not_yet_sent_are_cancelled_and_what_was_sent_stays_sent(shop: Path, capsys: Output) -> None:
    held = trigger(PER_CART, approval="true")
    (shop / "triggers" / "basket.toml").write_text(held)
    assert run("-w", shop, "apply", "--yes", "--at", f"{MONDAY}08:10:00Z") == 0
    calls = [person("bob"), checkout("ann", f"{MONDAY}09:00:00Z"), checkout("bob", f"{MONDAY}09:00:00Z")]
    bring(shop, "monday", calls, f"{MONDAY}09:05:00Z")
    tick(shop, f"{MONDAY}10:00:00Z")
    messages = {row["customer"]: row["id"] for row in rows(shop, capsys, "outbox")}
    assert run("-w", shop, "outbox", "approve", str(messages["bob"]), "--at", f"{MONDAY}10:01:00Z") == 0
    tick(shop, f"{MONDAY}10:02:00Z")
    (said,) = rows(shop, capsys, "imports", "undo", "2", "--yes", "--at", f"{MONDAY}10:20:00Z")
    assert (said["messages"], said["sent"], said["customers"]) == (1, 1, 0)
    states = {row["customer"]: (row["state"], row["reason"]) for row in rows(shop, capsys, "outbox")}
    assert states == {"ann": ("cancelled", "REJECTED"), "bob": ("sent", None)}
    bring(shop, "again", calls, f"{MONDAY}10:30:00Z")
    tick(shop, f"{MONDAY}10:35:00Z")
    again = [(row["customer"], row["state"]) for row in rows(shop, capsys, "outbox")]
    assert sorted(again) == [("ann", "cancelled"), ("ann", "held"), ("bob", "sent")]


def test_numbers_that_were_given_once_are_not_given_again(shop: Path, capsys: Output) -> None:
    plain = BASKET.replace('after = "1h"', 'after = "0m"')
    (shop / "triggers" / "basket.toml").write_text(plain)
    assert run("-w", shop, "apply", "--yes", "--at", f"{MONDAY}08:10:00Z") == 0
    bring(shop, "wrong", [checkout("ann", f"{MONDAY}09:00:00Z")], f"{MONDAY}09:05:00Z")
    tick(shop, f"{MONDAY}09:06:00Z")
    assert run("-w", shop, "imports", "undo", "2", "--yes", "--at", f"{MONDAY}09:20:00Z") == 0
    bring(shop, "right", [checkout("ann", f"{MONDAY}09:30:00Z", "B")], f"{MONDAY}09:31:00Z")
    tick(shop, "2025-03-05T09:32:00Z")
    assert [row["outcome"] for row in rows(shop, capsys, "decisions")][-1] == "send"


def test_an_import_is_taken_back_once_and_only_where_it_is_known(shop: Path, capsys: Output) -> None:
    assert run("-w", shop, "imports", "undo", "7", "--yes") == 1
    assert "There is no import 7" in capsys.readouterr().err
    assert run("-w", shop, "imports", "undo", "1", "--yes") == 0
    assert run("-w", shop, "imports", "undo", "1", "--yes") == 1
    assert "taken back already" in capsys.readouterr().err
    assert rows(shop, capsys, "customers") == []
