"""Lists of orders that are exported again, after the shop changed what stands in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.main import main

SETTINGS = """
[workspace]
name = "lists"
time_zone = "Europe/Zurich"
country = "CH"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
[profiles.table]
kind = "orders"
source = "shop"
optional = true
[profiles.table.columns]
key = "number"
at = "at"
amount = "total"
currency = "currency"
refunded = "refunded"
updated = "changed"
order = "id"
[profiles.table.identities]
email = "who"
[profiles.table.products]
sku = "article"
quantity = "pieces"
[[profiles.table.cancelled]]
column = "state"
equals = "cancelled"
[[profiles.table.refunded]]
column = "state"
equals = "refunded"
[profiles.table.returns]
column = "state"
equals = "return"
order = "receipt"
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
AT = "2026-03-01T09:00:00Z"
FIRST, SECOND, THIRD = (f"2026-03-0{day}T12:00:00Z" for day in (2, 3, 4))


class Lists:
    """A workspace into which lists of orders are imported."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys, self.number = folder, capsys, 0
        for name, text in (
            ("manometer.toml", SETTINGS),
            ("triggers/spent.toml", SPENT),
            ("templates/note/email.txt", "Thanks"),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def run(self, *words: str) -> str:
        assert main(["-w", str(self.folder), *words]) == 0, self.capsys.readouterr()
        return self.capsys.readouterr().out

    def rows(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def tell(self, at: str, *lines: dict[str, Any], words: Sequence[str] = ()) -> tuple[int, int, int]:
        """Import a list of these lines; gives what was taken, known and rejected."""
        self.number += 1
        columns = list(dict.fromkeys(name for line in lines for name in line))
        text = [",".join(columns), *(",".join(str(line.get(name, "")) for name in columns) for line in lines)]
        path = self.folder / f"list-{self.number}.csv"
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        [said] = self.rows("import", str(path), "--profile", "table", "--at", at, *words)
        return said["taken"], said["duplicate"], said["rejected"]

    def call(self, name: str, at: str, **properties: Any) -> None:
        self.number += 1
        call = {
            "type": "track", "event": name, "timestamp": at, "messageId": f"m{self.number}",
            "context": {"traits": {"email": "a@x.ch"}}, "properties": properties,
        }  # fmt: skip
        path = self.folder / f"calls-{self.number}.ndjson"
        path.write_text(json.dumps(call), encoding="utf-8")
        self.run("import", str(path), "--source", "webhook", "--at", at)

    def order(self) -> tuple[str, float, float, float]:
        [row] = self.rows("orders")
        return row["status"], row["amount"], row["refunded"], row["net"]

    def sums(self) -> tuple[int, float]:
        [row] = self.rows("customers")
        return row["orders"], row["revenue"]


@pytest.fixture
def lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lists:
    return Lists(tmp_path, capsys)


def line(number: str = "1001", total: Any = 50, **said: Any) -> dict[str, Any]:
    return {"number": number, "at": AT, "who": "a@x.ch", "total": total} | said


def test_a_line_that_says_the_same_is_known_and_one_with_another_total_corrects_it(lists: Lists) -> None:
    assert lists.tell(FIRST, line(), line("1002", 7)) == (2, 0, 0)
    assert lists.tell(SECOND, line(total="49.90"), line("1002", 7)) == (1, 1, 0)
    assert lists.sums() == (2, 56.9)
    assert lists.tell(THIRD, line(total="49.90"), line("1002", 7)) == (0, 2, 0)
    assert lists.sums() == (2, 56.9)


def test_products_that_changed_correct_the_order(lists: Lists) -> None:
    lists.tell(FIRST, line(article="T-1", pieces=2))
    assert lists.tell(SECOND, line(article="T-1", pieces=1)) == (1, 0, 0)
    [row] = lists.rows("orders")
    assert [(each["sku"], each["quantity"]) for each in row["products"]] == [("T-1", 1)]


def test_an_older_list_without_dates_that_was_imported_before_does_not_come_back(lists: Lists) -> None:
    lists.tell(FIRST, line(total=50))
    lists.tell(SECOND, line(total=40))
    assert lists.tell(THIRD, line(total=50)) == (0, 1, 0)
    assert lists.sums() == (1, 40)


def test_of_lists_of_one_import_the_later_one_counts(lists: Lists) -> None:
    for number, total in enumerate((50, 40, 30, 45)):
        lists.tell(FIRST, line(total=total, refunded=number))
        assert lists.order() == ("open", total, number, total - number)


@pytest.mark.parametrize("totals", [(50, 40), (50, 40, 50)])
def test_of_dated_lines_the_latest_counts_whatever_is_imported_first(
    lists: Lists, totals: tuple[int, ...]
) -> None:
    dated = [line(total=total, changed=f"2026-03-0{2 + day}") for day, total in enumerate(totals)]
    assert lists.tell("2026-03-09T12:00:00Z", dated[-1]) == (1, 0, 0)
    assert lists.tell("2026-03-10T12:00:00Z", dated[0]) == (0, 1, 0)
    assert lists.sums() == (1, totals[-1])


def test_a_dated_total_that_goes_back_to_what_it_was_is_a_correction_too(lists: Lists) -> None:
    for day, total in enumerate((50, 40, 50)):
        lists.tell(f"2026-03-0{3 + day}T12:00:00Z", line(total=total, changed=f"2026-03-0{2 + day}"))
        assert lists.sums() == (1, total)


def test_an_order_that_was_cancelled_since_leaves_the_sums(lists: Lists) -> None:
    lists.tell(FIRST, line(state="paid"))
    assert lists.tell(SECOND, line(state="cancelled")) == (1, 0, 0)
    assert lists.order()[0] == "cancelled"
    assert lists.sums() == (0, 0)
    assert lists.tell(THIRD, line(state="cancelled")) == (0, 1, 0)


def test_an_order_that_was_cancelled_before_it_was_told_counts_nowhere(lists: Lists) -> None:
    assert lists.tell(FIRST, line(state="cancelled")) == (1, 0, 0)
    assert lists.sums() == (0, 0)
    lists.call("Order Completed", AT, order_id="1001", revenue=50)
    assert lists.sums() == (0, 0)


def test_a_refund_that_grew_is_taken_and_counts_once(lists: Lists) -> None:
    assert lists.tell(FIRST, line(refunded="0.00")) == (1, 0, 0)
    assert lists.tell(SECOND, line(refunded=10)) == (1, 0, 0)
    assert lists.order() == ("open", 50, 10, 40)
    assert lists.tell(THIRD, line(refunded=25)) == (1, 0, 0)
    assert lists.order() == ("open", 50, 25, 25)
    assert lists.tell(THIRD, line(refunded=25)) == (0, 1, 0)
    assert lists.tell("2026-03-05T12:00:00Z", line(refunded=25, state="refunded")) == (0, 1, 0)


def test_an_order_that_was_given_back_whole_has_nothing_left(lists: Lists) -> None:
    assert lists.tell(FIRST, line(state="refunded"), line("1002", 8)) == (2, 0, 0)
    assert lists.sums() == (2, 8)


def test_what_the_list_sums_up_is_no_further_refund(lists: Lists) -> None:
    """The shop's calls tell each refund, the list their sum."""
    lists.tell(FIRST, line())
    lists.call("Order Refunded", SECOND, order_id="1001", refund_id="r1", revenue=10)
    lists.call("Order Refunded", SECOND, order_id="1001", refund_id="r2", revenue=5)
    lists.tell(THIRD, line(refunded=15))
    assert lists.order() == ("open", 50, 15, 35)


