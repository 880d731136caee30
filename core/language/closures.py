"""Conditions as functions of a customer's facts, made once and called millions of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

from core.instants import DAY, Instant
from core.language.calendar import days_until, years_since
from core.language.condition import Condition, inlined
from core.language.facts import Facts
from core.language.tallies import NUMERIC, RELATIONS, kind_of, related, tally
from core.language.tree import (
    Ago,
    Always,
    And,
    Carried,
    Compare,
    Contains,
    DaysSince,
    DaysUntil,
    Field,
    HasConsent,
    InSegment,
    IsKnown,
    Literal,
    Lower,
    Month,
    Node,
    Not,
    OneOf,
    Operand,
    Or,
    Property,
    Reacted,
    Scalar,
    StartsWith,
    Tally,
    Trait,
    YearsSince,
)

Predicate: TypeAlias = Callable[[Facts], bool]
Getter: TypeAlias = Callable[[Facts], Any]

MONTHS = {f"{month:02d}": month for month in range(1, 13)}


def compile_closure(condition: Condition, segments: Mapping[str, Condition]) -> Predicate:
    """The function that tells whether a condition holds; ConditionError where its segments are unknown or go
    in a circle.
    """
    return closure_of(inlined(condition, segments))


def closure_of(node: Node) -> Predicate:
    """The function of a tree without segments."""
    match node:
        case And():
            return _all([closure_of(part) for part in node.parts])
        case Or():
            return _any([closure_of(part) for part in node.parts])
        case Not():
            inner = closure_of(node.part)
            return lambda facts: not inner(facts)
        case Compare():
            return _compare(node)
        case OneOf():
            return _one_of(node)
        case IsKnown():
            get = getter_of(node.operand)
            return lambda facts: get(facts) is not None
        case Contains():
            return _contains(getter_of(node.operand), node.part)
        case StartsWith():
            return _starts_with(getter_of(node.operand), node.part)
        case HasConsent():
            channel, purpose = node.channel, node.purpose
            return lambda facts: facts.has_consent(channel, purpose)
        case Reacted():
            what = node.what
            return lambda facts: facts.reacted(what)
        case Carried():
            return _carried(node)
        case Always():
            value = node.value
            return lambda _: value
        case InSegment():
            raise ValueError(f"segment '{node.name}' was not inlined")
        case _:
            assert_never(node)


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) and second(facts)

    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - a generator here costs twice the time
            if not part(facts):
                return False
        return True

    return holds


def _any(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) or second(facts)

    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - a generator here costs twice the time
            if part(facts):
                return True
        return False

    return holds


def _compare(node: Compare) -> Predicate:
    relation, get = RELATIONS[node.operator], getter_of(node.left)
    if not isinstance(node.right, Literal):
        return _compare_two(relation, get, getter_of(node.right), node.operator == "==")
    wanted = node.right.value
    if isinstance(wanted, bool):
        return lambda facts: get(facts) is wanted
    if isinstance(wanted, str):

        def compares_text(facts: Facts) -> bool:
            found = get(facts)
            return isinstance(found, str) and relation(found, wanted)

        return compares_text

    def compares_number(facts: Facts) -> bool:
        found = get(facts)
        return type(found) in NUMERIC and relation(found, wanted)

    return compares_number


def _compare_two(
    relation: Callable[[Any, Any], bool], left: Getter, right: Getter, is_equality: bool
) -> Predicate:
    return lambda facts: related(relation, left(facts), right(facts), is_equality)


def _one_of(node: OneOf) -> Predicate:
    get = getter_of(node.operand)
    values = frozenset((kind_of(value), value) for value in node.values)
    if all(isinstance(value, str) for value in node.values):
        texts = frozenset(node.values)
        # A mapping or list among traits cannot be looked up in a set.
        return lambda facts: isinstance(found := get(facts), str) and found in texts

    def holds(facts: Facts) -> bool:
        found = get(facts)
        kind = kind_of(found)
        return kind is not None and (kind, found) in values

    return holds


def _contains(get: Getter, part: str) -> Predicate:
    return lambda facts: isinstance(found := get(facts), str) and part in found


def _starts_with(get: Getter, part: str) -> Predicate:
    return lambda facts: isinstance(found := get(facts), str) and found.startswith(part)


def _carried(node: Carried) -> Predicate:
    name, then, otherwise = node.property, closure_of(node.then), closure_of(node.otherwise)
    return lambda facts: otherwise(facts) if facts.property(name) is None else then(facts)


def getter_of(operand: Operand) -> Getter:
    """The function that finds an operand's value, None where it is missing."""
    match operand:
        case Literal(value=value):
            return _constant(value)
        case Field(name=name):
            return lambda facts: facts.field(name)
        case Trait(name=name):
            return lambda facts: facts.trait(name)
        case Property(name=name):
            return lambda facts: facts.property(name)
        case Ago(elapsed=elapsed):
            return lambda facts: facts.now - elapsed
        case Tally():
            return tally(operand)
        case DaysSince(of=of):
            return _days_since(getter_of(of))
        case YearsSince(of=of, zone=zone):
            return _of_anniversary(of, zone, years_since)
        case DaysUntil(of=of, zone=zone):
            return _of_anniversary(of, zone, days_until)
        case Month(of=of):
            return _month(of.name)
        case Lower(of=inner):
            return _lower(getter_of(inner))
        case _:
            assert_never(operand)


def _constant(value: Scalar) -> Getter:
    return lambda _: value


def _days_since(get: Getter) -> Getter:
    def days(facts: Facts) -> int | None:
        at = get(facts)
        return (facts.now - at) // DAY if isinstance(at, int) else None

    return days


def _of_anniversary(
    of: Field | Trait, zone: str, answer: Callable[[object, Instant, str], int | None]
) -> Getter:
    get, is_text = getter_of(of), isinstance(of, Trait)

    def days_or_years(facts: Facts) -> int | None:
        found = get(facts)
        return None if is_text and not isinstance(found, str) else answer(found, facts.now, zone)

    return days_or_years


def _month(name: str) -> Getter:
    def month(facts: Facts) -> int | None:
        date = facts.field(name)
        return MONTHS.get(date[-5:-3]) if isinstance(date, str) else None

    return month


def _lower(get: Getter) -> Getter:
    def lower(facts: Facts) -> str | None:
        found = get(facts)
        return found.lower() if isinstance(found, str) else None

    return lower
