"""A workspace that wants a reason for every change takes none without, but for the emergency stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.main import main
from tests.console.furniture import TRIGGER, furnished


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = furnished(tmp_path_factory.mktemp("reasons") / "shop")
    settings = folder / "manometer.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("[workspace]", '[workspace]\nreasons = "required"', 1),
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("triggers", "pause", TRIGGER, "--yes"),
        ("pause", "--channel", "email", "--yes", "--reason", "  "),
        ("outbox", "approve", "2", "--yes"),
    ],
)
def test_a_change_without_a_reason_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert main(["-w", str(shop), *command]) == 2
    assert 'say why with --reason "..."' in capsys.readouterr().err


def test_with_a_reason_it_is_made_and_looking_needs_none(shop: Path) -> None:
    assert main(["-w", str(shop), "triggers", "pause", TRIGGER, "--yes", "--reason", "wrong price"]) == 0
    assert main(["-w", str(shop), "triggers"]) == 0


def test_nothing_keeps_anybody_from_stopping(shop: Path) -> None:
    assert main(["-w", str(shop), "stop", "--yes"]) == 0
    assert main(["-w", str(shop), "go", "--yes"]) == 2
