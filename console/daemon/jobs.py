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

from console.backups.making import back_up, nightly_target, rotate
from console.daemon.leadership import RENEWED_EVERY, Clocks, Leadership
from console.daemon.log import ServiceLog
from console.daemon.metrics_outlet import MetricsOutlet
from console.daemon.notify import notify
from console.daemon.ticker import PeriodicJob
from console.daemon.troubles import Troubles
from console.dispatch import Dispatched, watch
from console.health.disk import Room, room, size
from console.health.notifying import Notifier
from console.health.observing import Observation, observe
from console.intake.dropfolder import DropFolder, ImportedFile, in_words, is_passing
from console.intake.files import IntakeSettings, intake_settings
from console.intake.physical_lines import path_text
from console.messages.kept_texts import end_old_texts
from console.playbooks.applied import ensure_applied, load_in_force
from console.runs.tick import tick
from console.safeguards.clock_guard import ClockGuard
from console.safeguards.stop_file import SendingGate, StopFile
from console.safeguards.stopping import take_in
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.health import Health, HealthFinding
from core.instants import MINUTE, SECOND, Millis
from core.sources.connector import Connector, SourceFile
from storage import audit_proof, lateness, pauses, playbooks, status, surges
from storage.rights import made_folder
from storage.sqlite import StoreError
from storage.store import Store

