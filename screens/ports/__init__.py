"""What the screens ask and what they get: ports that the composition root fills. No screen knows a database.

Each noun has its file: the values that a screen shows, and a Protocol of the questions and acts that give
them. Every method of those runs in a worker thread, never in the one that draws. A question takes
`cancelled`, asks it now and then, and ends with `CancelledError` where it says yes; whatever else goes wrong
is a ManometerError with a sentence for people. Instants are milliseconds UTC, money minor units of the
workspace's currency, points thousandths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

Cancelled: TypeAlias = Callable[[], bool]
"""Whether nobody waits for the answer any more."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told how many are done, of how many in all."""


class CancelledError(Exception):
    """The question was given up; there is no answer."""


@dataclass(frozen=True, slots=True)
class WorkspacePlace:
    """Where the console stands: what every screen shows of the workspace."""

    workspace: str
    zone: ZoneInfo
    currency: str
    author: str
    simulated: bool
    """The clock is the workspace's own, as in a replay; it goes with its ticks."""
    read_only: str | None
    """Why nothing can be changed; None where it can."""
    consent_assumed: bool
    """Consent is assumed, not recorded: test data only."""
    stopped: bool = False
    """The emergency stop is on."""
    news: tuple[str, ...] = ()
    """What the operator should know of its opening, in sentences."""
    clock_held: bool = False
    """The clock is not trusted: nothing is decided and sent."""
    needs_reasons: bool = False
    """Whoever changes something has to say why."""
    is_lost: bool = False
    """The database cannot be read any more: what is shown is old."""
