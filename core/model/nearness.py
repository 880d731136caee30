"""How far a customer is from what would make a trigger fire: the question, and the answer in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from core.instants import Instant
from core.language import ConditionClause
from core.model.events import Event
from core.model.predicate import Predicate
from core.model.triggers import Trigger
from core.model.when import PlayedCustomer

ExplainCondition: TypeAlias = Callable[[Predicate, Event | None], Sequence[ConditionClause]]
"""The clauses of a condition, asked of the customer beside an event."""


@dataclass(frozen=True, slots=True)
class EntryQuestion:
    """What is asked about one customer and one trigger; instants are told in `zone`, amounts in `currency`.

    `events` are the customer's latest of the names the trigger enters on, oldest first.
    """

    trigger: Trigger
    customer: PlayedCustomer
    events: Sequence[Event]
    zone: ZoneInfo
    currency: str
    explain: ExplainCondition


class Nearness(NamedTuple):
    """Whether the customer's cause is there, the words for it, and when it comes by itself (None: it needs an
    act, or never comes).
    """

    holds: bool
    detail: str
    comes: Instant | None = None
    short: str = ""
    """The same in a few words, where the detail is long."""

    @property
    def brief(self) -> str:
        """A few words."""
        return self.short or self.detail
