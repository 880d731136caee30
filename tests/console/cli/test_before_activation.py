"""What is said where events came before any trigger was active, so that nobody enters through them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.main import main

SETTINGS = """
[workspace]
name = "early"
time_zone = "UTC"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
"""
THANKS = """
title = "Thanks"
status = "draft"
purpose = "marketing"
[when]
kind = "transactional"
event = "Order Completed"
[[steps]]
channels = ["email"]
template = "note"
"""
NOBODY = "No trigger is active, so nobody enters one through these events"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in (
        ("manometer.toml", SETTINGS),
        ("triggers/thanks.toml", THANKS),
        ("templates/note/email.txt", "Thanks"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def activate(shop: Path) -> None:
    (shop / "triggers/thanks.toml").write_text(THANKS.replace("draft", "active"), encoding="utf-8")


def said(shop: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["-w", str(shop), *words]) == 0
    return capsys.readouterr().out


def bring(shop: Path, capsys: pytest.CaptureFixture[str], at: str, *words: str) -> str:
    call = {
        "type": "track", "event": "Order Completed", "messageId": at, "timestamp": at,
        "context": {"traits": {"email": "a@x.ch"}}, "properties": {"revenue": 5},
    }  # fmt: skip
    (shop / "calls.ndjson").write_text(json.dumps(call), encoding="utf-8")
    return said(shop, capsys, "import", str(shop / "calls.ndjson"), "--at", at, *words)


def test_an_import_without_active_triggers_says_that_nobody_enters(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert NOBODY in bring(shop, capsys, "2026-03-01T10:00:00Z")
    assert NOBODY not in bring(shop, capsys, "2026-03-01T10:01:00Z", "--history")


def test_an_import_that_brings_nothing_new_or_finds_an_active_trigger_says_nothing_of_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(shop, capsys, "2026-03-01T10:00:00Z")
    assert NOBODY not in bring(shop, capsys, "2026-03-01T10:00:00Z")
    activate(shop)
    said(shop, capsys, "apply", "--yes", "--at", "2026-03-01T10:30:00Z")
    assert NOBODY not in bring(shop, capsys, "2026-03-01T11:00:00Z")


def test_a_pass_with_nothing_to_decide_says_that_the_import_came_before_the_trigger(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(shop, capsys, "2026-03-01T10:00:00Z")
    assert "No trigger is active." in said(shop, capsys, "tick", "--at", "2026-03-01T10:10:00Z")
    activate(shop)
    said(shop, capsys, "apply", "--yes", "--at", "2026-03-01T10:30:00Z")
    told = said(shop, capsys, "tick", "--at", "2026-03-01T11:00:00Z")
    assert "came before the first trigger was in force, 2026-03-01 10:30: nobody enters through it" in told
    bring(shop, capsys, "2026-03-01T12:00:00Z")
    told = said(shop, capsys, "tick", "--at", "2026-03-01T12:00:00Z")
    assert "Decided: 1 send" in told
    assert "came before" not in told + said(shop, capsys, "tick", "--at", "2026-03-01T12:01:00Z")
