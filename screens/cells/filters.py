"""What is written into the filter line of a log, as terms: `trigger:basket !reason:pressure since:yesterday`.
Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import ManometerError
from core.filters import read_words
from core.instants import Instant, day_start, from_local, local, parse_duration, parse_instant
from screens.ports.terms import LogFilter

SYNONYMS: Final[Mapping[str, str]] = {
    "decided": "send", "later": "defer", "never": "suppress", "held": "hold",
    "deferred": "defer", "suppressed": "suppress", "blocked": "suppress", "waiting": "defer",
}  # fmt: skip
"""What people write for an outcome."""


OF_EVERY_LOG: Final = ("customer", "since", "until")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the filter lines of one log: which fields it has, beside `customer`, `since` and `until`; times
    are those of a zone.
    """

    fields: Collection[str]
    now: Instant
    zone: ZoneInfo
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by field

    def terms(self, text: str) -> LogFilter:
        """What the line asks for; ManometerError otherwise. A field without a value yet, as while typing,
        asks for nothing.
        """
        terms = LogFilter()
        for word in read_words(text, (*self.fields, *OF_EVERY_LOG)):
            terms = self._with(terms, word.field or "word", word.text, word.is_inverse)
        return terms

    def _with(self, terms: LogFilter, name: str, value: str, negated: bool) -> LogFilter:
        if name in OF_EVERY_LOG and negated:
            raise ManometerError(f"!{name}: cannot be turned round. Leave out the !.")
        if name == "customer":
            return replace(terms, customer=value)
        if name == "since":
            return replace(terms, since=self._instant(value, name))
        if name == "until":
            return replace(terms, until=self._instant(value, name))
        term = (name, self._meant(name, value))
        return (
            replace(terms, without=(*terms.without, term))
            if negated
            else replace(terms, only=(*terms.only, term))
        )

    def _meant(self, name: str, value: str) -> str:
        """The field's own word for what was written; a word without a field may be of any."""
        tables = self.synonyms.values() if name == "word" else [self.synonyms.get(name, {})]
        return next((table[value.lower()] for table in tables if value.lower() in table), value)

    def _instant(self, value: str, name: str) -> Instant:
        """`today`, `yesterday`, `3d` (so long ago), a day, or an instant."""
        today = local(self.now, self.zone).date()
        days = {"today": 0, "yesterday": 1}
        if value.lower() in days:
            return day_start(today - timedelta(days=days[value.lower()]), self.zone)
        try:
            return self.now - parse_duration(value)
        except ValueError:
            return self._written(value, name)

    def _written(self, value: str, name: str) -> Instant:
        try:
            if len(value) == len("2025-11-03"):
                day = date.fromisoformat(value)
                return from_local(datetime(day.year, day.month, day.day), self.zone)  # noqa: DTZ001 - local wall-clock time
            return parse_instant(value, self.zone)
        except ValueError:
            raise ManometerError(
                f"{name}:{value[:40]} is no time. Write {name}:2025-11-03, {name}:2025-11-03T18:00 or "
                f"{name}:3d."
            ) from None
