"""Noting that something failed: its trace is kept, the failure counted, and what failed twice set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from console.quarantine import traces
from core.instants import Instant
from core.model.quarantine import MOST_FAILURES, SetAside, Suspect
from storage import quarantine
from storage.store import Store


def _nobody(thing: SetAside) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class FailureLedger:
    """Where failures of one database are noted; `told` hears of each thing that is set aside."""

    store: Store
    told: Callable[[SetAside], None] = field(default=_nobody)

    def note(
        self,
        suspect: Suspect,
        error: BaseException,
        at: Instant,
        *,
        crashed: bool = False,
        at_once: bool = False,
        version: int = 0,
    ) -> SetAside | None:
        """Count a failure of a thing, in a transaction of its own; the thing, once it is set aside.

        `at_once`: it was tried twice before this is called. `crashed`: the process ended while it worked on
        it. StoreError where that cannot be written.
        """
        trace = traces.keep(self.store.path, suspect, error, at)
        reason = traces.reason_of(error, trace)
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
            self.told(found)
        return found
