"""What is set aside because working on it failed: it waits by itself, and everything else goes on. Instants
are ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.instants import Instant

QuarantineKind: TypeAlias = Literal["customer", "event", "message", "template", "file", "channel"]
KINDS: Final[tuple[QuarantineKind, ...]] = ("customer", "event", "message", "template", "file", "channel")
MOST_FAILURES: Final = 2
"""A thing that failed so often, or was being worked on at so many crashes, is set aside."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A thing that failed: its kind, the number or name by which the program finds it, and what people call
    it.
    """

    kind: QuarantineKind
    subject: str
    what: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A thing that is set aside: since when, why, and the name of the file that holds the whole trace."""

    id: int
    kind: QuarantineKind
    subject: str
    what: str
    since: Instant
    reason: str
    trace: str
