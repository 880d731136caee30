"""What if: what of the rules can be changed for a look ahead, and what becomes different by it, customer by
customer.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.forecast.what_if import PlaybookChange
from core.instants import Instant
from screens.ports import Cancelled
from screens.ports.pressure import Forecast


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be changed: of a rule, trigger or channel by its name, or of the engine; as text, as
    changes are written.
    """

    subject: str
    name: str
    key: str
    value: str
    """The present one."""
    choices: tuple[str, ...] = ()
    """All there are; empty where any text may be written."""
    step: int = 0
    """What `+` and `-` add where it is a number; 0 where it is none."""
    hint: str = ""
    """How to write it."""

    def change(self, value: str) -> PlaybookChange:
        """The change that gives it another value."""
        return PlaybookChange(self.subject, self.name, self.key, value)


@dataclass(frozen=True, slots=True)
class ChangedCustomer:
    """A customer whose decisions change: how many differences, and contacts in the span before and after."""

    customer_id: int
    customer: str
    name: str
    differences: int
    had: int
    has: int


@dataclass(frozen=True, slots=True)
class DecisionSide:
    """A decision of one side."""

    at: Instant
    outcome: str
    reason: str | None
    until: Instant | None
    words: str
    """In full."""


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """What was and what would be decided for one step; `change` is None where it is the same, a side is None
    where there is nothing.
    """

    at: Instant
    trigger: str
    step: int
    channel: str | None
    before: DecisionSide | None
    after: DecisionSide | None
    change: str | None


class WhatIfPort(Protocol):
    """What is asked of changes that are only tried."""

    def options(self, cancelled: Cancelled) -> Sequence[Option]:
        """All that can be changed, with what it is now: engine, rules, channels, triggers."""
        ...

    def fault(self, changes: Sequence[PlaybookChange], cancelled: Cancelled) -> str | None:
        """Why the rules cannot be changed so, as a sentence; None where they can."""
        ...

    def customers(self, forecast: Forecast, trigger: str | None, cancelled: Cancelled) -> array[int]:
        """Whose decisions change, or those of one trigger; most differences first."""
        ...

    def customer_rows(
        self, forecast: Forecast, ids: Sequence[int], cancelled: Cancelled
    ) -> Mapping[int, ChangedCustomer]:
        """These of them."""
        ...

    def sides(self, forecast: Forecast, customer_id: int, cancelled: Cancelled) -> Sequence[ComparedStep]:
        """All decisions for the customer in the span, before and after, by instant."""
        ...

    def command(self, forecast: Forecast) -> str:
        """The command line that asks the same."""
        ...
