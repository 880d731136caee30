"""What is kept of channels that are left alone, and of their brakes, between two passes; and an operator who
lets one go. Instants are ms UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from core.instants import Instant, Millis
from core.limits.brake import BrakeRecord
from storage.status import HALTED
from storage.store import meta, set_meta

BRAKES: Final = "brakes"
"""The fact with what each channel said last: JSON of name to `said`, numbers of messages in their order,
those refused below zero, `suppressed`, instants, and `known`, messages that are refused for what they are.
"""


@dataclass(frozen=True, slots=True)
class ChannelBackoff:
    """Why a channel is left alone, since when and until when, and under which version of the playbook."""

    reason: str
    since: Instant
    until: Instant
    version: int
    braked: bool = False
    """It refuses too much."""
    untried_wait: Millis = 0
    """How long a braked one is left alone with messages that were never tried, of which more is learned than
    of those it has refused already.
    """
    untried_until: Instant | None = None
    """And until when; None where no such message may be tried before `until`."""


def channel_backoffs(connection: Connection) -> dict[str, ChannelBackoff]:
    """The channels that back off, by name, as the last pass left them."""
    return {name: ChannelBackoff(**values) for name, values in _kept(connection, HALTED).items()}


def record_of(connection: Connection, channel: str) -> BrakeRecord:
    """What the channel said last."""
    kept = _kept(connection, BRAKES).get(channel)
    if kept is None:
        return BrakeRecord()
    said = tuple((abs(number), number < 0) for number in kept["said"])
    return BrakeRecord(said, tuple(kept["suppressed"]), tuple(kept["known"]))


def keep(connection: Connection, channel: str, record: BrakeRecord) -> None:
    """Write down what the channel said last."""
    said = [-number if is_refused else number for number, is_refused in record.refused]
    value = {"said": said, "suppressed": list(record.suppressed), "known": list(record.known)}
    change(connection, BRAKES, channel, value if any(value.values()) else None)


def release(connection: Connection, channel: str) -> str | None:
    """Let the channel go at once, with nothing held against it; why it had been left alone, None where it was
    not.
    """
    halted = _kept(connection, HALTED).get(channel)
    change(connection, HALTED, channel, None)
    change(connection, BRAKES, channel, None)
    return None if halted is None else str(halted["reason"])


def change(connection: Connection, fact: str, channel: str, value: dict[str, Any] | None) -> None:
    """Replace what a fact of all channels says of one; to be called in a writing transaction."""
    before = _kept(connection, fact)
    after = {name: each for name, each in before.items() if name != channel}
    if value is not None:
        after[channel] = value
    if after != before:
        set_meta(connection, fact, json.dumps(after, ensure_ascii=False, sort_keys=True) if after else None)


def _kept(connection: Connection, fact: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(meta(connection, fact) or "{}")
    return found
