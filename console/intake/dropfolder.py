"""The drop folder: files that lie still in `inbox/` are imported, one at a time, and moved away. Instants and
durations are ms.

A file straight in `inbox/` is read as `manometer import FILE` would. One in `inbox/NAME/`, or in the `path`
of `[sources.NAME]`, is an import with that source and its `profile`. A crash between import and move means
that the file is imported again, which changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from console.intake.files import ImportResult, IncomingFile, IntakeSettings, import_file
from console.workspace.settings import SourceSettings
from core.errors import ManometerError
from core.instants import SECOND, Instant, Millis
from screens.widgets.safe_text import safe_lines
from storage.sqlite import StoreError
from storage.store import Store

INBOX: Final = "inbox"
DONE: Final = "done"
FAILED: Final = "failed"
STILL: Final[Millis] = 2 * SECOND
"""A file that did not change for so long is whole."""
SUFFIXES: Final = (".ndjson", ".jsonl", ".csv", ".ndjson.gz", ".jsonl.gz", ".csv.gz")
_PASSING: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE)
_UNFINISHED: Final = (".part", ".tmp")


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder to look into; source and profile as the options of `import`."""

    path: Path
    source: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file: its result, or why it could not be read."""

    file: str
    result: ImportResult | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class InboxContents:
    """What the inbox holds now: files to import, and the folders that cannot be read, each with the
    reason.
    """

    files: Sequence[tuple[Folder, Path]]
    refused: Mapping[Path, str]


class _Shape(NamedTuple):
    """What changes when a file does."""

    inode: int
    size: int
    changed: int


class DropFolder:
    """The inbox of one workspace; remembers between passes which files lie still."""

    def __init__(self, folder: Path, steady: Callable[[], Millis]) -> None:
        self._folder = folder
        self._steady = steady
        self._seen: dict[Path, tuple[_Shape, Millis]] = {}
        self._finished: dict[Path, _Shape] = {}

    def ready(self, sources: Mapping[str, SourceSettings], now: Instant) -> InboxContents:
        """The files to import now, by folder and name; a folder that cannot be read is named, and the others
        go on.
        """
        found: list[tuple[Folder, Path]] = []
        refused: dict[Path, str] = {}
        for folder in folders(self._folder, sources):
            try:
                found += [(folder, path) for path in _files(folder.path)]
            except OSError as error:
                refused[folder.path] = in_words(error)
        paths = {path for _, path in found}
        self._seen = {path: seen for path, seen in self._seen.items() if path in paths}
        self._finished = {path: shape for path, shape in self._finished.items() if path in paths}
        return InboxContents(
            [(folder, path) for folder, path in found if self._lies_still(path, now)], refused
        )

    def take(
        self,
        store: Store,
        folder: Folder,
        path: Path,
        settings: IntakeSettings,
        now: Instant,
        stopping: Callable[[], bool],
    ) -> ImportedFile:
        """Import one file and move it away; StoreError and OSError leave it where it is, and so does being
        stopped.
        """
        shape = _shape(path)
        try:
            file = IncomingFile(path, folder.profile, folder.source)
            result = import_file(store, file, settings=settings, arrived_at=now, stopping=stopping)
        except StoreError:
            raise
        except ManometerError as error:
            if isinstance(error.__cause__, OSError) and is_passing(error.__cause__):
                raise error.__cause__ from None
            _say_why(_moved(path, FAILED), error)
            return ImportedFile(path.name, None, str(error))
        if result.finished:
            self._finish(path, shape)
        return ImportedFile(path.name, result)

    def _finish(self, path: Path, shape: _Shape | None) -> None:
        """Move it to what is done, unless it has changed; where it cannot be moved, it is not read again
        before it changes.
        """
        if shape is not None and shape == _shape(path):
            self._finished[path] = shape
            _moved(path, DONE)

    def _lies_still(self, path: Path, now: Instant) -> bool:
        shape = _shape(path)
        if shape is None or self._finished.get(path) == shape:
            return False
        before = self._seen.get(path)
        if before is None or before[0] != shape:
            before = self._seen[path] = (shape, self._steady())
        return now - shape.changed // 1_000_000 >= STILL or self._steady() - before[1] >= STILL


def folders(workspace: Path, sources: Mapping[str, SourceSettings]) -> Iterator[Folder]:
    """The inbox, and the folder of each source of kind `folder`."""
    inbox = workspace / INBOX
    yield Folder(inbox)
    for source in sources.values():
        if source.kind == "folder" and source.name not in (DONE, FAILED):
            named, profile = source.settings.get("path"), source.settings.get("profile")
            path = workspace / Path(named).expanduser() if isinstance(named, str) else inbox / source.name
            if path != inbox:
                yield Folder(path, source.name, profile if isinstance(profile, str) else None)


def is_passing(error: OSError) -> bool:
    """Whether the machine lacks something that it may have again; no fault of a file or folder."""
    return error.errno in _PASSING


def in_words(error: OSError) -> str:
    """What the system says, without the path."""
    return error.strerror or type(error).__name__


def _files(folder: Path) -> list[Path]:
    """The files of a folder that ask to be imported, by name."""
    try:
        return sorted(path for path in folder.iterdir() if _is_wanted(path.name))
    except FileNotFoundError:
        return []


def _is_wanted(name: str) -> bool:
    return (
        not name.startswith(".")
        and not name.lower().endswith(_UNFINISHED)
        and name.lower().endswith(SUFFIXES)
    )


def _shape(path: Path) -> _Shape | None:
    """None for what is no plain file, such as a link or a pipe, and for one that has gone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return _Shape(found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _moved(path: Path, where: str) -> Path:
    """Move a file to a folder beside it under a name that is free there; the new path."""
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    target = next(name for name in _names(folder, path.name) if not os.path.lexists(name))
    path.rename(target)
    return target


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    stem, dot, rest = name.partition(".")
    number = 2
    while True:
        yield folder / f"{stem}-{number}{dot}{rest}"
        number += 1


def _say_why(failed: Path, error: ManometerError) -> None:
    reason = failed.with_name(f"{failed.name}.reason.txt")
    reason.write_text(safe_lines(str(error)) + "\n", encoding="utf-8")
    reason.chmod(0o640)
