"""A database of an earlier release says what its migration changed to who opens it, and once in `status`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.sqlite import dbapi
from tests.console.lives import act, person, run, trigger, workspace

MARK = """
title = "Spent 100"
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
AS_BEFORE = (
    "UPDATE events SET order_key = NULL, standing = 0, currency = NULL, own_amount = NULL, rate = NULL",
    "UPDATE customers SET orders = 9, revenue = 900000, settled = NULL",
    "INSERT INTO facts (name, value) VALUES ('orders_to_build', '1')",
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace with a playbook in force, as an earlier release would have left it."""
    calls = [
        person("ann"),
        act("ann", "Order Completed", "2025-01-02T10:00:00Z", order_id="1", revenue=60),
        act("ann", "Order Completed", "2025-01-03T10:00:00Z", order_id="2", revenue=60, currency="EUR"),
    ]
    folder = workspace(tmp_path / "shop", calls, {"mark": trigger(MARK)})
    assert run("-w", folder, "apply", "--yes", "--at", "2025-01-05T10:00:00Z") == 0
    assert run("-w", folder, "tick", "--at", "2025-01-05T10:00:00Z") == 0
    raw = dbapi.connect(str(folder / "manometer.db"))
    for statement in AS_BEFORE:
        raw.execute(statement)
    raw.commit()
    raw.close()
    return folder


def test_who_opens_it_reads_what_changed_and_status_says_it_once(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("-w", shop, "customers", "--json") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(list(map(json.loads, out.splitlines()))) == 1
    assert "orders 9 -> 2, revenue 9,000.00 -> 60.00 CHF" in err
    assert "Not converted and in no sum, since no rate fits: 1 in EUR" in err
    told = []
    for _ in range(2):
        run("-w", shop, "status", "--at", "2025-01-05T10:01:00Z")
        out, err = capsys.readouterr()
        told.append("orders 9 -> 2" in out)
        assert err == ""
    assert told == [True, False]
    run("-w", shop, "status", "--json")
    assert json.loads(capsys.readouterr().out)["migrated"]["orders"] == [9, 2]


def test_neither_the_migration_nor_rates_that_come_later_fire_anything(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("-w", shop, "tick", "--at", "2025-01-05T11:00:00Z")
    settings = (shop / "manometer.toml").read_text()
    (shop / "manometer.toml").write_text(settings.replace("[workspace]", '[workspace]\nrates = "rates.csv"'))
    (shop / "rates.csv").write_text("day,currency,rate\n2025-01-01,EUR,0.9\n")
    assert run("-w", shop, "apply", "--yes", "--at", "2025-01-06T10:00:00Z") == 0
    assert run("-w", shop, "tick", "--at", "2025-01-06T11:00:00Z") == 0
    capsys.readouterr()
    assert run("-w", shop, "customers", "show", "ann", "--json") == 0
    assert json.loads(capsys.readouterr().out)["revenue"] == 114.0
    assert run("-w", shop, "decisions", "--json") == 0
    assert capsys.readouterr().out == ""


def test_rates_in_force_convert_while_it_is_opened(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = dbapi.connect(str(shop / "manometer.db"))
    ((text,),) = raw.execute("SELECT files FROM playbooks")
    files = json.loads(text)
    files["manometer.toml"] = files["manometer.toml"].replace("[workspace]", '[workspace]\nrates = "r.csv"')
    files["r.csv"] = "day,currency,rate\n2025-01-01,EUR,0.9\n"
    raw.execute("UPDATE playbooks SET files = ?", (json.dumps(files),))
    raw.commit()
    raw.close()
    capsys.readouterr()
    assert run("-w", shop, "customers", "show", "ann", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["revenue"] == 114.0
    assert "1 amount in other currencies converted by the rates in force." in err
