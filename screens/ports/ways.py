"""Channels and sources: how they are doing, and what operators do with them. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.instants import Instant
from core.model.outbox import ActEffect
from core.model.ways import ChannelLine, SourceLine
from screens.ports import Cancelled


@dataclass(frozen=True, slots=True)
class WaysPage:
    """All of them, as of an instant."""

    at: Instant
    channels: Sequence[ChannelLine]
    sources: Sequence[SourceLine]


class WaysPort(Protocol):
    """What is asked of channels and sources."""

    def page(self, cancelled: Cancelled) -> WaysPage:
        """All of them in numbers, in one snapshot."""
        ...

    def check(self, channel: str, cancelled: Cancelled) -> str:
        """Whether a message could be handed over now, as a sentence; sends nothing, may take seconds."""
        ...

    def retry_effect(self, channel: str, cancelled: Cancelled) -> ActEffect:
        """What trying again all failed and uncertain messages of a channel would do."""
        ...

    def release(self, channel: str, reason: str) -> str:
        """Use a channel again at once that is left alone; the sentence of what happened. ManometerError where
        it is not, or nothing may be changed.
        """
        ...

    def test(self, channel: str, address: str, reason: str) -> str:
        """Send one message to an address; the sentence of what happened. ManometerError where the channel
        does not take it, or nothing may be changed.
        """
        ...
