"""Changing a trigger's file from the console, with scripts as the operator's editor."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from console.tui.app import Console
from console.workspace.reading import read_workspace
from core.instants import DAY, format_instant
from screens.editing import EditingScreen
from screens.segments import SegmentsScreen
from screens.triggers import TriggersScreen
from screens.widgets.dialogs import Dialog
from storage.store import Store, set_meta
from tests.console.furniture import NOON, furnished
from tests.screens.stage import settled, stage, text
from tests.screens.test_frame import ready
from tests.screens.test_triggers import toasts

TITLE = 'sed -i \'s/^title *= .*/title = "Changed title"/\' "$1"'
NAME = "triggers/basket-reminder.toml"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in force; the terminal of a test is handed over by doing nothing."""
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))

    @contextmanager
    def suspend(_: Console) -> Iterator[None]:
        yield

    monkeypatch.setattr(Console, "suspend", suspend)
    monkeypatch.delenv("VISUAL", raising=False)
    return folder


def editor(shop: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """The operator's editor does this to the file that it is given."""
    path = shop.parent / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(path))


@contextmanager
def opened(shop: Path, *, read_only: bool = False) -> Iterator[Console]:
    """The list of triggers on the workspace."""
    yield stage(LocalService(shop, read_only=read_only), triggers=TriggersScreen)


async def edit(pilot: Pilot[None], *keys: str) -> None:
    """Press `E` on the first trigger, and then these."""
    await ready(pilot)
    for each in ("E", *keys):
        await pilot.press(each)
        await settled(pilot)


def copies(shop: Path) -> list[Path]:
    return [path for path in shop.glob(".drafts/*/*") if path.suffix == ".toml"]


