"""What a preview adds up: counts by day, trigger, channel, outcome and reason, and the pressure on the customers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from core.decisions import Decision
from core.instants import local_date

MOST_PRESSED: Final = 10


class Cell(NamedTuple):
    """One cell of the totals; the day is the workspace's local one, as `YYYY-MM-DD`."""

    day: str
    trigger: str
    channel: str | None
    outcome: str
    reason: str | None


class Pressed(NamedTuple):
    """A customer with the contacts and points (thousandths) she would get."""

    contacts: int
    points: int
    customer: str


@dataclass(slots=True)
class Totals:
    """Sums that can be added to each other, so that parts of a preview may be made anywhere."""

    customers: int = 0
    decisions: int = 0
    cells: Counter[Cell] = field(default_factory=Counter)
    contacts: Counter[int] = field(default_factory=Counter)  # contacts in the span -> customers
    rules: Counter[str] = field(default_factory=Counter)  # rule -> decisions it held back
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)  # day deferred from -> day deferred to
    pressed: list[Pressed] = field(default_factory=list)

    def add(self, customer: str, decisions: Sequence[Decision], zone: ZoneInfo) -> None:
        """Count one customer's decisions."""
        self.customers += 1
        self.decisions += len(decisions)
        dispatches: set[str] = set()
        points = 0
        for decision in decisions:
            day = local_date(decision.at, zone).isoformat()
            self.cells[Cell(day, decision.trigger, decision.channel, decision.outcome, decision.reason)] += 1
            for rule in decision.rules:
                self.rules[rule.rule] += 1
            if decision.outcome == "defer" and decision.until is not None:
                self.moves[day, local_date(decision.until, zone).isoformat()] += 1
            if decision.message is not None and decision.message.contact.counts:
                dispatches.add(decision.message.contact.dispatch)
                points += decision.message.contact.weight
        self.contacts[len(dispatches)] += 1
        if dispatches:
            self._press(Pressed(len(dispatches), points, customer))

    def _press(self, pressed: Pressed) -> None:
        self.pressed.append(pressed)
        if len(self.pressed) > 20 * MOST_PRESSED:
            self.pressed = nlargest(MOST_PRESSED, self.pressed)

    def merge(self, other: Totals) -> None:
        """Take in another part."""
        self.customers += other.customers
        self.decisions += other.decisions
        self.cells.update(other.cells)
        self.contacts.update(other.contacts)
        self.rules.update(other.rules)
        self.moves.update(other.moves)
        self.pressed = nlargest(MOST_PRESSED, self.pressed + other.pressed)

    def by(self, *names: str) -> dict[tuple[str | None, ...], Counter[str]]:
        """Outcomes by the named parts of the cells, in order."""
        found: dict[tuple[str | None, ...], Counter[str]] = {}
        for cell, number in self.cells.items():
            key = tuple(getattr(cell, name) for name in names)
            found.setdefault(key, Counter())[cell.outcome] += number
        return dict(sorted(found.items(), key=lambda entry: tuple(part or "" for part in entry[0])))

    def most_pressed(self) -> list[Pressed]:
        """The customers who would get most, most first."""
        return nlargest(MOST_PRESSED, self.pressed)
