"""What one operator prefers of the console: theme, mouse, keys. Faults in the file are said and keep nobody
from working.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

NAME: Final = Path("manometer", "console.toml")
_KNOWN: Final = ("theme", "mouse", "keys")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the file says; `faults` are sentences on what in it is not understood."""

    theme: str | None = None
    mouse: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of what they do, several separated by commas."""
    faults: tuple[str, ...] = ()


def _near(name: str, known: Collection[str]) -> str | None:
    from core.suggestions import (
        near,  # brings the whole language with it, which the first picture does not need
    )

    return near(name, known)


def place() -> Path:
    """Where the file stands: in the operator's configuration folder."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / NAME


def read(path: Path) -> Preferences:
    """The preferences of a file; none where there is no file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        return Preferences(faults=(f"{path}: {error}. Your preferences are left out.",))
    faults = tuple(_faults(path, table))
    theme, mouse, keys = table.get("theme"), table.get("mouse"), table.get("keys")
    return Preferences(
        theme=theme if isinstance(theme, str) else None,
        mouse=mouse is True,
        keys={name: value for name, value in keys.items() if isinstance(value, str)}
        if isinstance(keys, dict)
        else {},
        faults=faults,
    )


def _faults(path: Path, table: Mapping[str, Any]) -> Iterator[str]:
    for name in table.keys() - set(_KNOWN):
        hint = _near(name, _KNOWN) or "There are theme, mouse and [keys]."
        yield f"{path}: there is no setting `{name}`. {hint}"
    for name, kind, remedy in (
        ("theme", str, "a name in quotes"),
        ("mouse", bool, "true or false"),
        ("keys", dict, "a table [keys]"),
    ):
        if name in table and not isinstance(table[name], kind):
            yield f"{path}: `{name}` must be {remedy}."
    keys = table.get("keys")
    if isinstance(keys, dict):
        for name, value in keys.items():
            if not isinstance(value, str):
                yield f'{path}: `{name}` must be keys in quotes, such as "P,f3".'


def faults_of(preferences: Preferences, themes: Collection[str]) -> list[str]:
    """A sentence on each preference that cannot be followed; `themes` are those there are.

    Imports all screens where there are keys of the operator's own.
    """
    faults = list(preferences.faults)
    if preferences.theme is not None and preferences.theme not in themes:
        faults.append(f"There is no theme {preferences.theme!r}: {', '.join(sorted(themes))}.")
    if preferences.keys:
        from screens.widgets.keys import known_ids

        faults += unknown_keys(preferences, known_ids())
    return faults


def unknown_keys(preferences: Preferences, known: Collection[str]) -> Iterator[str]:
    """A sentence for each id of `keys` that nothing has."""
    for name in sorted(preferences.keys.keys() - set(known)):
        hint = _near(name, known) or "docs/console.md lists the names."
        yield f"{place()}: nothing is called `{name}`. {hint}"
