"""`check` warns of secrets that others can read, and of files that everybody can change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.lives import SETTINGS, person, run, workspace

SECRETS = """
[survey]
secret = [{ file = "secrets/new" }, { file = "secrets/old" }]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = workspace(tmp_path / "shop", [person("ann")])
    (folder / "manometer.toml").write_text(SETTINGS + SECRETS)
    (folder / "secrets").mkdir()
    for name in ("new", "old"):
        (folder / "secrets" / name).write_text("x" * 20)
        (folder / "secrets" / name).chmod(0o600)
    for path in folder.rglob("*.t*"):
        path.chmod(0o640)
    return folder


def said(shop: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run("-w", shop, "check") == 0
    told = capsys.readouterr()
    return told.out + told.err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_read_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    assert "secret in" not in said(shop, capsys)
    (shop / "secrets" / "old").chmod(mode)
    told = said(shop, capsys)
    assert "others can read the secret in secrets/old" in told
    assert "secrets/new" not in told


def test_a_template_that_everybody_can_change_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "templates" / "note" / "email.txt").chmod(0o646)
    assert "templates/note/email.txt: everybody on this machine can change" in said(shop, capsys)


def test_a_link_that_leaves_the_workspace_is_a_fault(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.parent / "private.txt").write_text("the key of something else")
    (shop / "templates" / "note" / "push.txt").symlink_to(shop.parent / "private.txt")
    assert run("-w", shop, "check") == 1
    told = capsys.readouterr()
    assert "a link that leaves the workspace" in told.out + told.err


def test_a_link_within_the_workspace_is_read(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "templates" / "note" / "sms.txt").unlink()
    (shop / "templates" / "note" / "sms.txt").symlink_to("email.txt")
    assert "No faults" in said(shop, capsys)


def test_a_pipe_in_the_place_of_a_template_is_a_fault(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import os

    os.mkfifo(shop / "templates" / "note" / "push.txt")
    assert run("-w", shop, "check") == 1
    told = capsys.readouterr()
    assert "it is no plain file" in told.out + told.err