async def test_a_sound_change_is_shown_and_put_in_force_with_its_reason_and_its_command(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editor(shop, monkeypatch, TITLE)
    mode = stat.S_IMODE((shop / NAME).stat().st_mode)
    with opened(shop) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            await edit(pilot)
            shown = text(app)
            assert '+title = "Changed title"' in shown
            assert "changed triggers: basket-reminder" in shown
            assert "over 7 days the decisions of" in shown
            assert "Changed title" not in (shop / NAME).read_text(), "nothing holds before it is put in force"
            (copy,) = copies(shop)
            assert stat.S_IMODE(copy.stat().st_mode) == 0o600
            assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
            await pilot.press("A")
            await settled(pilot)
            assert isinstance(app.screen, Dialog)
            await pilot.press("r", *"why", "enter", "y")
            await settled(pilot)
            assert "Playbook 2 is in force" in toasts(app)
            assert "Changed title" in text(app)
            (act,) = app.session
            assert act.command.endswith("apply --yes --reason why")
    assert 'title = "Changed title"' in (shop / NAME).read_text()
    assert stat.S_IMODE((shop / NAME).stat().st_mode) == mode
    assert not copies(shop)
    assert main(["-w", str(shop), "audit", "--json"]) == 0
    assert '"reason":"why"' in capsys.readouterr().out


async def test_the_coming_week_is_compared_under_the_copy(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(shop) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            editor(shop, monkeypatch, TITLE)
            await edit(pilot)
            assert "the decisions of 0 change" in text(app), "a title decides nothing"
            editor(shop, monkeypatch, 'sed -i \'s/^status *= .*/status = "retired"/\' "$1"')
            await pilot.press("E")
            await settled(pilot)
            assert "the decisions of " in text(app)
            assert "the decisions of 0 change" not in text(app)


async def test_who_is_halted_in_the_midst_of_it_holds_up_nobody(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(shop, monkeypatch, TITLE)
    before = (shop / NAME).read_text()
    with opened(shop) as app:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await edit(pilot)
            held = os.open(shop / ".drafts", os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
                for each in ("A", "y"):
                    await pilot.press(each)
                    await settled(pilot)
                assert "Another operator is putting a file in force" in toasts(app)
            finally:
                os.close(held)
            assert (shop / NAME).read_text() == before
            assert copies(shop)


async def test_faults_are_shown_with_their_place_the_copy_is_kept_and_the_next_edit_goes_on_with_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(shop, monkeypatch, "echo 'nonsense = 1' > \"$1\"")
    with opened(shop) as app:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await edit(pilot)
            assert f"{NAME}:1: " in text(app)
            await pilot.press("A")
            await settled(pilot)
            assert "the check finds faults" in toasts(app)
            await pilot.press("escape")
            await settled(pilot)
            assert copies(shop)
            editor(shop, monkeypatch, 'grep -q nonsense "$1" && echo \'# again\' >> "$1"')
            await edit(pilot)
            assert "kept from before" in text(app)
            assert "# again" in copies(shop)[0].read_text()
            await pilot.press("D")
            await settled(pilot)
            await pilot.press("y")
            await settled(pilot)
            assert isinstance(app.screen, TriggersScreen)
    assert not copies(shop)
    read_workspace(shop, templates=True)


async def test_what_another_changed_meanwhile_is_shown_and_not_lost_unseen(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(shop, monkeypatch, f"{TITLE}; echo '# of another' >> {shop / NAME}")
    with opened(shop) as app:
        async with app.run_test(size=(120, 60), notifications=True) as pilot:
            await edit(pilot, "A")
            assert "somebody else has changed the file meanwhile" in toasts(app)
            assert "+# of another" in text(app)
            await pilot.press("t")
            await settled(pilot)
            assert "-# of another" in text(app)
            assert "It undoes what somebody else has changed" in text(app)
            with (shop / NAME).open("a") as file:
                file.write("# after the check\n")
            for each in ("A", "y"):
                await pilot.press(each)
                await settled(pilot)
            assert "was changed by somebody else meanwhile" in toasts(app)
            await settled(pilot)
            assert "+# after the check" in text(app), "it is checked anew"
            assert "A puts it in force" not in text(app)
            await pilot.press("t")
            await settled(pilot)
            await pilot.press("A")
            await settled(pilot)
            assert "It undoes 2 lines that somebody else has changed." in text(app)
    assert "# after the check" in (shop / NAME).read_text()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("rm \"$1\"", "it was deleted"),
        ("printf '\\377\\376' > \"$1\"", "the file is not UTF-8"),
        ("head -c 3000000 /dev/zero > \"$1\"", "larger than 2 MiB"),
        ("rm \"$1\"; ln -s /etc/passwd \"$1\"", "it is a link"),
        ("echo '# x' >> \"$1\"; kill -INT $PPID", "# x"),
        ("exit 3", "The editor ended with 3"),
    ],
)  # fmt: skip
async def test_what_the_editor_leaves_behind_is_told_in_a_sentence(
    shop: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    editor(shop, monkeypatch, script)
    before = (shop / NAME).read_text()
    with opened(shop) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            await edit(pilot)
            assert said in text(app)
            assert isinstance(app.screen, EditingScreen)
    assert (shop / NAME).read_text() == before


@pytest.mark.parametrize(
    ("named", "said"),
    [("no-such-editor --wait", "There is no editor"), ("vi 'x", "a quotation mark is open")],
)
async def test_an_editor_that_cannot_be_run_is_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch, named: str, said: str
) -> None:
    monkeypatch.setenv("EDITOR", named)
    with opened(shop) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            await edit(pilot)
            assert said in text(app)


async def test_on_a_segment_the_file_of_segments_is_changed(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(shop, monkeypatch, "printf '\\n# by hand\\n' >> \"$1\"")
    app = stage(LocalService(shop), segments=SegmentsScreen)
    async with app.run_test(size=(120, 40)) as pilot:
        await edit(pilot)
        assert "changed files: segments.toml" in text(app)
        for each in ("A", "y"):
            await pilot.press(each)
            await settled(pilot)
        assert isinstance(app.screen, SegmentsScreen)
    assert (shop / "segments.toml").read_text().endswith("# by hand\n")


async def test_an_unchanged_copy_is_no_draft(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(shop, monkeypatch, "true")
    with opened(shop) as app:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await edit(pilot)
            assert "Nothing was changed in the file" in toasts(app)
            assert "discarded" not in toasts(app), "the operator discarded nothing"
            assert isinstance(app.screen, TriggersScreen)
    assert not copies(shop)


async def test_a_console_for_reading_only_says_so(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(shop, monkeypatch, TITLE)
    with opened(shop, read_only=True) as app:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await edit(pilot)
            assert "--read-only" in toasts(app)
            assert isinstance(app.screen, TriggersScreen)
    assert not (shop / ".drafts").exists()
