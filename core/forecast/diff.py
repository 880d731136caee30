"""What becomes different between two futures of the same customers: decisions added, removed, moved or
changed, and the sums of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from core.forecast.preview import PreviewCustomer, PreviewLimit, Totals, contacts_in
from core.instants import Instant
from core.model.decisions import Decision

Kind = Literal["added", "removed", "moved", "changed"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MOST_CHANGED: Final = 50


class DecisionDifference(NamedTuple):
    """One decision that is not the same; `before` is None where it is added, `after` where it is removed."""

    change: Kind
    before: Decision | None
    after: Decision | None

    @property
    def either(self) -> Decision:
        """The decision after the change, or the one that is no longer taken."""
        found = self.before if self.after is None else self.after
        assert found is not None
        return found

    @property
    def at(self) -> Instant:
        """The earlier instant of the two."""
        return min(decision.at for decision in (self.before, self.after) if decision is not None)


Row = tuple[Instant, str, str, int, str | None, str, str | None, Instant | None]
_Place = tuple[str, str, int, str | None]


def row_of(decision: Decision) -> Row:
    """What two decisions must share to be the same."""
    return (
        decision.at, decision.trigger, decision.cause_key, decision.step, decision.channel, decision.outcome,
        decision.reason,
        decision.until,
    )  # fmt: skip


def only_in(decisions: Sequence[Decision], others: Sequence[Decision]) -> list[Decision]:
    """The decisions that are not among the others, each of which stands for one."""
    rest = Counter(map(row_of, others))
    found = []
    for decision in decisions:
        row = row_of(decision)
        if rest[row]:
            rest[row] -= 1
        else:
            found.append(decision)
    return found


def differences(before: Sequence[Decision], after: Sequence[Decision]) -> list[DecisionDifference]:
    """What is different for one customer, by instant; the same rows in both leave nothing.

    Decisions on the same trigger, cause, step and channel belong together, the last with the last: there the
    outcome is.
    """
    if list(map(row_of, before)) == list(map(row_of, after)):
        return []
    places: dict[_Place, tuple[list[Decision], list[Decision]]] = {}
    for side, decisions in enumerate((only_in(before, after), only_in(after, before))):
        for decision in decisions:
            place = (decision.trigger, decision.cause_key, decision.step, decision.channel)
            places.setdefault(place, ([], []))[side].append(decision)
    found = [each for old, new in places.values() for each in _paired(old, new)]
    return sorted(found, key=lambda each: (each.at, each.either.trigger, each.either.step))


def _paired(old: list[Decision], new: list[Decision]) -> Iterator[DecisionDifference]:
    both = min(len(old), len(new))
    for decision in old[: len(old) - both]:
        yield DecisionDifference("removed", decision, None)
    for decision in new[: len(new) - both]:
        yield DecisionDifference("added", None, decision)
    for before, after in zip(old[len(old) - both :], new[len(new) - both :]):
        is_moved = (before.outcome, before.reason) == (after.outcome, after.reason)
        yield DecisionDifference("moved" if is_moved else "changed", before, after)


class Aligned(NamedTuple):
    """A decision on both sides, or on one where there is none on the other; `change` is None where both are
    the same.
    """

    change: Kind | None
    before: Decision | None
    after: Decision | None

    @property
    def at(self) -> Instant:
        """The earlier instant of the two."""
        return min(decision.at for decision in (self.before, self.after) if decision is not None)


def side_by_side(
    before: Sequence[Decision], after: Sequence[Decision], found: Sequence[DecisionDifference]
) -> list[Aligned]:
    """All decisions of one customer on both sides, of which `found` are the differences, by instant."""
    differing = {id(decision) for each in found for decision in (each.before, each.after)}
    same: dict[Row, list[Decision]] = {}
    for decision in reversed(after):
        if id(decision) not in differing:
            same.setdefault(row_of(decision), []).append(decision)
    aligned = [Aligned(None, each, same[row_of(each)].pop()) for each in before if id(each) not in differing]
    return sorted([*aligned, *(Aligned(*each) for each in found)], key=lambda each: each.at)


# ---- sums ----


class CustomerChange(NamedTuple):
    """A customer whose decisions change: how many differences, and the contacts in the span before and
    after.
    """

    differences: int
    before: int
    after: int
    customer: str
    id: int = 0


class RuleSide(NamedTuple):
    """How a rule holds on one side: customers whose fullest window reaches its limit, customers and decisions
    it holds back.

    Where it has no limit, and where windows were not asked for, `limit` and `full` are None.
    """

    limit: float | None
    full: int | None
    customers: int
    decisions: int


@dataclass(slots=True)
class Sides:
    """The outcomes of something before and after."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Diff:
    """Sums of a comparison that can be added to each other; `before` and `after` are the two previews in
    full.
    """

    before: Totals = field(default_factory=Totals)
    after: Totals = field(default_factory=Totals)
    customers: int = 0  # whose decisions change
    changes: Counter[tuple[str, str | None, str]] = field(
        default_factory=Counter
    )  # trigger, channel, kind of change -> decisions
    gaining: Counter[str] = field(default_factory=Counter)  # trigger -> customers who get more of it
    losing: Counter[str] = field(default_factory=Counter)  # trigger -> customers who get less of it
    contacts: Counter[tuple[int, int]] = field(
        default_factory=Counter
    )  # contacts before, after -> customers whose decisions change
    changed: list[CustomerChange] = field(default_factory=list)

    def add(
        self,
        person: PreviewCustomer,
        before: Sequence[Decision],
        after: Sequence[Decision],
        found: Sequence[DecisionDifference],
        zone: ZoneInfo,
        afterwards: PreviewCustomer | None = None,
    ) -> None:
        """Count one customer: the decisions on both sides and their differences; `afterwards` is the customer
        with the windows after the change.
        """
        self.before.add(person, before, zone)
        self.after.add(afterwards or person, after, zone)
        if found:
            self._note(person, before, after, found)

    def _note(
        self,
        person: PreviewCustomer,
        before: Sequence[Decision],
        after: Sequence[Decision],
        found: Sequence[DecisionDifference],
    ) -> None:
        self.customers += 1
        self.changes.update((each.either.trigger, each.either.channel, each.change) for each in found)
        old, new = _sends(before), _sends(after)
        self.gaining.update(name for name in new if new[name] > old[name])
        self.losing.update(name for name in old if old[name] > new[name])
        had, has = contacts_in(before), contacts_in(after)
        self.contacts[had, has] += 1
        self.changed.append(CustomerChange(len(found), had, has, person.key, person.id))
        if len(self.changed) > 20 * MOST_CHANGED:
            self.changed = self.most_changed(MOST_CHANGED)

    def merge(self, other: Diff) -> None:
        """Take in another part."""
        self.before.merge(other.before)
        self.after.merge(other.after)
        self.customers += other.customers
        for name in ("changes", "gaining", "losing", "contacts"):
            getattr(self, name).update(getattr(other, name))
        self.changed = nlargest(MOST_CHANGED, self.changed + other.changed)

    def by(self, *names: str) -> dict[tuple[str | None, ...], Sides]:
        """Outcomes before and after by the named parts of the cells, in order."""
        before, after = self.before.by(*names), self.after.by(*names)
        keys = sorted(before.keys() | after.keys(), key=lambda key: tuple(part or "" for part in key))
        return {key: Sides(before.get(key, Counter()), after.get(key, Counter())) for key in keys}

    def rules(
        self, before: Iterable[PreviewLimit], after: Iterable[PreviewLimit]
    ) -> dict[str, tuple[RuleSide, RuleSide]]:
        """How each rule holds before and after, by name in order: those with these limits, and those that
        hold anything back.
        """
        limits = {each.rule: each for each in before}, {each.rule: each for each in after}
        names = (
            limits[0].keys()
            | limits[1].keys()
            | self.before.held_customers.keys()
            | self.after.held_customers.keys()
        )
        sides = (self.before, self.before.rules, limits[0]), (self.after, self.after.rules, limits[1])
        return {name: (_rule_side(name, *sides[0]), _rule_side(name, *sides[1])) for name in sorted(names)}

    def kinds(self) -> Counter[str]:
        """How many decisions are added, removed, moved, changed."""
        found: Counter[str] = Counter()
        for (_, _, kind), number in self.changes.items():
            found[kind] += number
        return found

    def most_changed(self, most: int = 10) -> list[CustomerChange]:
        """The customers with the most differences, most first."""
        return nlargest(most, self.changed)


def _rule_side(
    name: str, totals: Totals, decisions: Counter[str], limits: Mapping[str, PreviewLimit]
) -> RuleSide:
    limit = limits.get(name)
    held = totals.held_customers[name], decisions[name]
    return RuleSide(None, None, *held) if limit is None else RuleSide(limit.shown, totals.full(limit), *held)


def _sends(decisions: Sequence[Decision]) -> Counter[str]:
    return Counter(decision.trigger for decision in decisions if decision.outcome == "send")
