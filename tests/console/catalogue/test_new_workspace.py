"""`manometer init`: what it writes works at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.catalogue.new_workspace import FROM_CATALOGUE, init
from console.main import main
from console.workspace.reading import read_workspace
from core.errors import ManometerError
from tests.console.catalogue.test_stories import listed


def test_the_new_workspace_has_no_fault_and_no_warning(tmp_path: Path) -> None:
    init(tmp_path / "shop")
    assert read_workspace(tmp_path / "shop", templates=True).warnings == ()


def test_the_new_workspace_shows_each_kind_and_begins_with_two_triggers(tmp_path: Path) -> None:
    init(tmp_path)
    triggers = read_workspace(tmp_path).playbook.triggers
    assert {trigger.when.kind for trigger in triggers} == {
        "behavioural",
        "recurring",
        "threshold",
        "transactional",
    }
    assert {trigger.name for trigger in triggers if trigger.status == "active"} == {
        "basket-reminder",
        "birthday",
    }


def test_what_has_the_name_of_a_campaign_is_that_campaign_and_may_be_added_in_all_languages(
    tmp_path: Path,
) -> None:
    init(tmp_path)
    assert {row["name"] for row in listed(tmp_path, "catalogue") if row["installed"]} == set(FROM_CATALOGUE)
    assert main(["-w", str(tmp_path), "catalogue", "add", *FROM_CATALOGUE]) == 0
    assert read_workspace(tmp_path, templates=True).warnings == ()


def test_it_returns_the_files_it_wrote_and_makes_the_folders(tmp_path: Path) -> None:
    written = init(tmp_path)
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert (tmp_path / "inbox").is_dir()
    assert (tmp_path / "outbox").is_dir()


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "pressure.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(ManometerError, match=r"already has pressure.toml"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pressure.toml"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ManometerError, match="cannot be written"):
        init(tmp_path / "file" / "shop")
