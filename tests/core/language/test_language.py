"""The condition language: what conditions mean, what is refused and how, and that no text does harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import DAY, HOUR, Instant, Millis, parse_instant
from core.language import (
    CUSTOMER_FIELDS,
    FUNCTIONS,
    REACTIONS,
    Condition,
    ConditionContext,
    ConditionError,
    all_needs,
    compile_closure,
    explain,
    parse,
)

NOW = parse_instant("2025-03-30T12:00:00Z")
ZURICH = ZoneInfo("Europe/Zurich")


@dataclass
class Happening:
    """An event of the past."""

    occurred_at: Instant
    properties: Mapping[str, Any]


@dataclass
class Known:
    """One customer as conditions see her."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, Instant, Mapping[str, Any]], ...] = ()
    consents: frozenset[tuple[str, str | None]] = frozenset()
    reactions: frozenset[str] = frozenset()
    now: Instant = NOW

    def field(self, name: str) -> Any:
        return self.fields.get(name)

    def trait(self, name: str) -> Any:
        return self.traits.get(name)

    def property(self, name: str) -> Any:
        return self.properties.get(name)

    def happened(self, event: str, last: Millis | None) -> list[Happening]:
        since = -(2**63) if last is None else self.now - last
        found = [
            Happening(at, properties)
            for name, at, properties in self.events
            if name == event and since < at <= self.now
        ]
        return sorted(found, key=lambda each: each.occurred_at)

    def has_consent(self, channel: str, purpose: str | None) -> bool:
        return (channel, purpose) in self.consents

    def reacted(self, what: str) -> bool:
        return what in self.reactions


ANNA = Known(
    fields={
        "country": "CH",
        "city": "Zürich",
        "email": "Anna@Example.com",
        "birthday": "1990-05-21",
        "orders": 7,
        "revenue": 4_990,
        "revenue_gross": 5_000,
        "registered_at": parse_instant("2025-03-01T23:30:00Z"),
        "last_order": NOW - 3 * DAY,
    },
    traits={
        "vip": True,
        "score": 10,
        "rate": 0.5,
        "size": "M",
        "address.street": "Bahnhofstrasse",
        "wedding": "2020-03-30",
        "list": [1],
        "none": None,
    },
    properties={"value": 30.0, "category": "Shoes", "country": "DE", "gift": True, "own_thing": "x"},
    events=(
        ("Product Viewed", NOW - 7 * DAY, {"category": "Shoes"}),
        ("Product Viewed", NOW - 7 * DAY + 1, {"category": "Shoes", "price": 10}),
        ("Product Viewed", NOW, {"category": "Hats", "price": 10.0}),
        ("Product Viewed", NOW + 1, {}),
        (
            "Order Completed",
            NOW - 50 * DAY,
            {"revenue": 24, "products": [{"category": "Coffee", "price": 7.5}]},
        ),
        (
            "Order Completed",
            NOW - 31 * DAY,
            {"revenue": 0.1, "products": [{"category": "Tea", "price": 9}, {"category": "Coffee"}]},
        ),
        (
            "Order Completed",
            NOW - 30 * DAY,
            {"revenue": 0.2, "coupon": "10", "products": [{"price": 4.7}, "x", None]},
        ),
    ),
    consents=frozenset({("email", None), ("email", "marketing")}),
    reactions=frozenset({"opened"}),
)


def holds(
    text: str,
    known: Known = ANNA,
    context: ConditionContext = ConditionContext.AUDIENCE,
    segments: Mapping[str, str] | None = None,
) -> bool:
    parsed = {
        name: parse(where, ConditionContext.AUDIENCE, segments or ())
        for name, where in (segments or {}).items()
    }
    return compile_closure(parse(text, context, parsed), parsed)(known)


