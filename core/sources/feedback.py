"""What a provider reports of one message: whether it bounced or was called spam, and which message it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from core.sources.bounce_types import read_bounce

Verdict: TypeAlias = Literal["hard", "soft", "complaint"]

UNREAD: Final[Mapping[str, str]] = {
    "consent": "words of consent that stand in no list",
    "bounce": "types of bounces that no table knows",
    "address": "bounces and complaints that name neither an address nor a message",
}
"""The kinds of what a line says and nobody understood, although the line was taken."""


class Unread(NamedTuple):
    """One word that was not understood, of a kind of `UNREAD`."""

    kind: str
    word: str


class Feedback(NamedTuple):
    """A report on one message. It concerns the address it names, else that of the message it names."""

    verdict: Verdict | None
    """What it proves of the address; None: nothing, as a click or a delivery."""
    medium: str
    address: str | None = None
    message: str | None = None
    """The key of one of our messages."""
    trigger: str | None = None


BOUNCES: Final = frozenset({"Email Bounced", "Message Bounced"})
COMPLAINTS: Final = frozenset({"Email Marked as Spam", "Message Complained"})
_MESSAGE_NAMES: Final = ("message_key", "messageKey")
_LONGEST_WORD: Final = 80


def verdict_of(name: str, properties: Mapping[str, Any]) -> tuple[Verdict | None, tuple[Unread, ...]]:
    """What a report of that name proves of its address, and the type it names where no table knows it."""
    if name in COMPLAINTS:
        return "complaint", ()
    if name not in BOUNCES:
        return None, ()
    reading = read_bounce(properties)
    unread = () if reading.unknown is None else (Unread("bounce", reading.unknown[:_LONGEST_WORD]),)
    return None if reading.kind == "other" else reading.kind, unread


def message_named(properties: Mapping[str, Any]) -> str | None:
    """The key of the message that a report names; None where it names none."""
    for name in _MESSAGE_NAMES:
        value = properties.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def trigger_named(properties: Mapping[str, Any]) -> str | None:
    """The trigger whose message a report names; None where it names none."""
    value = properties.get("trigger")
    return value.strip() or None if isinstance(value, str) else None


def unread_consent(word: object) -> Unread:
    """A word of consent that stands in no list."""
    return Unread("consent", str(word).strip()[:_LONGEST_WORD])
