"""Importing files: NDJSON of Segment calls, CSV by a declared profile. One pass, little memory, a batch a
transaction.

What cannot be taken goes to a rejects file with its line and reason. An interrupted import has committed
whole batches and drops what it has read since; the next run of the same file knows them and goes on.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from console.clock import steady
from console.intake.csv_lines import Check, Item, csv_items
from console.intake.csv_profiles import find_profile
from console.intake.csv_records import Reject
from console.intake.interrupts import interrupts_held_back
from console.intake.json_records import json_records
from console.intake.physical_lines import OpenSource, PhysicalLine, open_source, path_text
from console.intake.watched_bytes import MAX_RATIO, ReadingStopped, go_on
from console.messages.surveys import Surveys, WhoWasAsked, asked_in
from console.private_files import fitting_name
from console.quarantine.failures import FailureLedger
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import SECOND, Instant, format_instant
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.quarantine import Suspect
from core.sources.connector import SourceFile
from core.sources.csv_profile import CsvProfile
from core.sources.feedback import Unread
from core.sources.identities import USUAL, IdentityReading, IdentitySettings
from core.sources.order_terms import OrderTerms
from core.sources.segment import Incoming, Rejected, normal_channel, parse_call
from storage.intake import imports
from storage.intake.batch import (
    BULK_LOG,
    USUAL_LOG,
    Concerns,
    Memory,
    UnreadableCustomerError,
    checkpoint_after,
    take,
)
from storage.rights import made_file, made_folder
from storage.sqlite import StoreError
from storage.store import Store

MOST_APART: Final = 1_000
"""Lines of one file that raise by themselves; with more it is the file that is at fault, or the program."""
BATCH: Final = 5_000
"""Lines or events a transaction, at most."""
_FEWEST: Final = 1_000
"""Below this the cost of a transaction by itself counts for more than that of its lines."""
_WRITING: Final = 0.25
"""Seconds that a batch may hold the write lock, and an interrupt: the next one is made accordingly."""
BATCH_SIZE: Final = 3 << 20
"""Characters of a batch, so that a file of long lines needs no more memory than another."""
_LONG: Final = 4_096
_MOST_REMEMBERED: Final = 2 << 20
"""Characters of long profiles that are remembered from batch to batch; usual ones are few enough anyway."""
_SUFFIXES: Final = (".ndjson", ".jsonl", ".csv")

Progress = Callable[[int, int, int], None]
"""Told after each batch: bytes done, bytes in all, lines read."""


REJECTS: Final = "rejects"
Follower = Callable[[Incoming | Reject], None]
"""Told what was taken as news, and what was rejected."""


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What a workspace says about its intake."""

    zone: ZoneInfo
    rejects: Path  # folder of the rejects files
    channels: Mapping[str, str] = field(
        default_factory=dict
    )  # source -> channel of all its events, such as store
    profiles: Mapping[str, Any] = field(default_factory=dict)  # the workspace's own CSV profiles, by name
    concerns: Concerns | None = None  # None until a playbook is in force
    surveys: Surveys = field(default_factory=Surveys)
    currency: str | None = None  # the workspace's
    bounces: BounceLimit = USUAL_LIMIT
    identities: IdentitySettings = field(default_factory=IdentitySettings)
    orders: OrderTerms | None = None  # None: orders count in one namespace, in the workspace's currency
    max_ratio: int = MAX_RATIO  # of a compressed file

    def check(self, who_was_asked: WhoWasAsked, *, history: bool) -> Check:
        """What each event passes that was read from a file, whatever its form."""
        surveys = partial(self.surveys.checked, who_was_asked=who_was_asked, history=history)
        if self.orders is None:
            return surveys
        orders = self.orders.read
        return lambda incoming: orders(surveys(incoming))


def intake_settings(folder: Path, workspace: Workspace, concerns: Concerns | None) -> IntakeSettings:
    """What a workspace says about its intake; what is rejected goes to a place in `folder`."""
    channels = {
        name: source.channel for name, source in workspace.sources.items() if source.channel is not None
    }
    surveys = Surveys(workspace.survey_secret, folder)
    return IntakeSettings(
        workspace.playbook.zone, folder / REJECTS, channels, workspace.profiles, concerns, surveys,
        workspace.playbook.currency, workspace.playbook.bounces, workspace.identities, workspace.order_terms,
    )  # fmt: skip


