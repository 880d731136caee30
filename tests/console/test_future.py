"""Events that are stamped later than now: they are taken in, and count from their own time on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.main import main
from core.instants import parse_instant
from storage.as_of import seen_as_of
from storage.customers import listing
from storage.store import Store

SETTINGS = """
[workspace]
name = "future"
time_zone = "Europe/Zurich"
currency = "CHF"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
"""
SEGMENTS = """
[segments.loyal]
title = "Two orders"
where = "orders >= 2"
[segments.named]
title = "With a name"
where = "first_name == 'Zoe'"
"""
THEN = "2095-03-01T10:00:00Z"


def call(number: int, at: str, **said: Any) -> str:
    return json.dumps({"type": "track", "userId": "u1", "messageId": str(number), "timestamp": at} | said)


def order(number: int, at: str, revenue: float) -> str:
    return call(number, at, event="Order Completed", properties={"order_id": str(number), "revenue": revenue})


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "manometer.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "segments.toml").write_text(SEGMENTS, encoding="utf-8")
    lines = [
        order(1, "2026-03-01T10:00:00Z", 10),
        order(2, THEN, 20),
        call(3, THEN, type="identify", traits={"firstName": "Zoe"}),
        call(4, THEN, event="Order Cancelled", properties={"order_id": "1"}),
        order(5, "2026-03-01T10:00:00Z", 7).replace("u1", "u2"),
    ]
    (tmp_path / "calls.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert main(["-w", str(tmp_path), "import", str(tmp_path / "calls.ndjson")]) == 0
    capsys.readouterr()
    return tmp_path


def rows(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert main(["-w", str(folder), *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_listing_counts_as_of_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = rows(folder, capsys, "customers")
    assert (first["orders"], first["revenue"], first["name"]) == (1, 10, None)
    assert first["last_activity"] == "2026-03-01T10:00:00Z"
    assert (second["orders"], second["revenue"]) == (1, 7)
    assert [(row["order"], row["status"]) for row in rows(folder, capsys, "orders")] == [
        ("1", "open"), ("5", "open"),
    ]  # fmt: skip


def test_the_page_of_a_customer_counts_as_of_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [shown] = rows(folder, capsys, "customers", "show", "u1")
    assert (shown["orders"], shown["last_order"]) == (1, "2026-03-01T10:00:00Z")


def test_a_search_finds_by_what_is_so_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(folder, capsys, "customers", "find", "Zoe") == []


@pytest.mark.parametrize(("at", "expected"), [("2026-04-01", (0, 0)), ("2095-04-01", (0, 1))])
def test_a_segment_counts_as_of_its_instant(
    folder: Path, capsys: pytest.CaptureFixture[str], at: str, expected: tuple[int, int]
) -> None:
    found = {row["name"]: row["customers"] for row in rows(folder, capsys, "segments", "--at", at)}
    assert (found["loyal"], found["named"]) == expected


def test_what_was_later_counts_once_its_time_has_come_and_the_database_stays_as_it_is(folder: Path) -> None:
    with Store.open(folder / "manometer.db") as store, store.reading() as connection:
        plain = [dict(row) for row in listing(connection)]
        for _ in range(2):
            with seen_as_of(connection, parse_instant("2026-04-01T00:00:00Z")):
                assert [row["revenue"] for row in listing(connection)] == [1_000, 700]
            with seen_as_of(connection, parse_instant(THEN)):
                assert [dict(row) for row in listing(connection)] == plain
        assert [dict(row) for row in listing(connection)] == plain
        assert connection.exec_driver_sql("PRAGMA query_only").scalar_one() == 1
