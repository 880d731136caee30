"""What every command is handed: the open workspace, where to print, and instants as the command line names
them.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.errors import UsageError
from console.cli.output import Output
from console.open_workspace import OpenWorkspace
from core.instants import Instant, parse_instant
from core.until import parse_until

if TYPE_CHECKING:  # not needed for `--help`
    from storage.store import Store


class Context(OpenWorkspace):
    """One run of one command on a workspace."""

    def __init__(self, folder: Path, json: bool, *, read_only: bool = False) -> None:
        super().__init__(folder, read_only=read_only)
        self.output = Output(json)

    @cached_property
    def store(self) -> Store:
        """The open database; from here on instants are printed in the workspace's time zone."""
        self.output.zone = self.zone
        return super().store

    def tell(self, words: str) -> None:
        """What the operator should know of opening the workspace, on standard error."""
        self.output.complain(words)

    def now(self, at: str | None) -> Instant:
        """The instant the command is about, in ms UTC: `--at`, else the workspace's simulated clock, else
        now; UsageError where `--at` is no instant.
        """
        from console.clock import workspace_now  # with the store

        try:
            return workspace_now(self.store, at, self.zone)
        except ValueError as error:
            raise UsageError(f"--at: {error}") from None

    def instant(self, text: str | None, option: str) -> Instant | None:
        """An instant of the command line in ms UTC, local time of the workspace where it has no offset;
        UsageError, naming the option, where it is none.
        """
        try:
            return None if text is None else parse_instant(text, self.zone)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None

    def until(self, text: str | None, at: Instant) -> Instant | None:
        """The end, in ms UTC, that `--until` names for a pause that begins at the instant; UsageError where
        it is no time.
        """
        try:
            return None if text is None else parse_until(text, at, self.zone)
        except ValueError as error:
            raise UsageError(f"--until: {error}") from None
