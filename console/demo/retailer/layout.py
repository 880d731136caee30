"""The retailer's workspace: the folder workspace/ holds what is its own, and the catalogue what it uses as it
stands.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from console.catalogue import campaign, campaigns, named

WORKSPACE: Final = Path(__file__).parent / "workspace"
UNCHANGED: Final = (("registration-anniversary", "third-anniversary"), ("tenth-purchase", "tenth-purchase"))
"""Campaigns and those of their triggers that run here as shipped."""
LANGUAGES: Final = ("de", "fr", "it")


def lay_out(folder: Path) -> None:
    """Write the retailer's workspace into a folder that is not there yet."""
    shutil.copytree(WORKSPACE, folder)
    for of, trigger in UNCHANGED:
        text = campaign(of).triggers[trigger].replace('status   = "draft"', 'status   = "active"')
        (folder / "triggers" / f"{trigger}.toml").write_text(text, encoding="utf-8")
    for path, text in _templates(folder):
        file = folder / "templates" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _templates(folder: Path) -> Iterator[tuple[str, str]]:
    """The catalogue's files of the templates that the triggers name and the retailer has none of."""
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in (folder / "triggers").iterdir()]
    own = {template.name for template in (folder / "templates").iterdir()}
    wanted = {name for table in tables for name in named(table["steps"], "template")} - own
    for each in campaigns().values():
        if wanted & each.copy.keys():
            files = each.templates(LANGUAGES[0], LANGUAGES)
            yield from ((path, text) for path, text in files.items() if path.partition("/")[0] in wanted)
