"""`manometer surges`: triggers that are held for what they would send, and an operator who lets one go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.lives import SETTINGS, act, person, run, workspace


def test_a_trigger_that_is_held_is_listed_named_by_status_and_let_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [f"c{number}" for number in range(3)]
    folder = workspace(tmp_path / "shop", [person(each) for each in people])
    (folder / "manometer.toml").write_text(SETTINGS + "[surge]\nper_hour = 2\n")
    assert run("-w", folder, "tick", "--at", "2026-01-04T09:00:00Z") == 0
    baskets = [act(each, "Checkout Started", "2026-01-04T10:00:00Z", cart_id=f"k-{each}") for each in people]
    (folder / "new.ndjson").write_text("".join(json.dumps(each) + "\n" for each in baskets))
    assert run("-w", folder, "import", folder / "new.ndjson", "--at", "2026-01-04T10:00:00Z") == 0
    assert run("-w", folder, "tick", "--at", "2026-01-04T12:00:00Z") == 0
    capsys.readouterr()
    assert run("-w", folder, "surges", "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["trigger"], row["held"], row["since"]) == ("basket", 3, "2026-01-04T12:00:00Z")
    assert "more than 2 within an hour" in row["reason"]
    assert run("-w", folder, "status", "--at", "2026-01-04T12:00:00Z") != 0
    assert "trigger basket held" in capsys.readouterr().out
    assert run("-w", folder, "surges", "release", "baskett", "--reason", "x") == 1
    assert "Nothing of 'baskett' is held" in capsys.readouterr().err
    released = ("--reason", "it is the sale", "--at", "2026-01-04T12:01:00Z")
    assert run("-w", folder, "surges", "release", "basket", *released) == 0
    assert "3 messages of basket may go" in capsys.readouterr().out
    assert run("-w", folder, "tick", "--at", "2026-01-04T12:02:00Z") == 0
    capsys.readouterr()
    assert run("-w", folder, "outbox", "--state", "sent", "--json") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
