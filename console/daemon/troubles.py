"""What is wrong with the scheduler at the moment: told in the log once when it begins and once when it ends,
kept for `status`.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from console.daemon.log import ServiceLog
from core.health import Trouble
from core.instants import Instant
from storage import status
from storage.store import Store


class Troubles:
    """One trouble a name (a job, `disk`, `scheduler`), with its reason and since when."""

    def __init__(self, store: Store, log: ServiceLog, now: Callable[[], Instant]) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._known: dict[str, Trouble] = {}
        self._kept: dict[str, Trouble] | None = None
        self._lock = Lock()

    def begin(self, name: str, reason: str) -> None:
        """Something is wrong, perhaps as before."""
        with self._lock:
            before = self._known.get(name)
            if before is None or before.reason != reason:
                self._log.error("trouble", what=name, reason=reason)
                self._known[name] = Trouble(reason, self._now() if before is None else before.since)
            self._keep()

    def end(self, name: str) -> None:
        """It is well again, or was all the time."""
        with self._lock:
            before = self._known.pop(name, None)
            if before is not None:
                self._log.info("trouble_over", what=name, seconds=(self._now() - before.since) // 1000)
            self._keep()

    def forget(self) -> None:
        """What a scheduler before this one has left."""
        with self._lock:
            self._keep()

    def _keep(self) -> None:
        """Write them where they changed; a database that refuses is a trouble in itself and was told."""
        if self._kept == self._known:
            return
        try:
            with self._store.writing() as connection:
                status.keep_troubles(connection, self._known)
            self._kept = dict(self._known)
        except Exception as error:  # whatever refuses, the next change or pass tries again
            self._log.debug("not_kept", error=type(error).__name__)
