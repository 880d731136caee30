"""Channels that are left alone for a while: one that is set up wrongly, cannot be reached or refuses too much
keeps its queue and is tried again with few messages.

Which channels these are, since when, why and until when is written down for people and for the next pass.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Final

from sqlalchemy import Connection

from core.instants import MINUTE, SECOND, Instant, Millis
from core.model.delivery import Accepted, ConfigError, Permanent, Result, Retry, Uncertain
from core.playbook.playbook import Playbook
from storage import brakes
from storage.brakes import ChannelBackoff, channel_backoffs
from storage.outbox import dispatch as outbox
from storage.status import HALTED

LONGEST_MISCONFIGURED: Final[Millis] = 5 * MINUTE
"""How long a channel that is set up wrongly is left alone at most, so that nobody waits long once it is put
right.
"""
LONGEST_UNREACHABLE: Final[Millis] = 15 * MINUTE
"""The same for one that could not be reached, and one that refuses."""
SHORTEST: Final[Millis] = 2 * SECOND
"""How long one that refuses is left alone at first: perhaps it is a few messages, and the others must not
wait for them. Shorter than the time between two turns of handing over, so that the next turn tries it.
"""

LAST: Final = "; the last answer: "


class ChannelBackoffs:
    """The channels that back off in one pass, of those it is about; `halted` names those it leaves alone,
    with the reason.
    """

    def __init__(
        self, connection: Connection, playbook: Playbook, at: Instant, names: Collection[str] | None = None
    ) -> None:
        self._version = playbook.version
        self._names = frozenset(playbook.channels if names is None else names)
        self._known = {
            name: each for name, each in channel_backoffs(connection).items() if name in self._names
        }
        self._before = dict(self._known)
        # a new version of the playbook may have put any of them right
        resting = {
            name: each
            for name, each in self._known.items()
            if each.until > at and each.version == playbook.version
        }
        self.early = frozenset(
            name
            for name, each in resting.items()
            if each.untried_until is not None
            and each.untried_until <= at
            and outbox.has_untried(connection, name, at)
        )
        """Braked channels for which it is time to try messages that were never tried, but no others yet."""
        self.halted = {name: each.reason for name, each in resting.items() if name not in self.early}

    def is_braked(self, channel: str) -> bool:
        """Whether it refused too much, and has taken nothing since."""
        return channel in self._known and self._known[channel].braked

    def begin(self, channel: str, reason: str, at: Instant, longest: Millis, least: Millis = MINUTE) -> None:
        """Leave a channel alone for `least` ms, then each time for as long as it has not worked until then,
        at most `longest`.
        """
        self._begin(channel, reason, at, max(least, min(at - self._since(channel, at), longest)))

    def brake(
        self, channel: str, reason: str, at: Instant, asked: Millis, *, untried_refused: bool = True
    ) -> None:
        """The same for one that refuses too much; it asked for so many ms itself. The longer it refuses
        messages that had never been tried, `untried_refused`, the longer others of them wait; that it refuses
        once more what it has refused before tells nothing of them.
        """
        self._begin(
            channel, reason, at, max(SHORTEST, min(at - self._since(channel, at), LONGEST_UNREACHABLE), asked)
        )
        before = self._before.get(channel)
        wait, until = (0, at) if before is None else (before.untried_wait, before.untried_until or at)
        if untried_refused:
            wait = min(max(SHORTEST, 2 * wait), LONGEST_UNREACHABLE)
            until = at + wait
        self._known[channel] = replace(
            self._known[channel], braked=True, untried_wait=wait, untried_until=max(until, at + asked)
        )

    def brake_again(
        self, channel: str, reason: str, at: Instant, asked: Millis, *, untried_refused: bool
    ) -> None:
        """The same after none of a few messages was taken; `reason` is what was said of the last."""
        before = self._known[channel].reason.partition(LAST)[0]
        reason = f"{before}{LAST}{reason}" if reason else before
        self.brake(channel, reason, at, asked, untried_refused=untried_refused)

    def _since(self, channel: str, at: Instant) -> Instant:
        return self._known[channel].since if channel in self._known else at

    def _begin(self, channel: str, reason: str, at: Instant, wait: Millis) -> None:
        since = self._since(channel, at)
        self._known[channel] = ChannelBackoff(reason, since, at + wait, self._version)
        self.halted[channel] = reason

    def note_result(self, channel: str, result: Result, at: Instant, *, is_shut: bool) -> None:
        """Leave a channel alone where the result says that it will not work for other messages either; one
        that takes a message, or refuses it for what it is, works again. `is_shut`: this pass has shut it
        already.
        """
        match result:
            case ConfigError(reason, False):
                self.begin(channel, reason, at, LONGEST_MISCONFIGURED)
            case Retry(reason, after, True):
                self.begin(channel, reason, at, LONGEST_UNREACHABLE, max(MINUTE, after or 0))
            case Uncertain(reason):
                if is_shut:
                    self.begin(channel, reason, at, LONGEST_UNREACHABLE)
            case Accepted():
                self._known.pop(channel, None)
                self._before.pop(channel, None)
            case Retry() | Permanent() | ConfigError():
                if channel in self._known and not self._known[channel].braked:
                    self._known.pop(channel)

    def save(self, connection: Connection) -> None:
        """Write down which of them back off."""
        for name in sorted(self._names):
            known = self._known.get(name)
            brakes.change(connection, HALTED, name, None if known is None else asdict(known))


def forget_others(connection: Connection, names: Collection[str]) -> None:
    """Nothing is held against channels that are no longer there."""
    for name in channel_backoffs(connection).keys() - set(names):
        brakes.release(connection, name)
