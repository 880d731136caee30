"""`manometer channels`: which are left alone and why, and an operator who lets one go; `status` says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.instants import MINUTE, parse_instant
from core.limits.brake import BrakeRecord
from storage import brakes
from storage.status import HALTED
from storage.store import Store
from tests.console.lives import person, run, workspace

NOON = parse_instant("2026-01-04T12:00:00Z")
REASON = "braked: 10 messages in a row were refused; the last answer: 404 from the endpoint"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = workspace(tmp_path / "shop", [person("ann")])
    value = {"reason": REASON, "since": NOON, "until": NOON + MINUTE, "version": 1, "braked": True}
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        brakes.change(connection, HALTED, "email", value)
        brakes.keep(connection, "email", BrakeRecord(((7, True),)))
    return folder


def listed(shop: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run("-w", shop, "channels", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found: dict[str, Any] = next(row for row in rows if row["channel"] == "email")
    return found


def test_a_braked_channel_is_listed_named_by_status_and_let_go(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(shop, capsys) == {
        "channel": "email", "kind": "file", "medium": "email", "state": "braked", "due": 0,
        "since": "2026-01-04T12:00:00Z", "until": "2026-01-04T12:01:00Z", "reason": REASON,
    }  # fmt: skip
    assert run("-w", shop, "status") != 0
    assert "email braked" in capsys.readouterr().out
    assert run("-w", shop, "channels", "release", "email", "--reason", "the endpoint is back") == 0
    assert REASON in capsys.readouterr().out
    assert listed(shop, capsys)["state"] == "works"
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        assert brakes.record_of(connection, "email") == BrakeRecord()
    assert run("-w", shop, "audit", "--json") == 0
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["action"], line["subject"], line["reason"]) == (
        "release channel", "email", "the endpoint is back",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [("emial", "There is no channel 'emial'. Did you mean 'email'?"), ("sms", "sms is not left alone")],
)
def test_what_cannot_be_let_go_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert run("-w", shop, "channels", "release", name, "--reason", "x") == 1
    assert said in capsys.readouterr().err
