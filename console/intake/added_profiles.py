"""A profile added to the settings of a workspace."""

from __future__ import annotations

import tomllib
from pathlib import Path

from console.workspace.layout import SETTINGS
from core.errors import ManometerError


def add_profile(folder: Path, name: str, toml: str) -> None:
    """Add a profile's table at the end of the settings; ManometerError where there is one of that name, or
    the name is none.
    """
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ManometerError(f"{name!r} is no name of a profile. Use letters, digits, - and _.")
    path = folder / SETTINGS
    try:
        text = path.read_text("utf-8")
        profiles = tomllib.loads(text).get("profiles", {})
    except (OSError, ValueError) as error:
        remedy = "Put it right with `manometer check`."
        raise ManometerError(f"{path}: cannot be read: {error}. {remedy}") from error
    if name in profiles:
        raise ManometerError(f"{path}: there is a profile {name!r} already. Choose another name.")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}\n{toml}")
