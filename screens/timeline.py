"""The timeline of one customer: events, messages, decisions and consents over all channels, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType

from screens.cells import timeline as rows
from screens.cells.line import Cells
from screens.found_table import FoundTable
from screens.frame import Frame
from screens.message import open_message
from screens.ports import Cancelled
from screens.ports.customers import EntryDetails, EntryKind, Hits, Tell, TimelineEntry
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details

PAGED: Final = 5_000
"""A longer timeline is not read anew whenever somebody writes, only on `r`."""


class Timeline(FoundTable[TimelineEntry]):
    """A table of the entries of one customer, narrowed by kind, channel and words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "o",
            "kind",
            "Kind",
            "timeline.kind",
            "messages only, then decisions, events, consents, all",
            show=True,
        ),
        key(
            "c", "channel", "Channel", "timeline.channel", "one channel after the other, then all", show=True
        ),
        key(
            "p", "message", "Message", "timeline.message", "the message as it was sent, or as it would be now"
        ),
    ]

    def __init__(self, customer_id: int, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(
            TableRows(rows.COLUMNS, self._rows_of, self._cells_of, rows.EXPORTED),
            longest=PAGED,
            show_first=self.show_found,
            empty="Nothing is known, or nothing fits.",
            id=id,
            classes=classes,
        )
        self.customer_id = customer_id
        self.kind: EntryKind | None = None
        self.channel: str | None = None
        self.text = ""
        self._channels: tuple[str, ...] = ()
        self._total: int | None = None

    @property
    def frame(self) -> Frame:
        """The screen it stands on."""
        frame = self.screen
        assert isinstance(frame, Frame)
        return frame

    # ---- data ----

    def load(self, *, anew: bool = False) -> None:
        """Read the vector of entries; of a long one that is there already only the visible rows, unless
        `anew`.
        """
        if self.is_long and not anew:
            self.read_again()
            return
        customer, asked = self.customer_id, rows.asked(self.text, self.kind, self.channel)

        def question(service: Service, cancelled: Cancelled, found: Tell) -> tuple[Hits, tuple[str, ...]]:
            hits = service.customers.entries(customer, asked, cancelled, found)
            return hits, service.customers.channels(customer, cancelled)

        self.find(question, self._take_entries, group="timeline")

    def _take_entries(self, answer: tuple[Hits, tuple[str, ...]]) -> None:
        hits, self._channels = answer
        asked = rows.asked(self.text, self.kind, self.channel)
        if not asked:
            self._total = len(hits.ids)
        self.show_found(hits.ids)
        self.frame.say_filter(hits.fault or rows.chip(len(hits.ids), self._total, asked))

    def _rows_of(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, TimelineEntry]:
        return service.customers.entry_rows(ids, cancelled)

    def _cells_of(self, entry: TimelineEntry) -> Sequence[Cells]:
        return rows.cells(entry, self.now, self.zone, self.place.currency)

    # ---- keys ----

    def narrow(self, text: str) -> None:
        """Only entries that these words hold for."""
        self.text = text
        self._begin_anew()

    def action_kind(self) -> None:
        """The next kind of entries."""
        self.kind = rows.next_kind(self.kind)
        self._begin_anew()

    def action_channel(self) -> None:
        """The next channel."""
        self.channel = rows.next_channel(self.channel, self._channels)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.begin_anew()
        self.load(anew=True)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.kind or self.channel or self.text)

    def widen(self) -> None:
        """Leave nothing out."""
        self.kind, self.channel, self.text = None, None, ""
        self._begin_anew()

    @on(VirtualTable.Opened)
    def _open(self, message: VirtualTable.Opened) -> None:
        message.stop()
        entry = message.row
        if self.row is not None and self.row.kind == "message":
            self.action_message()
            return
        self.frame.ask(
            lambda service, cancelled: service.customers.details(entry, cancelled),
            self._show_details,
            group="details",
        )

    def _show_details(self, details: EntryDetails) -> None:
        self.app.push_screen(Details(details.title, rows.in_full(details)))

    def action_message(self) -> None:
        """The message of the entry, or that of the decision it is."""
        entry = self.row
        if entry is None or entry.kind not in ("message", "decision"):
            self.frame.toast("Message: there is no message or decision under the cursor.", bad=True)
        else:
            open_message(self.frame, MessageAsked(entry=entry.id))
