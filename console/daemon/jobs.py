"""What the scheduler does, job by job. Each does what is due in the tables and on the disk, so that any pass
may be lost or repeated.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from console.daemon.leadership import RENEWED_EVERY, Clocks, Leadership
from console.daemon.log import ServiceLog
from console.daemon.notify import notify
from console.daemon.ticker import PeriodicJob
from console.daemon.troubles import Troubles
from console.dispatch import dispatch
from console.health.disk import Room, room, size
from console.health.judgement import health_of
from console.intake.dropfolder import DropFolder, ImportedFile, in_words, is_passing
from console.intake.files import IntakeSettings, intake_settings
from console.intake.physical_lines import path_text
from console.playbooks.applied import ensure_applied, load_in_force
from console.runs.tick import tick
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import MINUTE, SECOND, Millis
from core.sources.connector import Connector, SourceFile
from storage import pauses, playbooks, status
from storage.store import Store

DISPATCH_EVERY: Final[Millis] = 5 * SECOND
INBOX_EVERY: Final[Millis] = 10 * SECOND
HOUSEKEEPING_EVERY: Final[Millis] = MINUTE
HEARTBEAT_EVERY: Final[Millis] = 15 * MINUTE
LONGEST_LOG: Final = 64 * 2**20
"""Bytes of the write-ahead log above which its file is emptied."""
AUTHOR: Final = "manometer"
COUNTED: Final = ("sent", "cancelled", "failed", "expired", "held", "retried", "uncertain")


class GoneError(ManometerError):
    """The database was removed or replaced under the scheduler."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What every job is handed: the fenced store, who leads, the clocks, and whom to tell."""

    folder: Path
    store: Store
    leadership: Leadership
    clocks: Clocks
    log: ServiceLog
    troubles: Troubles
    is_stopping: Callable[[], bool]

    def should_end(self) -> bool:
        """Whether a pass should end where it can: on the way out, or no longer sure to be the only one."""
        return self.is_stopping() or not self.leadership.is_trusted


class WorkDone:
    """What was done since somebody last asked; jobs of several threads add to it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, counts: Mapping[str, int]) -> None:
        """More was done."""
        with self._lock:
            self._counts.update(counts)

    def taken(self) -> dict[str, int]:
        """All of it, which is then counted anew."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)


