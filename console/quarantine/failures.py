"""Noting that something failed: its trace is kept, the failure counted, and what failed twice set aside."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from console.quarantine import traces
from core.instants import Instant
from core.model.quarantine import MOST_FAILURES, SetAside, Suspect
from storage import quarantine
from storage.store import Store

_LOGGER: Final = logging.getLogger("manometer.quarantine")


@dataclass(frozen=True, slots=True)
class FailureLedger:
    """Where failures of one database are noted; what is set aside is told in the log."""

    store: Store

    def note(
        self,
        suspect: Suspect,
        error: BaseException,
        at: Instant,
        *,
        crashed: bool = False,
        at_once: bool = False,
        version: int = 0,
        said: str | None = None,
    ) -> SetAside | None:
        """Count a failure of a thing, in a transaction of its own; the thing, once it is set aside.

        `at_once`: it was tried twice before this is called. `crashed`: the process ended while it worked on
        it. `said`: the reason in words that quote nobody's data, where the error has none. StoreError where
        that cannot be written.
        """
        trace = traces.keep(self.store.path, suspect, error, at)
        reason = traces.reason_of(error, trace, said)
        with self.store.writing() as connection:
            found = quarantine.note_failure(
                connection,
                suspect,
                reason,
                trace,
                at,
                crashed=crashed,
                most=1 if at_once else MOST_FAILURES,
                version=version,
            )
        if found is not None:
            _tell(found)
        return found


def _tell(thing: SetAside) -> None:
    """The kind, the number and the trace, which say what it is to those who may know."""
    fields = {"id": thing.id, "kind": thing.kind, "trace": thing.trace}
    _LOGGER.error(
        "manometer: set aside: %s %s; `manometer quarantine` says why",
        thing.kind,
        thing.id,
        extra={"event": "set_aside", "fields": fields},
    )
