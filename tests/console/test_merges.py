"""Merges: seen, and undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from tests.console.lives import act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
ALIAS = {
    "type": "alias",
    "messageId": "a1",
    "previousId": "old",
    "userId": "new",
    "timestamp": "2025-01-02T00:00:00Z",
}

BIRTHDAY = """
title = "Many happy returns"
status = "active"
purpose = "marketing"
[when]
kind = "recurring"
date = "birthday"
[[steps]]
channels = ["email"]
template = "note"
"""


def lines(output: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


@pytest.fixture
def merged(tmp_path: Path, capsys: Output) -> Path:
    folder = workspace(tmp_path, [person("old"), person("new"), ALIAS])
    capsys.readouterr()
    return folder


def test_a_merge_is_listed_with_its_cause(merged: Path, capsys: Output) -> None:
    assert run("-w", merged, "merges", "--json") == 0
    (row,) = lines(capsys)
    assert (row["customer"], row["merged"], row["cause"], row["undone_at"]) == ("new", "old", "alias", None)
    run("-w", merged, "customers", "--json")
    assert [row["customer"] for row in lines(capsys)] == ["new"]


def test_an_undone_merge_gives_back_both_customers(merged: Path, capsys: Output) -> None:
    assert run("-w", merged, "merges", "undo", "1", "--yes", "--reason", "two sisters") == 0
    capsys.readouterr()
    run("-w", merged, "customers", "--json")
    assert [(row["customer"], row["email"]) for row in lines(capsys)] == [
        ("new", "new@example.ch"),
        ("old", "old@example.ch"),
    ]
    run("-w", merged, "audit", "--json")
    assert [(row["action"], row["subject"], row["reason"]) for row in lines(capsys)] == [
        ("unmerge", "old", "two sisters")
    ]


def test_who_went_into_another_customer_is_never_decided_by_herself_again(
    tmp_path: Path, capsys: Output
) -> None:
    folder = workspace(
        tmp_path, [person(user, birthday="1980-03-05") for user in ("old", "new")], {"birthday": BIRTHDAY}
    )
    run("-w", folder, "apply", "--yes", "--at", "2025-03-01T00:00:00Z")
    run("-w", folder, "tick", "--at", "2025-03-01T01:00:00Z")
    (folder / "alias.ndjson").write_text(json.dumps(ALIAS) + "\n")
    run("-w", folder, "import", folder / "alias.ndjson", "--at", "2025-03-02T00:00:00Z")
    (folder / "triggers/birthday.toml").write_text(BIRTHDAY.replace("Many", "So many"))
    run("-w", folder, "apply", "--yes", "--at", "2025-03-03T00:00:00Z")
    run("-w", folder, "tick", "--at", "2025-03-03T01:00:00Z")
    run("-w", folder, "tick", "--at", "2025-03-05T09:00:00Z")
    capsys.readouterr()
    run("-w", folder, "outbox", "--json")
    assert [row["customer"] for row in lines(capsys)] == ["new"]


def test_a_merge_that_counts_later_than_a_pass_waits_for_the_next_one(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, [person("old"), person("new")])
    run("-w", folder, "apply", "--yes", "--at", "2025-03-01T00:00:00Z")
    calls = (
        ("2025-03-03T10:00:00Z", act("old", "Checkout Started", "2025-03-03T10:00:00Z")),
        ("2025-03-03T10:30:00Z", act("new", "Order Completed", "2025-03-03T10:30:00Z")),
        ("2025-03-03T10:50:00Z", ALIAS | {"timestamp": "2025-03-03T10:50:00Z"}),
    )
    for at, call in calls:
        (folder / "call.ndjson").write_text(json.dumps(call))
        assert run("-w", folder, "import", folder / "call.ndjson", "--at", at) == 0
        assert run("-w", folder, "tick", "--at", min(at, "2025-03-03T10:30:00Z")) == 0
    (folder / "triggers/basket.toml").write_text(trigger(title='"Left behind"'))
    assert (
        run("-w", folder, "apply", "--yes", "--at", "2025-03-03T10:35:00Z") == 0
    )  # so that a pass looks at her before the merge counts
    for at in ("2025-03-03T10:40:00Z", "2025-03-03T11:00:00Z"):
        assert run("-w", folder, "tick", "--at", at) == 0
    capsys.readouterr()
    run("-w", folder, "decisions", "--json")
    assert [(row["at"], row["outcome"], row["reason"]) for row in lines(capsys)] == [
        ("2025-03-03T10:50:00Z", "suppress", "GOAL_REACHED")
    ]


def test_it_asks_first_and_refuses_what_it_does_not_know(merged: Path, capsys: Output) -> None:
    assert run("-w", merged, "merges", "undo", "1") == 1
    assert "--yes" in capsys.readouterr().err
    assert run("-w", merged, "merges", "undo", "7", "--yes") == 1
    assert "no merge 7" in capsys.readouterr().err


# ---- people as the rules see them ----

MAIL = "team@example.ch"
GO = """
title = "Go"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Go"
per = "cart_id"
[exit]
on = ["Buy"]
[[steps]]
channels = ["email"]
template = "note"
after = "2d"
"""


def sharing(*users: str, email: str = MAIL) -> list[dict[str, object]]:
    """Each of these says the same address, one a day."""
    return [person(user, f"2025-01-0{day}T00:00:00Z", email=email) for day, user in enumerate(users, 1)]


def keys(folder: Path, capsys: Output) -> list[object]:
    capsys.readouterr()
    run("-w", folder, "customers", "--json")
    return [row["customer"] for row in lines(capsys)]


def listed(folder: Path, capsys: Output, *options: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert run("-w", folder, "merges", *options, "--json") == 0
    return lines(capsys)


def imported(folder: Path, calls: list[dict[str, object]], at: str, *options: str) -> None:
    (folder / "more.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", folder / "more.ndjson", "--at", at, *options) == 0


def test_people_who_share_an_address_wait_for_a_decision(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, sharing("ann", "bob"))
    assert listed(folder, capsys) == []
    (row,) = listed(folder, capsys, "--conflicts")
    assert (row["kind"], row["identity"], row["customers"], row["people"]) == (
        "namespace",
        f"email:{MAIL}",
        ["ann", "bob"],
        2,
    )
    assert run("-w", folder, "merges", "part", "ann", "bob", "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == []
    assert run("-w", folder, "merges", "join", "ann", "bob", "--yes", "--reason", "asked her") == 0
    assert keys(folder, capsys) == ["ann"]
    (row,) = listed(folder, capsys)
    assert (row["customer"], row["merged"], row["cause"]) == ("ann", "bob", "operator")
    assert run("-w", folder, "merges", "part", "ann", "bob", "--yes") == 0
    assert keys(folder, capsys) == ["ann", "bob"]
    run("-w", folder, "audit", "--json")
    assert [row["action"] for row in lines(capsys)] == ["merges part", "merges join", "merges part"]


def test_joins_through_an_address_that_turns_out_to_be_shared_are_undone(
    tmp_path: Path, capsys: Output
) -> None:
    guest = {
        "type": "track",
        "messageId": "g",
        "event": "Order Completed",
        "timestamp": "2025-01-01T00:00:00Z",
        "properties": {"revenue": 5},
        "context": {"traits": {"email": MAIL}},
    }
    folder = workspace(tmp_path, [guest, person("u1", "2024-12-01T00:00:00Z")])
    imported(folder, sharing("u1"), "2025-01-05T00:00:00Z", "--history")
    assert [(row["customer"], row["merged"]) for row in listed(folder, capsys)] == [("u1", f"email:{MAIL}")]
    imported(folder, sharing("u1", "u2", "u3", "u4"), "2025-01-06T00:00:00Z", "--history")
    (row,) = listed(folder, capsys)
    assert row["undone_at"] is not None
    assert row["undone_cause"] == f"email:{MAIL}"
    assert keys(folder, capsys) == [f"email:{MAIL}", "u1", "u2", "u3", "u4"]
    (row,) = listed(folder, capsys, "--conflicts")
    assert (row["kind"], row["people"]) == ("shared", 4)


def test_who_said_an_address_first_is_not_written_to_where_somebody_else_says_it_later(
    tmp_path: Path, capsys: Output
) -> None:
    folder = workspace(tmp_path, sharing("ann", "bob"))
    run("-w", folder, "apply", "--yes", "--at", "2025-03-01T00:00:00Z")
    calls = [act(user, "Checkout Started", "2025-03-01T10:00:00Z") for user in ("ann", "bob")]
    imported(folder, calls, "2025-03-01T10:00:00Z")
    run("-w", folder, "tick", "--at", "2025-03-01T11:00:00Z")
    capsys.readouterr()
    run("-w", folder, "decisions", "--json")
    assert [(row["customer"], row["outcome"], row["reason"]) for row in lines(capsys)] == [
        ("ann", "suppress", "NO_ADDRESS"),
        ("bob", "send", None),
    ]


def test_ids_of_different_namespaces_meet_in_an_address_and_ids_of_one_do_not(
    tmp_path: Path, capsys: Output
) -> None:
    folder = workspace(tmp_path, [])
    settings = (folder / "manometer.toml").read_text()
    (folder / "manometer.toml").write_text(f'{settings}[sources.crm]\nids = "crm"\n')
    imported(folder, [person("1", email="a@x.ch")], "2025-02-01T00:00:00Z", "--history", "--source", "crm")
    imported(folder, [person("7", email="a@x.ch")], "2025-02-01T00:00:00Z", "--history")
    imported(folder, [person("7")], "2025-02-01T00:00:00Z", "--history", "--source", "crm")
    assert keys(folder, capsys) == ["7", "crm:7"]
    (row,) = listed(folder, capsys)
    assert (row["customer"], row["merged"], row["cause"]) == ("7", "crm:1", "email:a@x.ch")


def test_birthdays_that_contradict_wait_for_a_decision(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, [])
    settings = (folder / "manometer.toml").read_text()
    (folder / "manometer.toml").write_text(f'{settings}[sources.crm]\nids = "crm"\n')
    one, other = (
        person(user, email="a@x.ch", birthday=day) for user, day in (("1", "1980-01-02"), ("7", "--03-04"))
    )
    imported(folder, [one], "2025-02-01T00:00:00Z", "--history", "--source", "crm")
    imported(folder, [other], "2025-02-01T00:00:00Z", "--history")
    (row,) = listed(folder, capsys, "--conflicts")
    assert (row["kind"], row["customers"]) == ("birthday", ["crm:1", "7"])
    assert run("-w", folder, "merges", "join", "7", "crm:1", "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == []


def test_what_began_since_by_the_identities_of_one_goes_back_with_an_undone_merge(
    tmp_path: Path, capsys: Output
) -> None:
    folder = workspace(tmp_path, [person("a"), person("b")], {"go": GO})
    run("-w", folder, "apply", "--yes", "--at", "2025-01-01T00:00:00Z")
    alias: dict[str, object] = {**ALIAS, "userId": "a", "previousId": "b"}
    days = [
        ("2025-01-02T00:00:00Z", alias),
        ("2025-01-03T00:00:00Z", act("b", "Go", "2025-01-03T00:00:00Z", cart_id="B")),
    ]
    for at, call in days:
        imported(folder, [call], at)
        assert run("-w", folder, "tick", "--at", at) == 0
    assert run("-w", folder, "merges", "undo", "1", "--yes", "--at", "2025-01-04T00:00:00Z") == 0
    assert run("-w", folder, "tick", "--at", "2025-01-04T00:00:00Z") == 0
    buy = act("b", "Buy", "2025-01-04T10:00:00Z", cart_id="B")
    imported(folder, [buy], "2025-01-04T10:00:00Z")
    for at in ("2025-01-04T10:00:00Z", "2025-01-05T00:00:00Z", "2025-01-06T00:00:00Z"):
        assert run("-w", folder, "tick", "--at", at) == 0
    capsys.readouterr()
    run("-w", folder, "decisions", "--json")
    assert [(row["customer"], row["outcome"], row["reason"]) for row in lines(capsys)] == [
        ("b", "suppress", "GOAL_REACHED")
    ]
    run("-w", folder, "outbox", "--json")
    assert lines(capsys) == []


def test_an_undone_merge_stays_undone_whatever_is_told_later(tmp_path: Path, capsys: Output) -> None:
    guest = {**act("x", "Order Completed", "2025-01-01T00:00:00Z"), "context": {"traits": {"email": MAIL}}}
    del guest["userId"]
    folder = workspace(tmp_path, [guest])
    imported(folder, [person("u1", "2024-12-01T00:00:00Z")], "2025-01-05T00:00:00Z", "--history")
    imported(folder, sharing("u1"), "2025-01-05T00:00:00Z", "--history")
    assert run("-w", folder, "merges", "undo", "1", "--yes") == 0
    assert keys(folder, capsys) == [f"email:{MAIL}", "u1"]
    later = person("u1", "2025-01-09T00:00:00Z", email=MAIL)
    imported(folder, [later], "2025-01-09T00:00:00Z", "--history")
    assert keys(folder, capsys) == [f"email:{MAIL}", "u1"]


@pytest.mark.parametrize("places", [(4, 3, 2, 1, 0), (2, 4, 0, 3, 1)])
def test_the_order_of_lines_in_one_arrival_starts_the_same_journeys(
    tmp_path: Path, capsys: Output, places: tuple[int, ...]
) -> None:
    day = "2025-01-02T"
    guest = act("x", "Go", f"{day}10:00:00Z", cart_id="1")
    del guest["userId"]
    calls: list[dict[str, object]] = [
        {**guest, "anonymousId": "d1", "context": {"traits": {"email": "old@example.ch"}}},
        person("old", f"{day}10:01:00Z"),
        {**act("new", "Go", f"{day}10:02:00Z", cart_id="2"), "anonymousId": "d1"},
        {**ALIAS, "timestamp": f"{day}10:03:00Z"},
        person("bob", f"{day}10:04:00Z", email="old@example.ch"),
    ]
    told: list[object] = []
    for name, order in (("one", range(5)), ("other", places)):
        folder = workspace(tmp_path / name, [], {"go": GO})
        run("-w", folder, "apply", "--yes", "--at", "2025-01-01T00:00:00Z")
        for part in ([calls[place] for place in order[:2]], [calls[place] for place in order[2:]]):
            imported(folder, part, f"{day}12:00:00Z")
        for at in (f"{day}12:00:00Z", "2025-01-04T13:00:00Z"):
            assert run("-w", folder, "tick", "--at", at) == 0
        capsys.readouterr()
        run("-w", folder, "decisions", "--json")
        told.append([{**row, "message": None} for row in lines(capsys)])
        told.append(keys(folder, capsys))
    assert told[:2] == told[2:]


# ---- one order, several people ----


def test_an_order_that_two_people_have_waits_for_a_decision(tmp_path: Path, capsys: Output) -> None:
    day = "2025-01-03T10:00:00Z"
    folder = workspace(
        tmp_path / "shop",
        [
            person("ann"), person("bob"),
            act("ann", "Order Completed", day, order_id="7", revenue=50),
            act("bob", "Order Completed", "2025-01-04T10:00:00Z", order_id="7", revenue=50),
        ],
    )  # fmt: skip
    capsys.readouterr()
    order = {
        "kind": "order", "identity": "order:7", "customers": ["ann", "bob"], "people": 2,
        "since": "2025-01-04T10:00:00Z",
    }  # fmt: skip
    assert listed(folder, capsys, "--conflicts") == [order]
    assert run("-w", folder, "merges", "part", "ann", "bob", "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == []
    assert orders_of(folder, capsys) == [("ann", "7"), ("bob", "7")]
    assert run("-w", folder, "merges", "forget", "ann", "bob", "--yes", "--reason", "not sure") == 0
    assert listed(folder, capsys, "--conflicts") == [order]
    assert run("-w", folder, "merges", "join", "ann", "bob", "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == []
    assert orders_of(folder, capsys) == [("ann", "7")]
    assert run("-w", folder, "merges", "forget", "bob", "ann", "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == [order]
    assert run("-w", folder, "merges", "forget", "ann", "bob", "--yes") == 1
    assert "Nothing was decided of ann and bob." in capsys.readouterr().err
    run("-w", folder, "audit", "--json")
    assert [row["action"] for row in lines(capsys)] == [
        "merges part", "merges forget", "merges join", "merges forget",
    ]  # fmt: skip


def test_an_order_of_guests_is_decided_by_their_addresses(tmp_path: Path, capsys: Output) -> None:
    guests = [
        act(name, "Order Completed", "2025-01-03T10:00:00Z", order_id="7", revenue=50)
        | {"context": {"traits": {"email": f"{name}@example.ch"}}}
        for name in ("ann", "bob")
    ]
    for call in guests:
        del call["userId"]
    folder = workspace(tmp_path / "shop", guests)
    capsys.readouterr()
    (conflict,) = listed(folder, capsys, "--conflicts")
    one, other = map(str, cast("list[object]", conflict["customers"]))
    assert {one, other} == {"email:ann@example.ch", "email:bob@example.ch"}
    assert run("-w", folder, "merges", "part", one, other, "--yes") == 0
    assert listed(folder, capsys, "--conflicts") == []


def orders_of(folder: Path, capsys: Output) -> list[tuple[str, str]]:
    capsys.readouterr()
    assert run("-w", folder, "orders", "--json") == 0
    return sorted((str(row["customer"]), str(row["order"])) for row in lines(capsys))