def test_a_return_is_corrected_where_it_names_its_order(lists: Lists) -> None:
    back = {"number": "R1", "receipt": "1001", "state": "return"}
    lists.tell(FIRST, line(), line(total=10) | back)
    assert lists.tell(SECOND, line(total=20) | back) == (1, 0, 0)
    assert lists.order() == ("open", 50, 20, 30)


def test_a_correction_crosses_a_mark_at_its_own_instant(lists: Lists) -> None:
    lists.run("apply", "--yes", "--at", "2026-03-01T10:00:00Z")
    lists.tell(FIRST, line(total=50))
    lists.run("tick", "--at", FIRST)
    assert lists.rows("decisions") == []
    lists.tell(SECOND, line(total=120))
    lists.run("tick", "--at", SECOND)
    assert [(row["at"], row["outcome"]) for row in lists.rows("decisions")] == [(SECOND, "send")]


def test_a_correction_goes_with_the_import_that_is_taken_back(lists: Lists) -> None:
    lists.tell(FIRST, line())
    lists.tell(SECOND, line(total=40, refunded=5))
    newest = max(lists.rows("imports"), key=lambda row: row["id"])
    lists.run("imports", "undo", str(newest["id"]), "--yes", "--at", THIRD)
    assert lists.order() == ("open", 50, 0, 50)
    assert lists.tell("2026-03-05T12:00:00Z", line(total=40)) == (1, 0, 0)
    assert lists.sums() == (1, 40)


def test_a_dry_run_foretells_corrections_and_changes_nothing(lists: Lists) -> None:
    lists.tell(FIRST, line())
    path = lists.folder / "again.csv"
    path.write_text(f"number,at,who,total\n1001,{AT},a@x.ch,40\n", encoding="utf-8")
    [said] = lists.rows("import", str(path), "--profile", "table", "--dry-run", "--at", SECOND)
    assert (said["taken"], said["orders"], said["calls"]) == (1, 0, {"Order Updated": 1})
    assert lists.sums() == (1, 50)


def test_a_correction_does_not_say_anew_whose_address_it_is(lists: Lists) -> None:
    """The order is of last year; its customer has left the address and the line still has it."""
    lists.tell(FIRST, line())
    lists.call("Order Updated", SECOND, order_id="1001")
    before = lists.rows("customers")
    lists.tell(THIRD, line(total=40))
    after = lists.rows("customers")
    assert [(row["customer"], row["last_activity"]) for row in after] == [
        (row["customer"], row["last_activity"]) for row in before
    ]


def test_the_number_that_calls_have_of_an_order_makes_the_list_tell_of_the_same(lists: Lists) -> None:
    lists.call("Order Completed", AT, order_id=5551234567890, revenue=50)
    lists.tell(FIRST, line("#1001", 50, id="5551234567890"))
    assert lists.sums() == (1, 50)
    assert [row["order"] for row in lists.rows("orders")] == ["5551234567890"]


def test_an_order_that_was_listed_without_that_number_is_corrected_by_a_list_that_has_it(
    lists: Lists,
) -> None:
    lists.tell(FIRST, line("#1001", 50))
    lists.tell(SECOND, line("#1001", 40, id="5551234567890", refunded=10))
    assert lists.order() == ("open", 40, 10, 30)
    lists.tell(THIRD, line("#1001", 40, id="5551234567890", state="cancelled"))
    assert lists.sums() == (0, 0)
