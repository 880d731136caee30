"""Merges: seen, and undone."""

from __future__ import annotations

import json
from pathlib import Path

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
