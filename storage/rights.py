"""New files and folders of a workspace, with the rights of the folder they lie in, whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core import rights


def made_file(path: Path, flags: int = os.O_WRONLY) -> int:
    """A descriptor of a new, empty file for whoever may use its folder; FileExistsError where there is one,
    a link included, OSError where it cannot be made.
    """
    new = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags | new, rights.PRIVATE_FILE)
    try:
        around = path.parent.stat()
        os.fchmod(file, rights.of_file(around.st_mode, same_group=_joined(file, around)))
    except BaseException:
        os.close(file)
        raise
    return file


def made_folder(path: Path) -> Path:
    """The folder, made with those around it for whoever may use the first that is there; OSError where that
    cannot be.
    """
    if not path.parent.exists():
        made_folder(path.parent)
    try:
        path.mkdir(mode=rights.of_folder(path.parent.stat().st_mode) & 0o777)
    except FileExistsError:
        if not path.is_dir():
            raise
        return path
    share_folder(path)
    return path


def share_folder(path: Path) -> None:
    """Open a folder that this process has made to whoever may use the one around it."""
    around = path.absolute().parent.stat()
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = rights.of_folder(around.st_mode, same_group=_joined(folder, around))
        if stat.S_IMODE(os.fstat(folder).st_mode) != mode:
            _change_mode(folder, mode)
    finally:
        os.close(folder)


def _change_mode(folder: int, mode: int) -> None:
    try:
        os.fchmod(folder, mode)
    except PermissionError:  # under RestrictSUIDSGID of systemd; new files get the group in any case
        os.fchmod(folder, mode & 0o777)


def _joined(new: int, around: os.stat_result) -> bool:
    """Whether what is new belongs to the group of its folder; root gives it the folder's owner as well."""
    try:
        if os.geteuid() == 0:
            os.fchown(new, around.st_uid, around.st_gid)
        elif os.fstat(new).st_gid != around.st_gid:
            os.fchown(new, -1, around.st_gid)
    except OSError:  # of a group that this account is not in
        return False
    return True
