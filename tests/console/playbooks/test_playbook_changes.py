"""A playbook that changes while customers are under way: nothing is stuck, silent or unexplained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.lives import BASKET, PRESSURE, SETTINGS, act, person, run, workspace

Output = pytest.CaptureFixture[str]
TEXTS = BASKET.replace('["email"]', '["sms"]')


def lines(output: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


@pytest.fixture
def under_way(tmp_path: Path, capsys: Output) -> Path:
    """Anna's reminder by SMS comes up at eleven; the clock stands at half past ten."""
    calls = [person("anna", phone="+41790000000"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z")]
    folder = workspace(tmp_path, calls, {"basket": TEXTS})
    assert (
        run(
            "-w",
            folder,
            "replay",
            "--from",
            "2025-03-03T00:00:00Z",
            "--to",
            "2025-03-03T10:30:00Z",
            "--into",
            folder / "p",
        )
        == 0
    )
    capsys.readouterr()
    return folder / "p"


def decided(folder: Path, output: Output, *words: str) -> list[tuple[object, ...]]:
    output.readouterr()
    assert run("-w", folder, *words, "--json") == 0
    return [(row["at"], row["outcome"], row["reason"]) for row in lines(output)]


RETIRED = [("2025-03-03T11:00:00Z", "suppress", "TRIGGER_RETIRED")]


def test_a_preview_of_now_or_before_tells_that_a_removed_trigger_ends(
    under_way: Path, capsys: Output
) -> None:
    (under_way / "triggers/basket.toml").unlink()
    run("-w", under_way, "apply", "--yes")
    assert decided(under_way, capsys, "preview") == RETIRED
    run("-w", under_way, "tick", "--at", "2025-03-03T10:40:00Z")
    assert decided(under_way, capsys, "preview", "--from", "2025-03-03T10:35:00Z") == RETIRED
    assert decided(under_way, capsys, "tick", "--at", "2025-03-03T11:00:00Z") == RETIRED


def test_why_still_answers_for_a_trigger_whose_file_is_gone(under_way: Path, capsys: Output) -> None:
    (under_way / "triggers/basket.toml").unlink()
    run("-w", under_way, "apply", "--yes")
    run("-w", under_way, "tick", "--at", "2025-03-03T11:00:00Z")
    capsys.readouterr()
    assert run("-w", under_way, "why", "anna", "basket", "--json") == 0
    (answer,) = lines(capsys)
    assert (answer["verdict"], answer["reason"]) == ("suppress", "TRIGGER_RETIRED")


def test_a_planned_message_whose_channel_is_gone_is_cancelled_at_its_instant(
    under_way: Path, capsys: Output
) -> None:
    run("-w", under_way, "tick", "--at", "2025-03-03T11:00:00Z", "--no-dispatch")
    (under_way / "manometer.toml").write_text(SETTINGS.replace('[channels.sms]\nkind = "file"\n', ""))
    (under_way / "triggers/basket.toml").write_text(BASKET)
    assert run("-w", under_way, "apply", "--yes") == 0
    run("-w", under_way, "tick", "--at", "2025-03-03T11:05:00Z")
    capsys.readouterr()
    run("-w", under_way, "outbox", "--json")
    assert [(row["channel"], row["state"], row["reason"]) for row in lines(capsys)] == [
        ("sms", "cancelled", "CHANNEL_ERROR")
    ]


def test_half_edited_settings_keep_nobody_from_the_emergency_stop(under_way: Path, capsys: Output) -> None:
    (under_way / "manometer.toml").write_text("[workspace")
    assert run("-w", under_way, "stop", "--yes") == 0
    assert decided(under_way, capsys, "tick", "--at", "2025-03-03T11:00:00Z") == [
        ("2025-03-03T11:00:00Z", "hold", "STOPPED")
    ]
    assert run("-w", under_way, "check") == 1


def test_an_apply_tells_that_purposes_or_weights_change(under_way: Path, capsys: Output) -> None:
    changed = PRESSURE + "[purposes]\nmarketing = { obeys = false, counts = true }\n[weights]\nsms = 3\n"
    (under_way / "pressure.toml").write_text(changed)
    run("-w", under_way, "apply", "--yes")
    shown = capsys.readouterr().out
    assert "changed purposes: marketing" in shown
    assert "changed weights: sms" in shown


def test_an_apply_cannot_lie_before_the_version_in_force(under_way: Path, capsys: Output) -> None:
    (under_way / "pressure.toml").write_text("")
    assert run("-w", under_way, "apply", "--yes", "--at", "2025-03-02T00:00:00Z") == 1
    assert "in force since 2025-03-03T00:00:00Z" in capsys.readouterr().err
