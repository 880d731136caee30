"""Files of a workspace that an operator changes in a copy: begun, checked, and put in force in one act.

A copy lies in `.drafts/OPERATOR/` of the workspace, for that account alone; no reader of a workspace looks
there. Beside it lies what the file said when the copy was begun, so that a change by another is noticed.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import Final

from console.channels import adapter_kinds
from console.playbooks.applied import Applied, apply_workspace, changes
from console.private_files import (
    fitting_name,
    made_folder,
    opened_safely,
    opened_within,
    write_new_private_file,
)
from console.workspace.faults import WorkspaceError
from console.workspace.reading import LARGEST, Workspace, decoded, no_utf8, read_workspace
from core.errors import ManometerError
from core.instants import Instant
from core.rights import PRIVATE_FOLDER
from storage.store import Store

FOLDER: Final = ".drafts"


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A copy of one file: `name` is the file's path in the workspace, `path` the copy; `is_resumed` where it
    had been begun before.
    """

    name: str
    path: Path
    is_resumed: bool

    @property
    def base(self) -> Path:
        """What the file said when the copy was begun."""
        return self.path.with_name(fitting_name(self.path.name, ".base"))


def begin_draft(folder: Path, author: str, name: str) -> FileDraft:
    """A copy of the file, or the one that was kept; ManometerError where the file is gone or cannot be
    copied.
    """
    original = _read_original(folder, name)
    try:
        place = made_folder(folder / FOLDER) / author
        place.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        if place.is_symlink() or place.stat().st_uid != os.getuid():
            raise ManometerError(f"{place} belongs to somebody else; no copy is kept there.")
        stem = name.removesuffix(Path(name).suffix).replace("/", "--")
        path = place / fitting_name(stem, Path(name).suffix)
        draft = FileDraft(name, path, is_resumed=True)
        if os.path.lexists(draft.path) and os.path.lexists(draft.base):
            return draft
        for file in (draft.base, draft.path):
            file.unlink(missing_ok=True)
            write_new_private_file(file, original)
    except OSError as error:
        raise ManometerError(f"No copy of {name} could be made: {error.strerror}.") from None
    return replace(draft, is_resumed=False)


def discard_draft(draft: FileDraft) -> None:
    """Delete the copy; ManometerError where that cannot be."""
    try:
        draft.path.unlink(missing_ok=True)
        draft.base.unlink(missing_ok=True)
    except OSError as error:
        raise ManometerError(f"{draft.path} cannot be deleted: {error.strerror}.") from None


def draft_text(draft: FileDraft) -> str:
    """What the copy says; ManometerError where it is gone, too large, or no text."""
    return _text(_read_copy(draft.path), draft.name)


def changed_lines(folder: Path, draft: FileDraft) -> list[str]:
    """What the copy changes in the file as it is now, as a unified diff; empty where it changes nothing."""
    now = _text(_read_original(folder, draft.name), draft.name)
    return _difference(now, draft_text(draft), draft.name, "your copy")


def others_lines(folder: Path, draft: FileDraft) -> list[str]:
    """What somebody else has changed in the file since the copy was begun, as a unified diff."""
    base = _text(_read_copy(draft.base), draft.name)
    now = _text(_read_original(folder, draft.name), draft.name)
    return _difference(base, now, "when your copy was begun", f"{draft.name} now")


def take_note_of_others(folder: Path, draft: FileDraft) -> None:
    """From now on the copy counts as begun from the file as it is now."""
    original = _read_original(folder, draft.name)
    try:
        draft.base.unlink(missing_ok=True)
        write_new_private_file(draft.base, original)
    except OSError as error:
        raise ManometerError(f"{draft.base} cannot be written: {error.strerror}.") from None


def drafted_workspace(folder: Path, draft: FileDraft) -> Workspace:
    """The workspace's files with the copy in its place; WorkspaceError with every fault, as `check` has
    them.
    """
    over = {draft.name: draft_text(draft)}
    return read_workspace(folder, channel_kinds=adapter_kinds(), templates=True, over=over)


def put_draft_in_force(
    store: Store,
    folder: Path,
    draft: FileDraft,
    shown: Workspace,
    at: Instant,
    author: str,
    reason: str | None,
) -> Applied:
    """Replace the file by its copy and put the workspace in force; the copy is gone then.

    `shown` is what the operator has seen. ManometerError where anything is otherwise by now, and nothing is
    changed then.
    """
    with _alone(folder):
        workspace = drafted_workspace(folder, draft)
        if others_lines(folder, draft):
            raise ManometerError(f"{draft.name} was changed by somebody else meanwhile.")
        if workspace.files != shown.files:
            raise ManometerError("The files are no longer those you were shown. r checks them anew.")
        if not changes(store, workspace):
            raise ManometerError("Nothing was put in force: the files are those in force.")
        original = _read_original(folder, draft.name)
        _replace(folder, draft.name, _read_copy(draft.path))
        try:
            applied = apply_workspace(store, workspace, at, author, reason=reason)
        except BaseException:
            _replace(folder, draft.name, original)
            raise
        discard_draft(draft)
    return applied


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One operator at a time replaces a file; nobody waits for another, who may have been halted in the midst
    of it. ManometerError where somebody else is at it.
    """
    place = os.open(folder / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ManometerError(
                "Another operator is putting a file in force at this moment. Try it again."
            ) from None
        yield
    finally:
        os.close(place)


def _replace(folder: Path, name: str, content: bytes) -> None:
    """Give a file another content at once, with the rights it has."""
    path = (folder / name).resolve()
    new = path.with_name(fitting_name(f".{path.name}", f".{os.getpid()}"))
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        new.unlink(missing_ok=True)
        write_new_private_file(new, content)
        new.chmod(mode)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ManometerError(f"{name} cannot be replaced: {error.strerror}.") from None


def _read_original(folder: Path, name: str) -> bytes:
    try:
        with opened_within(folder, folder / name) as file:
            return _limited(file.read(LARGEST + 1), name)
    except FileNotFoundError:
        raise ManometerError(f"There is no file {name} any more.") from None
    except OSError as error:
        raise ManometerError(f"{name} cannot be read: {error.strerror}.") from None


def _read_copy(path: Path) -> bytes:
    try:
        with opened_safely(path) as file:
            return _limited(file.read(LARGEST + 1), "Your copy")
    except FileNotFoundError:
        raise ManometerError("Your copy is gone: it was deleted. E begins another.") from None
    except OSError as error:
        raise ManometerError(f"Your copy cannot be read: {error.strerror}.") from None


def _limited(content: bytes, name: str) -> bytes:
    if len(content) > LARGEST:
        raise ManometerError(f"{name} is larger than {LARGEST // 2**20} MiB. Make it smaller.")
    return content


def _text(content: bytes, name: str) -> str:
    """The text as the reader of a workspace takes it; WorkspaceError where it is none."""
    try:
        return decoded(content)
    except UnicodeDecodeError as error:
        raise WorkspaceError((no_utf8(name, error),)) from None


def _difference(before: str, after: str, old: str, new: str) -> list[str]:
    return list(unified_diff(before.split("\n"), after.split("\n"), old, new, lineterm=""))
