"""The contest against its definition, worked out hour by hour: small random customers, everything on whole
hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import advance
from core.instants import DAY, HOUR, Instant
from core.limits.pressure import Contact, PressureRule
from core.limits.quiet_hours import SendWindows
from core.model.decisions import Decision
from core.model.enrolment import Enrolment
from core.model.reasons import Reason
from core.model.triggers import Step, Trigger
from core.playbook.index import lookback
from core.playbook.playbook import Playbook
from tests.core.builders import (
    MONDAY,
    ZURICH,
    at,
    channel,
    dossier,
    enrolment,
    on,
    playbook,
    rule,
    step,
    trigger,
)

NOW = at("Wed 10:00")
HORIZON = 9 * DAY
WINDOWS = ("1d", "16h", "3d", "5d", "2 days", "calendar day", "calendar week")
FILTERS: Sequence[dict[str, Any]] = (
    {},
    {},
    {},
    {"channels": frozenset({"email"})},
    {"channels": frozenset({"sms", "print"})},
    {"purposes": frozenset({"marketing"})},
)
CHANNELS = [("email",), ("email",), ("sms",), ("email", "sms"), ("print",)]


class Weak(NamedTuple):
    """The candidate at hand, and where the oracle would have it."""

    until: Instant | None
    winner: str | None


# ---- the definition ----


@dataclass
class Oracle:
    """All sums are counted anew for every hour; nothing is shared with the engine but the windows
    themselves.
    """

    book: Playbook
    ledger: list[Contact]

    def is_legal(self, contacts: Sequence[Contact], ledger: Sequence[Contact]) -> bool:
        return not self.book.purposes[contacts[0].purpose].obeys or not any(
            self.breaks(each, contacts, ledger) for each in self.book.rules
        )

    def breaks(self, each: PressureRule, contacts: Sequence[Contact], ledger: Sequence[Contact]) -> bool:
        own, others = [c for c in contacts if each.applies_to(c)], [c for c in ledger if each.applies_to(c)]
        if each.gap is not None and any(abs(one.at - other.at) < each.gap for one in own for other in others):
            return True
        return any(
            self.is_over(each, one, later, own, others)
            for one in own
            for later in [one, *(c for c in others if c.at > one.at)]
        )

    def is_over(
        self,
        each: PressureRule,
        one: Contact,
        later: Contact,
        own: Sequence[Contact],
        others: Sequence[Contact],
    ) -> bool:
        if each.limit is None or each.window is None:
            return False
        first, last = each.window.span(later.at, ZURICH)
        if not first <= one.at <= last:
            return False
        inside = [contact for contact in [*own, *others] if first <= contact.at <= last]
        used = (
            len({contact.dispatch for contact in inside})
            if each.unit == "contacts"
            else sum(c.weight for c in inside)
        )
        return used > each.limit

    def contacts(self, of: Enrolment, names: Sequence[str], when: Instant) -> list[Contact]:
        its, number = self.trigger(of), of.step
        return [
            Contact(
                when + self.book.channels[name].lead_time, name, its.name, its.purpose, its.tags,
                self.weight(of, name),
                self.book.purposes[its.purpose].counts, f"{its.name}/{of.cause_key}/{number}",
            )
            for name in names
        ]  # fmt: skip

    def trigger(self, of: Enrolment) -> Trigger:
        return next(each for each in self.book.triggers if each.name == of.trigger)

    def step(self, of: Enrolment) -> Step:
        return self.trigger(of).steps[of.step - 1]

    def weight(self, of: Enrolment, name: str) -> int:
        own = self.step(of).weight
        return self.book.channels[name].weight if own is None else own

    def rank(self, of: Enrolment) -> tuple[int, int, Instant, str]:
        taken = self.step(of).channels if self.step(of).mode == "all" else self.step(of).channels[:1]
        return (
            -self.trigger(of).priority,
            -sum(self.weight(of, name) for name in taken),
            of.planned_at,
            of.trigger,
        )

    def is_open(self, names: Sequence[str], when: Instant) -> bool:
        windows: list[SendWindows] = [self.book.channels[name].send_windows for name in names]
        return all(each.opens(when, ZURICH) == when for each in windows)

    def first(
        self, of: Enrolment, names: Sequence[str], begin: Instant, ledger: Sequence[Contact]
    ) -> Instant | None:
        """The first hour that is open and legal."""
        for when in range(begin, of.planned_at + self.step(of).expires + 1, HOUR):
            if self.is_open(names, when) and self.is_legal(self.contacts(of, names, when), ledger):
                return when
        return None

    def goes(self, of: Enrolment, ledger: Sequence[Contact]) -> list[Contact]:
        """Where a step goes out once it is due, as section 4 has it."""
        its, begin = self.step(of), max(NOW, of.due_at or 0)
        ends = of.planned_at + its.expires
        if its.on_limit == "fallback" and its.mode == "first":
            return self.falls_back(of, begin, ledger)
        names = its.channels if its.mode == "all" else its.channels[:1]
        if its.on_limit == "drop":
            opening = next((w for w in range(begin, ends + 1, HOUR) if self.is_open(names, w)), None)
            fits = opening is not None and self.is_legal(self.contacts(of, names, opening), ledger)
            return self.contacts(of, names, opening) if opening is not None and fits else []
        when = self.first(of, names, begin, ledger)
        return [] if when is None else self.contacts(of, names, when)

    def falls_back(self, of: Enrolment, begin: Instant, ledger: Sequence[Contact]) -> list[Contact]:
        when: Instant | None = begin
        while when is not None:
            roomy = [
                name
                for name in self.step(of).channels
                if self.is_legal(self.contacts(of, [name], when), ledger)
            ]
            if roomy and self.is_open(roomy[:1], when):
                return self.contacts(of, roomy[:1], when)
            tried = roomy[:1] or self.step(of).channels
            when = min(
                (x for name in tried if (x := self.first(of, [name], when, ledger)) is not None), default=None
            )
        return []

    def decide(self, weak: Enrolment, names: Sequence[str], others: Sequence[Enrolment]) -> Weak:
        """Whether the weak one, which could go now over these channels, must wait, and for whom."""
        purpose = self.book.purposes[self.trigger(weak).purpose]
        own, ends = self.contacts(weak, names, NOW), weak.planned_at + self.step(weak).expires
        admitted, mine = list(self.ledger), list(self.ledger)
        winners: list[tuple[str, Instant, list[Contact]]] = []
        binding = [each for each in self.book.rules if any(each.applies_to(contact) for contact in own)]
        latest = max((max(c.at for c in own) + lookback(each) for each in binding), default=0)
        for rival in sorted((each for each in others if self.rank(each) < self.rank(weak)), key=self.rank):
            contacts = self.goes(rival, admitted)
            when = contacts[0].at - self.book.channels[contacts[0].channel].lead_time if contacts else 0
            if when > latest:
                continue
            admitted += [contact for contact in contacts if contact.counts]
            if contacts and contacts[0].counts and when <= ends:
                mine += contacts
                winners.append((rival.trigger, when, contacts))
            if purpose.obeys and purpose.counts and not self.is_legal(own, mine):
                without = [[each for each in mine if each not in its] for _, _, its in winners]
                name, when, _ = next(won for won, rest in zip(winners, without) if self.is_legal(own, rest))
                return Weak(when, name)
        return Weak(None, None)


# ---- random customers ----


def a_step(lot: Random) -> Step:
    return step(
        *lot.choice(CHANNELS),
        expires=lot.choice([6 * HOUR, DAY, 3 * DAY, 7 * DAY]),
        on_limit=lot.choice(["defer", "defer", "drop", "fallback"]),
        mode=lot.choice(["first", "first", "first", "all"]),
        weight=lot.choice([None, None, 500, 2500]),
    )


def a_trigger(lot: Random, name: str) -> Trigger:
    purpose = lot.choice(["marketing"] * 6 + ["service", "transactional", "probe"])
    priority = lot.choice([20, 20, 50] if name == "a" else [20, 50, 80])
    return trigger(name, on(name), a_step(lot), priority=priority, purpose=purpose)


def a_rule(lot: Random, name: str) -> PressureRule:
    unit, filters = lot.choice(["contacts", "contacts", "points", "gap"]), lot.choice(FILTERS)
    if unit == "gap":
        return rule(name, None, gap=lot.choice([3 * HOUR, 16 * HOUR]), **filters)
    return rule(
        name,
        lot.choice([1, 2, 3] if unit == "contacts" else [2500, 4000, 6000]),
        lot.choice(WINDOWS),
        unit=unit,
        **filters,
    )


def a_playbook(lot: Random) -> Playbook:
    return playbook(
        *(a_trigger(lot, name) for name in "abcdefgh"[: lot.randint(2, 8)]),
        rules=[a_rule(lot, f"rule-{number}") for number in range(lot.choice([1, 1, 2, 3]))],
        channels=[
            channel("email", lot.choice([None, None, "Mon-Sun 07:00-21:00"])),
            channel("sms", lot.choice([None, "Mon-Sat 09:00-20:00"]), weight=2000),
            channel("print", lead_time=lot.choice([0, 3 * DAY]), weight=3000),
        ],
    )


def past(lot: Random, number: int) -> Contact:
    when = NOW - lot.randrange(5 * 24) * HOUR
    return Contact(
        when,
        lot.choice(["email", "sms"]),
        "z",
        "marketing",
        frozenset(),
        lot.choice([1000, 2000]),
        True,
        f"z/{number}",
    )


def under_way(lot: Random, book: Playbook) -> list[Enrolment]:
    """The first trigger's step is due now, those of the others later."""
    weak, *others = book.triggers
    return [
        enrolment(weak, NOW),
        *(enrolment(each, NOW + lot.randrange(1, 4 * 24) * HOUR) for each in others),
    ]


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31))
def test_who_could_go_now_waits_exactly_for_whom_the_definition_names(number: int) -> None:
    lot = Random(number)
    book = a_playbook(lot)
    contacts = tuple(past(lot, each) for each in range(lot.choice([0, 0, 1, 2])))
    weak, *others = under_way(lot, book)
    known = dossier(settled_until=MONDAY, contacts=contacts, enrolments=(weak, *others))
    decisions = advance(known, book, NOW).decisions
    greedy = advance(known, replace(book, look_ahead=False), NOW).decisions
    if not decisions or greedy[0].outcome != "send":
        assert said(decisions) == said(greedy)
        return
    expected = Oracle(book, list(contacts)).decide(weak, [each.channel or "" for each in greedy], others)
    assert (decisions[0].outcome, decisions[0].until) == (
        "send" if expected.until is None else "defer",
        expected.until,
    )
    if expected.winner is not None:
        assert decisions[0].reason is Reason.LOWER_PRIORITY
        assert f"gives way to {expected.winner} " in decisions[0].objections[0].detail


def said(decisions: Sequence[Decision]) -> list[tuple[str, str, str | None, Instant | None]]:
    return [(each.trigger, each.outcome, each.reason, each.until) for each in decisions]
