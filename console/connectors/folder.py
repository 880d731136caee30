"""The folder connector: files that lie still in a folder are handed out, and moved to `done/` or `failed/`
beside them. Instants and durations are ms.

A file is in `done/` once all its lines are in the database; that is the only memory there is of what was
taken. Whoever is still writing to a file that was moved writes on in `done/` or `failed/`; such a file comes
back.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Self

from console.private_files import UnfitFileError, fitting_name, made_folder, opened_safely, write_file
from core.instants import HOUR, MINUTE, SECOND, Instant, Millis
from core.model.configurable import Setting, SettingFault
from core.sources.connector import SourceFile, SourceSettings

INBOX: Final = "inbox"
DONE: Final = "done"
FAILED: Final = "failed"
STILL: Final[Millis] = 2 * SECOND
"""A file that did not change for so long is whole."""
STILL_UNENDED: Final[Millis] = MINUTE
"""The same of one whose last line has no end, as where an upload has come to a halt within it."""
WATCHED: Final[Millis] = HOUR
"""For so long a file that was moved may still be written to."""
_MOST_WATCHED: Final = 10_000
SUFFIXES: Final = (".ndjson", ".jsonl", ".csv", ".ndjson.gz", ".jsonl.gz", ".csv.gz")
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")


class _Shape(NamedTuple):
    """What changes when a file does."""

    inode: int
    size: int
    changed: int


class FolderConnector:
    """One folder; remembers between passes which files lie still."""

    kind: ClassVar[str] = "folder"
    known_settings: ClassVar[tuple[Setting, ...] | None] = None

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:  # noqa: ARG003 - the form of the protocol
        """Any settings will do."""
        return iter(())

    @classmethod
    def of(cls, source: SourceSettings, workspace: Path, steady: Callable[[], Millis]) -> Self | None:
        """Looks into the `path` of the source, else into the folder of its name in the inbox; None where that
        is the inbox itself, or what was taken from it.
        """
        inbox = workspace / INBOX
        named, profile = source.settings.get("path"), source.settings.get("profile")
        path = workspace / Path(named).expanduser() if isinstance(named, str) else inbox / source.name
        if source.name in (DONE, FAILED) or path == inbox:
            return None
        is_ours = not isinstance(named, str)
        return cls(path, steady, source.name, profile if isinstance(profile, str) else None, is_ours=is_ours)

    @classmethod
    def of_inbox(cls, workspace: Path, steady: Callable[[], Millis]) -> Self:
        """Looks straight into the inbox, whose files are of no source."""
        return cls(workspace / INBOX, steady)

    def __init__(
        self,
        folder: Path,
        steady: Callable[[], Millis],
        source: str | None = None,
        profile: str | None = None,
        *,
        is_ours: bool = True,
    ) -> None:
        self.place = str(folder)
        self._is_ours = is_ours  # lies in the inbox, where whoever may drop a file could put a link
        self._folder = folder
        self._steady = steady
        self._source = source
        self._profile = profile
        self._seen: dict[Path, tuple[_Shape, Millis]] = {}
        self._begun: dict[Path, _Shape | None] = {}
        self._finished: dict[Path, _Shape] = {}
        self._moved: dict[Path, tuple[_Shape, Millis]] = {}

    def ready(self, now: Instant) -> list[SourceFile]:
        """The files that lie still, by name; OSError where the folder cannot be read."""
        if self._is_ours and self._folder.is_symlink():
            raise UnfitFileError("it is a link. Name the other folder as `path` of its source")
        self._bring_back()
        paths = _files(self._folder)
        self._seen = {path: seen for path, seen in self._seen.items() if path in paths}
        self._finished = {path: shape for path, shape in self._finished.items() if path in paths}
        still = [path for path in paths if self._lies_still(path, now)]
        return [SourceFile(path, self._source, self._profile) for path in still]

    def passed_over(self) -> Iterator[tuple[Path, str]]:
        """What lies in the folder and is not read, each with the reason, without what is not finished yet."""
        for path in _entries(self._folder):
            name = path.name
            if name in (DONE, FAILED) or _is_beside(name):
                continue
            if _is_wanted(name):
                if _is_folder(path):
                    yield path, "it is a folder with the name of a file. Put its files beside it"
            elif path.is_dir():
                yield path, f"no source has this folder. Name it in the workspace: [sources.{name}]"
            else:
                yield path, f"only {', '.join(SUFFIXES[:3])} files are read, also as .gz. Export it as CSV"

    def begin(self, file: SourceFile) -> None:
        """Note how the file looks before it is read."""
        self._begun[file.path] = _shape(file.path)

    def acknowledge(self, file: SourceFile) -> None:
        """Move it to what is done, unless it has changed since it was begun; where it cannot be moved, it is
        not handed out again before it changes.
        """
        shape = self._begun.pop(file.path, None)
        if shape is not None and shape == _shape(file.path):
            self._finished[file.path] = shape
            self._watch(_moved(file.path, DONE), shape)

    def reject(self, file: SourceFile, reason: str) -> Path:
        """Move it to what failed, with the reason in a file beside it; its path there."""
        shape = self._begun.pop(file.path, None)
        failed = _moved(file.path, FAILED)
        if shape is not None:
            self._watch(failed, shape)
        write_file(_note_beside(failed), f"{reason}\n".encode())
        return failed

    def _watch(self, path: Path, shape: _Shape) -> None:
        """Remember how a file looked that was moved there."""
        self._moved[path] = shape, self._steady()
        if len(self._moved) > _MOST_WATCHED:
            del self._moved[next(iter(self._moved))]

    def _bring_back(self) -> None:
        """Files that were written to after they were moved come back, to be taken once they lie still."""
        for path, (before, since) in list(self._moved.items()):
            shape = _shape(path)
            if shape == before and self._steady() - since < WATCHED:
                continue
            del self._moved[path]
            if shape is not None and shape != before:
                self._finished.pop(self._folder / path.name, None)
                path.rename(
                    next(name for name in _names(self._folder, path.name) if not os.path.lexists(name))
                )
                _note_beside(path).unlink(missing_ok=True)

    def _lies_still(self, path: Path, now: Instant) -> bool:
        shape = _shape(path)
        if shape is None or self._finished.get(path) == shape:
            return False
        before = self._seen.get(path)
        if before is None or before[0] != shape:
            before = self._seen[path] = (shape, self._steady())
        still_for = max(now - shape.changed // 1_000_000, self._steady() - before[1])
        return still_for >= STILL_UNENDED or (still_for >= STILL and _is_ended(path))


def _files(folder: Path) -> list[Path]:
    """The files of a folder that ask to be imported, by name."""
    return [path for path in _entries(folder) if _is_wanted(path.name)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _is_beside(name: str) -> bool:
    """Whether it is not finished yet, or a program's own."""
    return name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED)


