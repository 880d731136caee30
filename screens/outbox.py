"""The outbox: what is held, failed, waits and went, and what an operator decides about it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from core.errors import ManometerError
from core.instants import Instant
from core.model.fates import Fate
from core.model.outbox import ALLOWED, Act, ActEffect, ListedMessage
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cells
from screens.cells.outbox import (
    COLUMNS,
    EXPORTED,
    HINT,
    act_deed,
    cells,
    chip,
    next_state,
    nothing_words,
    reader,
    refusal,
)
from screens.log import LogScreen
from screens.message import open_message
from screens.ports import Cancelled
from screens.ports.messages import MessageAsked
from screens.ports.service import Service
from screens.ports.terms import LogFilter
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.table import TableRows, VirtualTable


@dataclass(frozen=True, slots=True)
class OutboxAnswer:
    """What a filter line leaves of the outbox as of an instant, or what is wrong with the line."""

    text: str
    at: Instant
    terms: LogFilter
    ids: array[int]
    counts: Mapping[Fate, int]
    fault: str | None = None


class OutboxScreen(LogScreen[ListedMessage]):
    """All messages, the most urgent first."""

    mode = "outbox"
    filter_hint = HINT
    turned = "state"
    deeds = (*ALLOWED, "preview", "why", "timeline", "trigger")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "A", "act('approve')", "Approve", "outbox.approve", "let held messages go; asks first", show=True
        ),
        key(
            "X",
            "act('reject')",
            "Reject",
            "outbox.reject",
            "end held messages for good; asks first, with a reason",
            show=True,
        ),
        key(
            "R", "act('retry')", "Retry", "outbox.retry", "try failed or uncertain messages again; asks first"
        ),
        key(
            "C",
            "act('cancel')",
            "Cancel",
            "outbox.cancel",
            "take back messages that were not handed over; asks first",
        ),
        key(
            "p",
            "preview",
            "Message",
            "outbox.preview",
            "the message as it was sent, or as it would be now; Enter as well",
            show=True,
        ),
        key(
            "a",
            "suppressions",
            "Suppressed",
            "outbox.suppressions",
            "addresses to which nothing is sent any more; add some, or lift one",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None
        self._answer: OutboxAnswer | None = None

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable(TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), id="body")

    # ---- data ----

    def load(self) -> None:
        """Ask for the list and its numbers."""
        text = self.terms_text
        self.ask(lambda service, cancelled: _asked(text, service, cancelled), self._take)

    def _take(self, answer: OutboxAnswer) -> None:
        self.at = answer.at
        self.table.empty = answer.fault or (
            "No message fits. Esc clears the filter." if answer.text else "There are no messages yet."
        )
        self.show_ids(answer.ids, fresh=answer.text != self._shown)
        self._shown, self._answer = answer.text, answer
        self._say()

    def _say(self) -> None:
        """How many there are."""
        answer = self._answer
        if answer is not None:
            fits = self.say_chip(answer)
            self.say_filter(fits if answer.fault is None else f"/ {self.filter_text} — {answer.fault}")

    def say_chip(self, answer: OutboxAnswer) -> str:
        """What the second line says of the list."""
        return chip(len(answer.ids), answer.text, answer.counts, answer.terms)

    def _fetch(
        self, service: Service, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, ListedMessage]:
        return service.outbox.rows(ids, cancelled)

    def _cells(self, row: ListedMessage) -> Sequence[Cells]:
        return cells(row, self.at, self.zone)

    # ---- one ----

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        self.action_preview()

    def action_preview(self) -> None:
        """The message, with all that is known of it."""
        if self.row is not None:
            open_message(self, MessageAsked(number=self.row.id))

    def action_suppressions(self) -> None:
        """Addresses that are not written to."""
        from screens.suppressions import SuppressionsScreen  # when first wanted, as everywhere

        self.app.push_screen(SuppressionsScreen())

    def action_turn(self) -> None:
        """Only the next state."""
        self.turn_to(next_state(self.turned_value()))

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be done to the row or the marked rows."""
        if action == "preview":
            return super().why_not("why")
        act = next((each for each in ALLOWED if each == action), None)
        if act is not None:
            return self.read_only() or self._awaited() or refusal(act, self.row, len(self.table.marked))
        return super().why_not(action)

    def _awaited(self) -> str | None:
        return "the list is still being read" if self.table.is_awaited else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each act has its own reason."""
        return super().check_action(str(parameters[0]) if action == "act" else action, parameters)

    def reason_of(self, action: str, parameters: Sequence[object]) -> str | None:
        """Why the action of a key cannot be done."""
        return self.why_not(str(parameters[0]) if action == "act" else action)

    def action_act(self, action: Act) -> None:
        """Ask in numbers what it would do to the marked rows, or to the one under the cursor."""
        chosen = list(self.table.chosen)
        self.ask(
            lambda service, cancelled: service.outbox.effect(action, chosen, cancelled),
            self._ask_to_act,
            group="effect",
        )

    def _ask_to_act(self, effect: ActEffect) -> None:
        if not effect.ids:
            self.toast(nothing_words(effect), bad=True)
        elif self.place is not None:
            confirm(
                self, act_deed(effect, self.place.author, self.zone), lambda given: self._act(effect, given)
            )

    def _act(self, effect: ActEffect, given: DialogAnswer) -> None:
        reason = given.values["reason"]
        self.table.settle(effect.ids)
        self.act(lambda service: service.outbox.act(effect.action, effect.ids, reason), self._acted)

    def _acted(self, sentence: str) -> None:
        self.table.clear_marks()
        self.done(sentence)


def _asked(text: str, service: Service, cancelled: Cancelled) -> OutboxAnswer:
    at, counts = service.now(), service.outbox.counts(cancelled)
    try:
        terms = reader(at, service.place.zone).terms(text)
        return OutboxAnswer(text, at, terms, service.outbox.ids(terms, cancelled), counts)
    except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
        return OutboxAnswer(text, at, LogFilter(), array("q"), counts, str(error))
