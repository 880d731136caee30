"""What is set aside because working on it failed, and what operators do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.model.quarantine import SetAside
from screens.ports import Cancelled


class QuarantinePort(Protocol):
    """What is set aside."""

    def listing(self, cancelled: Cancelled) -> Sequence[SetAside]:
        """All of it, the oldest first."""
        ...

    def release(self, thing: SetAside) -> str:
        """Have it worked on again; gives the sentence of what happened. ManometerError where it is not set
        aside any more, or nothing may be changed.
        """
        ...

    def drop(self, thing: SetAside, reason: str) -> str:
        """Give it up; gives the sentence of what happened. ManometerError as above."""
        ...
