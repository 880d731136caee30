"""Putting files in force: what is asked, what is recorded, since when a trigger counts as active."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.cli.context import Context
from console.main import main
from console.playbooks.applied import apply_workspace, changes, ensure_applied, load_in_force
from console.workspace.faults import WorkspaceError
from console.workspace.reading import read_workspace
from core.instants import DAY
from core.model.pauses import Pause, parse_target
from storage import pauses, triggers
from storage.store import Store
from tests.console.furniture import NOON, TRIGGER, furnished

Edit = Callable[[str, str, str], None]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return furnished(tmp_path / "shop")


@pytest.fixture
def store(shop: Path) -> Any:
    with Store.open(shop / "manometer.db") as store:
        yield store


@pytest.fixture
def edit(shop: Path) -> Edit:
    def replaced(file: str, old: str, new: str) -> None:
        text = (shop / file).read_text()
        assert old in text
        (shop / file).write_text(text.replace(old, new))

    return replaced


def _apply(shop: Path, store: Store, at: int) -> Any:
    return apply_workspace(store, read_workspace(shop), at, "tester")


def test_before_any_apply_the_files_are_the_playbook_with_version_0(shop: Path, store: Store) -> None:
    playbook = load_in_force(store, shop).playbook
    assert (playbook.version, playbook.applied_at) == (0, None)
    assert playbook == read_workspace(shop).playbook


def test_an_applied_playbook_is_read_again_whole(shop: Path, store: Store) -> None:
    applied = _apply(shop, store, NOON)
    again = load_in_force(store, shop).playbook
    assert again == applied.playbook
    assert (again.version, again.applied_at) == (1, NOON)
    plain = replace(
        again,
        version=0,
        applied_at=None,
        triggers=tuple(replace(t, activated_at=None) for t in again.triggers),
    )
    assert plain == read_workspace(shop).playbook


def test_only_active_triggers_are_activated(shop: Path, store: Store) -> None:
    activations = {
        trigger.name: trigger.activated_at for trigger in _apply(shop, store, NOON).playbook.triggers
    }
    assert activations[TRIGGER] == NOON
    assert activations["win-back"] is None


def test_a_second_apply_keeps_the_activation(shop: Path, store: Store, edit: Edit) -> None:
    _apply(shop, store, NOON)
    edit("triggers/basket-reminder.toml", "priority", "# priority")
    trigger = _apply(shop, store, NOON + DAY).playbook.trigger(TRIGGER)
    assert trigger.activated_at == NOON


def test_a_trigger_that_was_retired_is_activated_anew(shop: Path, store: Store, edit: Edit) -> None:
    _apply(shop, store, NOON)
    edit("triggers/basket-reminder.toml", '"active"', '"retired"')
    _apply(shop, store, NOON + DAY)
    edit("triggers/basket-reminder.toml", '"retired"', '"active"')
    assert _apply(shop, store, NOON + 2 * DAY).playbook.trigger(TRIGGER).activated_at == NOON + 2 * DAY


def test_a_trigger_whose_file_is_gone_is_retired(shop: Path, store: Store) -> None:
    _apply(shop, store, NOON)
    (shop / "triggers/birthday.toml").unlink()
    _apply(shop, store, NOON + DAY)
    with store.reading() as connection:
        assert triggers.in_force(connection)["birthday"].status == "retired"


def test_files_half_edited_do_not_touch_what_is_in_force(shop: Path, store: Store, edit: Edit) -> None:
    _apply(shop, store, NOON)
    edit("triggers/basket-reminder.toml", "[when]", "[when")
    with pytest.raises(WorkspaceError):
        read_workspace(shop)
    assert load_in_force(store, shop).playbook.version == 1


def test_a_pause_survives_an_apply(shop: Path, store: Store) -> None:
    pause = Pause(parse_target(TRIGGER), NOON)
    with store.writing() as connection:
        pauses.pause(connection, pause, "tester", None)
    assert _apply(shop, store, NOON + DAY).playbook.pauses == (pause,)


def test_changes_name_what_is_different(shop: Path, store: Store, edit: Edit) -> None:
    _apply(shop, store, NOON)
    assert not changes(store, read_workspace(shop))
    edit("triggers/basket-reminder.toml", "priority", "# priority")
    edit("triggers/win-back.toml", '"draft"', '"active"')
    (shop / "triggers/birthday.toml").unlink()
    found = changes(store, read_workspace(shop))
    assert found.changed == (TRIGGER, "win-back")
    assert found.removed == ("birthday",)
    assert found.activated == ("win-back",)
    assert found.added == found.limits == found.segments == ()


def test_nothing_is_applied_twice_by_those_who_only_ensure(shop: Path, store: Store) -> None:
    workspace = read_workspace(shop)
    assert ensure_applied(store, workspace, NOON).version == 1
    assert ensure_applied(store, workspace, NOON + DAY).version == 1
    assert ensure_applied(store, workspace, NOON + DAY).applied_at == NOON


def test_apply_without_a_terminal_names_yes_and_changes_nothing(
    shop: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "apply"]) == 1
    assert "--yes" in capsys.readouterr().err
    assert changes(store, read_workspace(shop))


def test_apply_shows_what_changes_and_for_how_many_under_way(
    shop: Path, edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(shop), "apply", "--yes", "--at", "2025-03-30T12:00:00Z"]) == 0
    edit("triggers/basket-reminder.toml", "priority", "# priority")
    capsys.readouterr()
    assert main(["-w", str(shop), "apply"]) == 1
    said = capsys.readouterr()
    assert "changed triggers: basket-reminder" in said.out
    assert "basket-reminder: 2 under way move to the new definition" in said.err
    assert main(["-w", str(shop), "apply", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == [TRIGGER]
    assert main(["-w", str(shop), "apply"]) == 0
    assert "Nothing to apply" in capsys.readouterr().out


def test_apply_refuses_files_with_faults(shop: Path, edit: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    edit("triggers/basket-reminder.toml", "priority", "prioritty")
    assert main(["-w", str(shop), "apply", "--yes"]) == 1
    assert "triggers/basket-reminder.toml:" in capsys.readouterr().err


def test_check_prints_every_fault_with_file_and_line(
    shop: Path, edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("triggers/basket-reminder.toml", "priority", "prioritty")
    edit("triggers/birthday.toml", "priority", "prioritty")
    capsys.readouterr()
    assert main(["-w", str(shop), "check", "--json"]) == 1
    faults = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [fault["file"] for fault in faults] == ["triggers/basket-reminder.toml", "triggers/birthday.toml"]
    assert all(list(fault) == ["file", "line", "message", "remedy"] and fault["line"] > 0 for fault in faults)


def test_an_apply_leaves_an_audit_line_in_the_same_transaction(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-w", str(shop), "apply", "--yes", "--at", "2025-03-30T12:00:00Z"])
    capsys.readouterr()
    assert main(["-w", str(shop), "audit", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    with Context(shop, False) as context:
        assert (row["at"], row["action"], row["subject"], row["author"]) == (
            "2025-03-30T12:00:00Z",
            "apply",
            "playbook 1",
            context.author,
        )