def _is_wanted(name: str) -> bool:
    return not _is_beside(name) and name.lower().endswith(SUFFIXES)


def _shape(path: Path) -> _Shape | None:
    """None for a folder, and for what has gone; links and pipes have one: who takes them says why not."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return None if stat.S_ISDIR(found.st_mode) else _Shape(found.st_ino, found.st_size, found.st_mtime_ns)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _is_ended(path: Path) -> bool:
    """Whether the last line has its end; of a compressed file nobody knows."""
    if path.name.lower().endswith(".gz"):
        return True
    try:
        with opened_safely(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            return file.read() in (b"", b"\n", b"\r", b"]", b"}")
    except OSError:
        return True  # whoever takes it says what is wrong


def _note_beside(path: Path) -> Path:
    """The file that says why the file failed."""
    return path.with_name(fitting_name(path.name, ".reason.txt"))


def _moved(path: Path, where: str) -> Path:
    """Move a file to a folder beside it under a name that is free there; the new path."""
    folder = path.parent / where
    made_folder(folder)
    target = next(name for name in _names(folder, path.name) if not os.path.lexists(name))
    path.rename(target)
    return target


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    stem, dot, rest = name.partition(".")
    number = 2
    while True:
        yield folder / fitting_name(stem, f"-{number}{dot}{rest}")
        number += 1