WATCH_EVERY: Final[Millis] = 2 * SECOND
LOOK_EVERY: Final[Millis] = 15 * SECOND
DISPATCH_EVERY: Final[Millis] = 5 * SECOND
INBOX_EVERY: Final[Millis] = 10 * SECOND
HOUSEKEEPING_EVERY: Final[Millis] = MINUTE
BACKUP_LOOKED_AT_EVERY: Final[Millis] = MINUTE
HEARTBEAT_EVERY: Final[Millis] = 15 * MINUTE
BOOKS_SHARE: Final = 50
"""So many times as long as adding up the books takes is waited before that is done again."""
LONGEST_LOG: Final = 64 * 2**20
"""Bytes of the write-ahead log above which its file is emptied."""
CLOCK_REMEDY: Final = (
    "nothing is decided and sent until it is right, a time service vouches for it, or an operator says "
    "`manometer clock confirm`"
)
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
    guard: ClockGuard | None = None
    """Of the clock; None where that is right whatever it says."""

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
        self.gate = SendingGate(StopFile(context.folder))
        self._database = _identity(context.store.path)
        self._beat_at = context.clocks.steady()
        self._books_due: Millis = 0
        self.notifier = Notifier(context.folder, settings.name, self._tell_not_notified)
        self.metrics = MetricsOutlet(context.folder)
        self._halted: dict[str, str] = {}
        self._held: set[str] = set()  # triggers, for what they would send
        self._refused: set[str] = set()
        self._passed_over: set[Path] = set()

    def all(self) -> tuple[PeriodicJob, ...]:
        """In the order in which they first run."""
        return (
            PeriodicJob("renew", RENEWED_EVERY, self.renew),
            PeriodicJob("health", LOOK_EVERY, self.look, may_overrun=True),
            PeriodicJob("watch", WATCH_EVERY, self.watch, may_overrun=True),
            PeriodicJob("housekeeping", HOUSEKEEPING_EVERY, self.housekeeping),
            PeriodicJob("inbox", INBOX_EVERY, self.take_files, may_overrun=True),
            PeriodicJob("tick", self.settings.tick, self.tick),
            PeriodicJob("backup", BACKUP_LOOKED_AT_EVERY, self.back_up, may_overrun=True),
            PeriodicJob("dispatch", DISPATCH_EVERY, self.dispatch, may_overrun=True),
        )

    def renew(self) -> None:
        """Hold the lease for another while, and say now and then that all is well."""
        self.context.leadership.renew()
        if self.context.clocks.steady() - self._beat_at >= HEARTBEAT_EVERY:
            self._beat_at = self.context.clocks.steady()
            self.context.log.info("heartbeat", **self.done.taken(), **self._health())

    def _health(self) -> dict[str, object]:
        """The word that `status` would say, and what is wrong."""
        found = self._observed().health
        return {"state": found.state, "wrong": [each.words for each in found.findings]}

    def _observed(self) -> Observation:
        context = self.context
        return observe(context.store, self.settings, context.folder, context.clocks.now())

    def look(self) -> None:
        """Leave the numbers where they are asked for, and tell of a change of the state; a database that
        cannot be read is one.
        """
        watch = self.settings.watch
        try:
            seen = self._observed()
        except StoreError as error:
            unreadable = HealthFinding("trouble", "the database cannot be read", str(error))
            down = Health("down", False, (unreadable,))
            self.notifier.tell(down, self.context.clocks.now(), watch)
            raise
        self.notifier.tell(seen.health, seen.at, watch)
        if watch.file is not None or watch.listen is not None:
            self.metrics.give(seen, watch)

    # ---- what keeps harm from going out ----

    def may_not_send(self) -> bool:
        """Whether nothing more may be handed over; asked before each message."""
        return self.may_not_decide() or self.gate.is_shut()

    def may_not_decide(self) -> bool:
        """Whether a pass that decides or sends should end: on the way out, or while the clock is
        distrusted.
        """
        guard = self.context.guard
        return self.context.should_end() or (guard is not None and guard.is_held)

    def is_clock_held(self) -> bool:
        """Whether the clock is distrusted, looked at anew; told once when that begins and once when it ends,
        whereupon what waited for it is done.
        """
        guard = self.context.guard
        if guard is None:
            return False
        was_held = guard.distrust is not None
        distrust = guard.review(self.context.store)
        if distrust is not None:
            self.context.troubles.begin("clock", f"{distrust.reason}; {CLOCK_REMEDY}")
        elif was_held:
            self.context.troubles.end("clock")
            for name in ("tick", "dispatch"):
                self.soon(name)
        return distrust is not None

    def watch(self) -> None:
        """Look after the clock; take an emergency stop that came as a file into the database, and keep a
        spare for the next.
        """
        self.is_clock_held()
        self.gate.file.keep_spare()
        context, now = self.context, self.context.clocks.now()
        if take_in(context.store, self.gate, now, self.settings.playbook.zone) is not None:
            context.log.warning("stopped_by_file")
            for name in ("tick", "dispatch"):
                self.soon(name)

    # ---- tick ----

    def tick(self) -> None:
        """Decide for everyone who is due, and have what comes of it sent."""
        if self.context.should_end():
            return
        notify("WATCHDOG=1")
        if self.is_clock_held():
            return
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
        return tick(context.store, playbook, context.clocks.now(), played, self.may_not_decide)

    # ---- dispatch ----

    def dispatch(self) -> None:
        """Hand over what is due, unless the disk has no room to write down what went out."""
        if self.is_clock_held() or self.may_not_send() or self._is_short():
            return
        begun, context = self.context.clocks.steady(), self.context
        by_channels: Counter[str] = Counter()

        def told(channel: str, done: Dispatched) -> None:
            numbers = _numbers(done)
            by_channels.update(numbers)
            self._tell("dispatch", begun, numbers, channel=channel)
            self._tell_halted()

        done = watch(context.store, self.in_force.workspace, context.clocks.now, self.may_not_send, told)
        self._tell("dispatch", begun, _numbers(done) - by_channels)
        self._tell_halted()

    def _tell_halted(self) -> None:
        """Say once that a channel halts, and once that it works again."""
        with self.context.store.reading() as connection:
            halted = {name: trouble.reason for name, trouble in status.halted(connection).items()}
            held = {name: trouble.reason for name, trouble in surges.surges(connection).items()}
        for name in held.keys() - self._held:
            self.context.log.error("surge", trigger=name, reason=held[name])
        self._held = set(held)
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
            files = self.inbox.in_turn(self.context.store, found.files, self.context.clocks.now())
            for connector, file in files:
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
        self._keep_books()
        self._anchor()
        self._end_texts()
        store.checkpoint("PASSIVE")
        before = store.log_size()
        if before > LONGEST_LOG:
            whole = store.checkpoint("TRUNCATE")
            self.context.log.info(
                "log_emptied" if whole else "log_pinned", before=size(before), after=size(store.log_size())
            )

    def _keep_books(self) -> None:
        """Add up the books for `status`, as often as takes a fiftieth of the time; and who was heard."""
        begun, context = self.context.clocks.steady(), self.context
        with context.store.writing() as connection:
            lateness.keep_heard(connection)
        if begun < self._books_due:
            return
        with context.store.reading() as connection:
            books = status.conservation(connection)
        with context.store.writing() as connection:
            status.keep_books(connection, books, context.clocks.now())
        self._books_due = begun + BOOKS_SHARE * (context.clocks.steady() - begun)

    def _end_texts(self) -> None:
        """End the texts of messages that were kept long enough."""
        ended = end_old_texts(self.context.store, self.settings.retention, self.context.clocks.now())
        if ended:
            self.context.log.info("texts_ended", messages=ended)

    def _anchor(self) -> None:
        """Join the audit's chains once a day, and tell the log, which may be kept elsewhere."""
        at = self.context.clocks.now()
        with self.context.store.reading() as connection:
            is_due = audit_proof.anchor_is_due(connection, at)
        if is_due:
            with self.context.store.writing() as connection:
                made = audit_proof.anchor(connection, at)
            self.context.log.info("audit_anchor", anchor=made.link)

    def back_up(self) -> None:
        """Make the backup of the day, once its hour has come, and remove the oldest beyond those that
        stay.
        """
        settings, at = self.settings.backups, self.context.clocks.now()
        if settings is None or self.context.should_end():
            return
        target = nightly_target(settings, self.context.folder, at, self.settings.playbook.zone)
        if target is None:
            return
        begun = self.context.clocks.steady()
        try:
            made_folder(target.parent)
            made = back_up(self.context.store, target, at)
            old = rotate(target, settings.keep)
        except (OSError, ManometerError) as error:
            self.context.troubles.begin("backup", f"{error} It is tried again each minute.")
            return
        self.context.troubles.end("backup")
        self.context.log.info(
            "backup", file=target.name, size=size(made.size), anchor=made.anchor.link, removed=len(old),
            duration_ms=self.context.clocks.steady() - begun,
        )  # fmt: skip

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

    def _tell_not_notified(self, way: str, reason: str) -> None:
        self.context.log.error("not_notified", way=way, reason=reason)

    def _tell(self, event: str, begun: Millis, counted: Counter[str], **more: str) -> None:
        """One line for a pass that did something."""
        numbers = {name: number for name, number in counted.items() if number}
        self.done.add(numbers)
        if numbers:
            self.context.log.info(event, **more, **numbers, duration_ms=self.context.clocks.steady() - begun)
        else:
            self.context.log.debug(event, **more, idle=True)


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


def _numbers(done: Dispatched) -> Counter[str]:
    return Counter({name: getattr(done, name) for name in COUNTED})


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there now; the file itself is never opened."""
    try:
        found = os.stat(path)  # noqa: PTH116 - said plainly, beside the rule that nobody opens it
    except OSError:
        return None
    return found.st_dev, found.st_ino
