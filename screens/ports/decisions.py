"""The log of decisions as the screens show it. Instants are ms UTC."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from core.instants import Instant
from core.model.decisions import Objection
from core.model.fates import Fate, fate_of
from screens.ports import Cancelled
from screens.ports.terms import LogFilter

NEWEST: Final = 1_000_000
"""So many decisions are looked at, the newest of those that a customer, a trigger or a span leave."""


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """One decision in the list."""

    id: int
    at: Instant
    customer_id: int
    customer: str
    name: str
    trigger: str
    step: int
    channel: str | None
    outcome: str
    reason: str | None
    until: Instant | None
    late: bool
    behind: str | None = None
    """What something that expired had waited for."""
    message_state: str | None = None
    """Where its message is, in the outbox; None where there is none."""
    message_reason: str | None = None
    is_paused: bool = False
    """A pause or the emergency stop keeps its message from going out."""
    note: str = ""
    """What else led here, in words."""

    @property
    def fate(self) -> Fate:
        """What has become of it."""
        return fate_of(
            self.outcome, self.reason, self.message_state, self.message_reason, is_paused=self.is_paused
        )


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision with its evidence, and what became of its message."""

    row: LoggedDecision
    words: str
    planned_at: Instant
    version: int
    """The playbook under which it was taken."""
    rules: Sequence[Mapping[str, Any]] = ()
    """As `decisions --json` has them: `rule count limit from to counted`."""
    objections: Sequence[Objection] = ()
    message: int | None = None
    message_words: str = field(default="")


@dataclass(frozen=True, slots=True)
class Listed:
    """The decisions that are wanted, the newest first, as of the decision that was written last."""

    ids: array[int]
    last: int
    is_cut: bool = False
    """There are older ones that were not looked at."""


class DecisionsPort(Protocol):
    """What is asked of the log; terms have the fields `trigger outcome reason channel`."""

    def ids(
        self, wanted: LogFilter, cancelled: Cancelled, found: Callable[[array[int]], None] | None = None
    ) -> Listed:
        """The decisions that are wanted; `found` is told the first few before the rest is read.

        ManometerError where a term names a customer, trigger or channel that there is not.
        """
        ...

    def newer(self, wanted: LogFilter, after: int, cancelled: Cancelled) -> Listed:
        """Those that were written since `after` was the last one."""
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, LoggedDecision]:
        """These decisions."""
        ...

    def view(self, decision: int, cancelled: Cancelled) -> DecisionView:
        """One with its evidence."""
        ...
