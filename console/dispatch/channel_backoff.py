"""Channels that rest: one that is set up wrongly, or cannot be reached, keeps its queue and is tried again
with one message.

What rests, since when, why and until when is kept as a fact, for people and for the next pass.
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

LONGEST_HALT: Final[Millis] = 5 * MINUTE
"""How long a channel that is set up wrongly is left alone at most, so that nobody waits long once it is put
right.
"""
LONGEST_REST: Final[Millis] = 15 * MINUTE
"""The same for one that could not be reached."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a channel is left alone, since when and until when, and under which version of the playbook."""

    reason: str
    since: Instant
    until: Instant
    version: int


def resting(connection: Connection) -> dict[str, Rest]:
    """The channels that rest or were halted, as the last pass left them."""
    kept = meta(connection, HALTED)
    return {} if kept is None else {name: Rest(**values) for name, values in json.loads(kept).items()}


class Rests:
    """The channels that rest in one pass; `halted` names those it leaves alone, with the reason."""

    def __init__(self, connection: Connection, playbook: Playbook, at: Instant) -> None:
        self._version = playbook.version
        self._known = {name: rest for name, rest in resting(connection).items() if name in playbook.channels}
        # a new version of the playbook may have put any of them right
        self.halted = {
            name: rest.reason
            for name, rest in self._known.items()
            if rest.until > at and rest.version == playbook.version
        }

    def begin(self, channel: str, reason: str, at: Instant, longest: Millis, least: Millis = 0) -> None:
        """Leave a channel alone for a minute, then as long again as it has not worked, up to the longest."""
        since = self._known[channel].since if channel in self._known else at
        wait = max(MINUTE, min(at - since, longest), least)
        self._known[channel] = Rest(reason, since, at + wait, self._version)
        self.halted[channel] = reason

    def note(self, channel: str, result: Result, at: Instant, *, is_shut: bool) -> None:
        """Let a channel rest where the result says that it will not work for others either; else it works."""
        match result:
            case ConfigError(reason, _):
                self.begin(channel, reason, at, LONGEST_HALT)
            case Retry(reason, after, True):
                self.begin(channel, reason, at, LONGEST_REST, after or 0)
            case Uncertain(reason):
                if is_shut:
                    self.begin(channel, reason, at, LONGEST_REST)
            case _:
                self._known.pop(channel, None)

    def keep(self, connection: Connection) -> None:
        """Write down what rests."""
        kept = {name: asdict(rest) for name, rest in sorted(self._known.items())}
        set_meta(connection, HALTED, json.dumps(kept, ensure_ascii=False) if kept else None)
