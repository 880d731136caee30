"""Makes a new workspace: a small one that works, with comments for the person who goes on from there.

The folder examples/ has one short trigger of each kind, in which every key is explained; longer journeys are
campaigns of the catalogue as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from console.catalogue import campaign
from console.private_files import write_file
from core.errors import ManometerError
from storage.rights import made_folder

FROM_CATALOGUE: Final = ("review-request", "welcome-series")
LANGUAGE: Final = "en"
"""The language of the campaigns' texts; the example of manometer.toml names the same."""
FOLDERS = ("inbox", "outbox")


def init(folder: Path) -> list[Path]:
    """Write the example workspace into a folder and return its files.

    ManometerError where one of the files is there already, and then nothing was written, or where the folder
    cannot be written to.
    """
    scaffold = {
        **dict(_scaffold(files("console.catalogue").joinpath("examples"), Path())),
        **dict(_campaigns()),
    }
    there = sorted(str(path) for path in scaffold if (folder / path).exists())
    if there:
        raise ManometerError(
            f"{folder} already has {', '.join(there[:3])}. Nothing was written; name another folder."
        )
    try:
        return _write(scaffold, folder)
    except OSError as error:
        raise ManometerError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Name a folder that you may "
            "write to."
        ) from None


def _scaffold(folder: Traversable, place: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _scaffold(entry, place / entry.name)
        else:
            yield place / entry.name, entry.read_bytes()


def _campaigns() -> Iterator[tuple[Path, bytes]]:
    for shipped in map(campaign, FROM_CATALOGUE):
        yield from (
            (Path("triggers", f"{name}.toml"), text.encode()) for name, text in shipped.triggers.items()
        )
        yield from (
            (Path("templates", path), text.encode())
            for path, text in shipped.templates(LANGUAGE, [LANGUAGE]).items()
        )


def _write(scaffold: dict[Path, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)  # its rights are for whoever asked for it to say
    for name in FOLDERS:
        made_folder(folder / name)
    for path, content in scaffold.items():
        made_folder((folder / path).parent)
        write_file(folder / path, content)
    return [folder / path for path in scaffold]
