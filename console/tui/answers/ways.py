"""Channels and sources for the screens, and what operators do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.health.ways import channel_lines, source_lines
from console.operating.brakes import release_channel
from core.errors import ManometerError
from core.model.outbox import ActEffect
from core.playbook.playbook import Channel
from screens.ports import Cancelled
from screens.ports.ways import WaysPage
from storage.outbox import acts, listing
from storage.sql import ColumnClause, LogQuery

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class WaysAnswers:
    """Answers the questions of `screens.ports.ways`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def page(self, cancelled: Cancelled) -> WaysPage:
        """All of them in numbers."""
        local, at = self._local, self._local.now()
        workspace = local.in_force()
        with local.asking(cancelled) as connection:
            channels = channel_lines(connection, workspace, at)
            return WaysPage(at, channels, source_lines(connection, workspace, local.context.folder, at))

    def check(self, channel: str, cancelled: Cancelled) -> str:  # noqa: ARG002 - the form of the port
        """Whether a message could be handed over now."""
        from console.health.channel_trial import check_channel  # the adapters, when first wanted

        found = check_channel(self._channel(channel), self._local.context.folder)
        return f"{channel} is {found.verdict}: {found.words}."

    def retry_effect(self, channel: str, cancelled: Cancelled) -> ActEffect:
        """What trying again would do."""
        wanted = LogQuery(
            clauses=(ColumnClause({"channel": (channel,)}), ColumnClause({"state": ("failed", "uncertain")}))
        )
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            return acts.effect(connection, "retry", listing.ids(connection, wanted), at)

    def release(self, channel: str, reason: str) -> str:
        """Use it again at once."""
        local = self._local
        self._refuse_read_only()
        was = release_channel(local.store, channel, local.place.author, local.now(), reason)
        local.note_command("channels", "release", channel, reason=reason)
        return f"{channel} is used again. It had been left alone: {was}"

    def test(self, channel: str, address: str, reason: str) -> str:
        """Send one message."""
        from console.health.channel_trial import send_test  # as above

        local = self._local
        self._refuse_read_only()
        send_test(
            local.store, self._channel(channel), local.context.folder, local.place.workspace, address,
            local.place.author, local.now(), reason or None,
        )  # fmt: skip
        local.note_command("channels", "test", channel, "--to", address, "--yes", reason=reason)
        return f"{channel} has taken the test message to {address}."

    def _channel(self, name: str) -> Channel:
        channels = self._local.in_force().playbook.channels
        if name not in channels:
            raise ManometerError(f"The channel {name} is no longer in the playbook.")
        return channels[name]

    def _refuse_read_only(self) -> None:
        if self._local.place.read_only is not None:
            raise ManometerError(f"Nothing was changed: {self._local.place.read_only}.")
