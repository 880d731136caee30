"""The scheduler as a service: becoming the one, running the jobs, and ending in good order. Durations are
milliseconds.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from console import clock
from console.channels import adapter_kinds
from console.daemon.jobs import GoneError, JobContext, Jobs
from console.daemon.leadership import Clocks, Leadership
from console.daemon.log import ServiceLog
from console.daemon.notify import notify, watchdog
from console.daemon.ticker import PeriodicJob, Ticker
from console.daemon.troubles import Troubles
from console.dispatch import process_name
from console.playbooks.applied import load_in_force
from console.safeguards.clock_guard import ClockGuard
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace, read_workspace
from core.errors import ManometerError
from core.explain.words import in_full
from core.instants import MINUTE, SECOND, Instant, Millis, format_duration
from storage.leases import TTL, Lease, LeaseLostError
from storage.store import DamagedStoreError, Store

PATIENCE: Final[Millis] = MINUTE
"""How long passes under way may take to end; longer than a channel waits for its provider."""
LOOK_AT_CLOCK: Final[Millis] = 5 * SECOND
JUMP: Final[Millis] = 3 * SECOND
"""A clock that went so much faster or slower than time was set."""
FATAL: Final = (LeaseLostError, DamagedStoreError, GoneError)
ABANDONED: Final = 1

Message = int | Exception
"""What the main thread waits for: the number of a signal, or the error that ends the scheduler."""


class RefusedError(ManometerError):
    """Another scheduler is the active one."""

    may_succeed_later = True


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What the command line says."""

    folder: Path
    standby: bool = False
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """In which people are told instants."""


def run(store: Store, options: ServiceOptions, log: ServiceLog, clocks: Clocks, guard: ClockGuard) -> int:
    """Run until a signal or an error that no later pass can mend; the exit code. RefusedError where another
    scheduler is active. `clocks` tell the time by the guard.
    """
    with suppress(ManometerError):
        guard.review(store)  # before a lease is written by this clock
    mailbox: SimpleQueue[Message] = SimpleQueue()
    with _signals(mailbox):
        while True:
            leadership = Leadership(store, process_name(), clocks)
            lease = _lead(leadership, options, mailbox, log, clocks)
            if lease is None:
                return 0
            code = _Service(store, options, leadership, lease, mailbox, log, clocks, guard).run()
            if code is not None:
                return code


# ---- signals ----


@contextmanager
def _signals(mailbox: SimpleQueue[Message]) -> Iterator[None]:
    """Signals become messages; a queue that may be filled from within a handler, which an Event must not
    be.
    """

    def handle(number: int, _: FrameType | None) -> None:
        mailbox.put(number)

    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # under nohup
    numbers = [signal.SIGTERM, signal.SIGINT, *([] if ignored else [signal.SIGHUP])]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _next(mailbox: SimpleQueue[Message], patience: Millis) -> Message | None:
    with suppress(Empty):
        return mailbox.get(timeout=patience / SECOND)
    return None