class FutureEvents(NamedTuple):
    """Events that were taken though they are stamped later than they arrived; they count from then on."""

    number: int = 0
    farthest: Instant | None = None


_NO_FUTURE: Final = FutureEvents()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the lines that were read: `read == taken + duplicate + rejected`."""

    read: int
    taken: int
    duplicate: int
    rejected: int
    rejects: Path | None
    finished: bool = True
    unconverted: Mapping[str, int] = field(default_factory=dict)
    """Orders taken whose amount waits for a rate, by currency."""
    future: FutureEvents = _NO_FUTURE
    unread: Mapping[Unread, int] = field(default_factory=dict)
    """What its new lines say and nobody understood."""

    @property
    def is_refused(self) -> bool:
        """Whether no line was taken or known, and some were rejected."""
        return self.rejected > 0 and self.taken == self.duplicate == 0


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files to import, a folder standing for its .ndjson, .jsonl and .csv files (also .gz);
    ManometerError where one is missing.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                entry for entry in path.iterdir() if entry.is_file() and _suffix(entry) in _SUFFIXES
            )
            if not inside:
                raise ManometerError(
                    f"{path_text(path)}: the folder has no {', '.join(_SUFFIXES)} files. "
                    "Name the files themselves."
                )
            found += inside
        elif path.exists():  # a link that somebody names is followed here, and never when the file is opened
            found.append(path.resolve() if path.is_symlink() else path)
        else:
            raise ManometerError(f"{path_text(path)}: there is no such file. Check the path.")
    return found


def import_file(  # what surrounds one import; each is optional and given by name
    store: Store,
    file: SourceFile,
    *,
    settings: IntakeSettings,
    arrived_at: Instant,
    history: bool = False,
    progress: Progress | None = None,
    stopping: Callable[[], bool] | None = None,
    follow: Follower | None = None,
    working: Callable[[bool], None] = lambda _: None,
) -> ImportResult:
    """Take in one file as of `arrived_at`, in ms UTC; ManometerError, with nothing changed, where it cannot
    be read.

    The file is NDJSON unless it has a CSV profile; its source is by default the profile's own, or `ndjson`.
    With `history` its events are facts of the past: nothing enrols through them. On Ctrl-C, or once
    `stopping` says so, what was written so far stays and the result says that it is not finished.
    `follow` is told of every event that was taken and of every line that was not; `working`, while the disk
    is waited for, that the file is not being worked on.
    """
    profile = _profile_of(file, settings)
    run = _Run(store, file, settings, arrived_at, history, follow)
    run.working = working
    asked = stopping or go_on
    with (
        run.left_off_when_stopped(),
        _rare_collections(),
        open_source(file.path, asked, settings.max_ratio) as opened,
    ):
        check = settings.check(asked_in(store), history=history)
        items = _items_of(file, profile, opened, settings, arrived_at, check)
        run.take_all(items, opened, progress, asked)
    return run.result()


def _profile_of(file: SourceFile, settings: IntakeSettings) -> CsvProfile | None:
    """The profile that the file is read by; None of NDJSON. ManometerError where a CSV file names none."""
    if file.profile is not None:
        return find_profile(file.profile, settings.profiles)
    if _suffix(file.path) == ".csv":
        raise ManometerError(
            f"{path_text(file.path)}: a CSV file needs --profile NAME, such as online-retail or customers, "
            "or one of the workspace's own."
        )
    return None


def _items_of(
    file: SourceFile,
    profile: CsvProfile | None,
    opened: OpenSource,
    settings: IntakeSettings,
    arrived_at: Instant,
    check: Check,
) -> Iterator[Item]:
    """What each line of the file comes to, read as it is asked for."""
    source = file.source or (profile.source if profile is not None else "ndjson")
    named = settings.channels.get(source)
    channel = None if named is None else normal_channel(named)
    reading = settings.identities.reading_of(source)
    if profile is None:
        return ndjson_items(
            opened.content, source=source, zone=settings.zone, channel=channel, check=check, reading=reading
        )
    return csv_items(
        opened.content,
        profile if profile.channel is not None else replace(profile, channel=channel),
        zone=settings.zone,
        arrived_at=arrived_at,
        source=source,
        path=path_text(file.path),
        currency=settings.currency,
        check=check,
        reading=reading,
    )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """All values of a batch live until it is written: looking for cycles among them every 700 values is a
    tenth of the time, in vain.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def ndjson_items(
    content: BufferedReader,
    *,
    source: str,
    zone: ZoneInfo,
    channel: str | None,
    check: Check | None = None,
    reading: IdentityReading = USUAL,
) -> Iterator[Item]:
    """What each Segment call of a JSON file comes to, be it a line or an element of one document."""
    for line in json_records(content):
        record: object = None
        try:
            if not line.is_whole:
                raise Rejected("longer than 1 MiB")
            record = orjson.loads(line.content)
            incoming = parse_call(
                record, source=source, arrived_at=None, zone=zone, channel=channel, reading=reading
            )
            yield 1, incoming if check is None else check(incoming)
        except orjson.JSONDecodeError as error:
            yield 1, _reject(line, _why_unreadable(line, error))
        except Rejected as reason:
            if (calls := _batch_of(record)) is None:
                yield 1, _reject(line, str(reason))
            else:
                text = b"\n".join(map(orjson.dumps, calls))
                body = cast(BufferedReader, BytesIO(text))
                for count, item in ndjson_items(body, source=source, zone=zone, channel=channel, check=check):
                    yield count, item if isinstance(item, Incoming) else item._replace(line=line.number)


