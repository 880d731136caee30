"""Channels that fail by themselves: whose adapter cannot be loaded or opened, or whose sending raises what
nobody foresaw, message after message. What a channel refuses is no such failure: its brake sees to that.
Instants are ms UTC.
"""

from __future__ import annotations

from console.quarantine.failures import FailureLedger
from core.errors import ManometerError
from core.instants import Instant
from core.model.quarantine import Suspect
from storage import brakes, quarantine
from storage.store import Store


def is_unforeseen(error: BaseException) -> bool:
    """Whether it is a fault of the adapter, rather than of the settings, the machine or the network."""
    return isinstance(error, Exception) and not isinstance(error, ManometerError | OSError)


class ChannelFailures:
    """Counts how often in a row channels have failed by themselves; the second time sets one aside."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ledger = FailureLedger(store)

    def note(self, channel: str, error: Exception, at: Instant) -> str | None:
        """It failed once more; the reason, once it is set aside, and then it does not rest besides."""
        thing = self._ledger.note(_suspect(channel), error, at)
        if thing is None:
            return None
        with self._store.writing() as connection:
            brakes.release(connection, channel)
        return f"set aside: {thing.reason}"

    def went_well(self, channel: str) -> None:
        """It took a message: what came before does not count."""
        with self._store.reading() as connection:
            is_known = quarantine.is_known(connection, _suspect(channel))
        if is_known:
            with self._store.writing() as connection:
                quarantine.forget_watched(connection, _suspect(channel))


def _suspect(channel: str) -> Suspect:
    return Suspect("channel", channel, channel)
