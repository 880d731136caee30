"""What is wrong with the settings of the intake: profiles of CSV files, and sources."""

from __future__ import annotations

import re
from importlib.resources import files as package_files
from typing import Final

from console.workspace.faults import did_you_mean
from console.workspace.settings import Settings
from console.workspace.toml_reader import Document
from core.sources.csv_profile import profile_faults

_OF_ANY_SOURCE: Final = ("ids", "orders", "public", "silent_after")
_OF_FOLDERS: Final = ("path", "profile", *_OF_ANY_SOURCE)


def check_intake(document: Document, settings: Settings) -> None:
    """Note every fault of profiles and sources."""
    for name, table in settings.profiles.items():
        for fault in profile_faults(table):
            document.fault(("profiles", name, *_place(fault)), f"[profiles.{name}]: {fault}")
    known = (*settings.profiles, *_shipped())
    for name, source in settings.sources.items():
        profile = source.settings.get("profile")
        if isinstance(profile, str) and profile not in known:
            message = f"[sources.{name}]: there is no profile {profile!r}"
            document.fault(("sources", name, "profile"), message, did_you_mean(profile, known))
        if source.kind == "folder":
            for key in source.settings:
                if key not in _OF_FOLDERS:
                    message = f"[sources.{name}]: a folder has no setting `{key}`"
                    document.fault(("sources", name, key), message, did_you_mean(key, _OF_FOLDERS))


def _place(fault: str) -> tuple[str, ...]:
    """The key that a fault names, as a path within the profile's table."""
    named = re.search(r"`([^`]+)`", fault)
    return tuple(named[1].split(".")) if named else ()


def _shipped() -> tuple[str, ...]:
    folder = package_files("console.intake").joinpath("profiles")
    return tuple(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))