def has_terminal() -> bool:
    """Whether the process has a terminal that could hang up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


# ---- becoming the one ----


def _lead(
    leadership: Leadership,
    options: ServiceOptions,
    mailbox: SimpleQueue[Message],
    log: ServiceLog,
    clocks: Clocks,
) -> Lease | None:
    """The lease, once it is got; None where a signal came first. RefusedError where somebody else leads and
    nobody is to wait.
    """
    first, begun, told = leadership.holder(), clocks.steady(), ""
    while (lease := leadership.seek() if leadership.lock() else None) is None:
        held = leadership.holder()
        if not options.standby and not (
            leadership.lock() and _may_be_a_leftover(first, held, clocks.steady() - begun)
        ):
            raise RefusedError(_who(held, options.zone))
        leader = "unknown" if held is None else held.owner
        if leader != told:
            log.info("standing_by", leader=leader)
            told = leader
        notify("READY=1", "STATUS=standing by", "WATCHDOG=1")
        message = _next(mailbox, SECOND)
        if isinstance(message, int) and message != signal.SIGHUP:
            log.info("stopped", signal=signal.Signals(message).name)
            return None
    return lease


def _may_be_a_leftover(first: Lease | None, held: Lease | None, waited: Millis) -> bool:
    """Whether the lease may be that of a scheduler that is gone, which only its end can show: nobody has
    renewed it since.
    """
    return (
        first is not None
        and held is not None
        and held.renewed_at == first.renewed_at
        and waited < TTL + SECOND
    )


def _who(held: Lease | None, zone: ZoneInfo) -> str:
    whom = (
        "another process"
        if held is None
        else f"{held.owner} (host, process, start), which leads since {in_full(held.since, zone)}"
    )
    return (
        f"The scheduler of this workspace is {whom}. Stop that one first, or wait for its end with --standby."
    )


# ---- being the one ----


class _Service:
    """One time of leading, from the lease to its end."""

    def __init__(
        self,
        store: Store,
        options: ServiceOptions,
        leadership: Leadership,
        lease: Lease,
        mailbox: SimpleQueue[Message],
        log: ServiceLog,
        clocks: Clocks,
        guard: ClockGuard,
    ) -> None:
        self.guard = guard
        self.options = options
        self.leadership = leadership
        self.lease = lease
        self.mailbox = mailbox
        self.log = log
        self.clocks = clocks
        self.stopping = Event()
        self.store = store.fenced(leadership.fence)
        self.had_terminal = has_terminal()
        self.troubles = Troubles(self.store, log, clocks.now)
        context = JobContext(
            options.folder, self.store, leadership, clocks, log, self.troubles, self.stopping.is_set, guard
        )
        self.jobs = Jobs(context, _settings(self.store, options.folder, log), self._soon)
        guard.limits = self.jobs.settings.clock
        self.ticker = Ticker(self.jobs.all(), self, clock.now)  # by the clock that it waits by itself

    def run(self) -> int | None:
        """Until a message ends it; the exit code, or None to stand by for the next time."""
        self._open()
        told = clock.now(), self.clocks.steady()  # before any job is planned by this clock
        try:
            self.ticker.start()
            reason = self._until_the_end(*told)
        except BaseException:
            self._close()
            raise
        return self._end(reason)

    def _open(self) -> None:
        _ = self.store.reader, self.store.writer  # made before the threads that share them
        self.troubles.forget()
        with suppress(ManometerError):  # the first pass asks again
            self.jobs.is_clock_held()
        tick = self.jobs.settings.tick
        self.log.info("started", owner=self.lease.owner, term=self.lease.term, tick=format_duration(tick))
        patience = watchdog()
        if patience is not None and patience < 2 * tick:
            self.log.warning(
                "watchdog_short",
                reason="WatchdogSec is shorter than two ticks; the service would be restarted for nothing",
            )
        notify("READY=1", "STATUS=leading")

    def _soon(self, name: str) -> None:
        self.ticker.soon(name)

    def _until_the_end(self, now: Instant, steady: Millis) -> Message:
        """Wait for a signal or a fatal error; in between, look after the clock, which said so before."""
        while True:
            message = _next(self.mailbox, LOOK_AT_CLOCK)
            if message == signal.SIGHUP and not (self.had_terminal and not has_terminal()):
                self._reload()
            elif message is not None:
                return message
            now, steady = self._look_at_clock(now, steady)

    def _look_at_clock(self, now: Instant, steady: Millis) -> tuple[Instant, Millis]:
        """After the clock was set back, jobs planned by the old one would wait as long as that was: run them
        now.
        """
        new_now, new_steady = clock.now(), self.clocks.steady()
        jump = (new_now - now) - (new_steady - steady)
        if abs(jump) > JUMP:
            self.log.warning("clock_set", seconds=jump // SECOND)
            self.ticker.all_soon()
        return new_now, new_steady

    def _reload(self) -> None:
        """Take the settings from manometer.toml as it stands; while it has faults, go on with those that
        were.
        """
        try:
            settings = read_workspace(self.options.folder, channel_kinds=adapter_kinds())
        except WorkspaceError as error:
            self.log.error("not_reloaded", reason=str(error))
            return
        if settings.tick != self.jobs.settings.tick:
            self.ticker.change("tick", settings.tick)
        self.jobs.settings = settings
        self.guard.limits = settings.clock
        self.ticker.all_soon()
        self.log.info("reloaded", tick=format_duration(settings.tick))

    # ---- what the ticker tells ----

    def worked(self, job: PeriodicJob) -> None:
        """A pass came to its end: whatever was wrong with the job is over."""
        if not self.stopping.is_set():
            self.troubles.end(job.name)

    def failed(self, job: PeriodicJob, error: BaseException) -> None:
        """An error of one pass: the next may do better, unless it is one that no pass can mend."""
        if isinstance(error, FATAL):
            self.mailbox.put(error)
        else:
            self.troubles.begin(job.name, _reason(error))

    def skipped(self, job: PeriodicJob) -> None:
        """The pass before has outlasted the interval."""
        if not job.may_overrun:
            self.troubles.begin(
                job.name,
                f"a pass takes longer than its {format_duration(job.every)}; passes are left out meanwhile",
            )

    # ---- the end ----

    def _end(self, message: Message) -> int | None:
        """In good order: begin nothing more, let what runs come to its end, give up the lease."""
        told = (
            {"signal": signal.Signals(message).name}
            if isinstance(message, int)
            else {"reason": _reason(message)}
        )
        self.log.info("stopping", **told)
        notify("STOPPING=1")
        self.stopping.set()
        self.ticker.pause()
        if not self._is_idle():
            self._abandon()
        self._close()
        if isinstance(message, int):
            self.log.info("stopped")
            return 0
        if self.options.standby and isinstance(message, LeaseLostError):
            self.log.error("lease_lost", reason=str(message))
            return None
        self.log.error("ended", reason=_reason(message))
        return 1

    def _is_idle(self) -> bool:
        """Whether all passes ended within the patience; a second signal ends it."""
        deadline = self.clocks.steady() + PATIENCE
        while not self.ticker.is_idle(SECOND // 5):
            hurry = _next(self.mailbox, 1)
            if self.clocks.steady() > deadline or hurry in (signal.SIGTERM, signal.SIGINT):
                return False
        return True

    def _abandon(self) -> None:
        """End at once what cannot be waited for: a crash, from which the next scheduler recovers as from any
        other.
        """
        self.log.error(
            "abandoned",
            reason=f"a pass did not end within {format_duration(PATIENCE)}, or a second signal came",
        )
        os._exit(ABANDONED)

    def _close(self) -> None:
        self.stopping.set()
        with suppress(Exception):  # it may not have started
            self.ticker.stop(wait=self.ticker.is_idle(LOOK_AT_CLOCK))
        self.jobs.metrics.close()
        with suppress(ManometerError):
            self.leadership.resign()
        with suppress(ManometerError):
            self.store.checkpoint("PASSIVE")
        self.store.close()


def _settings(store: Store, folder: Path, log: ServiceLog) -> Workspace:
    """The files as they stand; while they have faults, as they were applied."""
    try:
        return read_workspace(folder, channel_kinds=adapter_kinds())
    except WorkspaceError as error:
        applied = load_in_force(store, folder)  # raises the same where nothing was applied
        log.warning("files_have_faults", reason=str(error))
        return replace(applied, folder=folder)


def _reason(error: BaseException) -> str:
    """What an error says; of one that nobody foresaw only its kind and place, for its text may quote a
    customer's.
    """
    if isinstance(error, ManometerError | OSError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{place}; this is a fault of the program"


def clocks(now: Callable[[], Instant], steady: Callable[[], float]) -> Clocks:
    """Both clocks from functions of the time module's kind: `steady` gives seconds."""
    return Clocks(now, lambda: int(steady() * SECOND))
