"""Baskets through the command line: emptied before the hand-over, and changed until the mail is due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.lives import act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
DAY = "2025-03-03T"
ADDED = """
title = "Basket left behind"
status = "active"
purpose = "marketing"
audience = "basket_items > 0"
[when]
kind = "transactional"
event = "Product Added"
after = "1h"
per = "cart_id"
restart = true
[[steps]]
channels = ["email"]
template = "note"
"""
NOTE = "{{ event.properties.sku }}: {% for each in customer.basket %}{{ each.id }} {% endfor %}"


def put(name: str, clock: str, what: str = "Product Added") -> dict[str, Any]:
    return act("ann", what, f"{DAY}{clock}:00Z", cart_id="A", product_id=name, sku=name)


def shop(folder: Path, basket: str) -> Path:
    place = workspace(folder / "shop", [person("ann")], {"basket": basket}, note=NOTE)
    assert run("-w", place, "apply", "--yes", "--at", f"{DAY}08:00:00Z") == 0
    return place


def bring(folder: Path, clock: str, *calls: dict[str, Any]) -> None:
    file = folder / f"at-{clock.replace(':', '')}.ndjson"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert run("-w", folder, "import", file, "--at", f"{DAY}{clock}:00Z") == 0


def tick(folder: Path, clock: str) -> None:
    assert run("-w", folder, "tick", "--at", f"{DAY}{clock}:00Z") == 0


def rows(folder: Path, output: Output, *words: str) -> list[dict[str, Any]]:
    output.readouterr()
    assert run("-w", folder, *words, "--json") == 0
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


def test_a_basket_that_is_emptied_before_the_hand_over_is_not_mailed(tmp_path: Path, capsys: Output) -> None:
    folder = shop(tmp_path, trigger(ADDED, approval="true"))
    bring(folder, "09:01", put("Coat", "09:00"))
    tick(folder, "10:00")
    (held,) = rows(folder, capsys, "outbox")
    assert held["state"] == "held"
    bring(folder, "10:10", put("Coat", "10:09", "Product Removed"))
    assert run("-w", folder, "outbox", "approve", str(held["id"]), "--at", f"{DAY}10:11:00Z") == 0
    tick(folder, "10:12")
    (message,) = rows(folder, capsys, "outbox")
    assert (message["state"], message["reason"]) == ("cancelled", "LEFT_AUDIENCE")
    (counted,) = rows(folder, capsys, "segments", "count", "basket_items == 0")
    assert counted["customers"] == 1


def test_the_mail_comes_after_the_last_change_and_tells_of_it(tmp_path: Path, capsys: Output) -> None:
    folder = shop(tmp_path, ADDED)
    bring(folder, "09:01", put("Coat", "09:00"))
    tick(folder, "09:30")
    bring(folder, "09:46", put("Hat", "09:45"))
    for clock in ("10:00", "10:40", "10:45"):
        tick(folder, clock)
    (decision,) = rows(folder, capsys, "decisions")
    assert (decision["at"], decision["outcome"]) == ("2025-03-03T10:45:00Z", "send")
    (sent,) = (folder / "outbox" / "email.ndjson").read_text().splitlines()
    assert "Hat: Hat Coat" in sent
