"""The drop folder: files that sources hand out are imported, one at a time. Instants and durations are ms.

A file straight in `inbox/` is read as `manometer import FILE` would. One of a source is an import with that
source and its `profile`. A crash between import and acknowledgement means that the file is imported again,
which changes nothing. A file that cannot be read, that raises twice, or that was being read at two crashes is
set aside, and those behind it are taken.
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
from console.quarantine.failures import FailureLedger
from console.quarantine.work_notes import CrashedError, WorkNote
from core.errors import ManometerError
from core.instants import Instant, Millis
from core.model.quarantine import Suspect
from core.sources.connector import Connector, SourceFile, SourceSettings
from screens.cells.safe_text import safe_lines
from storage import quarantine
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

    def in_turn(
        self, store: Store, files: Sequence[tuple[Connector, SourceFile]], now: Instant
    ) -> Sequence[tuple[Connector, SourceFile]]:
        """The files in the order in which they are taken: one that was being read at a crash comes after all
        others.
        """
        _look_back(FailureLedger(store), now)
        with store.reading() as connection:
            watched = set(quarantine.watched_for_a_crash(connection, "file"))
        return sorted(files, key=lambda each: path_text(each[1].path) in watched)

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
        ledger = FailureLedger(store)
        _look_back(ledger, now)
        if _is_aside(store, file.path):
            return self._set_aside(ledger, connector, file, CrashedError(), now)
        with WorkNote.open(store.path, "inbox") as note:
            note.begin([str(file.path)])
            try:
                return self._take(
                    store, connector, file, settings, now, stopping,
                    lambda is_working: note.begin([str(file.path)] if is_working else ()),
                )  # fmt: skip
            except (StoreError, OSError):
                raise
            except ManometerError as error:
                return self._set_aside(ledger, connector, file, error, now)
            except Exception as error:  # the border of a file: those behind it are taken
                thing = ledger.note(_suspect(file.path), error, now)
                if thing is not None:
                    return self._set_aside(ledger, connector, file, error, now)
                reason = f"unexpected {type(error).__name__}; it is tried once more"
                return ImportedFile(path_text(Path(file.path.name)), None, reason)

    def _take(
        self,
        store: Store,
        connector: Connector,
        file: SourceFile,
        settings: IntakeSettings,
        now: Instant,
        stopping: Callable[[], bool],
        working: Callable[[bool], None],
    ) -> ImportedFile:
        connector.begin(file)
        try:
            result = import_file(
                store, file, settings=settings, arrived_at=now, stopping=stopping, working=working
            )
        except ManometerError as error:
            if isinstance(error.__cause__, OSError) and is_passing(error.__cause__):
                raise error.__cause__ from None
            raise
        if result.finished:
            _forget(store, file.path)  # before it is moved: a kill in between would leave it listed for good
            connector.acknowledge(file)
        return ImportedFile(path_text(Path(file.path.name)), result)

    def _set_aside(
        self, ledger: FailureLedger, connector: Connector, file: SourceFile, error: Exception, now: Instant
    ) -> ImportedFile:
        """Put the file aside, and note where it lies now."""
        reason = str(error) if isinstance(error, ManometerError | CrashedError) else type(error).__name__
        path = connector.reject(file, safe_lines(reason)) or file.path
        said = str(error) if isinstance(error, CrashedError) else None
        ledger.note(_suspect(path), error, now, at_once=True, said=said)
        if path != file.path:  # last: a kill in between must leave it listed, be it under its former name
            _forget(ledger.store, file.path)
        return ImportedFile(path_text(Path(file.path.name)), None, reason)


def _look_back(ledger: FailureLedger, now: Instant) -> None:
    """Note what was being read when the process before was killed; the second time that sets it aside."""
    with WorkNote.open(ledger.store.path, "inbox") as note:
        left = note.left
    for path in left:
        error = CrashedError()
        ledger.note(_suspect(Path(path)), error, now, crashed=True, said=str(error))


def _is_aside(store: Store, path: Path) -> bool:
    with store.reading() as connection:
        return _suspect(path).subject in quarantine.left_out(connection, "file")


def _suspect(path: Path) -> Suspect:
    return Suspect("file", path_text(path), path_text(path))


def _forget(store: Store, path: Path) -> None:
    """A file that went well, or lies elsewhere now, is watched no longer."""
    with store.reading() as connection:
        is_known = quarantine.is_known(connection, _suspect(path))
    if is_known:
        with store.writing() as connection:
            quarantine.forget(connection, _suspect(path))


def is_passing(error: OSError) -> bool:
    """Whether the machine lacks something that it may have again; no fault of a file or folder."""
    return error.errno in _PASSING


def in_words(error: OSError) -> str:
    """What the system says, without the path."""
    return error.strerror or type(error).__name__
