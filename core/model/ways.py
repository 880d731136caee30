"""The ways in and out of a workspace as people look at them: channels and sources in numbers. Instants are ms
UTC, lengths ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.instants import Instant, Millis

ChannelState: TypeAlias = Literal["works", "halted", "braked", "set aside", "paused", "stopped"]
SourceState: TypeAlias = Literal["heard", "silent", "never heard"]


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What a channel did and has to do."""

    due: int = 0
    oldest_due: Instant | None = None
    """The planned instant of the message that waits longest of those that might go now."""
    sent_hour: int = 0
    sent_day: int = 0
    last_sent: Instant | None = None
    """Within the last seven days."""
    bounced_day: int = 0
    """Of those of the last 24 hours, what came back or was complained about."""
    held: int = 0
    """What waits for an operator."""
    failed: int = 0
    uncertain: int = 0
    set_aside: int = 0
    """Messages that are set aside because working on them failed."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel: what it is, how it is doing, and what stands in its way."""

    name: str
    kind: str
    medium: str
    state: ChannelState
    figures: ChannelFigures
    since: Instant | None = None
    until: Instant | None = None
    reason: str | None = None
    """Why it is not used, since when, and until when at least."""
    capacity: str | None = None
    is_paused: bool = False
    """An operator has paused it, whatever else stands in its way."""
    last_error: str | None = None
    """What it said of the newest message that failed."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of events: when it was heard, how much it says, and what of it lies about."""

    name: str
    kind: str
    state: SourceState
    last: Instant | None
    """When its newest event arrived."""
    hour: int
    day: int
    """Events of the last hour, and of the last 24 hours."""
    silent_after: Millis | None = None
    is_declared: bool = True
    """The workspace names it; others are known from their events alone."""
    files: int = 0
    """Files in its folder that are not taken in yet."""
    failed_files: int = 0
    """Files of it that are set aside."""
