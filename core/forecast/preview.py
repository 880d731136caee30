"""What a preview adds up: counts by day, trigger, channel, outcome and reason, and the pressure on the
customers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from heapq import nlargest
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from core.instants import Instant, local_date
from core.limits.pressure import POINT, Contact, Ledger, PressureRule, load, within
from core.limits.windows import Span
from core.model.decisions import Decision
from core.model.fates import Fate, fate_of_decision
from core.model.reasons import Reason
from core.playbook.playbook import Channel, Playbook

MOST_PRESSED: Final = 50
FORETOLD_FATES: Final = (
    Fate.DECIDED, Fate.WAITS_FOR_APPROVAL, Fate.LATER, Fate.HELD, Fate.GOAL_REACHED, Fate.NEVER,
)  # fmt: skip
"""What can become of something in a preview; of what waits in the outbox and goes out too, `decided`."""
HELD_BACK: Final = (Fate.WAITS_FOR_APPROVAL, Fate.LATER, Fate.HELD, Fate.NEVER)
"""What does not go out, or not at once; a goal that was reached is a success."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""Under such a name a preview can be kept."""


def fault_of_name(name: str) -> str | None:
    """Why a preview cannot be kept under a name; None where it can."""
    if NAME.fullmatch(name) is not None:
        return None
    remedy = "Use letters, digits, '-', '_' and '.', at most 60, a letter or digit first."
    return f"{name[:80]!r} is no name for a preview. {remedy}"


class PreviewCell(NamedTuple):
    """One cell of the totals; the day is the workspace's local one, as `YYYY-MM-DD`."""

    day: str
    trigger: str
    channel: str | None
    outcome: str
    reason: str | None

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        return fate_of_decision(self.outcome, self.reason)


class Fullness(NamedTuple):
    """The fullest window of a rule: contacts, or thousandths of a point where the rule counts points."""

    rule: str
    load: int
    limit: int


class PreviewLimit(NamedTuple):
    """A rule's limit: contacts, or thousandths of a point."""

    rule: str
    limit: int
    unit: str

    @property
    def shown(self) -> float:
        """The number as the files have it."""
        return self.limit if self.unit == "contacts" else self.limit / POINT


class PressedCustomer(NamedTuple):
    """A customer with the contacts and points (thousandths) that would come, and the rule that comes nearest
    to its limit.
    """

    contacts: int
    points: int
    customer: str
    id: int = 0
    fullest: Fullness | None = None


class PreviewCustomer(NamedTuple):
    """A customer in a preview: key, row, and the fullest window of each rule that counts any contact."""

    key: str
    id: int = 0
    fullness: Sequence[Fullness] = ()


class Over(NamedTuple):
    """A day on which a channel would be asked for more than it can take."""

    day: str
    channel: str
    asked: int
    capacity: int


class ChannelDemand(NamedTuple):
    """What a channel with a capacity is asked for on a day, and what it takes on that day within its send
    windows.
    """

    day: str
    channel: str
    asked: int
    capacity: int

    @property
    def share(self) -> float:
        """How much of the capacity is asked for; above 1 the rest waits."""
        return self.asked / self.capacity if self.capacity else float("inf")


