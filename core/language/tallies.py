"""What past events come to: how many, their sum, how many different, the latest; and the filters they have to
pass.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any, Final, TypeAlias

from core.language.facts import Facts, Happened
from core.language.tree import EventFilter, Path, Property, Scalar, Tally

Test: TypeAlias = Callable[[Mapping[str, Any], Facts], bool]

RELATIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMERIC: Final = frozenset({int, float})
TEN_THOUSANDTHS: Final = 10_000
LARGEST_SUMMED: Final = 10**15


def kind_of(value: object) -> type | None:
    """Text, truth or number (`int` for all numbers); None for anything that cannot be compared."""
    if isinstance(value, str):
        return str
    if isinstance(value, bool):
        return bool
    return int if isinstance(value, int | float) else None


def related(relation: Callable[[Any, Any], bool], a: object, b: object, is_equality: bool) -> bool:
    """Whether two found values are of one kind and in the relation; true and false have no order."""
    kind = kind_of(a)
    return kind is not None and kind is kind_of(b) and (is_equality or kind is not bool) and relation(a, b)


def tally(node: Tally) -> Callable[[Facts], Any]:
    """The function that gives the number, or for `last` and `first` the instant, None where nothing
    happened.
    """
    select = _selection(node)
    path = node.path
    match node.how:
        case "count":
            return lambda facts: len(select(facts))
        case "last":
            return lambda facts: found[-1].occurred_at if (found := select(facts)) else None
        case "first":
            return lambda facts: found[0].occurred_at if (found := select(facts)) else None
    assert path is not None
    total = exact_sum if node.how == "sum" else distinct
    return lambda facts: total(
        value for event in select(facts) for value in values_at(event.properties, path)
    )


def values_at(properties: Mapping[str, Any], path: Path) -> Iterator[Any]:
    """The values at a place in an event: one, or one of each element of a list."""
    if path.of is None:
        yield properties.get(path.name)
    else:
        yield from (element.get(path.name) for element in _elements(properties, path.of))


def _elements(properties: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = properties.get(name)
    if isinstance(found, list):
        yield from (element for element in found if isinstance(element, dict))


def exact_sum(values: Iterable[object]) -> int | float:
    """The sum of the numbers among the values, exact to the ten thousandth; what is no number, or beyond
    10^15, is left out.
    """
    total = sum(_ten_thousandths(value) for value in values if type(value) in NUMERIC)
    return total // TEN_THOUSANDTHS if total % TEN_THOUSANDTHS == 0 else total / TEN_THOUSANDTHS


def _ten_thousandths(value: Any) -> int:
    if not -LARGEST_SUMMED <= value <= LARGEST_SUMMED:
        return 0
    if isinstance(value, int):
        return value * TEN_THOUSANDTHS
    return int((Decimal(repr(value)) * TEN_THOUSANDTHS).to_integral_value())


def distinct(values: Iterable[object]) -> int:
    """How many different texts, numbers and truths there are."""
    return len({(kind, value) for value in values if (kind := kind_of(value)) is not None})


# ---- filters ----


def _selection(node: Tally) -> Callable[[Facts], Sequence[Happened]]:
    event, last = node.event, node.last
    if not node.filters:
        return lambda facts: facts.happened(event, last)
    tests = [_of_list(name, [_test(each) for each in filters]) for name, filters in by_list(node.filters)]

    def select(facts: Facts) -> list[Happened]:
        return [
            each
            for each in facts.happened(event, last)
            if all(test(each.properties, facts) for test in tests)
        ]

    return select


def by_list(filters: Iterable[EventFilter]) -> list[tuple[str | None, list[EventFilter]]]:
    """The filters grouped by the list whose elements they look at, those on the event itself under None."""
    return [(name or None, list(each)) for name, each in groupby(sorted(filters, key=_list_of), key=_list_of)]


def _list_of(each: EventFilter) -> str:
    return each.path.of or ""


def _of_list(name: str | None, tests: Sequence[Test]) -> Test:
    if name is None:
        return lambda properties, facts: all(test(properties, facts) for test in tests)
    return lambda properties, facts: any(
        all(test(element, facts) for test in tests) for element in _elements(properties, name)
    )


def _test(each: EventFilter) -> Test:
    name, wanted, is_negative = each.path.name, each.values, each.is_negative
    is_related = partial(related, RELATIONS[each.operator], is_equality=each.operator == "==")
    if isinstance(wanted, Property):
        of_event = wanted.name
        return lambda properties, facts: (
            is_related(properties.get(name), facts.property(of_event)) != is_negative
        )
    values: tuple[Scalar, ...] = wanted

    def passes(properties: Mapping[str, Any], _: Facts) -> bool:
        found = properties.get(name)
        return any(is_related(found, value) for value in values) != is_negative

    return passes
