"""Releasing and dropping what is set aside, with what happens on the disk. Instants are ms UTC."""

from __future__ import annotations

import os
from pathlib import Path

from console.private_files import fitting_name
from core.errors import ManometerError
from core.instants import Instant
from core.model.quarantine import SetAside
from storage import quarantine
from storage.quarantine import QuarantineError
from storage.store import Store

FAILED = "failed"
DONE = "done"


def release(store: Store, identifier: int, author: str, at: Instant) -> SetAside:
    """Have it worked on again; a file is put back where it was taken from. QuarantineError where it is not
    set aside, or its file cannot be put back.
    """
    with store.writing() as connection:
        thing = quarantine.release(connection, identifier, author, at)
        if thing.kind == "file":
            _put_back(Path(thing.subject))
    return thing


def drop(store: Store, identifier: int, author: str, at: Instant, reason: str) -> SetAside:
    """Give it up; a file stays where failed ones lie. QuarantineError where it is not set aside."""
    with store.writing() as connection:
        return quarantine.drop(connection, identifier, author, at, reason)


def _put_back(path: Path) -> None:
    """Move a failed file back into the folder beside it; one that lies there still need not be moved, and
    one that a kill kept from being noted under its new name is found there.
    """
    try:
        inbox = path.parent.parent if path.parent.name == FAILED else path.parent
        moved = inbox / FAILED / path.name
        if not path.exists() and moved.exists():
            path = moved
        if not path.exists() and ((inbox / path.name).exists() or (inbox / DONE / path.name).exists()):
            return  # it was put back or taken after all
        if not os.path.lexists(path):
            raise QuarantineError(
                f"{path}: there is no such file any more. Drop it, or put the file back into its folder; "
                "nothing was changed."
            )
        if path.parent.name == FAILED:
            target = path.parent.parent / path.name
            if os.path.lexists(target):
                raise QuarantineError(
                    f"{target}: a file of that name lies there already. Move one of the two; nothing was "
                    "changed."
                )
            path.rename(target)
            path.with_name(fitting_name(path.name, ".reason.txt")).unlink(missing_ok=True)
    except OSError as error:
        raise ManometerError(
            f"{path}: it cannot be put back: {error.strerror}. Nothing was changed."
        ) from None
