"""The outbox as the screens show it, and what operators can do with its messages. Instants are ms UTC."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.instants import Instant
from core.model.outbox import Act
from screens.ports import Cancelled
from screens.ports.terms import LogFilter


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message."""

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
    attempts: int
    key: str
    purpose: str
    together: str = ""  # the steps it carries, where these are several


@dataclass(frozen=True, slots=True)
class ActEffect:
    """What an act would do: to which messages, how many customers, and why not to the others."""

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
    notes: Sequence[str] = ()
    """What it brings about, a sentence each: the batches by day, the windows that they fill, who gets room.
    """


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message as it would be made now; `fault` says why it cannot be."""

    subject: str
    parts: Mapping[str, str]
    fault: str | None = None


class OutboxPort(Protocol):
    """What is asked of the outbox, and what can be done to messages; terms have the fields `state trigger
    channel reason`.
    """

    def counts(self, cancelled: Cancelled) -> Mapping[str, int]:
        """How many messages are in each open state."""
        ...

    def ids(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        """The messages that are wanted: those in open states in their order, then the newest of the
        others.
        """
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, MessageView]:
        """These messages."""
        ...

    def effect(self, action: Act, ids: Sequence[int], cancelled: Cancelled) -> ActEffect:
        """What an act would do to these."""
        ...

    def act(self, action: Act, ids: Sequence[int], reason: str) -> str:
        """Do it, with its audit lines in one transaction, and say what was done; ManometerError, and nothing
        changed, where one refuses.
        """
        ...

    def render(self, message: int, cancelled: Cancelled) -> RenderedMessage:
        """The message as it would be made now, with the customer as she is now."""
        ...