def _batch_of(record: object) -> list[Any] | None:
    """The calls of a body `{"batch": [...]}` that stands in one line; None for anything else, or without
    calls.
    """
    if not isinstance(record, dict) or "type" in record or "action" in record:
        return None
    calls = record.get("batch")
    return calls if isinstance(calls, list) and calls else None


def _why_unreadable(line: PhysicalLine, error: orjson.JSONDecodeError) -> str:
    try:
        line.content.decode()
    except UnicodeDecodeError as broken:
        return f"broken UTF-8 at byte {broken.start + 1}"
    return f"not JSON: {error}"


def _reject(line: PhysicalLine, reason: str) -> Reject:
    return Reject(line.number, reason, line.content.decode("utf-8", "replace"))


class _Run:
    """One file on its way in: the batch at hand and the counts of what was committed."""

    def __init__(
        self, store: Store, file: SourceFile, settings: IntakeSettings, arrived_at: Instant, history: bool,
        follow: Follower | None,
    ) -> None:  # fmt: skip
        self.store = store
        self.file = file
        self.settings = settings
        self.arrived_at = arrived_at
        self.history = history
        self.follow = follow
        self.memory = Memory()
        self.remembered = 0
        self.rejects = _Rejects(settings.rejects, file.path, arrived_at)
        self.import_id: int | None = None
        self.batch: list[Incoming] = []
        self.lines: list[int] = []
        self.pending: list[Reject] = []
        self.read = self.taken = self.duplicate = self.rejected = 0
        self.unconverted: Counter[str] = Counter()
        self.future = _NO_FUTURE
        self.unread = Counter[Unread]()
        self.finished = False
        self.apart = 0
        self.working: Callable[[bool], None] = lambda _: None
        self.unreadable: set[int] = set()

    def take_all(
        self,
        items: Iterator[Item],
        opened: OpenSource,
        progress: Progress | None,
        stopping: Callable[[], bool],
    ) -> None:
        self.flush(self.take_batches(items, opened, progress, stopping))
        if progress is not None and self.finished:
            progress(opened.size, opened.size, self.read)

    @contextmanager
    def left_off_when_stopped(self) -> Iterator[None]:
        """Ctrl-C, or being told to stop while reading, ends the import where its last batch ended: what was
        read since, or was in the midst of being written, is read again next time.
        """
        try:
            yield
        except (KeyboardInterrupt, ReadingStopped):
            self.batch.clear()
            self.lines.clear()
            self.pending.clear()
        finally:
            self.rejects.close()

    def result(self) -> ImportResult:
        return ImportResult(
            self.read, self.taken, self.duplicate, self.rejected, self.rejects.path, self.finished,
            dict(self.unconverted), self.future, dict(self.unread),
        )  # fmt: skip

    def take_batches(
        self,
        items: Iterator[Item],
        opened: OpenSource,
        progress: Progress | None,
        stopping: Callable[[], bool],
    ) -> bool:
        """Whether all were taken; where it is to stop it ends behind a batch."""
        waiting = size = 0
        most = min(BATCH, 2 * _FEWEST)
        for lines, item in items:
            if isinstance(item, Incoming):
                self.batch.append(item)
                self.lines.append(lines)
            else:
                self.pending.append(item)
            waiting += lines
            size += len(item.text)
            is_full = waiting >= most or len(self.batch) >= most or size >= BATCH_SIZE
            if is_full and lines:  # what stands for no line of its own comes before what it belongs to
                begun = steady()
                self.flush(False)
                most = _next_batch(most, steady() - begun)
                waiting = size = 0
                if progress is not None:
                    progress(opened.file.tell(), opened.size, self.read)
                if stopping():
                    return False
        return True

    def flush(self, finished: bool) -> None:
        """Commit the batch at hand and the counts with it; an interrupt waits until that is done."""
        with interrupts_held_back():
            self.write(finished)

    def write(self, finished: bool) -> None:
        """Take the batch at hand; where that fails, in halves, so that only the lines that cannot be taken
        are rejected.
        """
        try:
            self.write_whole(finished)
        except StoreError:
            raise
        except Exception as error:  # the border of a line: whichever it is shows alone
            self.memory = Memory()
            self.note_unreadable(error)
            if not self.batch or self.apart >= MOST_APART:
                raise
            self.write_apart(error, finished)

    def write_apart(self, error: Exception, finished: bool) -> None:
        """Both halves of a batch, or a line by itself that cannot be taken."""
        batch, lines = list(self.batch), list(self.lines)
        if len(batch) == 1:
            self.apart += 1
            self.batch.clear()
            self.lines.clear()
            said = str(error) if isinstance(error, ManometerError) else f"unexpected {type(error).__name__}"
            self.pending.append(Reject(0, f"cannot be taken: {said}", batch[0].text))
            self.write(finished)
            return
        middle = len(batch) // 2
        for part, is_last in ((slice(0, middle), False), (slice(middle, None), True)):
            self.batch[:], self.lines[:] = batch[part], lines[part]
            self.write(finished and is_last)

    def note_unreadable(self, error: Exception) -> None:
        """A customer whose row cannot be read is set aside."""
        if isinstance(error, UnreadableCustomerError) and error.customer not in self.unreadable:
            self.unreadable.add(error.customer)
            suspect = Suspect("customer", str(error.customer), error.key)
            cause = error.__cause__ or error
            FailureLedger(self.store).note(suspect, cause, self.arrived_at, at_once=True)

    def write_whole(self, finished: bool) -> None:
        taken = duplicate = fresh_events = 0
        fresh: Sequence[bool] = ()
        unread = Counter[Unread]()
        with self.store.writing() as connection:
            checkpoint_after(connection, USUAL_LOG if finished else BULK_LOG)
            if self.batch:
                result = take(
                    connection, self.batch, arrived_at=self.arrived_at, history=self.history,
                    concerns=self.settings.concerns,
                    memory=self.memory, bounces=self.settings.bounces,
                    rules=self.settings.identities.rules,
                )  # fmt: skip
                fresh = result.fresh
                self.batch = list(result.told)
                unread.update(result.unread)
                fresh_events = sum(fresh)
                taken = _lines_taken(self.batch, self.lines, fresh)
                duplicate = sum(self.lines) - taken
            number = self.note(connection, taken, duplicate, finished)
            imports.note_events(connection, number, fresh_events)
            self.working(False)
        self.working(True)
        self.finished = finished
        self.taken += taken
        self.unread += unread
        self.duplicate += duplicate
        self.rejected += len(self.pending)
        self.read += taken + duplicate + len(self.pending)
        self.tell(fresh)
        self.batch.clear()
        self.lines.clear()
        self.rejects.write(self.pending)
        self.pending.clear()

    def tell(self, fresh: Sequence[bool]) -> None:
        """Note what lies in the future, and how much the memory holds; tell who follows."""
        new = [incoming for incoming, is_new in zip(self.batch, fresh) if is_new]
        self.unconverted.update(one.currency for one in new if one.currency is not None and one.rate is None)
        sure = self.arrived_at + SECOND
        later = [incoming.occurred_at for incoming in new if incoming.occurred_at > sure]
        if later:
            number, farthest = self.future
            self.future = FutureEvents(number + len(later), max(*later, farthest or 0))
        profiles = (len(incoming.text) for incoming in new if incoming.kind == "identify")
        self.remembered += sum(size for size in profiles if size > _LONG)
        if self.remembered > _MOST_REMEMBERED:
            self.memory.forget()
            self.remembered = 0
        if self.follow is not None:
            for incoming in new:
                self.follow(incoming)
            for reject in self.pending:
                self.follow(reject)

    def note(self, connection: Connection, taken: int, duplicate: int, finished: bool) -> int:
        """Keep the counts; gives the number of the import."""
        rejected = len(self.pending)
        counts = {
            "lines": self.read + taken + duplicate + rejected, "taken": self.taken + taken,
            "duplicate": self.duplicate + duplicate,
            "rejected": self.rejected + rejected, "finished": int(finished),
        }  # fmt: skip
        if self.import_id is None:
            self.import_id = imports.begin(
                connection, self.arrived_at, path_text(self.file.path), self.file.profile, counts
            )
        else:
            imports.note(connection, self.import_id, counts)
        return self.import_id


