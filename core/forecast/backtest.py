"""What a trigger would have done in the past: whom it would have reached, what it would have pushed aside,
and what those people did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from core.forecast.diff import DecisionDifference, Diff
from core.forecast.preview import PreviewCustomer, Totals
from core.instants import DAY, Instant, Millis
from core.model.decisions import Decision
from core.model.enrolment import Enrolment
from core.model.events import FIRST, ORDER_COMPLETED, Event

AFTERWARDS: Final[Millis] = 7 * DAY
"""How long after the first message of a customer orders are counted."""


@dataclass(slots=True)
class Afterwards:
    """What those it would have reached did within `AFTERWARDS` of their first message, without having got it;
    money in minor units.
    """

    customers: int = 0
    ordered: int = 0  # customers with at least one order
    orders: int = 0
    revenue: int = 0


@dataclass(slots=True)
class Backtested:
    """Sums of a backtest that can be added to each other: `own` of the trigger's decisions, `aside` of all
    others without and with it.
    """

    own: Totals = field(default_factory=Totals)
    aside: Diff = field(default_factory=Diff)
    entered: int = 0  # enrolments
    held_out: int = 0
    afterwards: Afterwards = field(default_factory=Afterwards)

    def add(
        self,
        person: PreviewCustomer,
        own: Sequence[Decision],
        sides: tuple[Sequence[Decision], Sequence[Decision]],
        zone: ZoneInfo,
        found: Sequence[DecisionDifference],
    ) -> None:
        """Count one customer: the trigger's decisions, and all others without and with it."""
        self.own.add(person, own, zone)
        self.aside.add(person, *sides, found, zone)

    def enter(self, enrolments: Iterable[Enrolment]) -> None:
        """Count the enrolments that the span began."""
        for enrolment in enrolments:
            if enrolment.state == "holdout":
                self.held_out += 1
            else:
                self.entered += 1

    def follow(self, own: Sequence[Decision], events: Iterable[Event]) -> None:
        """Count what a customer did after the first message, where there would have been one."""
        first = first_message(own)
        if first is None:
            return
        orders = [
            each
            for each in events
            if each.name == ORDER_COMPLETED
            and each.standing == FIRST
            and first < each.occurred_at <= first + AFTERWARDS
        ]
        self.afterwards.customers += 1
        self.afterwards.ordered += bool(orders)
        self.afterwards.orders += len(orders)
        self.afterwards.revenue += sum(order.amount or 0 for order in orders)

    def merge(self, other: Backtested) -> None:
        """Take in another part."""
        self.own.merge(other.own)
        self.aside.merge(other.aside)
        self.entered += other.entered
        self.held_out += other.held_out
        for name in Afterwards.__slots__:
            setattr(self.afterwards, name, getattr(self.afterwards, name) + getattr(other.afterwards, name))


def first_message(decisions: Sequence[Decision]) -> Instant | None:
    """When the first message would have gone out."""
    return min((decision.at for decision in decisions if decision.outcome == "send"), default=None)
