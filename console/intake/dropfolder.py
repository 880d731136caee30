"""The drop folder: files that sources hand out are imported, one at a time. Instants and durations are ms.

A file straight in `inbox/` is read as `manometer import FILE` would. One of a source is an import with that
source and its `profile`. A crash between import and acknowledgement means that the file is imported again,
which changes nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from console.connectors import connector_class
from console.connectors.folder import FolderConnector
from console.intake.files import ImportResult, IntakeSettings, import_file
from console.intake.physical_lines import path_text
from core.errors import ManometerError
from core.instants import Instant, Millis
from core.sources.connector import Connector, SourceFile, SourceSettings
from screens.cells.safe_text import safe_lines
from storage.sqlite import StoreError
from storage.store import Store

_PASSING: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file: its result, or why it could not be read."""

    file: str
    result: ImportResult | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class InboxContents:
    """What the sources hand out now: files, each with its connector, and the places that cannot be read, each
    with the reason. `passed_over` are what lies there and is not read, each with the reason.
    """

    files: Sequence[tuple[Connector, SourceFile]]
    refused: Mapping[str, str]
    passed_over: Mapping[Path, str] = field(default_factory=dict)


class DropFolder:
    """The inbox and the sources of one workspace; keeps their connectors from pass to pass."""

    def __init__(self, folder: Path, steady: Callable[[], Millis]) -> None:
        self._folder = folder
        self._steady = steady
        self._inbox = FolderConnector.of_inbox(folder, steady)
        self._connectors: dict[str, tuple[SourceSettings, Connector | None]] = {}

    def ready(self, sources: Mapping[str, SourceSettings], now: Instant) -> InboxContents:
        """The files to import now, by source and name; a place that cannot be read is named, and the others
        go on.
        """
        found: list[tuple[Connector, SourceFile]] = []
        refused: dict[str, str] = {}
        passed_over: dict[Path, str] = {}
        for connector in self._asked(sources):
            try:
                found += [(connector, file) for file in connector.ready(now)]
                if isinstance(connector, FolderConnector):
                    passed_over.update(connector.passed_over())
            except OSError as error:
                refused[connector.place] = in_words(error)
        for connector in self._asked(sources):
            passed_over.pop(Path(connector.place), None)
        return InboxContents(found, refused, passed_over)

    def _asked(self, sources: Mapping[str, SourceSettings]) -> Iterator[Connector]:
        """The inbox, then each source that has a connector; one whose settings changed gets a new one."""
        yield self._inbox
        for name, source in sources.items():
            if self._connectors.get(name, (None, None))[0] != source:
                self._connectors[name] = source, self._connector(source)
            connector = self._connectors[name][1]
            if connector is not None:
                yield connector

    def _connector(self, source: SourceSettings) -> Connector | None:
        kind = connector_class(source.kind)
        return None if kind is None else kind.of(source, self._folder, self._steady)

    def take(
        self,
        store: Store,
        connector: Connector,
        file: SourceFile,
        settings: IntakeSettings,
        now: Instant,
        stopping: Callable[[], bool],
    ) -> ImportedFile:
        """Import one file and tell its connector; StoreError and OSError leave it where it is, and so does
        being stopped.
        """
        connector.begin(file)
        try:
            result = import_file(store, file, settings=settings, arrived_at=now, stopping=stopping)
        except StoreError:
            raise
        except ManometerError as error:
            if isinstance(error.__cause__, OSError) and is_passing(error.__cause__):
                raise error.__cause__ from None
            connector.reject(file, safe_lines(str(error)))
            return ImportedFile(path_text(Path(file.path.name)), None, str(error))
        if result.finished:
            connector.acknowledge(file)
        return ImportedFile(path_text(Path(file.path.name)), result)


def is_passing(error: OSError) -> bool:
    """Whether the machine lacks something that it may have again; no fault of a file or folder."""
    return error.errno in _PASSING


def in_words(error: OSError) -> str:
    """What the system says, without the path."""
    return error.strerror or type(error).__name__
