"""What a screen needs of the app that it runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from core.instants import Instant
from screens.ports import WorkspacePlace
from screens.ports.service import Service
from screens.ports.session import SessionAct


class Host(Protocol):
    """The app, as far as screens know it."""

    opened: Future[Service]
    place: WorkspacePlace | None
    """Where the console stands; None while the workspace is being opened."""
    frozen: bool
    """Whether changes are not followed."""
    session: Sequence[SessionAct]
    """What was done here since the console was opened, the oldest first."""

    def as_of(self) -> Instant | None:
        """The instant of what is shown; None before the first answer."""
        ...

    def open_customer(self, customer_id: int) -> None:
        """Show one customer."""
        ...

    def open_why(self, customer: str, trigger: str | None = None) -> None:
        """Explain why a customer (by key) did or did not get something, by one trigger or by all."""
        ...

    def open_trigger(self, name: str) -> None:
        """Show one trigger."""
        ...

    def look_ahead_at(self, channel: str) -> None:
        """On the pressure screen, once it is there: today's number of a channel."""
        ...

    def edit_file(self, path: Path) -> str | None:
        """Hand the terminal to the operator's editor until it ends; what went wrong, as a sentence."""
        ...

    def act(
        self,
        deed: Callable[[Service], str],
        done: Callable[[str], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Carry out what was confirmed, and tell how it ended."""
        ...
