"""The log of what was decided, the newest first, and one decision with its evidence."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from core.errors import ManometerError
from core.instants import Instant
from screens.cells.decisions import COLUMNS, EXPORTED, HINT, cells, chip, detail, next_outcome, reader
from screens.cells.line import Cells
from screens.log import LogScreen
from screens.message import open_message
from screens.ports import Cancelled
from screens.ports.decisions import DecisionView, Listed, LoggedDecision
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.ports.terms import LogFilter
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details

NONE_FITS: Final = "No decision fits. Esc clears the filter."


@dataclass(frozen=True, slots=True)
class DecisionsAnswer:
    """What a filter line leaves of the log as of an instant, or what is wrong with the line."""

    text: str
    at: Instant
    terms: LogFilter
    listed: Listed
    fault: str | None = None


class DecisionsScreen(LogScreen[LoggedDecision]):
    """All decisions, or those that some terms leave."""

    mode = "decisions"
    filter_hint = HINT
    turned = "outcome"
    deeds = ("message", "why", "timeline", "trigger")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "p",
            "message",
            "Message",
            "decisions.message",
            "its message as it was sent, or as it would have been",
            show=True,
        ),
    ]

    class Found(Message):
        """The first few of a list that is still being read."""

        def __init__(self, text: str, at: Instant, ids: array[int]) -> None:
            super().__init__()
            self.text = text
            self.at = at
            self.ids = ids

    def __init__(self, only: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(only)
        self._known: DecisionsAnswer | None = None
        self._shown: str | None = None

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable(TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), id="body")

    # ---- data ----

    def load(self) -> None:
        """Ask for the list; where it is known but for the newest, for those alone."""
        known, text = self._known, self.terms_text
        if known is not None and known.text == text and known.fault is None:
            self.ask(lambda service, cancelled: _newer(known, service, cancelled), self._take_newer)
        else:
            self.ask(lambda service, cancelled: self._whole(text, service, cancelled), self._take)

    def action_reload(self) -> None:
        """Read the whole list anew."""
        self._known = None
        super().action_reload()

    def _whole(self, text: str, service: Service, cancelled: Cancelled) -> DecisionsAnswer:
        at = service.now()
        try:
            terms = reader(at, service.place.zone).terms(text)
            listed = service.decisions.ids(terms, cancelled, lambda ids: self._tell(text, at, ids, cancelled))
        except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
            return DecisionsAnswer(text, at, LogFilter(), Listed(array("q"), 0), str(error))
        return DecisionsAnswer(text, at, terms, listed)

    def _tell(self, text: str, at: Instant, ids: array[int], cancelled: Cancelled) -> None:
        if not cancelled():
            self.post_message(self.Found(text, at, ids))

    @on(Found)
    def _show_first(self, message: Found) -> None:
        if message.text == self.terms_text and message.text != self._shown:
            self.at, self._shown = message.at, message.text
            self.show_ids(message.ids, fresh=True)

    def _take(self, answer: DecisionsAnswer) -> None:
        self.at, self._known = answer.at, answer
        self._show(fresh=answer.text != self._shown)
        self._shown = answer.text

    def _take_newer(self, answer: DecisionsAnswer) -> None:
        self.at, self._known = answer.at, answer
        self._show(fresh=False)

    def _show(self, *, fresh: bool) -> None:
        known = self._known
        if known is not None:
            self.table.empty = known.fault or (NONE_FITS if known.text else "Nothing has been decided yet.")
            self.show_ids(array("q", known.listed.ids), fresh=fresh)
            fits = chip(known.listed, known.text)
            self.say_filter(fits if known.fault is None else f"/ {self.filter_text} — {known.fault}")

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, LoggedDecision]:
        return service.decisions.rows(ids, cancelled)

    def _cells(self, row: LoggedDecision) -> Sequence[Cells]:
        return cells(row, self.at, self.zone)

    # ---- what can be done ----

    @on(VirtualTable.Opened)
    def _opened(self, message: VirtualTable.Opened) -> None:
        decision = message.row
        self.ask(
            lambda service, cancelled: service.decisions.view(decision, cancelled),
            self._detail,
            group="detail",
        )

    def _detail(self, view: DecisionView) -> None:
        self.app.push_screen(Details(f"Decision {view.row.id}", detail(view, self.zone)))

    def why_not(self, action: str) -> str | None:
        """Why there is no way to the message."""
        return super().why_not("why" if action == "message" else action)

    def action_message(self) -> None:
        """The message of the decision."""
        if self.row is not None:
            open_message(self, MessageAsked(decision=self.row.id))

    def action_turn(self) -> None:
        """Only the next outcome."""
        self.turn_to(next_outcome(self.turned_value()))


class DecisionsOf(DecisionsScreen):
    """What one trigger has decided."""

    mode: ClassVar[str] = "triggers"

    def __init__(self, trigger: str) -> None:
        super().__init__((("trigger", trigger),))

    def crumbs(self) -> Sequence[str]:
        """The trigger's name, and what is seen of it."""
        return (*super().crumbs(), "Decisions")


def _newer(known: DecisionsAnswer, service: Service, cancelled: Cancelled) -> DecisionsAnswer:
    """The list with what was written since."""
    newer = service.decisions.newer(known.terms, known.listed.last, cancelled)
    listed = Listed(newer.ids + known.listed.ids, newer.last, known.listed.is_cut)
    return DecisionsAnswer(known.text, service.now(), known.terms, listed)
