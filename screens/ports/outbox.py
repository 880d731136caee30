"""The outbox as the screens show it, and what operators can do with its messages. Instants are ms UTC."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Protocol

from core.model.fates import Fate
from core.model.outbox import Act, ActEffect, ListedMessage
from screens.ports import Cancelled
from screens.ports.terms import LogFilter


class OutboxPort(Protocol):
    """What is asked of the outbox, and what can be done to messages; terms have the fields `state trigger
    channel reason`.
    """

    def counts(self, cancelled: Cancelled) -> Mapping[Fate, int]:
        """What becomes of the messages in open states."""
        ...

    def ids(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        """The messages that are wanted: those in open states in their order, then the newest of the
        others.
        """
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ListedMessage]:
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
