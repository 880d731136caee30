"""What an operator prefers of the console: taken where it is understood, said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.tui.preferences import Preferences, place, read, unknown_keys
from screens.widgets.keys import known_ids
from tests.screens.stage import Bare, Listing, settled, stage


def test_without_a_file_nothing_is_preferred(tmp_path: Path) -> None:
    assert read(tmp_path / "console.toml") == Preferences()


def test_theme_mouse_and_keys_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "console.toml"
    path.write_text('theme = "manometer-light"\nmouse = true\n[keys]\n"reload" = "f5,r"\n', encoding="utf-8")
    assert read(path) == Preferences("manometer-light", True, {"reload": "f5,r"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 3", "`theme` must be a name in quotes"),
        ("teme = 'x'", "there is no setting `teme`. Did you mean"),
        ("[keys]\nreload = 5", '`reload` must be keys in quotes, such as "P,f3"'),
        ("theme = ", "Your preferences are left out"),
        ("\udcff", "Your preferences are left out"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_holds(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "console.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert any(said in fault for fault in read(path).faults)


def test_a_key_for_something_that_does_not_exist_is_said_with_the_nearest_name() -> None:
    assert "Did you mean 'reload'?" in " ".join(unknown_keys(Preferences(keys={"relaod": "f5"}), known_ids()))


def test_the_file_stands_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/xdg")
    assert place() == Path("/etc/xdg/manometer/console.toml")


async def test_a_key_of_the_operator_s_own_works_and_the_old_one_does_not() -> None:
    class Counting(Listing):
        loads = 0

        def load(self) -> None:
            self.loads += 1

    screen = Counting()
    app = stage(Bare(), customers=lambda: screen)
    app.preferences = Preferences(keys={"reload": "f5"})
    async with app.run_test() as pilot:
        await settled(pilot)
        before = screen.loads
        await pilot.press("f5")
        await pilot.press("r")
        assert screen.loads == before + 1