def _next_batch(lines: int, took: float) -> int:
    """How many lines the next batch has after one of `lines` that took so many seconds to write."""
    return min(BATCH, max(_FEWEST, int(lines * min(2.0, _WRITING / max(took, 0.001)))))


def _lines_taken(batch: Sequence[Incoming], lines: Sequence[int], fresh: Sequence[bool]) -> int:
    """The lines that told something new, be it only of the state of the order that they make up."""
    taken, is_new_state = 0, False
    for incoming, count, is_new in zip(batch, lines, fresh):
        if count:
            taken += count if is_new or is_new_state else 0
            is_new_state = False
        else:
            is_new_state |= is_new and incoming.retold is not None
    return taken


class _Rejects:
    """The rejects file of one import, made when the first line is refused."""

    def __init__(self, folder: Path, imported: Path, at: Instant) -> None:
        self.folder = folder
        self.name = imported.name
        self.stamp = format_instant(at).replace("-", "").replace(":", "")
        self.path: Path | None = None
        self.file: IO[bytes] | None = None

    def write(self, rejects: Sequence[Reject]) -> None:
        if not rejects:
            return
        with self.failing_in_words():
            file = self.file if self.file is not None else self.begin()
            for line, reason, text in rejects:
                record = {"line": line, "reason": reason, "text": text.strip("\r\n")}
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()

    def begin(self) -> IO[bytes]:
        made_folder(self.folder)
        self.path = next(path for path in self.names() if not os.path.lexists(path))
        self.file = os.fdopen(made_file(self.path), "wb")
        return self.file

    @contextmanager
    def failing_in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ManometerError(
                f"{path_text(self.folder)}: cannot write the rejects file: {error.strerror}. Check the room "
                "on the disk and the folder's rights, and import the file again: what is known stays known."
            ) from error

    def names(self) -> Iterator[Path]:
        yield self.folder / fitting_name(self.name, f"-{self.stamp}.ndjson")
        number = 2
        while True:
            yield self.folder / fitting_name(self.name, f"-{self.stamp}-{number}.ndjson")
            number += 1

    def close(self) -> None:
        if self.file is not None:
            with self.failing_in_words():
                self.file.close()


def progress_bar(path: Path, *, quiet: bool = False) -> AbstractContextManager[Progress | None]:
    """A progress bar on stderr with rate and remaining time; None without a terminal."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    return _drawn_bar(path)


@contextmanager
def _drawn_bar(path: Path) -> Iterator[Progress]:
    from rich.console import Console  # a tenth of a second that a script without a terminal need not spend
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} "
                                                                  "%"), TextColumn("{task.fields[lines]:,} "
                                                                                   "lines"),
        TextColumn("{task.fields[rate]:,}/s"), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(path.name), total=path.stat().st_size, lines=0, rate=0)

        def show(done: int, total: int, lines: int) -> None:
            elapsed = bar.tasks[0].elapsed or 1.0
            bar.update(task, completed=done, total=total, lines=lines, rate=int(lines / max(elapsed, 0.001)))

        yield show


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix
