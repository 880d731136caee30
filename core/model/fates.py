"""What becomes of a message: one vocabulary, used by every screen, command, page and export.

A decision says what was decided, the outbox where the message is, a pause what it waits for. Here they become
one word, and nobody else maps them. `docs/words.md` has the same as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from core.model.reasons import Reason


class Fate(StrEnum):
    """What becomes of a message; the values are the codes that scripts read, in the order of listings."""

    DECIDED = "decided"
    """To be sent, by a decision that nothing has been made of yet: one foretold, or counted as decided."""
    WAITS_FOR_APPROVAL = "waits_for_approval"
    DUE = "due"
    ON_ITS_WAY = "on_its_way"
    SENT = "sent"
    LATER = "later"
    HELD = "held"
    """By a pause, a stop, a surge, or because it is set aside."""
    GOAL_REACHED = "goal_reached"
    """The customer did beforehand what the message was for: a success."""
    NEVER = "never"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


FATE_WORDS: Final[Mapping[Fate, str]] = {fate: fate.value.replace("_", " ") for fate in Fate}
"""As people read them: `waits for approval`."""
WAITING: Final = (Fate.WAITS_FOR_APPROVAL, Fate.DUE, Fate.ON_ITS_WAY, Fate.HELD)
"""Of a message in the outbox that may still go out."""

_OF_OUTCOME: Final[Mapping[str, Fate]] = {
    "send": Fate.DECIDED,
    "defer": Fate.LATER,
    "suppress": Fate.NEVER,
    "hold": Fate.HELD,
}
_OF_STATE: Final[Mapping[str, Fate]] = {
    "planned": Fate.DUE,
    "due": Fate.DUE,
    "held": Fate.HELD,
    "claimed": Fate.ON_ITS_WAY,
    "sent": Fate.SENT,
    "delivered": Fate.SENT,
    "bounced": Fate.SENT,
    "complained": Fate.SENT,
    "cancelled": Fate.NEVER,
    "expired": Fate.NEVER,
    "failed": Fate.FAILED,
    "uncertain": Fate.UNCERTAIN,
}
FOLLOWED: Final[Mapping[str, str]] = {
    "delivered": "delivered",
    "bounced": "bounced",
    "complained": "complained",
}
"""What followed after a message was sent, by its state."""


def fate_of_decision(outcome: str, reason: str | None) -> Fate:
    """What a decision by itself makes of its message, whatever has become of it since."""
    if outcome == "hold" and reason in (None, Reason.APPROVAL):
        return Fate.WAITS_FOR_APPROVAL
    if outcome == "suppress" and reason == Reason.GOAL_REACHED:
        return Fate.GOAL_REACHED
    return _OF_OUTCOME[outcome]


def fate_of_message(state: str, reason: str | None, *, is_paused: bool = False) -> Fate:
    """What becomes of a message in a state of the outbox; `is_paused` where a pause or the emergency stop
    holds up what would go out.
    """
    if state == "held" and reason in (None, Reason.APPROVAL):
        return Fate.WAITS_FOR_APPROVAL
    if state == "cancelled" and reason == Reason.GOAL_REACHED:
        return Fate.GOAL_REACHED
    fate = _OF_STATE.get(state, Fate.UNCERTAIN)  # a state of a later release
    return Fate.HELD if is_paused and fate is Fate.DUE else fate


def fate_of(
    outcome: str,
    reason: str | None,
    state: str | None = None,
    message_reason: str | None = None,
    *,
    is_paused: bool = False,
) -> Fate:
    """What has become of what was decided: by its message, in that state and for that reason, where there is
    one, else by the decision.
    """
    if state is None:
        return fate_of_decision(outcome, reason)
    return fate_of_message(state, message_reason, is_paused=is_paused)


def fate_in_words(fate: Fate, state: str | None = None) -> str:
    """The word, and what followed where the outbox's state says so: `sent, bounced`."""
    followed = FOLLOWED.get(state or "") if fate is Fate.SENT else None
    return FATE_WORDS[fate] + (f", {followed}" if followed else "")


def counted_fate(number: int, fate: Fate) -> str:
    """`87 wait for approval`, `1 waits for approval`, `12 later`."""
    word = FATE_WORDS[fate]
    return f"{number:,} {word if number == 1 else word.replace('waits', 'wait')}"


def state_code(fate: Fate | None) -> str | None:
    """The code of the field `state` in JSON: what is decided and has no message yet will be due."""
    return None if fate is None else str(Fate.DUE if fate is Fate.DECIDED else fate)


def why_never(reason: str | None, state: str | None, message_reason: str | None) -> str | None:
    """Of what will not go out, or not yet, the reason that tells: the message's where there is a message."""
    return reason if state is None else message_reason
