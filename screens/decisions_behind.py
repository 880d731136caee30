"""The decisions behind one number of a trigger."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import ClassVar

from core.errors import ManometerError
from core.instants import Instant
from core.model.counts import OutcomeCount
from core.model.fates import fate_in_words
from screens.cells.decisions import reader
from screens.decisions import DecisionsAnswer, DecisionsScreen
from screens.ports import Cancelled
from screens.ports.decisions import Listed
from screens.ports.service import Service
from screens.ports.terms import LogFilter


class DecisionsBehindScreen(DecisionsScreen):
    """What a trigger decided since an instant and has come to the same; the filter narrows it further."""

    mode: ClassVar[str] = "triggers"

    def __init__(self, trigger: str, since: Instant, counts: Sequence[OutcomeCount]) -> None:
        super().__init__()
        self.trigger_name = trigger
        self._since = since
        self._counts = tuple(counts)

    def crumbs(self) -> Sequence[str]:
        """The trigger, and which number it is."""
        each = self._counts[0]
        return (self.trigger_name, "Decisions", fate_in_words(each.fate, each.message_state))

    def load(self) -> None:
        """Ask for the decisions that the number counts, and which of them the filter leaves."""
        text = self.terms_text
        self.ask(lambda service, cancelled: self._asked(text, service, cancelled), self._take)

    def _asked(self, text: str, service: Service, cancelled: Cancelled) -> DecisionsAnswer:
        at = service.now()
        found = service.triggers.decision_ids(self.trigger_name, self._since, self._counts, cancelled)
        try:
            terms = reader(at, service.place.zone).terms(text)
            if text:
                left = set(service.decisions.ids(terms, cancelled).ids)
                found = array("q", (row for row in found if row in left))
        except ManometerError as error:  # a line half written is no failure; what is wrong stands beside it
            return DecisionsAnswer(text, at, LogFilter(), Listed(array("q"), 0), str(error))
        return DecisionsAnswer(text, at, terms, Listed(found, 0))
