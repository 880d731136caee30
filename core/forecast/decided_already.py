"""What waits in the outbox, as rows of a preview: decided already, and still to come. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from core.engine.pauses import reason_of
from core.instants import Instant
from core.limits.pressure import Contact
from core.model.decisions import Decision, Message
from core.model.pauses import Pause
from core.model.reasons import Reason


class UnsentMessage(NamedTuple):
    """A message that was planned and not handed over yet, with the contact that it is."""

    id: int
    key: str
    customer_id: int
    customer: str
    trigger: str
    step: int
    channel: str
    purpose: str
    state: str
    """Planned, held, due or claimed."""
    reason: str | None
    planned_at: Instant
    expires_at: Instant
    contact: Contact


PauseOf = Callable[[UnsentMessage, Instant], Pause | None]
"""The pause that holds a message up at an instant."""


class PreviewRow(NamedTuple):
    """A row of a preview: a decision, the message that waits in the outbox for it, and whether that is all
    there is of it: it was decided before, and not anew.
    """

    decision: Decision
    message: int | None = None
    is_decided_already: bool = False


def with_waiting(
    decisions: Sequence[Decision], waiting: Sequence[UnsentMessage], first: Instant, pause_of: PauseOf
) -> list[PreviewRow]:
    """One customer's decisions, each with its message where that waits already; then every other message that
    waits, at its planned instant, or at `first` where that has passed.
    """
    if not waiting:
        return [PreviewRow(decision) for decision in decisions]
    by_key = {message.key: message for message in waiting}
    rows = [PreviewRow(decision, _message_of(decision, by_key)) for decision in decisions]
    taken = {row.message for row in rows}
    return [
        *rows,
        *(
            PreviewRow(_row(message, max(first, message.planned_at), pause_of), message.id, True)
            for message in sorted(waiting, key=lambda each: (each.planned_at, each.id))
            if message.id not in taken
        ),
    ]


def _message_of(decision: Decision, by_key: Mapping[str, UnsentMessage]) -> int | None:
    """The message that carries it, its own or another step's, where that waits."""
    key = decision.joins if decision.message is None else decision.message.key
    found = None if key is None else by_key.get(key)
    return None if found is None else found.id


def _row(message: UnsentMessage, at: Instant, pause_of: PauseOf) -> Decision:
    pause = None if message.state in ("held", "claimed") else pause_of(message, at)
    reason = Reason(message.reason or Reason.APPROVAL) if message.state == "held" else None
    if pause is not None:
        reason = reason_of(pause)
    return Decision(
        at,
        message.trigger,
        "",
        message.step,
        message.channel,
        "send" if reason is None else "hold",
        message.planned_at,
        reason,
        None if pause is None else pause.until,
        message=Message(
            message.key,
            message.channel,
            "",
            None,
            message.planned_at,
            message.expires_at,
            message.contact,
            held=message.state == "held",
        ),
    )