class Jobs:
    """The jobs of one scheduler, and the little they share."""

    def __init__(self, context: JobContext, settings: Workspace, soon: Callable[[str], None]) -> None:
        self.context = context
        self.settings = settings  # the files as they stood at the last start or reload
        self.soon = soon
        self.in_force = InForce(context)
        self.inbox = DropFolder(context.folder, context.clocks.steady)
        self.done = WorkDone()
        self._database = _identity(context.store.path)
        self._beat_at = context.clocks.steady()
        self._halted: dict[str, str] = {}
        self._refused: set[str] = set()
        self._passed_over: set[Path] = set()

    def all(self) -> tuple[PeriodicJob, ...]:
        """In the order in which they first run."""
        return (
            PeriodicJob("renew", RENEWED_EVERY, self.renew),
            PeriodicJob("housekeeping", HOUSEKEEPING_EVERY, self.housekeeping),
            PeriodicJob("inbox", INBOX_EVERY, self.take_files, may_overrun=True),
            PeriodicJob("tick", self.settings.tick, self.tick),
            PeriodicJob("dispatch", DISPATCH_EVERY, self.dispatch, may_overrun=True),
        )

    def renew(self) -> None:
        """Hold the lease for another while, and say now and then that all is well."""
        self.context.leadership.renew()
        if self.context.clocks.steady() - self._beat_at >= HEARTBEAT_EVERY:
            self._beat_at = self.context.clocks.steady()
            self.context.log.info("heartbeat", **self.done.taken(), **self._health())

    def _health(self) -> dict[str, object]:
        """The word that `status` would say, the books left out, and what is wrong."""
        context, settings, at = self.context, self.settings, self.context.clocks.now()
        with context.store.reading() as connection:
            figures = status.figures(connection, at, settings.playbook.grace, books=False, most=status.MOST)
        found = health_of(figures, settings, at, self.room())
        return {"state": found.state, "wrong": [each.words for each in found.findings]}

    # ---- tick ----

    def tick(self) -> None:
        """Decide for everyone who is due, and have what comes of it sent."""
        if self.context.should_end():
            return
        notify("WATCHDOG=1")
        begun = self.context.clocks.steady()
        outcomes: Counter[str] = Counter()
        customers: Counter[str] = Counter()
        try:
            for decided in self._decided(customers):
                outcomes[decided.decision.outcome] += 1
        finally:
            self._tell(
                "tick",
                begun,
                customers + Counter({f"decided_{name}": number for name, number in outcomes.items()}),
            )
        if outcomes and not self.context.is_stopping():
            self.soon("dispatch")

    def _decided(self, customers: Counter[str]) -> Iterator[Any]:
        def played(number: int) -> None:
            customers["customers"] += number
            notify("WATCHDOG=1")

        context, playbook = self.context, self.in_force.workspace().playbook
        return tick(context.store, playbook, context.clocks.now(), played, context.should_end)

    # ---- dispatch ----

    def dispatch(self) -> None:
        """Hand over what is due, unless the disk has no room to write down what went out."""
        if self.context.should_end() or self._is_short():
            return
        begun, workspace = self.context.clocks.steady(), self.in_force.workspace()
        context = self.context
        done = dispatch(context.store, workspace, context.clocks.now, stopping=context.should_end)
        self._tell("dispatch", begun, Counter({name: getattr(done, name) for name in COUNTED}))
        self._tell_halted()

    def _tell_halted(self) -> None:
        """Say once that a channel halts, and once that it works again."""
        with self.context.store.reading() as connection:
            halted = {name: trouble.reason for name, trouble in status.halted(connection).items()}
        for name in halted.keys() - self._halted.keys():
            self.context.log.error("halted", channel=name, reason=halted[name])
        for name in self._halted.keys() - halted.keys():
            self.context.log.info("works_again", channel=name)
        self._halted = halted

    # ---- the drop folder ----

    def take_files(self) -> None:
        """Import what lies still in the drop folder, one file after the other."""
        if self.context.should_end() or self._is_short():
            return
        found = self.inbox.ready(self.settings.sources, self.context.clocks.now())
        refused = dict(found.refused)
        self._tell_passed_over(found.passed_over)
        if found.files:
            index = self.in_force.workspace().playbook.index
            settings = intake_settings(
                self.context.folder, self.settings, index.concerns_at(self.context.clocks.now())
            )
            for connector, file in found.files:
                if self.context.should_end() or self._is_short():
                    break
                if connector.place not in refused:
                    self._take(connector, file, settings, refused)
        self._tell_refused(refused)

    def _take(
        self, connector: Connector, file: SourceFile, settings: IntakeSettings, refused: dict[str, str]
    ) -> None:
        """Import one file; where its place refuses, that is noted and the place left for this pass."""
        begun = self.context.clocks.steady()
        try:
            taken = self.inbox.take(
                self.context.store,
                connector,
                file,
                settings,
                self.context.clocks.now(),
                self.context.should_end,
            )
        except OSError as error:
            if is_passing(error):
                raise
            refused[connector.place] = in_words(error)
            return
        self._tell_taken(taken, self.context.clocks.steady() - begun)

    def _tell_refused(self, refused: Mapping[str, str]) -> None:
        """Say of each place by itself that it cannot be worked with, and that it can be again."""
        for place in self._refused - refused.keys():
            self.context.troubles.end(f"inbox {place}")
        for place, reason in refused.items():
            self.context.troubles.begin(f"inbox {place}", f"{reason}; its files wait. Put the folder right.")
        self._refused = set(refused)

    def _tell_passed_over(self, found: Mapping[Path, str]) -> None:
        """Say once of each file and folder that it is left where it is."""
        for path in found.keys() - self._passed_over:
            self.context.log.warning("passed_over", file=path_text(path), reason=found[path])
        self._passed_over = set(found)

    def _tell_taken(self, taken: ImportedFile, duration: Millis) -> None:
        result = taken.result
        if result is None:
            self.context.log.warning("unreadable", file=taken.file, reason=taken.reason)
            return
        counts = {
            "read": result.read,
            "taken": result.taken,
            "duplicate": result.duplicate,
            "rejected": result.rejected,
        }
        self.context.log.info(
            "import" if result.finished else "import_interrupted",
            file=taken.file,
            **counts,
            duration_ms=duration,
        )
        self.done.add({"events": result.taken, "rejected": result.rejected})
        if result.taken and not self.context.is_stopping():
            self.soon("tick")

    # ---- housekeeping ----

    def housekeeping(self) -> None:
        """Keep the write-ahead log short, look after the disk, and see that the database is still the one
        that was opened.
        """
        store = self.context.store
        if _identity(store.path) != self._database:
            raise GoneError(
                f"{store.path}: the database was removed or replaced while the scheduler ran. Start the "
                "scheduler anew."
            )
        self._is_short()
        store.checkpoint("PASSIVE")
        before = store.log_size()
        if before > LONGEST_LOG:
            whole = store.checkpoint("TRUNCATE")
            self.context.log.info(
                "log_emptied" if whole else "log_pinned", before=size(before), after=size(store.log_size())
            )

    def _is_short(self) -> bool:
        """Whether the disk has less room than must stay free."""
        found = self.room()
        if found.is_short:
            self.context.troubles.begin(
                "disk", f"intake and sending wait: less than {size(found.keep_free)} free. Make room."
            )
        else:
            self.context.troubles.end("disk")
        return found.is_short

    def room(self) -> Room:
        """The room on the database's disk."""
        return room(self.context.store.path.parent, self.settings.keep_free)

    # ---- telling ----

    def _tell(self, event: str, begun: Millis, counted: Counter[str]) -> None:
        """One line for a pass that did something."""
        numbers = {name: number for name, number in counted.items() if number}
        self.done.add(numbers)
        if numbers:
            self.context.log.info(event, **numbers, duration_ms=self.context.clocks.steady() - begun)
        else:
            self.context.log.debug(event, idle=True)


