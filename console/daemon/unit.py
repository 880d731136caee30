"""The systemd unit of a workspace's scheduler."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def unit(workspace: Path, command: str, user: str) -> str:
    """The text of the unit file; `command` is the path of the program, as systemd reads it."""
    text = files("console.daemon").joinpath("unit.txt").read_text(encoding="utf-8")
    place = _escaped(str(workspace))
    return text.format(
        workspace=place, quoted=_quoted(place), command=command, user=user, unit=unit_name(workspace)
    )


def unit_name(workspace: Path) -> str:
    """The name of the unit's file: of the workspace's folder, so that two workspaces have two units."""
    return f"manometer-{_UNFIT.sub('-', workspace.name).strip('-') or 'workspace'}.service"


def this_command() -> str:
    """The installed program, by its full path; where there is none, the interpreter that is running with the
    module.
    """
    beside = Path(sys.executable).with_name("manometer")
    found = str(beside) if beside.exists() else shutil.which("manometer")
    return _quoted(_escaped(found)) if found else f"{_quoted(_escaped(sys.executable))} -m console"


def _escaped(text: str) -> str:
    """With the signs doubled that systemd would replace."""
    return text.replace("\\", "\\\\").replace("%", "%%")


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
