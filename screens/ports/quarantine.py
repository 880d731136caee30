"""What the engine itself has stopped, and what operators do with it: what is set aside because working on it
failed, channels that are left alone, triggers that are held for what they would send. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from core.instants import Instant
from core.model.quarantine import QuarantineKind, SetAside
from screens.ports import Cancelled

StandstillKind: TypeAlias = QuarantineKind | Literal["brake", "halt", "surge"]
HELD: Final[frozenset[StandstillKind]] = frozenset({"brake", "halt", "surge"})
"""What needs a reason to be let go, and cannot be dropped."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """One thing that stands still: since when, and why."""

    kind: StandstillKind
    what: str
    """What people call it: of a brake or halt the channel's name, of a surge that of the trigger."""
    since: Instant
    reason: str
    until: Instant | None = None
    """When a channel that is left alone is tried again."""
    waiting: int = 0
    """Messages that are due over a channel that is left alone."""
    thing: SetAside | None = None
    """What is set aside."""

    @property
    def id(self) -> int | None:
        """The number by which the command releases what is set aside."""
        return None if self.thing is None else self.thing.id


class QuarantinePort(Protocol):
    """What stands still."""

    def listing(self, cancelled: Cancelled) -> Sequence[Standstill]:
        """All of it, the oldest first."""
        ...

    def release(self, line: Standstill, reason: str | None) -> str:
        """Have it worked on again, or let it go; gives the sentence of what happened. ManometerError where it
        does not stand still any more, or nothing may be changed.
        """
        ...

    def drop(self, thing: SetAside, reason: str) -> str:
        """Give it up; gives the sentence of what happened. ManometerError as above."""
        ...
