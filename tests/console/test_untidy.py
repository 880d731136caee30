"""Late and untidy data as shops have it: duplicates, corrections, merges in mid-journey, a scheduler that was
away. Played by commands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import BASKET, BIRTHDAY, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
ONCE = trigger(reentry='"never"', title='"Welcome"').replace('unless = ["Order Completed"]\n', "")
GREETING = BIRTHDAY + 'expires = "3d"\n'
PER_CART = BASKET.replace('event = "Checkout Started"', 'event = "Checkout Started"\nper = "cart_id"')

SERIES = (
    PER_CART.replace("Checkout Started", "Cart Filled")
    + """
[[steps]]
after = "2d"
channels = ["email"]
template = "note"
"""
)

FOLLOW_UP = BASKET.replace("Checkout Started", "Order Completed").replace(
    '["Order Completed"]', '["Order Cancelled"]'
)


def visit(device: str, name: str, at: str, **properties: Any) -> dict[str, Any]:
    """What somebody does before she signs in."""
    call = act(device, name, at, **properties)
    call["anonymousId"] = call.pop("userId")
    return call


def sign_in(user: str, device: str, at: str) -> dict[str, Any]:
    return {
        "type": "identify",
        "messageId": f"s-{user}-{device}",
        "userId": user,
        "anonymousId": device,
        "timestamp": at,
        "traits": {},
    }


def alias(user: str, previous: str, at: str) -> dict[str, Any]:
    return {
        "type": "alias",
        "messageId": f"a-{user}-{previous}",
        "userId": user,
        "previousId": previous,
        "timestamp": at,
    }


class Shop:
    """A workspace in force since 1 March 2025, whose clock the test moves."""

    def __init__(
        self, folder: Path, output: Output, triggers: dict[str, str], calls: list[dict[str, Any]]
    ) -> None:
        self.folder = workspace(folder / "first", [person("anna"), *calls], triggers)
        self.output = output
        assert (
            run(
                "-w",
                self.folder,
                "replay",
                "--from",
                "2025-03-01",
                "--to",
                "2025-03-01T00:00:01Z",
                "--into",
                folder / "shop",
            )
            == 0
        )
        self.folder = folder / "shop"
        self.files = 0
        output.readouterr()

    def take(self, *calls: dict[str, Any], at: str) -> dict[str, int]:
        """Import calls as of an instant; how many were taken, and how many known."""
        self.files += 1
        file = self.folder / f"calls-{self.files}.ndjson"
        file.write_text("".join(json.dumps(call) + "\n" for call in calls))
        (counts,) = self.json("import", file, "--at", at)
        return {name: counts[name] for name in ("taken", "duplicate")}

    def json(self, *words: str | Path) -> list[dict[str, Any]]:
        code = run("-w", self.folder, *words, "--json")
        captured = self.output.readouterr()
        assert code == 0, captured.err
        return [json.loads(line) for line in captured.out.splitlines()]

    def tick(self, at: str) -> list[str]:
        """One pass; the new rows in words."""
        return [in_words(row) for row in self.json("tick", "--at", at)]

    def preview(self, at: str, days: int) -> list[str]:
        return [in_words(row) for row in self.json("preview", "--from", at, "--days", str(days))]

    def decisions(self) -> list[str]:
        return [in_words(row) for row in self.json("decisions")]

    def outbox(self) -> list[tuple[str, str, str | None]]:
        return [(row["trigger"], row["state"], row["reason"]) for row in self.json("outbox")]


def in_words(row: dict[str, Any]) -> str:
    words = [
        row["at"][8:16].replace("T", " "),
        row["customer"],
        row["trigger"],
        str(row["step"]),
        row["outcome"],
        row["reason"] or "",
    ]
    return " ".join([*words, "late" if row["late"] else ""]).strip().replace("  ", " ")


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Shop:
    triggers = {
        "basket": BASKET,
        "welcome": ONCE.replace("Checkout Started", "Signed Up").replace('after = "1h"', 'after = "5d"'),
    }
    carts = {"cart": PER_CART.replace("Checkout Started", "Cart Left"), "series": SERIES}
    return Shop(tmp_path, capsys, triggers | carts | {"birthday": GREETING}, [])


# ---- duplicates ----


def test_the_same_message_in_one_file_and_across_files_is_one_event_the_first_wins(shop: Shop) -> None:
    basket = act("anna", "Checkout Started", "2025-03-03T10:00:00Z", value=10)
    changed = basket | {"timestamp": "2025-03-03T15:00:00Z"}
    assert shop.take(basket, basket, changed, at="2025-03-03T10:05:00Z") == {"taken": 1, "duplicate": 2}
    assert shop.take(changed, at="2025-03-03T10:10:00Z") == {"taken": 0, "duplicate": 1}
    assert shop.tick("2025-03-03T11:00:00Z") == ["03 11:00 anna basket 1 send"]


def test_two_sources_with_one_message_id_are_two_events_of_one_basket(shop: Shop) -> None:
    basket = act("anna", "Cart Left", "2025-03-03T10:00:00Z", cart_id="c7")
    file = shop.folder / "other.ndjson"
    file.write_text(json.dumps(basket) + "\n")
    shop.take(basket, at="2025-03-03T10:00:00Z")
    (counts,) = shop.json("import", file, "--source", "app", "--at", "2025-03-03T10:01:00Z")
    assert counts["taken"] == 1
    assert shop.tick("2025-03-03T11:00:00Z") == ["03 11:00 anna cart 1 send"]


# ---- corrections ----


def test_a_cancelled_order_counts_no_more_and_its_journey_can_end(shop: Shop) -> None:
    sold = act("anna", "Order Completed", "2025-03-03T10:00:00Z", order_id="o1", revenue=50)
    updated = act("anna", "Order Updated", "2025-03-03T11:00:00Z", order_id="o1", revenue=30)
    cancelled = act("anna", "Order Cancelled", "2025-03-03T12:00:00Z", order_id="o1", revenue=30)
    shop.take(sold, updated, at="2025-03-03T12:00:00Z")
    assert [(row["orders"], row["revenue"]) for row in shop.json("customers")] == [(1, 30.0)]
    shop.take(cancelled, at="2025-03-03T12:00:00Z")
    assert [(row["orders"], row["revenue"]) for row in shop.json("customers")] == [(0, 0.0)]
    shop_with_exit = Shop(shop.folder.parent / "again", shop.output, {"follow-up": FOLLOW_UP}, [])
    shop_with_exit.take(sold, updated, cancelled, at="2025-03-03T12:00:00Z")
    assert shop_with_exit.tick("2025-03-04T12:00:00Z") == ["03 12:00 anna follow-up 1 suppress GOAL_REACHED"]


def test_a_corrected_address_is_used_up_to_the_hand_over(shop: Shop) -> None:
    shop.take(act("anna", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
    shop.take(person("anna", "2025-03-03T10:30:00Z", email="new@example.ch"), at="2025-03-03T10:30:00Z")
    shop.json("tick", "--at", "2025-03-03T11:00:00Z", "--no-dispatch")
    assert [row["address"] for row in shop.json("outbox")] == ["new@example.ch"]
    shop.take(person("anna", "2025-03-03T11:01:00Z", email="newer@example.ch"), at="2025-03-03T11:01:00Z")
    shop.take(person("anna", "2025-03-03T09:00:00Z", email="older@example.ch"), at="2025-03-03T11:02:00Z")
    shop.tick("2025-03-03T11:03:00Z")
    assert [(row["state"], row["address"]) for row in shop.json("outbox")] == [("sent", "newer@example.ch")]


# ---- merges ----


def test_what_she_bought_as_a_known_customer_ends_the_basket_she_left_as_a_visitor(shop: Shop) -> None:
    shop.take(visit("d1", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
    shop.take(
        act("anna", "Order Completed", "2025-03-03T10:20:00Z", channel="store"), at="2025-03-03T10:20:00Z"
    )
    assert shop.tick("2025-03-03T10:21:00Z") == []
    shop.take(sign_in("anna", "d1", "2025-03-03T10:30:00Z"), at="2025-03-03T10:30:00Z")
    expected = ["03 10:30 anna basket 1 suppress GOAL_REACHED"]
    assert shop.preview("2025-03-03T10:25:00Z", 1) == expected
    assert shop.tick("2025-03-03T10:31:00Z") == expected
    assert shop.tick("2025-03-03T12:00:00Z") == []


def test_a_merge_played_late_is_played_at_its_own_instant(shop: Shop) -> None:
    shop.take(visit("d1", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
    shop.take(act("anna", "Order Completed", "2025-03-03T10:20:00Z"), at="2025-03-03T10:20:00Z")
    shop.tick("2025-03-03T10:21:00Z")
    shop.take(sign_in("anna", "d1", "2025-03-03T10:30:00Z"), at="2025-03-03T10:30:00Z")
    assert shop.tick("2025-03-03T19:00:00Z") == ["03 10:30 anna basket 1 suppress GOAL_REACHED"]


def test_of_two_journeys_that_may_begin_only_once_the_first_goes_on(shop: Shop) -> None:
    shop.take(person("bea"), act("bea", "Signed Up", "2025-03-03T09:00:00Z"), at="2025-03-03T09:00:00Z")
    shop.take(act("anna", "Signed Up", "2025-03-04T09:00:00Z"), at="2025-03-04T09:00:00Z")
    assert shop.tick("2025-03-04T09:00:00Z") == []
    shop.take(alias("anna", "bea", "2025-03-05T09:00:00Z"), at="2025-03-05T09:00:00Z")
    expected = ["05 09:00 anna welcome 1 suppress CUSTOMER_MERGED", "08 09:00 anna welcome 1 send"]
    assert shop.preview("2025-03-05T08:59:00Z", 9) == expected
    assert (
        shop.tick("2025-03-05T09:00:00Z")
        + shop.tick("2025-03-08T09:00:00Z")
        + shop.tick("2025-03-12T09:00:00Z")
        == expected
    )
    (why,) = shop.json("why", "anna", "welcome", "--at", "2025-03-05T09:00:00Z")
    assert "entered on Mon 03 Mar 2025 09:00 already, as a customer with whom she is one now" in why["words"]


def test_a_journey_that_was_over_for_one_does_not_run_again_for_the_other(shop: Shop) -> None:
    shop.take(person("bea"), act("bea", "Signed Up", "2025-03-03T09:00:00Z"), at="2025-03-03T09:00:00Z")
    assert shop.tick("2025-03-08T09:00:00Z") == ["08 09:00 bea welcome 1 send"]
    shop.take(act("anna", "Signed Up", "2025-03-09T09:00:00Z"), at="2025-03-09T09:00:00Z")
    shop.tick("2025-03-09T09:00:00Z")
    shop.take(alias("anna", "bea", "2025-03-10T09:00:00Z"), at="2025-03-10T09:00:00Z")
    assert shop.tick("2025-03-15T09:00:00Z") == ["10 09:00 anna welcome 1 suppress CUSTOMER_MERGED"]


def test_one_birthday_of_two_customers_who_are_one_is_congratulated_once(shop: Shop) -> None:
    born: dict[str, Any] = {"at": "2025-03-02T00:00:00Z", "birthday": "1980-03-10"}
    shop.take(person("anna", **born), person("bea", **born), at="2025-03-03T09:00:00Z")
    assert len(shop.json("tick", "--at", "2025-03-10T09:00:00Z", "--no-dispatch")) == 2
    shop.take(alias("anna", "bea", "2025-03-10T09:01:00Z"), at="2025-03-10T09:01:00Z")
    assert shop.tick("2025-03-10T09:02:00Z") == []
    assert shop.outbox() == [("birthday", "sent", None), ("birthday", "cancelled", "CUSTOMER_MERGED")]
    assert shop.json("status")[0]["conservation"]["holds"]


def test_a_cart_that_both_have_goes_on_from_where_it_has_come_further(shop: Shop) -> None:
    shop.take(
        person("bea"),
        act("bea", "Cart Filled", "2025-03-03T10:00:00Z", cart_id="c1"),
        at="2025-03-03T10:00:00Z",
    )
    assert shop.tick("2025-03-03T11:00:00Z") == ["03 11:00 bea series 1 send"]
    shop.take(act("anna", "Cart Filled", "2025-03-03T11:30:00Z", cart_id="c1"), at="2025-03-03T11:30:00Z")
    shop.tick("2025-03-03T11:30:00Z")
    shop.take(alias("anna", "bea", "2025-03-03T12:00:00Z"), at="2025-03-03T12:00:00Z")
    assert shop.tick("2025-03-05T10:59:00Z") == []
    assert "03 12:00 anna series 2 suppress CUSTOMER_MERGED" in shop.decisions()
    assert shop.tick("2025-03-05T11:00:00Z") == ["05 11:00 anna series 2 send"]
    assert shop.json("status")[0]["conservation"]["holds"]


def test_a_merge_undone_before_it_was_played_ends_nothing(shop: Shop) -> None:
    shop.take(
        person("bea"), act("bea", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z"
    )
    shop.take(act("anna", "Order Completed", "2025-03-03T10:20:00Z"), at="2025-03-03T10:20:00Z")
    assert shop.tick("2025-03-03T10:21:00Z") == []
    shop.take(alias("anna", "bea", "2025-03-03T10:30:00Z"), at="2025-03-03T10:30:00Z")
    assert shop.preview("2025-03-03T10:29:00Z", 1) == ["03 10:30 anna basket 1 suppress GOAL_REACHED"]
    assert run("-w", shop.folder, "merges", "undo", "1", "--yes", "--at", "2025-03-03T10:40:00Z") == 0
    shop.output.readouterr()
    assert shop.tick("2025-03-03T11:00:00Z") == ["03 11:00 bea basket 1 send"]


def test_two_baskets_of_one_kind_that_wait_in_the_outbox_are_one_message_but_two_carts_are_two(
    shop: Shop,
) -> None:
    shop.take(person("bea"), at="2025-03-03T09:00:00Z")
    for who in ("anna", "bea"):
        shop.take(act(who, "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
        shop.take(act(who, "Cart Left", "2025-03-05T10:00:00Z", cart_id=who), at="2025-03-03T10:00:00Z")
    shop.json("tick", "--at", "2025-03-03T11:00:00Z", "--no-dispatch")
    shop.json("tick", "--at", "2025-03-05T11:00:00Z", "--no-dispatch")
    shop.take(alias("anna", "bea", "2025-03-05T11:01:00Z"), at="2025-03-05T11:01:00Z")
    assert [row for row in shop.outbox() if row[1] == "cancelled"] == [
        ("basket", "cancelled", "CUSTOMER_MERGED")
    ]


def test_the_contacts_of_both_count_after_a_merge_and_no_longer_after_it_is_undone(shop: Shop) -> None:
    shop.take(
        person("bea"), act("bea", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z"
    )
    shop.tick("2025-03-03T11:00:00Z")
    shop.take(alias("anna", "bea", "2025-03-03T12:00:00Z"), at="2025-03-03T12:00:00Z")
    shop.take(act("anna", "Checkout Started", "2025-03-03T12:00:01Z"), at="2025-03-03T12:00:01Z")
    assert shop.tick("2025-03-03T13:01:00Z") == ["03 13:00 anna basket 1 defer PRESSURE"]
    assert run("-w", shop.folder, "merges", "undo", "1", "--yes", "--at", "2025-03-03T14:00:00Z") == 0
    shop.output.readouterr()
    assert shop.tick("2025-03-03T14:00:00Z") == ["03 14:00 anna basket 1 send"]


def test_importing_again_what_merged_two_customers_changes_nothing(shop: Shop) -> None:
    calls = [person("bea"), act("bea", "Signed Up", "2025-03-03T09:00:00Z"),
        alias("anna", "bea", "2025-03-03T09:30:00Z"),
             visit("d1", "Checkout Started", "2025-03-03T10:00:00Z"),
             sign_in("anna", "d1", "2025-03-03T10:10:00Z")]  # fmt: skip
    shop.take(*calls, at="2025-03-03T10:10:00Z")
    shop.tick("2025-03-03T10:11:00Z")
    ahead = shop.preview("2025-03-03T10:11:00Z", 9)
    assert len(ahead) == 2
    assert shop.take(*reversed(calls), at="2025-03-03T10:12:00Z") == {"taken": 0, "duplicate": 5}
    assert len(shop.json("merges")) == 2
    assert shop.preview("2025-03-03T10:12:00Z", 9) == ahead


# ---- returns and receipts ----


def test_a_return_dated_back_cancels_what_was_not_handed_over(shop: Shop) -> None:
    shop.take(act("anna", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
    shop.json("tick", "--at", "2025-03-03T11:00:00Z", "--no-dispatch")
    shop.take(act("anna", "Order Completed", "2025-03-03T10:30:00Z"), at="2025-03-03T11:10:00Z")
    shop.tick("2025-03-03T11:11:00Z")
    assert shop.outbox() == [("basket", "cancelled", "GOAL_REACHED")]


def test_what_arrives_after_the_hand_over_takes_nothing_back(shop: Shop) -> None:
    shop.take(act("anna", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z")
    shop.take(
        act("anna", "Email Delivered", "2025-03-03T10:59:00Z", trigger="basket"), at="2025-03-03T10:59:00Z"
    )
    shop.tick("2025-03-03T11:00:00Z")
    shop.take(act("anna", "Order Completed", "2025-03-03T10:30:00Z"), at="2025-03-03T11:10:00Z")
    assert shop.tick("2025-03-03T11:11:00Z") == []
    assert shop.outbox() == [("basket", "sent", None)]


# ---- a scheduler that was away ----


@pytest.mark.parametrize(("back", "expected"), [
    ("2025-03-03T12:30:00Z", ["03 12:25 anna basket 1 send late", "03 12:25 anna basket 1 defer PRESSURE "
                                                                  "late"]),
    ("2025-03-03T20:00:00Z", ["03 19:55 anna basket 1 send late", "03 19:55 anna basket 1 defer PRESSURE "
                                                                  "late"]),
    ("2025-03-06T12:30:00Z", ["06 12:25 anna basket 1 suppress EXPIRED "
                              "late", "06 12:25 anna basket 1 suppress EXPIRED late"]),
])  # fmt: skip
def test_after_hours_away_nothing_floods_and_nothing_expired_goes(
    shop: Shop, back: str, expected: list[str]
) -> None:
    for minute in ("00", "20"):
        shop.take(
            act("anna", "Checkout Started", f"2025-03-03T10:{minute}:00Z"), at=f"2025-03-03T10:{minute}:00Z"
        )
    assert shop.tick(back) == expected
    assert shop.tick(back) == []
    assert len([row for row in shop.outbox() if row[1] == "sent"]) == (0 if "EXPIRED" in expected[0] else 1)


def test_who_went_into_another_is_not_planned_for_when_a_playbook_is_new(shop: Shop) -> None:
    shop.take(
        person("bea"), visit("d1", "Checkout Started", "2025-03-03T10:00:00Z"), at="2025-03-03T10:00:00Z"
    )
    shop.take(
        alias("anna", "bea", "2025-03-03T10:10:00Z"),
        sign_in("anna", "d1", "2025-03-03T10:10:00Z"),
        at="2025-03-03T10:10:00Z",
    )
    assert shop.tick("2025-03-03T11:00:00Z") == ["03 11:00 anna basket 1 send"]
    silent = GREETING.replace('"recurring"', '"threshold"').replace(
        'date = "birthday"\nat = "09:00"', 'inactive_for = "3d"'
    )
    (shop.folder / "triggers" / "silent.toml").write_text(silent)
    assert run("-w", shop.folder, "apply", "--yes", "--at", "2025-03-04T00:00:00Z") == 0
    shop.output.readouterr()
    assert [*shop.tick("2025-03-05T00:00:00Z"), *shop.tick("2025-03-06T10:00:00Z")] == [
        "06 10:00 anna silent 1 send"
    ]
