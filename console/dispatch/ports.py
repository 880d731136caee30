"""What a pass of the dispatcher reaches the world by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from console import channels
from console.dispatch.journal import Journal
from core.model.delivery import ChannelAdapter
from core.playbook.playbook import Channel


@dataclass(frozen=True, slots=True)
class DispatchPorts:
    """The ways out and the memory of a pass; who runs it may hand in others."""

    adapter_class: Callable[[str], type[ChannelAdapter]] = channels.adapter_class
    """The adapter of a kind of channel; ManometerError where there is none."""
    open_journal: Callable[[Path, str], Journal | None] = Journal.open
    """The journal beside a database for the dispatcher of that name; None while another pass has it, and
    JournalError where it cannot be made.
    """
    start: Callable[[Thread], None] = Thread.start
    """How the thread of a channel is begun. Who has to repeat a pass to the byte lets each run to its end
    before the next.
    """

    def open_adapter(self, channel: Channel, folder: Path) -> ChannelAdapter:
        """The adapter of a channel of the workspace in that folder; ManometerError where its settings cannot
        be used.
        """
        return channels.open_adapter(channel, folder, self.adapter_class(channel.kind))
