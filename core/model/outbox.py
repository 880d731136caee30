"""The states of a message in the outbox, and what an operator may do with it in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Act: TypeAlias = Literal["approve", "reject", "retry", "cancel"]

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
