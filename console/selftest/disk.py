"""A disk that fails on request: a small library in C that is preloaded into the process, counts every change
below one folder, and ends the process before the n-th, or lets it fail.

What it notes tells what a power cut would leave of the files: a change survives for certain once its file was
synced after it; of the others any part may be lost. Names (made, moved, removed) are taken as safe at once.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from core.errors import ManometerError

SOURCE: Final = Path(__file__).with_name("disk.c")
PRELOAD: Final = "LD_PRELOAD"
KILLED: Final = 137
"""The exit code of a process that was ended before its n-th change."""
SECTOR: Final = 512
"""Bytes that a disk writes whole or not at all."""

_HEAD: Final = struct.Struct("=IIIIQQ")
_WRITE, _TRUNCATE, _SYNC, _RENAME, _UNLINK, _CREATE, _MKDIR, _RMDIR = range(1, 9)


class NoFaultsError(ManometerError):
    """This machine cannot make a disk fail."""


@dataclass(frozen=True, slots=True)
class DiskFault:
    """What happens to the disk during one act. `at` counts changes from 1."""

    kind: str
    """`kill`: the process ends before that change. `power`: so does the machine. `io`: that change fails.
    `full`: from that change on nothing more can be written. `taken`: the process ends once the provider took
    that message, before anybody was told; messages are counted as changes are.
    """
    at: int


def build(folder: Path) -> Path:
    """The compiled library, made in a folder; NoFaultsError where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoFaultsError(
            "There is no C compiler (cc), so no disk can be made to fail. Install one, such as Debian's "
            "package gcc with libc6-dev."
        )
    library = folder / "disk.so"
    done = subprocess.run(  # noqa: S603 - our own source, by the compiler that was found
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoFaultsError(f"{SOURCE.name} could not be compiled: {done.stderr.strip()[:500]}")
    return library


@lru_cache(maxsize=1)
def _loaded() -> Any:
    """The library in this process; None where it was not preloaded."""
    try:
        library = ctypes.CDLL(None)
        arm = library.manometer_disk_arm
    except (AttributeError, OSError):
        return None
    arm.argtypes = [ctypes.c_char_p, ctypes.c_int, *[ctypes.c_long] * 2, ctypes.c_int, ctypes.c_int]
    arm.restype = None
    library.manometer_disk_count.restype = ctypes.c_long
    return library


def can_fail() -> bool:
    """Whether the library was preloaded into this process."""
    return _loaded() is not None


def arm(folder: Path, record: int, fault: DiskFault | None) -> None:
    """Count the changes below a folder from now on, note them in the file `record`, and let the fault
    happen.
    """
    at = 0 if fault is None else fault.at
    cuts = fault is not None and fault.kind in ("kill", "power")
    number = errno.ENOSPC if fault is not None and fault.kind == "full" else errno.EIO
    _loaded().manometer_disk_arm(
        os.fsencode(folder.resolve()),
        record,
        at if cuts else 0,
        0 if cuts else at,
        number,
        int(fault is not None and fault.kind == "full"),
    )


def disarm() -> None:
    """Let the disk alone from now on."""
    _loaded().manometer_disk_arm(b"", -1, 0, 0, 0, 0)


def changes() -> int:
    """How many changes were made since `arm`."""
    return int(_loaded().manometer_disk_count())


# ---- what a power cut leaves ----


class _Change(NamedTuple):
    kind: int
    path: str
    other: str
    offset: int
    length: int
    content: bytes


@dataclass(slots=True)
class _File:
    """What of a file is safe, and what was changed since."""

    safe: bytearray
    since: list[_Change] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.since:
            _apply(self.safe, change)
        self.since.clear()


def _apply(content: bytearray, change: _Change, part: slice | None = None) -> None:
    if change.kind == _TRUNCATE:
        size = change.offset
        if size <= len(content):
            del content[size:]
        else:
            content.extend(bytes(size - len(content)))
        return
    piece = change.content if part is None else change.content[part]
    begin = change.offset + (0 if part is None else part.start)
    if len(content) < begin:
        content.extend(bytes(begin - len(content)))
    content[begin : begin + len(piece)] = piece


def _changes_in(record: bytes) -> Iterator[_Change]:
    at = 0
    while at + _HEAD.size <= len(record):
        kind, path, other, _, offset, length = _HEAD.unpack_from(record, at)
        at += _HEAD.size
        names = record[at : at + path], record[at + path : at + path + other]
        at += path + other
        content = record[at : at + length] if kind == _WRITE else b""
        at += len(content)
        yield _Change(kind, os.fsdecode(names[0]), os.fsdecode(names[1]), offset, length, content)


def cut_power(folder: Path, before: Path, record: bytes, dice: Random) -> str:
    """Make `folder` what a power cut would have left of it: `before` is a copy from when everything was
    safe, `record` what was noted since. What was not synced is lost, kept up to some point, or kept in parts,
    as the dice say; the word for it.
    """
    root = str(folder.resolve())
    files = {
        os.path.join(root, path.relative_to(before)): _File(bytearray(path.read_bytes()))  # noqa: PTH118
        for path in before.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    folders = {os.path.join(root, path.relative_to(before)) for path in before.rglob("*") if path.is_dir()}  # noqa: PTH118
    for change in _changes_in(record):
        _note(files, folders, change)
    how = dice.choice(("lost", "prefix", "parts"))
    for _, file in sorted(files.items()):
        _settle(file, how, dice)
    _lay(folder, files, folders)
    return how


def _note(files: dict[str, _File], folders: set[str], change: _Change) -> None:
    match change.kind:
        case k if k in (_WRITE, _TRUNCATE):
            files.setdefault(change.path, _File(bytearray())).since.append(change)
        case k if k == _SYNC:
            if change.path in files:
                files[change.path].sync()
        case k if k == _RENAME:
            _move(files, folders, change.path, change.other)
        case k if k == _UNLINK:
            files.pop(change.path, None)
        case k if k == _CREATE:
            file = files.setdefault(change.path, _File(bytearray()))
            if change.offset:
                file.since.append(change._replace(kind=_TRUNCATE, offset=0))
        case k if k == _MKDIR:
            folders.add(change.path)
        case k if k == _RMDIR:
            folders.discard(change.path)


def _move(files: dict[str, _File], folders: set[str], source: str, target: str) -> None:
    if source in files:
        files[target] = files.pop(source)
        return
    for moved in [path for path in files if path.startswith(f"{source}/")]:
        files[target + moved[len(source) :]] = files.pop(moved)
    for moved in [path for path in folders if path == source or path.startswith(f"{source}/")]:
        folders.discard(moved)
        folders.add(target + moved[len(source) :])


def _settle(file: _File, how: str, dice: Random) -> None:
    if how == "prefix":
        file.since = file.since[: dice.randint(0, len(file.since))]
        file.sync()
    elif how == "parts":
        for change in file.since:
            for start in range(0, max(1, len(change.content)), SECTOR):
                if dice.random() < 0.5:
                    _apply(file.safe, change, slice(start, start + SECTOR))
    file.since.clear()


def _lay(folder: Path, files: dict[str, _File], folders: set[str]) -> None:
    modes = {path: path.stat().st_mode for path in folder.rglob("*") if not path.is_symlink()}
    for inside in sorted(folder.iterdir()):
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()
    for inner in sorted(folders):
        Path(inner).mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        place = Path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.safe)
        if place in modes:
            place.chmod(modes[place])
