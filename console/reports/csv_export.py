"""Tables as CSV files that no spreadsheet takes for anything but text and numbers, there in full or not at
all.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final, TextIO

from core.errors import ManometerError
from screens.cells.safe_text import safe_text
from storage.unfinished import unfinished_file

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a cell that a spreadsheet takes for a formula begins with."""


def write_csv(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a new file of these columns; how many rows. ManometerError where it exists already or cannot be
    written.
    """
    if os.path.lexists(path):
        raise _exists(path)
    return write_free([path], heads, rows)[1]


def write_free(
    paths: Iterable[Path], heads: Sequence[str], rows: Iterable[Sequence[object]]
) -> tuple[Path, int]:
    """Write a new file under the first of these paths, all of one folder, that is free when it is complete;
    which, and how many rows.
    """
    candidates = iter(paths)
    path = next(candidates)
    number = 0
    with _beside(path) as (file, temporary):
        writer = csv.writer(file)
        writer.writerow(heads)
        for row in rows:
            writer.writerow([harmless(value) for value in row])
            number += 1
        file.close()
        while not _named(temporary, path):
            taken = path
            path = next(candidates, taken)
            if path is taken:
                raise _exists(path)
    return path, number


@contextmanager
def _beside(path: Path) -> Iterator[tuple[TextIO, Path]]:
    """A file of another name in the same folder, which is gone afterwards whatever happens."""
    try:
        with (
            unfinished_file(path) as (temporary, new),
            os.fdopen(new, "w", encoding="utf-8", newline="") as file,
        ):
            yield file, temporary
    except OSError as error:
        raise ManometerError(f"{path}: cannot be written: {error.strerror}.") from None


def _named(temporary: Path, path: Path) -> bool:
    """Give the file its name; whether that was free. Not every file system gives a file two names; there it
    is renamed.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        if os.path.lexists(path):
            return False
        temporary.rename(path)
    return True


def _exists(path: Path) -> ManometerError:
    return ManometerError(f"{path} exists already. Name another file, or remove it.")


def harmless(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula; empty for None, `true` and `false` as in
    JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = safe_text(value, sys.maxsize, for_terminal=False)
    return f"'{text}" if text[:1] in FORMULA else text
