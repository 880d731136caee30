"""Makes the pictures of the console in docs/pictures, from the running app on the demonstration: `python -m
tests.make_pictures`.

The demonstration is seeded and its clock stands still, so the same release makes the same pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

os.environ["TEXTUAL_COLOR_SYSTEM"] = (
    "truecolor"  # read when Textual is imported, and no terminal is there to be asked
)

from textual.pilot import Pilot

from console.main import main
from console.tui.app import Console
from console.tui.preferences import Preferences
from screens.widgets.theme import DARK
from tests.screens.stage import settled

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
SIZE: Final = (120, 34)
PICTURES: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("overview", ()),
    ("pressure", ("4", "d")),
    ("customer", ("2", "slash", *"sofie", "space", *"brunner", "enter", "enter")),
    ("why", ("2", "slash", *"nina", "space", *"favre", "enter", "w", "j")),
)
"""Name of each, and the keys that lead there from the first screen."""
FONT: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Textual names web fonts, which would be fetched from elsewhere; the reader's own monospaced font does."""


def make(workspace: Path, into: Path) -> list[Path]:
    """One picture each; the files."""
    into.mkdir(parents=True, exist_ok=True)
    return [asyncio.run(_picture(workspace, into / f"{name}.svg", keys)) for name, keys in PICTURES]


async def _picture(workspace: Path, path: Path, keys: Sequence[str]) -> Path:
    app = Console(workspace, preferences=Preferences(theme=DARK.name))
    async with app.run_test(size=SIZE) as pilot:
        await _ready(pilot)
        for key in keys:
            await pilot.press(key)
            await _ready(pilot)
        path.write_text(FONT.sub("", app.export_screenshot(title="manometer")), encoding="utf-8")
    return path


async def _ready(pilot: Pilot[None]) -> None:
    await pilot.pause(0.3)
    await settled(pilot)
    await pilot.pause(0.3)


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        shop = Path(name, "muster-mode")
        if main(["demo", "--headless", "--json", "--into", str(shop)]) != 0:
            sys.exit(1)
        print(*make(shop, FOLDER), sep="\n")
