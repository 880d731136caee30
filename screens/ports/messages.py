"""A message to read, as the screens show it: as it was sent, as it would be now, or of any template for
anyone. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from core.instants import Instant
from core.model.outbox import ListedMessage
from screens.ports import Cancelled

MessageForm: TypeAlias = Literal["sent", "now", "gone", "sample"]
"""As it was sent; as it would be made now; its text is gone; made of a template, and nobody's."""


@dataclass(frozen=True, slots=True)
class MessageAsked:
    """Which message: the one of a number, of a decision, or of an entry of a timeline; else the newest to a
    customer in a trigger, and where there is none, or `anew`, or a template is named, one made as of the
    instant.
    """

    number: int | None = None
    decision: int | None = None
    entry: int | None = None
    customer: str = ""
    trigger: str | None = None
    template: str | None = None
    channel: str | None = None
    at: Instant | None = None
    """None: now."""
    step: int | None = None
    anew: bool = False
    """As it would be made, also where it went out."""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message to read."""

    form: MessageForm
    said: str
    """As of when it is, or how it was made, in words."""
    title: str
    customer: str
    customer_id: int
    trigger: str | None
    template: str
    channel: str
    subject: str
    texts: Sequence[tuple[str, str]]
    """What each is, and what it says to read."""
    fault: str | None = None
    """Why there is no text."""
    row: ListedMessage | None = None
    """The message of the outbox; None of one that was made to look at."""


@dataclass(frozen=True, slots=True)
class MessageChoices:
    """What can be asked for: templates and channels by name, and to whom a proof may go."""

    templates: Sequence[str]
    channels: Sequence[str]
    proofs: Sequence[str]


class MessagesPort(Protocol):
    """What is asked of messages to read. ManometerError where there is no such message, template or
    customer.
    """

    def shown(self, asked: MessageAsked, cancelled: Cancelled) -> ShownMessage:
        """The message."""
        ...

    def save(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        """Write it as a page that this account alone can read; where it lies."""
        ...

    def browse(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        """Open that page in the browser where there is one; what was done, as a sentence."""
        ...

    def choices(self, cancelled: Cancelled) -> MessageChoices:
        """What can be asked for."""
        ...

    def proof(self, asked: MessageAsked, address: str, reason: str) -> str:
        """Send it to an operator as a proof, with its audit line; what was done, as a sentence."""
        ...
