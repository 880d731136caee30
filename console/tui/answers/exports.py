"""Files that operators take away, in the workspace's folder `exports`: for the owner and the group, complete,
never overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from console.reports.csv_export import write_free
from console.tui.answers.local_workspace import LocalWorkspace
from core.errors import ManometerError
from core.instants import local
from storage.rights import made_folder

FOLDER: Final = "exports"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")


class ExportsAnswers:
    """Writes into the workspace."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def table(self, name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> tuple[str, int]:
        """A CSV file of these rows, named after `name` and the present minute."""
        path, number = write_free(self.paths(name, "csv"), heads, rows)
        return str(path), number

    def paths(self, name: str, ending: str) -> Iterator[Path]:
        """Where a file of that name and the present minute may lie; the first that is free is meant."""
        folder = self._local.context.folder / FOLDER
        try:
            made_folder(folder)
        except OSError as error:
            raise ManometerError(
                f"{folder}: cannot be made: {error.strerror}. Check the rights of the workspace's folder."
            ) from None
        stamp = f"{local(self._local.now(), self._local.place.zone):%Y%m%d-%H%M}"
        stem = f"{_UNFIT.sub('-', name).strip('-') or 'list'}-{stamp}"
        return (folder / f"{stem}{'' if not number else f'-{number}'}.{ending}" for number in count())
