"""`manometer import`: its JSON, its exit codes, and the playbook that a live import puts in force."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.main import main

LINES = [
    {
        "type": "identify",
        "userId": "u1",
        "messageId": "m1",
        "timestamp": "2025-03-01T10:00:00Z",
        "traits": {"email": "a@example.com"},
    },
    {
        "type": "track",
        "userId": "u1",
        "messageId": "m2",
        "timestamp": "2025-03-01T10:01:00Z",
        "event": "Product Viewed",
        "properties": {},
    },
]
AT = ["--at", "2025-03-01T12:00:00Z"]


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "day.ndjson"
    path.write_text("\n".join(map(json.dumps, LINES)) + "\n\nnot json\n")
    return path


def _json(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_importing_twice_changes_nothing(shop: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(shop), "import", str(file), "--json", *AT]) == 0
    assert main(["-w", str(shop), "import", str(file), "--json", *AT]) == 0
    first, second = _json(capsys)
    assert list(first) == ["read", "taken", "duplicate", "rejected", "rejects"]
    assert [first[name] for name in ("read", "taken", "duplicate", "rejected")] == [3, 2, 0, 1]
    assert [second[name] for name in ("read", "taken", "duplicate", "rejected")] == [3, 0, 2, 1]
    assert json.loads(Path(first["rejects"]).read_text())["line"] == 4


def test_a_live_import_puts_the_files_in_force(
    shop: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-w", str(shop), "import", str(file), *AT])
    capsys.readouterr()
    main(["-w", str(shop), "audit", "--json"])
    (row,) = _json(capsys)
    assert (row["action"], row["at"]) == ("apply", "2025-03-01T12:00:00Z")


def test_a_history_import_puts_nothing_in_force(
    shop: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-w", str(shop), "import", str(file), "--history", *AT])
    capsys.readouterr()
    main(["-w", str(shop), "audit", "--json"])
    assert _json(capsys) == []
    main(["-w", str(shop), "customers", "timeline", "u1", "--json"])
    assert [row["name"] for row in _json(capsys)][-1] == "Product Viewed"


def test_a_file_that_is_not_there_is_refused_before_anything_is_taken(
    shop: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "import", str(file), str(file) + ".gone", *AT]) == 1
    assert "there is no such file" in capsys.readouterr().err
    main(["-w", str(shop), "customers", "--json"])
    assert _json(capsys) == []


def test_options_may_stand_between_files(
    shop: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.ndjson").write_text(json.dumps({**LINES[1], "messageId": "m3"}))
    assert (
        main(["-w", str(shop), "import", str(file), "--history", str(tmp_path / "more.ndjson"), "--json"])
        == 0
    )
    assert [row["taken"] for row in _json(capsys)] == [2, 1]


def test_an_import_goes_on_while_files_in_force_are_being_edited(
    shop: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-w", str(shop), "apply", "--yes", *AT])
    (shop / "triggers/birthday.toml").write_text("half a line [")
    capsys.readouterr()
    assert main(["-w", str(shop), "import", str(file), "--json", *AT]) == 0
    assert _json(capsys)[0]["taken"] == 2


def test_a_dry_run_says_what_would_come_and_changes_nothing(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-w", str(shop), "import", str(_written(tmp_path, LINES[:1])), *AT])
    order = {"type": "track", "event": "Order Completed", "timestamp": "2025-03-01T10:00:00Z"}
    later: dict[str, Any] = LINES[1] | {"messageId": "m9", "timestamp": "2031-01-01T00:00:00Z"}
    lines = [
        *LINES, order | {"userId": "u2", "messageId": "o1", "properties": {"revenue": 49.9}},
        order | {"userId": "u1", "messageId": "o2", "properties": {"revenue": 5, "currency": "EUR"}},
        later, {"type": "track", "event": "x"},
    ]  # fmt: skip
    path = _written(tmp_path, lines)
    before = sorted((entry.name, entry.stat().st_mtime_ns) for entry in shop.rglob("*") if entry.is_file())
    capsys.readouterr()
    assert main(["-w", str(shop), "import", str(path), "--dry-run", "--json", *AT]) == 0
    assert _json(capsys) == [{
        "read": 6, "taken": 4, "duplicate": 1, "rejected": 1,
        "rejects": {
            "no identity: neither userId nor anonymousId, nor an address in context.traits; null, 0 and the "
            "like are none": 1
        },
        "people_new": 1, "people_known": 1, "orders": 2, "amounts": {"CHF": 4990, "EUR": 500},
        "calls": {"Product Viewed": 2, "Order Completed": 2},
        "future": {"count": 1, "farthest": "2031-01-01T00:00:00Z"},
        "set_aside": {"EUR": 1}, "unread": [],
    }]  # fmt: skip
    after = sorted((entry.name, entry.stat().st_mtime_ns) for entry in shop.rglob("*") if entry.is_file())
    assert [entry for entry in after if not entry[0].endswith(("-shm", "-wal"))] == [
        entry for entry in before if not entry[0].endswith(("-shm", "-wal"))
    ]
    assert main(["-w", str(shop), "import", str(path), "--dry-run", *AT]) == 0
    said = capsys.readouterr().out
    assert "Nothing was changed" in said
    assert "the farthest of 2031-01-01T00:00:00Z" in said


def test_a_file_of_which_nothing_can_be_taken_ends_with_an_error(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.ndjson"
    bad.write_text("no json\n")
    good = _written(tmp_path, LINES)
    assert main(["-w", str(shop), "import", str(bad), str(good), *AT]) == 1
    assert "2 taken" in capsys.readouterr().out
    assert main(["-w", str(shop), "import", str(good), *AT]) == 0


def test_a_name_may_begin_with_a_hyphen_or_be_no_text(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-x.ndjson").write_text("\n".join(map(json.dumps, LINES)))
    assert main(["-w", str(shop), "import", *AT, "--", "-x.ndjson"]) == 0
    odd = os.fsdecode(b"K\xfcnden.ndjson")
    Path(odd).write_text("\n".join(map(json.dumps, LINES)) + "\nx\n")
    assert main(["-w", str(shop), "import", odd, *AT]) == 0
    assert "K\\xfcnden.ndjson" in capsys.readouterr().out


def _written(folder: Path, lines: Sequence[object]) -> Path:
    path = folder / "lines.ndjson"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


TOLD = [
    {"type": "identify", "userId": "u1", "timestamp": "2025-03-01T00:00:00Z", "traits": {"email": "u@x.ch"}},
    {"type": "track", "event": "Email Bounced", "userId": "u1", "timestamp": "2025-03-01T00:00:01Z",
     "properties": {"bounce_type": "Peculiar", "email": "u@x.ch"}},
    {"type": "track", "event": "Email Bounced", "userId": "u1", "timestamp": "2025-03-01T00:00:02Z"},
    {"type": "track", "event": "Order Completed", "userId": "u1", "timestamp": "2025-03-01T00:00:03Z",
     "properties": {"order_id": "1", "revenue": 10, "currency": "USD"}},
    {"type": "track", "event": "Look", "userId": "u1", "timestamp": "2025-03-09T00:00:00Z"},
]  # fmt: skip


def test_a_dry_run_tells_all_that_the_import_tells(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = tmp_path / "list.csv"
    lists.write_text("customer,email,newsletter\nu2,v@x.ch,perhaps\n")
    with (shop / "manometer.toml").open("a") as file:
        file.write(
            '[profiles.mine]\nkind = "customers"\n[profiles.mine.identities]\nuser = "customer"\n'
            '[profiles.mine.traits]\nemail = "email"\n[profiles.mine.consents.email]\ncolumn = "newsletter"\n'
        )
    calls = tmp_path / "calls.ndjson"
    calls.write_text("".join(json.dumps(call) + "\n" for call in TOLD))
    for words in ([str(calls)], [str(lists), "--profile", "mine"]):
        told = []
        for option in ("--dry-run", "--history"):
            assert main(["-w", str(shop), "import", *words, option, *AT]) == 0
            told.append(capsys.readouterr().out.splitlines())
        beside = told[1][1:]
        assert beside
        assert told[0][-len(beside) :] == beside


def test_what_is_told_beside_the_counts_is_json_too(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = tmp_path / "calls.ndjson"
    calls.write_text("".join(json.dumps(call) + "\n" for call in TOLD))
    said = []
    for option in ("--dry-run", "--history"):
        assert main(["-w", str(shop), "import", str(calls), "--json", option, *AT]) == 0
        output = capsys.readouterr()
        said.append(output.err)
        if option == "--dry-run":
            row = json.loads(output.out)
    assert row["set_aside"] == {"USD": 1}
    assert row["unread"] == [
        {"kind": "address", "word": "Email Bounced", "number": 1},
        {"kind": "bounce", "word": "Peculiar", "number": 1},
    ]
    assert said[0] == said[1]
    assert "USD" in said[0]
    assert "the farthest of 2025-03-09" in said[0]
