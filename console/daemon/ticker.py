"""The ticker: a few jobs, each at its interval, never twice at once. The only module that knows APScheduler.

Nothing is stored: a lost tick costs one interval, for each job does what is due in the tables. Instants are
milliseconds UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition
from typing import Any, Protocol

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from console import clock
from core.instants import SECOND, Instant, Millis

_OUTCOMES = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Something to do again and again. `may_overrun`: a pass that outlasts its interval is nothing to
    tell.
    """

    name: str
    every: Millis
    run: Callable[[], object]
    may_overrun: bool = False


class Listener(Protocol):
    """Is told how each pass ended, in the thread that ran it."""

    def worked(self, job: PeriodicJob) -> None:
        """It came to its end."""
        ...

    def failed(self, job: PeriodicJob, error: BaseException) -> None:
        """It raised."""
        ...

    def skipped(self, job: PeriodicJob) -> None:
        """It was due and did not run, since the pass before has lasted for its interval and still runs."""
        ...


class Ticker:
    """Runs jobs in threads of its own from `start` to `stop`."""

    def __init__(self, jobs: Sequence[PeriodicJob], listener: Listener, now: Callable[[], Instant]) -> None:
        logging.getLogger("apscheduler").setLevel(
            logging.CRITICAL
        )  # the listener tells what matters, without tracebacks
        self._jobs = {job.name: job for job in jobs}
        self._listener = listener
        self._now = now
        self._begun: dict[str, float] = {}  # of the passes that run, when each began, by the steady clock
        self._asked: set[str] = set()  # of the jobs to run soon, those whose pass has not begun since
        self._is_paused = False
        self._idle = Condition()
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(len(jobs))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._heard, _OUTCOMES)

    def start(self) -> None:
        """Run every job now and from then on at its interval."""
        for job in self._jobs.values():
            self._scheduler.add_job(
                self._counted(job), _interval(job.every), id=job.name, next_run_time=self._instant()
            )
        self._scheduler.start()

    def soon(self, name: str) -> None:
        """Run a job now instead of at its next turn, or once its present pass has ended, which may have
        looked before there was something to do; nothing where the ticker is stopping.
        """
        with self._idle:
            self._asked.add(name)
        self._hasten(name)

    def _hasten(self, name: str) -> None:
        with suppress(JobLookupError):
            self._scheduler.modify_job(name, next_run_time=self._instant())

    def all_soon(self) -> None:
        """Run every job now, as after a change of the clock."""
        for name in self._jobs:
            self.soon(name)

    def change(self, name: str, every: Millis) -> None:
        """Give a job another interval."""
        self._scheduler.reschedule_job(name, trigger=_interval(every))
        self.soon(name)

    def pause(self) -> None:
        """Begin no more passes."""
        with self._idle:
            self._is_paused = True
        self._scheduler.pause()

    def is_idle(self, patience: Millis) -> bool:
        """Whether every pass has ended within that time."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._begun, patience / SECOND)

    def stop(self, wait: bool = True) -> None:
        """The end; to be called when idle, or without waiting for what runs on."""
        self._scheduler.shutdown(wait=wait)

    # ---- what APScheduler calls ----

    def _counted(self, job: PeriodicJob) -> Callable[[], None]:
        def run() -> None:
            owed = True
            while owed:
                with self._count(job.name):
                    job.run()
                owed = self._is_owed(job.name)

        return run

    @contextmanager
    def _count(self, name: str) -> Iterator[None]:
        with self._idle:
            self._begun[name] = clock.steady()
            self._asked.discard(name)
        try:
            yield
        finally:
            with self._idle:
                del self._begun[name]
                self._idle.notify_all()

    def _heard(self, event: Any) -> None:
        """Tell how it went. A job is hastened here only from the scheduler's own thread, in which refusals
        are told: the others may be waited for by a shutdown that holds the lock which hastening wants.
        """
        job = self._jobs[event.job_id]
        if event.code == EVENT_JOB_EXECUTED:
            self._listener.worked(job)
        elif event.code == EVENT_JOB_ERROR:
            self._listener.failed(job, event.exception)
        elif self._overruns(job):
            self._listener.skipped(job)
        elif self._is_owed(job.name):
            self._hasten(job.name)

    def _overruns(self, job: PeriodicJob) -> bool:
        """Whether the pass that runs has lasted for its interval: one asked for out of turn may meet a young
        one.
        """
        with self._idle:
            begun = self._begun.get(job.name)
        return begun is not None and (clock.steady() - begun) * SECOND >= job.every

    def _is_owed(self, name: str) -> bool:
        """Whether a pass was asked for and can begin now."""
        with self._idle:
            return not self._is_paused and name in self._asked and name not in self._begun

    def _instant(self) -> datetime:
        return datetime.fromtimestamp(self._now() / SECOND, UTC)


class _LeapingInterval(IntervalTrigger):  # type: ignore[misc] # APScheduler has no types
    """An interval of which a clock that leaps ahead leaves one turn: APScheduler would go through all that
    lie between, which takes a minute for weeks of short turns, and no other job has its turn meanwhile.
    """

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next turn; of many that have passed, the last."""
        found: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        every: timedelta = self.interval
        return found if found is None or now - found <= every else now - (now - found) % every


def _interval(every: Millis) -> IntervalTrigger:
    return _LeapingInterval(seconds=every / SECOND, timezone="UTC")