@dataclass(slots=True)
class Totals:
    """Sums that can be added to each other, so that parts of a preview may be made anywhere."""

    looked_at: int = 0  # customers whose future was played
    customers: int = 0  # those of them for whom anything is decided; all counts of customers are of these
    decisions: int = 0
    cells: Counter[PreviewCell] = field(default_factory=Counter)
    contacts: Counter[int] = field(default_factory=Counter)  # contacts in the span -> customers
    reached: Counter[tuple[str, str | None]] = field(
        default_factory=Counter
    )  # day, channel (None: any) -> customers who get something
    fullness: Counter[tuple[str, int]] = field(
        default_factory=Counter
    )  # rule, load of its fullest window (above 0) -> customers
    held_by: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # rule, trigger -> decisions it held back
    held_customers: Counter[str] = field(default_factory=Counter)  # rule -> customers it holds back
    joined: Counter[tuple[str, str | None]] = field(
        default_factory=Counter
    )  # day, channel -> sends that another's message carries
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)  # day deferred from -> day deferred to
    beats: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # winner, loser -> decisions in which the one had the other's room
    imagined: Counter[PreviewCell] = field(
        default_factory=Counter
    )  # those of the cells that come of events which are only imagined
    already: Counter[PreviewCell] = field(
        default_factory=Counter
    )  # those of the cells that were decided before and wait in the outbox
    pressed: list[PressedCustomer] = field(default_factory=list)

    def add(
        self,
        person: PreviewCustomer,
        decisions: Sequence[Decision],
        zone: ZoneInfo,
        already: Sequence[Decision] = (),
    ) -> None:
        """Count one customer's decisions; who has none is looked at and nothing more. Some of them were taken
        `already`, and wait in the outbox.
        """
        self.looked_at += 1
        if not decisions:
            return
        self.customers += 1
        self.decisions += len(decisions)
        reached: set[tuple[str, str | None]] = set()
        holding: set[str] = set()
        points = 0
        for decision in decisions:
            day = _day(decision.at, zone)
            self.cells[_cell(decision, day)] += 1
            for rule in decision.rules:
                self.held_by[rule.rule, decision.trigger] += 1
                holding.add(rule.rule)
            if decision.reason is not None:
                self.beats.update((winner, decision.trigger) for winner in winners(decision))
            if decision.outcome == "send":
                reached.update(((day, decision.channel), (day, None)))
                if decision.joins is not None:
                    self.joined[day, decision.channel] += 1
            elif decision.outcome == "defer" and decision.until is not None:
                self.moves[day, _day(decision.until, zone)] += 1
            if decision.message is not None and decision.message.contact.counts:
                points += decision.message.contact.weight
        self.already.update(_cell(decision, _day(decision.at, zone)) for decision in already)
        contacts = contacts_in(decisions)
        self.contacts[contacts] += 1
        for key in reached:
            self.reached[key] += 1
        self.held_customers.update(holding)
        for full in person.fullness:
            self.fullness[full.rule, full.load] += 1
        if contacts:
            self._press(
                PressedCustomer(
                    contacts, points, person.key, person.id, max(person.fullness, key=_share, default=None)
                )
            )

    def _press(self, pressed: PressedCustomer) -> None:
        self.pressed.append(pressed)
        if len(self.pressed) > 20 * MOST_PRESSED:
            self.trim()

    def trim(self) -> None:
        """Forget who is surely not among the most pressed, as before the sums are sent on."""
        self.pressed = nlargest(MOST_PRESSED, self.pressed)

    def merge(self, other: Totals) -> None:
        """Take in another part."""
        self.looked_at += other.looked_at
        self.customers += other.customers
        self.decisions += other.decisions
        self.cells.update(other.cells)
        self.contacts.update(other.contacts)
        self.reached.update(other.reached)
        self.fullness.update(other.fullness)
        self.held_by.update(other.held_by)
        self.held_customers.update(other.held_customers)
        self.moves.update(other.moves)
        self.beats.update(other.beats)
        self.imagined.update(other.imagined)
        self.already.update(other.already)
        self.joined.update(other.joined)
        self.pressed = nlargest(MOST_PRESSED, self.pressed + other.pressed)

    def by(self, *names: str) -> dict[tuple[str | None, ...], Counter[str]]:
        """Outcomes by the named parts of the cells, in order."""
        found: dict[tuple[str | None, ...], Counter[str]] = {}
        for cell, number in self.cells.items():
            key = tuple(getattr(cell, name) for name in names)
            found.setdefault(key, Counter())[cell.outcome] += number
        return dict(sorted(found.items(), key=lambda entry: tuple(part or "" for part in entry[0])))

    def fates(self, *names: str) -> dict[tuple[str | None, ...], Counter[Fate]]:
        """What becomes of what is decided, by the named parts of the cells, in order."""
        found: dict[tuple[str | None, ...], Counter[Fate]] = {}
        for cell, number in self.cells.items():
            key = tuple(getattr(cell, name) for name in names)
            found.setdefault(key, Counter())[cell.fate] += number
        return dict(sorted(found.items(), key=lambda entry: tuple(part or "" for part in entry[0])))

    @property
    def anew(self) -> Counter[PreviewCell]:
        """The cells without what was decided already."""
        return self.cells - self.already

    @property
    def rules(self) -> Counter[str]:
        """Decisions that each rule held back."""
        found: Counter[str] = Counter()
        for (rule, _), number in self.held_by.items():
            found[rule] += number
        return found

    def full(self, limit: PreviewLimit) -> int:
        """Customers whose fullest window of the rule reaches its limit."""
        return sum(
            people
            for (rule, load), people in self.fullness.items()
            if rule == limit.rule and load >= limit.limit
        )

    def most_pressed(self, most: int = 10) -> list[PressedCustomer]:
        """The customers who would get most, most first."""
        return nlargest(most, self.pressed)

    def over_capacity(self, capacities: Mapping[str, int]) -> Iterator[Over]:
        """The days on which a channel would be asked for more than its capacity a day; without one it takes
        any number.
        """
        for (channel, day), outcomes in self.by("channel", "day").items():
            capacity = capacities.get(channel) if channel is not None else None
            if channel is None or day is None or capacity is None:
                continue
            asked = outcomes["send"] - self.joined[day, channel]
            if asked > capacity:
                yield Over(day, channel, asked, capacity)

    def asked(self, channels: Mapping[str, Channel]) -> Iterator[ChannelDemand]:
        """What each channel with a capacity is asked for, day by day, beside what it takes on that day."""
        for (name, day), outcomes in self.by("channel", "day").items():
            channel = channels.get(name) if name is not None else None
            if channel is None or channel.capacity is None or day is None:
                continue
            asked = outcomes["send"] - self.joined[day, name]
            if asked:
                yield ChannelDemand(day, channel.name, asked, capacity_on(channel, date.fromisoformat(day)))