MEANINGS = [
    ("orders >= 7", True),
    ("7 <= orders", True),
    ("orders > 7", False),
    ("orders < 7.5", True),
    ("orders != 7", False),
    ("-1 < orders", True),
    ("orders between 7 and 7", True),
    ("orders not between 1 and 6", True),
    ("orders between 8 and 6", False),
    ("country == 'CH'", True),
    ('country == "ch"', False),
    ("country in ('DE', 'CH',)", True),
    ("country not in ('DE', 'AT')", True),
    ("city > 'Z' and city < 'Zz' or false", False),
    ("city == 'Z\u00fcrich'", True),
    ("contains(city, '\u00fcri')", True),
    ("starts_with(city, 'z')", False),
    ("lower(email) == 'anna@example.com'", True),
    ("contains(lower(email), '@example.')", True),
    ("phone is missing", True),
    ("phone is not missing", False),
    ("phone is known", False),
    ("phone is not known and email is known", True),
    # a comparison with something missing does not hold; its negation does
    ("phone == 'x'", False),
    ("phone != 'x'", True),
    ("phone in ('x')", False),
    ("phone not in ('x')", True),
    ("units < 3", False),
    ("not units < 3", True),
    ("not (units >= 3)", True),
    ("contains(phone, 'x')", False),
    ("not contains(phone, 'x')", True),
    ("lower(phone) == 'x'", False),
    ("days_since(first_order) > 1", False),
    ("returns > orders", False),
    # money is exact
    ("revenue == 49.90", True),
    ("revenue >= 49.91", False),
    ("revenue >= 49.9", True),
    ("revenue > 49.899", True),
    ("revenue >= 49.901", False),
    ("revenue < revenue_gross", True),
    ("revenue in (49.90, 1)", True),
    # points in time
    ("last_order > ago('3d')", False),
    ("last_order >= ago('72h')", True),
    ("ago('4d') < last_order", True),
    ("days_since(last_order) == 3", True),
    ("registered_at == '2025-03-01'", True),
    ("registered_at <= '2025-03-01'", True),
    ("registered_at > '2025-03-01'", False),
    ("registered_at < '2025-03-01'", False),
    ("registered_at >= '2025-03-01'", True),
    ("registered_at in ('2025-03-02', '2025-03-01')", True),
    ("registered_at not in ('2025-03-01')", False),
    ("registered_at between '2025-02-01' and '2025-03-01'", True),
    ("registered_at > '2025-03-01T23:30:00Z'", False),
    ("registered_at >= '2025-03-02T00:30:00+01:00'", True),
    # dates
    ("birthday == '1990-05-21'", True),
    ("birthday < '2000-01-01'", True),
    ("birthday between '1990-05-21' and '1990-12-31'", True),
    ("birthday in ('--05-21', '1990-05-21')", True),
    ("month(birthday) == 5", True),
    ("month(birthday) in (1, 2)", False),
    # values of any type
    ("trait.vip", True),
    ("not trait.vip", False),
    ("trait.vip == true", True),
    ("trait.vip == 1", False),
    ("trait.score == true", False),
    ("trait.score", False),
    ("trait.score == 10.0", True),
    ("trait.score == '10'", False),
    ("trait.score != '10'", True),
    ("trait.score in ('a', 10)", True),
    ("trait.size in (1, 'M')", True),
    ("trait.size > 5", False),
    ("trait.size < 5", False),
    ("trait.list == 'x'", False),
    ("trait.list is known", True),
    ("trait.list in (1, 'a')", False),
    ("trait.none is missing", True),
    ("trait.nothing != 'x'", True),
    ("trait.vip in (true)", True),
    ("trait.score > trait.rate", True),
    ("trait.vip == trait.vip", True),
    ("trait.vip >= trait.vip", False),
    ("trait.score == orders", False),
    ("trait.address.street == 'Bahnhofstrasse'", True),
    ("trait('address.street') is known", True),
    ("customer.country == 'CH'", True),
    # counting: a window is half open
    ("count('Product Viewed') == 3", True),
    ("count('Product Viewed', last='7d') == 2", True),
    ("count('Product Viewed', last='7d', category='Shoes') == 1", True),
    ("count('Product Viewed', price=10) == 2", True),
    ("count('Product Viewed', price='10') == 0", True),
    ("count('Nothing') == 0", True),
    # filters: sets, relations, lists within the event
    ("count('Product Viewed', category=('Shoes', 'Hats')) == 3", True),
    ("count('Product Viewed', category in ('Shoes')) == 2", True),
    ("count('Product Viewed', category not in ('Shoes')) == 1", True),
    ("count('Product Viewed', category != 'Shoes') == 1", True),
    ("count('Product Viewed', price >= 10, price < 11) == 2", True),
    ("count('Product Viewed', price > 10) == 0", True),
    ("count('Product Viewed', price < 'x') == 0", True),
    ("count('Product Viewed', price != 10) == 1", True),
    ("count('Order Completed', products.category='Coffee') == 2", True),
    ("count('Order Completed', products.category='Coffee', products.price >= 8) == 0", True),
    ("count('Order Completed', products.category='Tea', products.price >= 8) == 1", True),
    ("count('Product Viewed', products.category='Tea') == 0", True),
    # sums are exact, and of numbers only
    ("sum('Order Completed', 'revenue') == 24.30", True),
    ("sum('Order Completed', 'revenue', last='40d') == 0.3", True),
    ("sum('Order Completed', 'revenue', last='40d') > 0.3", False),
    ("sum('Order Completed', 'products.price') == 21.2", True),
    ("sum('Nothing', 'revenue') == 0", True),
    ("sum('Order Completed', 'coupon') == 0", True),
    # different values
    ("distinct('Product Viewed', 'category') == 2", True),
    ("distinct('Product Viewed', 'price') == 1", True),
    ("distinct('Order Completed', 'products.category') == 2", True),
    # the latest and the earliest
    ("last('Product Viewed') >= ago('1d')", True),
    ("last('Product Viewed', category='Shoes') < ago('6d')", True),
    ("first('Product Viewed') == '2025-03-23'", True),
    ("last('Nothing') < ago('1d')", False),
    ("last('Nothing') is missing", True),
    ("last('Product Viewed') is known", True),
    ("days_since(last('Order Completed')) == 30", True),
    ("last('Order Completed') < last_order", True),
    # anniversaries: 29 February falls on the 28th where there is none
    ("years_since(birthday) == 34", True),
    ("years_since(registered_at) == 0", True),
    ("years_since(trait.wedding) == 5", True),
    ("years_since(trait.size) is missing", True),
    ("days_until(trait.wedding) == 0", True),
    ("days_until(birthday) == 52", True),
    ("days_until(birthday) between 50 and 60 and years_since(birthday) >= 18", True),
    ("years_since(trait.score) is missing", True),
    ("consent('email')", True),
    ("consent('email', 'marketing') == true", True),
    ("consent('sms') == false", True),
    ("consent('sms') != false", False),
    # logic
    ("true", True),
    ("not not true", True),
    ("false or not false and true", True),
    ("not false and false", False),
    ("true or false and false", True),
    ("(true or false) and false", False),
    ("orders >= 7\n  and country == 'CH'", True),
    (r"country != 'it\'s \\ \"x\"'", True),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_condition_means(text: str, expected: bool) -> None:
    assert holds(text) is expected


BESIDE_AN_EVENT = [
    ("value >= 30", True),
    ("value >= 30.01", False),
    ("category == 'Shoes'", True),
    ("event.category in ('Shoes')", True),
    ("gift", True),
    ("own_thing == 'x'", True),
    ("event('own_thing') is known", True),
    ("other_thing is missing", True),
    # the event's where it carries one, else the customer's
    ("country == 'DE'", True),
    ("customer.country == 'CH'", True),
    ("city == 'Z\u00fcrich'", True),
    ("event.city is missing", True),
    ("lower(country) == 'de'", True),
    ("lower(city) == 'z\u00fcrich'", True),
    ("contains(city, 'rich') and starts_with(country, 'D')", True),
    ("country in ('CH')", False),
    ("country != city", True),
    ("orders >= 7 and revenue_gross == 50", True),
    # a known property of events is never the customer's
    ("revenue is missing", True),
    ("customer.revenue == 49.90", True),
    ("days_since(last_order) == 3", True),
    ("month(birthday) == 5", True),
    ("last_order >= ago('3d') and registered_at == '2025-03-01'", True),
    ("customer.revenue < customer.revenue_gross", True),
    # filters by the event at hand
    ("count('Product Viewed', category=event.category) == 2", True),
    ("count('Product Viewed', category=category, price < value) == 1", True),
    ("count('Product Viewed', price > event.value) == 0", True),
    ("count('Product Viewed', category=event.nothing) == 0", True),
    ("count('Product Viewed', category != event.category) == 1", True),
    ("count('Order Completed', products.category=event.category) == 0", True),
]


@pytest.mark.parametrize(("text", "expected"), BESIDE_AN_EVENT, ids=[text for text, _ in BESIDE_AN_EVENT])
@pytest.mark.parametrize("context", [ConditionContext.WHERE, ConditionContext.ONLY_IF])
def test_condition_beside_an_event_means(text: str, expected: bool, context: ConditionContext) -> None:
    assert holds(text, context=context) is expected


def test_reactions_are_known_in_only_if() -> None:
    assert holds("not clicked and opened", context=ConditionContext.ONLY_IF)


def test_a_birthday_without_a_year_comes_neither_before_nor_after_a_date() -> None:
    leap_day = Known(fields={"birthday": "--02-29"})
    assert [holds(f"birthday {sign} '1990-01-01'", leap_day) for sign in ("<", "<=", ">", ">=")] == [
        False
    ] * 4
    assert holds("birthday == '--02-29' and month(birthday) == 2", leap_day)


def test_days_since_something_to_come_are_rounded_down() -> None:
    assert holds("days_since(last_order) == -1", Known(fields={"last_order": NOW + HOUR}))


def test_a_day_is_the_local_day_of_the_zone_clock_change_included() -> None:
    condition = parse("last_order == '2025-03-30'", ConditionContext.AUDIENCE, (), ZURICH)
    on_the_day = compile_closure(condition, {})
    start, end = parse_instant("2025-03-29T23:00:00Z"), parse_instant("2025-03-30T22:00:00Z")
    assert [on_the_day(Known(fields={"last_order": at})) for at in (start - 1, start, end - 1, end)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_segment_means_its_condition() -> None:
    segments = {"buyers": "orders >= 1", "swiss-buyers": "segment('buyers') and country == 'CH'"}
    assert holds("segment('swiss-buyers')", segments=segments)
    assert not holds("not segment('swiss-buyers')", segments=segments)


def test_segments_that_go_in_a_circle_are_listed() -> None:
    with pytest.raises(ConditionError, match="a -> b -> c -> a"):
        holds(
            "segment('a')",
            segments={"a": "segment('b')", "b": "orders > 1 or segment('c')", "c": "not segment('a')"},
        )


def test_a_segment_that_names_itself_is_refused() -> None:
    names = ("a",)
    itself = parse("segment('a')", ConditionContext.AUDIENCE, names)
    with pytest.raises(ConditionError, match="a -> a"):
        compile_closure(itself, {"a": itself})


def test_segments_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    segments = {
        f"s{level}": f"segment('s{level + 1}') and segment('s{level + 1}')" for level in range(20)
    } | {"s20": "true"}
    with pytest.raises(ConditionError, match="5,000 parts"):
        holds("segment('s0')", segments=segments)


def test_a_long_chain_of_segments_is_refused() -> None:
    segments = {f"s{level}": f"segment('s{level + 1}') or orders == {level}" for level in range(2_000)} | {
        "s2000": "true"
    }
    with pytest.raises(ConditionError, match="nested deeper"):
        holds("segment('s0')", segments=segments)


# text, context, column, words of the message, words of the suggestion
FAULTS = [
    ("ordrs >= 3", ConditionContext.AUDIENCE, 1, "Unknown name 'ordrs'", "'orders'"),
    ("orders >= 3 and contry == 'CH'", ConditionContext.AUDIENCE, 17, "'contry'", "'country'"),
    ("country == CH", ConditionContext.AUDIENCE, 12, "'CH'", "in quotes: 'CH'"),
    ("category == Shoes", ConditionContext.WHERE, 13, "'Shoes'", "in quotes: 'Shoes'"),
    ("country in (CH, DE)", ConditionContext.WHERE, 13, "fixed values", "'CH'"),
    ("categry == 'Shoes'", ConditionContext.WHERE, 1, "'categry'", "event.categry"),
    ("cliked", ConditionContext.ONLY_IF, 1, "'cliked'", "'clicked'"),
    ("clicked", ConditionContext.WHERE, 1, "only_if", "event.clicked"),
    ("clicked", ConditionContext.AUDIENCE, 1, "only_if", "count("),
    ("event.value > 3", ConditionContext.AUDIENCE, 1, "no event", "count("),
    ("category == 'x'", ConditionContext.AUDIENCE, 1, "property of events", "count("),
    ("customer.ordrs > 3", ConditionContext.WHERE, 10, "'ordrs'", "'orders'"),
    ("customr.orders > 3", ConditionContext.WHERE, 1, "'customr'", "'customer'"),
    ("orders == 'x'", ConditionContext.AUDIENCE, 11, "orders is a number; 'x' is text", "a number"),
    ("orders == '3'", ConditionContext.AUDIENCE, 11, "orders is a number", "without quotes: 3"),
    ("email > 3", ConditionContext.AUDIENCE, 9, "email is text; 3 is a number", "in quotes: '3'"),
    ("email", ConditionContext.AUDIENCE, 1, "not a condition", "email is known"),
    ("revenue >= 'much'", ConditionContext.AUDIENCE, 12, "amount of money", "49.90"),
    ("revenue > orders", ConditionContext.AUDIENCE, 11, "amount of money", "fixed value"),
    ("returned < revenue_gross", ConditionContext.WHERE, 12, "amount of money", "customer.NAME"),
    ("last_order > 3", ConditionContext.AUDIENCE, 14, "point in time", "ago('90d')"),
    ("last_order > '2025-02-30'", ConditionContext.AUDIENCE, 14, "not a date", "2025-03-01"),
    ("birthday > '21.5.1990'", ConditionContext.AUDIENCE, 12, "not a date", "1990-05-21"),
    ("birthday > '--05-21'", ConditionContext.AUDIENCE, 12, "no order", "year"),
    ("trait.since > ago('1d')", ConditionContext.AUDIENCE, 15, "point in time", "fixed value"),
    ("trait.vip > true", ConditionContext.AUDIENCE, 13, "no order", "=="),
    ("orders = 3", ConditionContext.AUDIENCE, 8, "'='", "'=='"),
    ("orders > 3 && true", ConditionContext.AUDIENCE, 12, "'&&'", "'and'"),
    ("orders > 3 AND true", ConditionContext.AUDIENCE, 12, "'AND'", "'and'"),
    ("!consent('sms')", ConditionContext.AUDIENCE, 1, "'!'", "'not'"),
    ("1 < orders < 3", ConditionContext.AUDIENCE, 12, "One comparison", "between"),
    ("orders + 1 > 3", ConditionContext.AUDIENCE, 8, "does not calculate", "result"),
    ("orders > 3 - 1", ConditionContext.AUDIENCE, 12, "found '-'", ""),
    ("0", ConditionContext.AUDIENCE, 1, "0 is a number, not a condition", "Compare"),
    ("'x' and true", ConditionContext.WHERE, 1, "'x' is text, not a condition", "Compare"),
    ("1 == 1", ConditionContext.AUDIENCE, 1, "Two fixed values", "field"),
    ("3 is known", ConditionContext.AUDIENCE, 1, "Expected a field", ""),
    ("true == orders", ConditionContext.AUDIENCE, 1, "orders is a number", ""),
    ("consent('sms') == 3", ConditionContext.AUDIENCE, 16, "not compared", ""),
    ("(orders > 3", ConditionContext.AUDIENCE, 1, "never closed", "')'"),
    ("orders > 3)", ConditionContext.AUDIENCE, 11, "closes nothing", ""),
    ("orders > 1,000", ConditionContext.AUDIENCE, 11, "comma", "1000"),
    ("country == 'CH", ConditionContext.AUDIENCE, 12, "closing quote", "'"),
    ("country == \u201eCH\u201c", ConditionContext.AUDIENCE, 12, "quotation mark", "plain quotes"),
    ("email like '%x'", ConditionContext.AUDIENCE, 7, "'like'", "contains("),
    ("email is null", ConditionContext.AUDIENCE, 10, "'null'", "is missing"),
    ("orders in ()", ConditionContext.AUDIENCE, 12, "found ')'", ""),
    ("orders in (1, country)", ConditionContext.AUDIENCE, 15, "fixed values", ""),
    ("orders between 1, 3", ConditionContext.AUDIENCE, 17, "'and'", "between 1 and 5"),
    ("count('x')", ConditionContext.AUDIENCE, 1, "not a condition", ""),
    ("count('x') is known", ConditionContext.AUDIENCE, 1, "never missing", ""),
    ("count('x', last='7 days') > 1", ConditionContext.AUDIENCE, 17, "not a duration", ""),
    ("count('x', last=7) > 1", ConditionContext.AUDIENCE, 17, "in quotes", "'7d'"),
    ("count('x', p=orders) > 1", ConditionContext.AUDIENCE, 14, "fixed value", "count("),
    ("count('x', p=1, p=2) > 1", ConditionContext.AUDIENCE, 17, "twice", ""),
    ("count('x', category=event.category) > 1", ConditionContext.AUDIENCE, 21, "no event", "customer only"),
    ("count('x', category=Shoes) > 1", ConditionContext.WHERE, 21, "'Shoes'", "in quotes: 'Shoes'"),
    ("count('x', category=city) > 1", ConditionContext.WHERE, 21, "event.NAME", "count("),
    ("count('x', lst='7d') > 1", ConditionContext.AUDIENCE, 12, "knows no 'lst'", "last='7d'"),
    ("count('x', within='7d') > 1", ConditionContext.AUDIENCE, 12, "knows no 'within'", "last='7d'"),
    ("count('x', a.b.c=1) > 1", ConditionContext.AUDIENCE, 12, "no property", "products.category"),
    ("count('x', gift > true) > 1", ConditionContext.AUDIENCE, 19, "no order", "=="),
    ("count('x', a in 'b') > 1", ConditionContext.AUDIENCE, 17, "'('", ""),
    ("count('x', a in ()) > 1", ConditionContext.AUDIENCE, 18, "found ')'", ""),
    ("sum('x') > 1", ConditionContext.AUDIENCE, 1, "takes 2 arguments", "sum("),
    ("sum('x', revenue) > 1", ConditionContext.WHERE, 10, "in quotes", "sum("),
    ("sum('x', 'a.b.c') > 1", ConditionContext.AUDIENCE, 10, "no property", "products.category"),
    ("sum('x', 'a') > 'b'", ConditionContext.AUDIENCE, 17, "is a number", ""),
    ("last('x', last='7d') is known", ConditionContext.AUDIENCE, 16, "takes no 'last='", "last("),
    ("last('x') > 3", ConditionContext.AUDIENCE, 13, "point in time", "ago('90d')"),
    ("days_since(ago('1d')) > 1", ConditionContext.AUDIENCE, 12, "field of the customer", ""),
    ("years_since(orders) > 1", ConditionContext.AUDIENCE, 13, "a date or a point in time", "years_since("),
    ("count(p=1, 'x') > 1", ConditionContext.AUDIENCE, 12, "come last", ""),
    ("counts('x') > 1", ConditionContext.AUDIENCE, 1, "no function 'counts'", "'count'"),
    ("count() > 1", ConditionContext.AUDIENCE, 1, "takes 1 argument", "count("),
    ("consent()", ConditionContext.AUDIENCE, 1, "takes 1 or 2 arguments", "consent("),
    ("consent('a', purpose='b')", ConditionContext.AUDIENCE, 22, "takes no 'purpose='", ""),
    ("days_since(orders) > 1", ConditionContext.AUDIENCE, 12, "point in time", "days_since("),
    ("contains(city, '')", ConditionContext.AUDIENCE, 16, "empty", ""),
    ("contains(orders, 'x')", ConditionContext.AUDIENCE, 10, "is text", ""),
    ("lower(email) == 'Anna'", ConditionContext.AUDIENCE, 17, "is never 'Anna'", "'anna'"),
    ("lower(consent('x')) == 'a'", ConditionContext.AUDIENCE, 7, "takes no condition", ""),
    ("segment('buyer')", ConditionContext.AUDIENCE, 9, "no segment 'buyer'", "'buyers'"),
    ("segment(buyers)", ConditionContext.WHERE, 9, "in quotes", "segment('NAME')"),
    ("orders > 99999999999999999999", ConditionContext.AUDIENCE, 10, "too large", ""),
    ("trait.'x' > 1", ConditionContext.AUDIENCE, 7, "Expected a name", "trait.NAME"),
    ("trait('a\"b') > 1", ConditionContext.AUDIENCE, 7, "no quotes", ""),
    ("orders > 3 \x00", ConditionContext.AUDIENCE, 12, "Nothing can begin", ""),
    ("country == 'a\tb'", ConditionContext.AUDIENCE, 14, "control characters", ""),
    (r"country == 'a\d'", ConditionContext.AUDIENCE, 14, "escape", "twice"),
    ("", ConditionContext.AUDIENCE, 1, "empty", "orders >= 1"),
    ("not", ConditionContext.AUDIENCE, 4, "found the end", ""),
    ("orders > 1 and and", ConditionContext.AUDIENCE, 16, "found 'and'", ""),
]


@pytest.mark.parametrize(
    ("text", "context", "column", "message", "suggestion"),
    FAULTS,
    ids=[fault[0] or "nothing" for fault in FAULTS],
)
def test_fault_is_named_with_its_place_and_a_way_out(
    text: str, context: ConditionContext, column: int, message: str, suggestion: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, context, ("buyers",))
    assert message in caught.value.message
    assert suggestion in (caught.value.suggestion or "")
    assert caught.value.column == column


def test_an_error_points_at_the_fault_in_its_line() -> None:
    with pytest.raises(ConditionError) as caught:
        parse("orders >= 3\n  and\tcontry == 'CH'\n  and true", ConditionContext.AUDIENCE)
    assert caught.value.pointing() == "  and contry == 'CH'\n      ^"
    assert str(caught.value) == "column 19: Unknown name 'contry'. Did you mean 'country'?"


def test_an_error_in_a_long_line_shows_its_surroundings_only() -> None:
    with pytest.raises(ConditionError) as caught:
        parse("true and " * 100 + "wrong and " + "true and " * 100, ConditionContext.AUDIENCE)
    shown, caret = caught.value.pointing().split("\n")
    assert shown[caret.index("^") :].startswith("wrong")
    assert len(shown) <= 120


@pytest.mark.parametrize("opening", ["(", "lower(", "not (", "count("])
def test_deep_nesting_is_an_error_and_no_crash(opening: str) -> None:
    with pytest.raises(ConditionError):
        parse(opening * 1_000 + "true" + ")" * 1_000, ConditionContext.AUDIENCE)


def test_a_long_flat_condition_is_no_deep_one() -> None:
    assert holds(" or ".join(["orders == 1"] * 500 + ["orders == 7"]))
    assert not holds("not " * 999 + "orders == 7")


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ConditionError, match="10,000 characters"):
        parse("true or " * 2_000 + "true", ConditionContext.AUDIENCE)


def test_needs_name_events_windows_segments_and_the_rest() -> None:
    needs = parse(
        "count('A', last='7d') > count('B') and segment('s') or consent('sms')",
        ConditionContext.AUDIENCE,
        ("s",),
    ).needs
    assert set(needs.counts) == {("A", 7 * DAY), ("B", None)}
    assert needs.segments == {"s"}
    assert needs.reads_consent
    assert not needs.reads_event
    assert parse("country == 'CH'", ConditionContext.WHERE).needs.reads_event
    assert parse("not clicked", ConditionContext.ONLY_IF).needs.reads_reactions
    past = parse(
        "last('A') > ago('1d') and sum('B', 'p', last='2d') > 1 and count('C', p=event.p) > 1",
        ConditionContext.WHERE,
    ).needs
    assert set(past.counts) == {("A", None), ("B", 2 * DAY), ("C", None)}
    assert past.reads_event


def test_needs_of_segments_are_followed() -> None:
    names = ("a", "b")
    segments = {
        "a": parse("segment('b')", ConditionContext.AUDIENCE, names),
        "b": parse("count('X', last='1d') > 1", ConditionContext.AUDIENCE, names),
    }
    needs = all_needs(parse("segment('a')", ConditionContext.AUDIENCE, names), segments)
    assert needs.counts == (("X", DAY),)
    assert needs.segments == {"a", "b"}


def explained(
    text: str,
    context: ConditionContext = ConditionContext.AUDIENCE,
    segments: Mapping[str, Condition] | None = None,
) -> list[tuple[str, bool, str]]:
    clauses = explain(parse(text, context, segments or ()), ANNA, segments)
    return [(clause.text, clause.holds, clause.found) for clause in clauses]


def test_explanation_gives_each_clause_with_what_was_found() -> None:
    text = (
        "orders >= 10 and (country == 'CH' or city == 'Bern') and revenue > 10 and phone is known and not "
        "trait.vip"
    )
    assert explained(text) == [
        ("orders >= 10", False, "orders is 7"),
        ("(country == 'CH' or city == 'Bern')", True, "country is 'CH', city is 'Z\u00fcrich'"),
        ("revenue > 10", True, "revenue is 49.90"),
        ("phone is known", False, "phone is missing"),
        ("not trait.vip", False, "trait.vip is true"),
    ]


def test_explanation_words_functions_segments_consents_and_reactions() -> None:
    buyers = {"buyers": parse("orders >= 1", ConditionContext.AUDIENCE)}
    assert explained("segment('buyers') or consent('sms', 'marketing')", segments=buyers) == [
        ("segment('buyers')", True, "in segment 'buyers'"),
        ("consent('sms', 'marketing')", False, "consent for sms and marketing is not given"),
    ]
    assert explained("not clicked and days_since(last_order) > 5", ConditionContext.ONLY_IF) == [
        ("not clicked", True, "not clicked"),
        (
            "days_since(last_order) > 5",
            False,
            "days_since(last_order) is 3, last_order is 2025-03-27T12:00:00Z",
        ),
    ]
    assert explained("count('Product Viewed', last='7d') >= 3") == [
        ("count('Product Viewed', last='7d') >= 3", False, "count('Product Viewed', last='7d') is 2"),
    ]


def test_explanation_keeps_one_comparison_whole() -> None:
    assert explained("registered_at == '2025-03-01'") == [
        ("registered_at == '2025-03-01'", True, "registered_at is 2025-03-01T23:30:00Z"),
    ]
    assert explained("country == 'DE'", ConditionContext.WHERE) == [
        ("country == 'DE'", True, "country is 'DE'")
    ]


WORDS = st.sampled_from(
    [
        *CUSTOMER_FIELDS, *FUNCTIONS, *REACTIONS, "and", "or", "not", "in", "is", "between", "missing",
        "known", "true", "false",
        "trait", "event", "customer", "x", "value", "(", ")", ",", ".", "=", "==", "!=", "<", ">=", "-", "1",
        "2.5", "'7d'", "'CH'", '"s"',
        "'2025-03-01'", "'--05-21'", "\n", "\u00e9", "'", "\\", "&&", "'Order Completed'",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=8).map("".join)
)


@given(text=TEXTS, context=st.sampled_from(ConditionContext))
def test_any_text_is_a_condition_or_a_condition_error(text: str, context: ConditionContext) -> None:
    try:
        condition = parse(text, context, ("s", "CH"))
    except ConditionError as error:
        pointed = error.pointing()
        assert pointed.endswith("^")
        return
    segments = {name: parse("orders > 1", ConditionContext.AUDIENCE) for name in condition.needs.segments}
    assert compile_closure(condition, segments)(ANNA) in (True, False)
    assert explain(condition, ANNA, segments)


@pytest.mark.parametrize("text", [text for text, _ in MEANINGS])
def test_every_clause_of_an_explanation_is_a_condition_with_the_same_answer(text: str) -> None:
    for clause in explain(parse(text, ConditionContext.AUDIENCE), ANNA):
        assert holds(clause.text) is clause.holds


def test_examples_of_the_documentation_are_conditions() -> None:
    page = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text(encoding="utf-8")
    examples = page.split("## Examples")[1].split("```")[1].strip().splitlines()
    assert len(examples) > 5
    for example in examples:
        parse(example, ConditionContext.ONLY_IF, ("regulars",))


def test_documentation_mentions_every_field_function_and_reaction() -> None:
    page = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text(encoding="utf-8")
    missing = [name for name in (*CUSTOMER_FIELDS, *FUNCTIONS, *REACTIONS) if f"`{name}" not in page]
    assert missing == []