class InForce:
    """The workspace in force, read anew when a version was applied, a pause set or ended, and not else."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._known: tuple[object, Workspace] | None = None
        self._lock = Lock()

    def workspace(self) -> Workspace:
        """What every pass works with; where nothing was applied yet, the files are, and WorkspaceError says
        which faults they have.
        """
        with self._lock:
            return self._read()

    def _read(self) -> Workspace:
        known, key = self._known, self._key()
        if known is not None and known[0] == key:
            return known[1]
        store, folder = self._context.store, self._context.folder
        loaded = load_in_force(store, folder)
        if loaded.playbook.version == 0:
            ensure_applied(store, loaded, self._context.clocks.now(), AUTHOR)
            loaded = load_in_force(store, folder)
            self._context.log.info("applied", version=loaded.playbook.version)
        elif known is None or known[1].playbook.version != loaded.playbook.version:
            self._context.log.info("in_force", version=loaded.playbook.version)
        self._known = (key, loaded)
        return loaded

    def _key(self) -> object:
        with self._context.store.reading() as connection:
            return playbooks.newest_version(connection), pauses.all_of(connection)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there now; the file itself is never opened."""
    try:
        found = os.stat(path)  # noqa: PTH116 - said plainly, beside the rule that nobody opens it
    except OSError:
        return None
    return found.st_dev, found.st_ino
