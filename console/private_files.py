"""Files of a workspace: opened once and judged as they are open, and made for whoever may use their folder.

A name may mean another file from one moment to the next, so nothing is concluded from looking at a name.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from core.rights import PRIVATE_FILE
from storage.rights import made_file, made_folder

__all__ = (
    "UnfitFileError",
    "fitting_name",
    "made_folder",
    "opened_or_made",
    "opened_safely",
    "opened_within",
    "write_file",
    "write_new_private_file",
)

_TRIES: Final = 5
_LONGEST_NAME: Final = 240
"""Bytes of a name; file systems take 255, and some are kept for what is made beside a file."""
_KEPT_END: Final = 24


class UnfitFileError(OSError):
    """A file that is not read: a link, a pipe, a device, a folder, or one that has other names as well."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EINVAL, why)


def opened_safely(path: Path, *, has_one_name: bool = True) -> BinaryIO:
    """The plain file of that name, open for reading and judged by what was opened; UnfitFileError where it is
    anything else, OSError where it cannot be opened.

    A link is not followed. One with a second name is not read either, unless that is said not to matter:
    whoever may write to a folder could put a name there for a file that only this account may read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnfitFileError("it is a link") from None
        if error.errno == errno.ENXIO:
            raise UnfitFileError("it is no plain file") from None
        raise
    try:
        _refuse_unfit(os.fstat(file), has_one_name)
        os.set_blocking(file, True)
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


def _refuse_unfit(found: os.stat_result, has_one_name: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError("it is no plain file")
    if has_one_name and found.st_nlink > 1:
        raise UnfitFileError(f"it goes by {found.st_nlink} names, of which others may be of a private file")


def opened_within(folder: Path, path: Path) -> BinaryIO:
    """The same of a file of a workspace, whose links may lead to other files of the workspace; UnfitFileError
    where one leads out of it.
    """
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise UnfitFileError("it is a link that leaves the workspace")
    return opened_safely(real, has_one_name=False)


def fitting_name(stem: str, ending: str) -> str:
    """`stem` and `ending` as the name of a file; where the name would be too long to be made, the middle of
    the stem is left out, since what tells names apart often stands at their end.
    """
    whole, room = os.fsencode(stem), _LONGEST_NAME - len(os.fsencode(ending))
    if len(whole) > room:
        whole = whole[: room - _KEPT_END] + whole[-_KEPT_END:]
    return os.fsdecode(whole) + ending


def opened_or_made(path: Path, flags: int) -> int:
    """A descriptor of a plain file that is there, or that is made for whoever may use its folder; links are
    not followed. UnfitFileError where it is no plain file, OSError where it can be neither opened nor made.
    """
    for _ in range(_TRIES):
        try:
            return made_file(path, flags)
        except FileExistsError:
            pass
        try:
            return _found(path, flags)
        except FileNotFoundError:  # removed in between
            pass
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _found(path: Path, flags: int) -> int:
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnfitFileError("it is a link") from None
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UnfitFileError("it is no plain file")
    os.set_blocking(file, True)
    return file


def write_file(path: Path, content: bytes) -> None:
    """Write a file in place, made where there is none; OSError where it cannot be written."""
    with os.fdopen(opened_or_made(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(content)


def write_new_private_file(path: Path, content: bytes) -> None:
    """Write a new file that only this account can read, whoever may use its folder; FileExistsError where
    there is one of that name, OSError where it cannot be written, and then there is none.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), PRIVATE_FILE)
            file.write(content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
