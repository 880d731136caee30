"""The ways in and out: channels and sources in numbers, and what an operator does about them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.filters import holds, read_words
from core.model.outbox import ActEffect
from core.model.pauses import target_key
from core.model.ways import ChannelLine, SourceLine
from screens.action_frame import ActingFrame
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.outbox import act_deed, nothing_words
from screens.cells.ways import (
    CHANNEL_COLUMNS,
    CHANNELS_EXPORTED,
    SOURCE_COLUMNS,
    SOURCES_EXPORTED,
    channel_cells,
    channel_detail,
    channel_words,
    chip,
    release_deed,
    source_cells,
    source_detail,
    source_words,
    test_deed,
)
from screens.pausing import ask_to_pause_or_resume
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.ports.ways import WaysPage
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details

LOOK_S: float = 15.0
"""Seconds after which it looks even if nobody has written: a lag grows by itself."""


class ChannelsScreen(ActingFrame):
    """All channels, and below them all sources."""

    mode = "channels"
    filter_hint = "words of name, kind, state or reason; !word leaves out"
    deeds = ("pause", "resume", "release", "retry", "check", "test")
    DEFAULT_CSS = """
    ChannelsScreen #channels { height: 3fr; }
    ChannelsScreen #sources { height: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("P", "pause", "Pause", "channels.pause", "pause the channel; asks first, in numbers", show=True),
        key(
            "U",
            "resume",
            "Resume",
            "channels.resume",
            "end the pause; asks what becomes of what waited",
            show=True,
        ),
        key(
            "R",
            "release",
            "Release",
            "channels.release",
            "use a channel again at once that is left alone; asks first, and why",
            show=True,
        ),
        key(
            "T",
            "retry",
            "Retry",
            "channels.retry",
            "try its failed and uncertain messages again; asks first, in numbers",
        ),
        key(
            "c",
            "check",
            "Check",
            "channels.check",
            "whether a message could be handed over now; nothing is sent",
            show=True,
        ),
        key("M", "test", "Test", "channels.test", "send one test message to an address; asks first"),
        key("tab", "pane", "Other list", "channels.next_pane", "from the channels to the sources and back"),
        key("s", "quarantine", "Set aside", "channels.quarantine", "what is set aside; release or drop it"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page: WaysPage | None = None

    def body(self) -> ComposeResult:
        """The two lists."""
        with Vertical(id="body"):
            yield VirtualTable[ChannelLine](
                TableRows(CHANNEL_COLUMNS, self._channel_rows, self._channel_cells, CHANNELS_EXPORTED),
                empty="No channel fits. Esc clears the filter.",
                id="channels",
            )
            yield VirtualTable[SourceLine](
                TableRows(SOURCE_COLUMNS, self._source_rows, self._source_cells, SOURCES_EXPORTED),
                empty="No source is declared, and no event is known; or none fits the filter.",
                id="sources",
            )

    # ---- data ----

    def on_mount(self) -> None:
        """Look now and then."""
        self.set_interval(LOOK_S, self._look)

    def _look(self) -> None:
        if self.is_current and not self.host.frozen and self.place is not None and not self.place.simulated:
            self.load()

    def load(self) -> None:
        """Ask for all of them."""
        self.ask(lambda service, cancelled: service.ways.page(cancelled), self._take)

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _take(self, page: WaysPage) -> None:
        self._page, self.at = page, page.at
        self._show()

    def _show(self) -> None:
        page = self._page
        if page is None:
            return
        wanted = read_words(self.filter_text)
        channels = array(
            "q", (place for place, line in enumerate(page.channels) if holds(wanted, channel_words(line)))
        )
        sources = array(
            "q", (place for place, line in enumerate(page.sources) if holds(wanted, source_words(line)))
        )
        self.channels.show(channels)
        self.sources.show(sources)
        self.say_filter(chip(page, len(channels), len(sources), self.filter_text))
        self.chosen_changed()

    def _channel_rows(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, ChannelLine]:
        lines = () if self._page is None else self._page.channels
        return {place: lines[place] for place in ids if place < len(lines)}

    def _source_rows(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, SourceLine]:
        lines = () if self._page is None else self._page.sources
        return {place: lines[place] for place in ids if place < len(lines)}

    def _channel_cells(self, line: ChannelLine) -> Sequence[Cells]:
        return channel_cells(line, self.at)

    def _source_cells(self, line: SourceLine) -> Sequence[Cells]:
        return source_cells(line, self.at, self.zone)

    # ---- where the cursor is ----

    @property
    def channels(self) -> VirtualTable[ChannelLine]:
        """The list of channels."""
        return self.query_one("#channels", VirtualTable)

    @property
    def sources(self) -> VirtualTable[SourceLine]:
        """The list of sources."""
        return self.query_one("#sources", VirtualTable)

    @property
    def line(self) -> ChannelLine | None:
        """The channel under the cursor, while its list has the keys."""
        here = self.channels.row_id
        if self._page is None or here is None or self.sources.has_focus or here >= len(self._page.channels):
            return None
        return self._page.channels[here]

    def action_pane(self) -> None:
        """The other list."""
        (self.channels if self.sources.has_focus else self.sources).focus()
        self.chosen_changed()

    @on(VirtualTable.Opened)
    def _open(self, message: VirtualTable.Opened) -> None:
        page, place = self._page, message.row
        if page is None:
            return
        if message.table.id == "channels" and place < len(page.channels):
            line = page.channels[place]
            self.app.push_screen(Details(f"Channel {line.name}", channel_detail(line, self.zone)))
        elif message.table.id == "sources" and place < len(page.sources):
            source = page.sources[place]
            self.app.push_screen(Details(f"Source {source.name}", source_detail(source, self.zone)))

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be done to the channel."""
        if action not in self.deeds:
            return super().why_not(action)
        if action == "check":
            return "there is no channel under the cursor" if self.line is None else None
        return self.read_only() or _why_not(action, self.line)

    def action_pause(self) -> None:
        """Pause the channel."""
        self._turn()

    def action_resume(self) -> None:
        """End the pause."""
        self._turn()

    def _turn(self) -> None:
        if self.line is not None:
            ask_to_pause_or_resume(self, target_key("channel", self.line.name))

    def action_release(self) -> None:
        """Use it again at once."""
        line = self.line
        if line is None or self.place is None:
            return

        def do(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(lambda service: service.ways.release(line.name, reason), self.done)

        confirm(self, release_deed(line, self.place.author), do)

    def action_retry(self) -> None:
        """Ask in numbers what trying again would do."""
        line = self.line
        if line is not None:
            self.ask(
                lambda service, cancelled: service.ways.retry_effect(line.name, cancelled),
                self._ask_to_retry,
                group="effect",
            )

    def _ask_to_retry(self, effect: ActEffect) -> None:
        if not effect.ids:
            self.toast(nothing_words(effect), bad=True)
        elif self.place is not None:

            def do(given: DialogAnswer) -> None:
                reason = given.values["reason"]
                self.act(lambda service: service.outbox.act("retry", effect.ids, reason), self.done)

            confirm(self, act_deed(effect, self.place.author, self.zone), do)

    def action_check(self) -> None:
        """Whether a message could be handed over now."""
        line = self.line
        if line is not None:
            self.toast(f"{line.name} is being asked …")
            self.ask(
                lambda service, cancelled: service.ways.check(line.name, cancelled),
                self.toast,
                group="check",
            )

    def action_test(self) -> None:
        """Send one test message."""
        line = self.line
        if line is None or self.place is None:
            return

        def do(given: DialogAnswer) -> None:
            address, reason = given.values["address"].strip(), given.values["reason"]
            self.act(lambda service: service.ways.test(line.name, address, reason), self.done)

        confirm(self, test_deed(line, self.place.author), do)

    def action_quarantine(self) -> None:
        """What is set aside."""
        from screens.quarantine import QuarantineScreen  # when first wanted, as everywhere

        self.app.push_screen(QuarantineScreen())


def _why_not(action: str, line: ChannelLine | None) -> str | None:
    if line is None:
        return "there is no channel under the cursor"
    if action == "pause":
        return f"{line.name} is paused already; U resumes it" if line.is_paused else None
    if action == "resume":
        return None if line.is_paused else f"{line.name} is not paused"
    if action == "release" and line.state == "set aside":
        return f"{line.name} is set aside; s lists what is, and releases it"
    if action == "release" and line.state not in ("halted", "braked"):
        return f"{line.name} is not left alone"
    if action == "retry" and not line.figures.failed + line.figures.uncertain:
        return f"no message of {line.name} has failed or is uncertain"
    return None
