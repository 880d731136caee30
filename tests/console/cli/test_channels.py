"""`manometer channels`: which are left alone and why, and an operator who lets one go; `status` says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.backups.records import recorded_in
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
        "oldest_due": None, "sent_hour": 0, "sent_day": 0, "last_sent": None, "bounced_day": 0, "held": 0,
        "failed": 0, "uncertain": 0, "set_aside": 0, "capacity": None, "last_error": None,
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


def test_a_channel_is_checked_and_tried_and_the_audit_knows_of_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("-w", shop, "channels", "check", "email", "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "ready"
    assert run("-w", shop, "channels", "test", "email", "--to", "me@example.ch") == 1
    assert "add --yes" in capsys.readouterr().err
    assert run("-w", shop, "channels", "test", "email", "--to", "me@example.ch", "--yes", "--json") == 0
    key = json.loads(capsys.readouterr().out)["key"]
    (line,) = (shop / "outbox" / "email.ndjson").read_text().splitlines()
    sent = json.loads(line)
    assert (sent["key"], sent["address"]) == (key, "me@example.ch")
    assert list(recorded_in(shop / "outbox" / "email.ndjson")) == []
    assert run("-w", shop, "outbox", "--json") == 0
    assert capsys.readouterr().out == ""
    assert run("-w", shop, "audit", "--kind", "test channel", "--json") == 0
    assert json.loads(capsys.readouterr().out)["subject"] == "me@example.ch"


def test_no_test_goes_out_while_all_sending_is_stopped(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "stop", "--yes") == 0
    assert run("-w", shop, "channels", "test", "email", "--to", "me@example.ch", "--yes") == 1
    assert "all sending is stopped" in capsys.readouterr().err
    assert not (shop / "outbox" / "email.ndjson").exists()
    assert run("-w", shop, "channels", "test", "email", "--to", "+41791234567", "--yes") == 1
    assert "is no address for email" in capsys.readouterr().err


def test_sources_are_listed_also_those_that_nobody_declares(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = shop / "manometer.toml"
    settings.write_text(settings.read_text() + '\n[sources.shop]\nkind = "folder"\nsilent_after = "1h"\n')
    assert run("-w", shop, "apply", "--yes", "--at", "2025-12-01T00:00:00Z") == 0
    (shop / "inbox" / "shop").mkdir(parents=True)
    (shop / "inbox" / "shop" / "new.ndjson").write_text("")
    capsys.readouterr()
    assert run("-w", shop, "sources", "--at", "2026-01-04T12:00:00Z", "--json") == 0
    rows = {row["source"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (rows["shop"]["state"], rows["shop"]["silent_after"], rows["shop"]["files"]) == ("silent", "1h", 1)
    assert {name for name, row in rows.items() if not row["declared"]} == {"ndjson"}
