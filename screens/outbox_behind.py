"""The messages behind one number of today, with everything that can be done to them in the outbox."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from core.errors import ManometerError
from core.explain.words import counted
from core.model.outbox import TodayFigure
from screens.cells.outbox import reader
from screens.outbox import OutboxAnswer, OutboxScreen
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.ports.terms import LogFilter

TITLES: Final[dict[TodayFigure, str]] = {
    "sent": "sent today",
    "waiting": "to go out today",
    "approval": "waiting for approval",
    "held": "held",
}


class OutboxBehindScreen(OutboxScreen):
    """What one channel has sent today, sends today, or holds; the filter narrows it further."""

    mode = "overview"

    def __init__(self, channel: str, figure: TodayFigure) -> None:
        super().__init__()
        self.channel = channel
        self.figure: TodayFigure = figure

    def crumbs(self) -> Sequence[str]:
        """Which number it is."""
        return (self.channel, TITLES[self.figure])

    def load(self) -> None:
        """Ask for the messages that the number counts, and which of them the filter leaves."""
        text = self.terms_text
        self.ask(lambda service, cancelled: self._asked(text, service, cancelled), self._take)

    def _asked(self, text: str, service: Service, cancelled: Cancelled) -> OutboxAnswer:
        at, counts = service.now(), service.outbox.counts(cancelled)
        found = service.overview.messages(self.channel, self.figure, cancelled)
        try:
            terms = reader(at, service.place.zone).terms(text)
        except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
            return OutboxAnswer(text, at, LogFilter(), array("q"), counts, str(error))
        if text:
            left = set(service.outbox.ids(terms, cancelled))
            found = array("q", (row for row in found if row in left))
        return OutboxAnswer(text, at, terms, found, counts)

    def say_chip(self, answer: OutboxAnswer) -> str:
        """How many they are; what else the outbox holds is no matter here."""
        narrowed = f"/ {answer.text} — " if answer.text else ""
        return f"{narrowed}{counted(len(answer.ids), 'message')}"
