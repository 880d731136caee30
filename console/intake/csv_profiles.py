"""The CSV profiles there are: those that come with the product, and the workspace's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from core.errors import ManometerError
from core.sources.csv_profile import CsvProfile, read_profile

__all__ = ["CsvProfile", "find_profile", "read_profile", "shipped_profiles"]


def find_profile(name: str, own: Mapping[str, Any]) -> CsvProfile:
    """The profile of that name, the workspace's own before the shipped; ManometerError with a suggestion, or
    with every fault it has.
    """
    if name in own:
        return read_profile(name, own[name])
    shipped = shipped_profiles()
    if name in shipped:
        return read_profile(name, tomllib.loads(shipped[name]))
    known = sorted({*own, *shipped})
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise ManometerError(f"no profile {name!r}. {hint}")


@lru_cache(maxsize=1)
def shipped_profiles() -> Mapping[str, str]:
    """The profiles that come with the product: name to the text of its file."""
    folder = files("console.intake").joinpath("profiles")
    return {
        entry.name[:-5]: entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