def _day(at: Instant, zone: ZoneInfo) -> str:
    return _written(local_date(at, zone))


@lru_cache(maxsize=4_096)
def _written(day: date) -> str:
    return day.isoformat()


def _share(full: Fullness) -> float:
    """How much of the limit is used; a limit of nothing counts as full."""
    return full.load / full.limit if full.limit else float("inf")


def daily_capacities(playbook: Playbook) -> dict[str, int]:
    """How many each channel takes a day, of those that have a capacity of that kind."""
    capacities = {name: channel.capacity for name, channel in playbook.channels.items()}
    return {
        name: capacity[0]
        for name, capacity in capacities.items()
        if capacity is not None and capacity[1] == "day"
    }


_PER_DAY: Final = {"hour": 24, "minute": 1_440}


def capacity_on(channel: Channel, day: date) -> int:
    """How many a channel with a capacity takes on a local day; one per hour or minute only within that day's
    send windows.
    """
    number, unit = channel.capacity or (0, "day")
    return (
        number if unit == "day" else number * _PER_DAY[unit] * channel.send_windows.open_minutes(day) // 1_440
    )


def winners(decision: Decision) -> set[str]:
    """The triggers that have the room a decision did not get: the one it gives way to, and those whose
    contacts fill its windows.
    """
    named = {
        objection.by
        for objection in decision.objections
        if objection.by is not None and objection.reason is decision.reason
    }
    if named or decision.reason is Reason.LOWER_PRIORITY:
        return named
    return {contact.trigger for rule in decision.rules for contact in rule.counted}


def cell(decision: Decision, zone: ZoneInfo) -> PreviewCell:
    """Where a decision is counted."""
    return _cell(decision, _day(decision.at, zone))


def _cell(decision: Decision, day: str) -> PreviewCell:
    return PreviewCell(day, decision.trigger, decision.channel, decision.outcome, decision.reason)


def contacts_in(decisions: Sequence[Decision]) -> int:
    """How many counted contacts they plan; the channels of one dispatch are one."""
    return len(
        {
            each.message.contact.dispatch
            for each in decisions
            if each.message is not None and each.message.contact.counts
        }
    )


# ---- windows ----


def limits_of(rules: Iterable[PressureRule]) -> tuple[PreviewLimit, ...]:
    """The limits of those rules that have one."""
    return tuple(PreviewLimit(rule.name, rule.limit, rule.unit) for rule in rules if rule.limit is not None)


def fullness(
    rules: Sequence[PressureRule], ledger: Ledger, span: Span, zone: ZoneInfo
) -> tuple[Fullness, ...]:
    """The fullest window that each rule with a limit has at any instant of the span, past contacts counted;
    empty windows are left out.
    """
    if not len(ledger):
        return ()
    found = (
        (rule, rule.limit, fullest(rule, ledger, span, zone))
        for rule in rules
        if rule.limit is not None and rule.window is not None
    )
    return tuple(
        Fullness(rule.name, most, limit) for rule, limit, most in found if most and limit is not None
    )


def fullest(rule: PressureRule, ledger: Ledger, span: Span, zone: ZoneInfo) -> int:
    """What the rule's fullest window of the span holds: dispatches, or thousandths of a point; 0 for a rule
    without a window.

    A window fills only when a contact lands, so those that end at a landing are looked at, and the one at the
    begin.
    """
    counted = ledger.counted_by(rule)
    if not counted or rule.window is None:
        return 0
    instants = [span.first, *(contact.at for contact in counted if span.first < contact.at <= span.last)]
    return max(load(rule, within(counted, rule.window.span(at, zone))) for at in instants)


def contacts_until(contacts: Sequence[Contact], decisions: Sequence[Decision], at: Instant) -> Ledger:
    """Past contacts and those of the decisions, as far as they count at an instant."""
    return Ledger(
        [*contacts, *(decision.message.contact for decision in decisions if decision.message is not None)],
        as_of=at,
    )
