"""Messages in the outbox as they are listed: their states, and what an operator may do with them in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.instants import Instant

Act: TypeAlias = Literal["approve", "reject", "retry", "cancel"]

TodayFigure: TypeAlias = Literal["sent", "waiting", "approval", "held"]
"""What the table of today counts by channel; `waiting` is what lies in the outbox for today."""

STATES: Final = (
    "planned", "held", "due", "claimed", "sent", "delivered", "bounced", "complained", "cancelled", "failed",
    "expired", "uncertain",
)  # fmt: skip
UNSENT: Final = ("planned", "held", "due")
"""What waits to be handed over."""
PENDING: Final = (*UNSENT, "claimed")
"""The same, and what is being handed over."""
OPEN: Final = ("held", "failed", "uncertain", "due", "claimed", "planned")
"""What an operator may have to look at, the most urgent first."""
CLOSED: Final = tuple(state for state in STATES if state not in OPEN)
ALLOWED: Final[Mapping[Act, frozenset[str]]] = {
    "approve": frozenset({"held"}),
    "reject": frozenset({"held"}),
    "retry": frozenset({"failed", "uncertain"}),
    "cancel": frozenset({"planned", "held", "due", "uncertain"}),
}
"""The states in which an act can do anything."""
SENDING: Final[frozenset[Act]] = frozenset({"approve", "retry"})
"""Acts after which a message goes out, unless its time is over."""
RECENT: Final = 100_000
"""Of messages in a closed state so many are listed, the newest."""


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """One message with its customer's key and name. Instants are ms UTC."""

    id: int
    customer_id: int
    customer: str
    name: str
    trigger: str
    step: int
    channel: str
    state: str
    planned_at: Instant
    expires_at: Instant
    sent_at: Instant | None
    address: str | None
    template: str
    subject: str | None
    reason: str | None
    error: str | None
    """What the channel or the template said, for people."""
    attempts: int
    key: str
    purpose: str
    carries: tuple[tuple[str, int, str | None], ...] = ()
    """Trigger, step and why it was left out, of several that go together; empty where it carries one."""
    is_paused: bool = False
    """A pause or the emergency stop keeps it from going out."""


@dataclass(frozen=True, slots=True)
class ActEffect:
    """What an act would do at the instant `at`: to which messages, how many customers, and why not to the
    others. Instants are ms UTC.
    """

    action: Act
    ids: Sequence[int]
    customers: int
    triggers: Mapping[str, int]
    channels: Mapping[str, int]
    refused: Mapping[str, int]
    """Messages whose state does not allow it, by state."""
    too_late: int
    """Messages that have expired."""
    first_planned: Instant | None
    first_expiry: Instant | None
    at: Instant
    held: int = 0
    """So many of them do not go out after it: a pause or the emergency stop is on."""
    notes: Sequence[str] = ()
    """What it brings about, a sentence each: the batches by day, the windows that they fill, who gets room.
    """
