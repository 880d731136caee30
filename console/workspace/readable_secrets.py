"""Warnings of secrets that others can read, and of settings and templates that others can write."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from console.secrets import is_reference
from console.workspace.faults import Fault, Faults
from console.workspace.toml_reader import Document

_OTHERS_WRITE = stat.S_IWOTH
_OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO


def warn_of_readable_secrets(document: Document, folder: Path) -> None:
    """Warn of each file of a secret that the settings name and that others than its owner can read; one
    among a service's credentials cannot be looked at from here.
    """
    for place, name in _files(document.root.values, ()):
        path = folder / Path(name).expanduser()
        try:
            mode = path.stat().st_mode
        except OSError:  # not on this machine, or not for this account
            continue
        if mode & _OTHERS_READ:
            document.warn(place, f"others can read the secret in {name}", f"Run `chmod 600 {path}`.")


def _files(value: object, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The files of secrets, with the keys that name them."""
    if isinstance(value, Mapping):
        if is_reference(value) and "file" in value:
            yield place, str(value["file"])
            return
        for key, inner in value.items():
            yield from _files(inner, (*place, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _files(inner, place)


def warn_of_writable_files(folder: Path, names: Iterator[str], faults: Faults) -> None:
    """Warn of each file that everybody on the machine can change."""
    for name in names:
        try:
            mode = (folder / name).stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS_WRITE:
            remedy = f"Run `chmod o-w {folder / name}`."
            faults.warn(Fault(name, None, "everybody on this machine can change what is sent", remedy))
