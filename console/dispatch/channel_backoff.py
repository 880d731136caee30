"""Channels that are left alone for a while: one that is set up wrongly, or cannot be reached, keeps its queue
and is tried again with one message.

Which channels these are, since when, why and until when is written down for people and for the next pass.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection

from core.instants import MINUTE, Instant, Millis
from core.model.delivery import ConfigError, Result, Retry, Uncertain
from core.playbook.playbook import Playbook
from storage.status import HALTED
from storage.store import meta, set_meta

LONGEST_MISCONFIGURED: Final[Millis] = 5 * MINUTE
"""How long a channel that is set up wrongly is left alone at most, so that nobody waits long once it is put
right.
"""
LONGEST_UNREACHABLE: Final[Millis] = 15 * MINUTE
"""The same for one that could not be reached."""


@dataclass(frozen=True, slots=True)
class ChannelBackoff:
    """Why a channel is left alone, since when and until when, and under which version of the playbook."""

    reason: str
    since: Instant
    until: Instant
    version: int


def channel_backoffs(connection: Connection) -> dict[str, ChannelBackoff]:
    """The channels that back off, by name, as the last pass left them."""
    kept = meta(connection, HALTED)
    return (
        {} if kept is None else {name: ChannelBackoff(**values) for name, values in json.loads(kept).items()}
    )


class ChannelBackoffs:
    """The channels that back off in one pass; `halted` names those it leaves alone, with the reason."""

    def __init__(self, connection: Connection, playbook: Playbook, at: Instant) -> None:
        self._version = playbook.version
        self._known = {
            name: each for name, each in channel_backoffs(connection).items() if name in playbook.channels
        }
        # a new version of the playbook may have put any of them right
        self.halted = {
            name: each.reason
            for name, each in self._known.items()
            if each.until > at and each.version == playbook.version
        }

    def begin(self, channel: str, reason: str, at: Instant, longest: Millis, least: Millis = 0) -> None:
        """Leave a channel alone for a minute, then each time for as long as it has not worked until then, at
        most `longest` and at least `least` ms.
        """
        since = self._known[channel].since if channel in self._known else at
        wait = max(MINUTE, min(at - since, longest), least)
        self._known[channel] = ChannelBackoff(reason, since, at + wait, self._version)
        self.halted[channel] = reason

    def note_result(self, channel: str, result: Result, at: Instant, *, is_shut: bool) -> None:
        """Leave a channel alone where the result says that it will not work for other messages either; any
        other result ends its backoff. `is_shut`: this pass has shut it already.
        """
        match result:
            case ConfigError(reason, _):
                self.begin(channel, reason, at, LONGEST_MISCONFIGURED)
            case Retry(reason, after, True):
                self.begin(channel, reason, at, LONGEST_UNREACHABLE, after or 0)
            case Uncertain(reason):
                if is_shut:
                    self.begin(channel, reason, at, LONGEST_UNREACHABLE)
            case _:
                self._known.pop(channel, None)

    def save(self, connection: Connection) -> None:
        """Write down which channels back off."""
        kept = {name: asdict(each) for name, each in sorted(self._known.items())}
        set_meta(connection, HALTED, json.dumps(kept, ensure_ascii=False) if kept else None)
