"""Conditions counted in SQLite mean what they mean to the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, insert, select

from core.engine.consent import latest_word
from core.instants import DAY, Instant, Millis, parse_instant
from core.language import Condition, ConditionContext, ConditionError, compile_closure, parse
from core.model.customer import Consent
from storage.conditions import COLUMNS, add_functions, to_sql
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.row import metadata
from storage.sqlite import create_file, make_engine

NOW = parse_instant("2025-03-30T12:00:00Z")
SEGMENTS = {
    "buyers": parse("orders >= 1 and not trait.x == 1", ConditionContext.AUDIENCE),
    "locals": parse("country == 'CH' or segment('buyers')", ConditionContext.AUDIENCE, ("buyers",)),
}


@dataclass(frozen=True)
class Happening:
    """An event of the past."""

    occurred_at: Instant
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Customer:
    """One customer as rows, and as the facts that conditions read."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, Instant] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, Instant, Mapping[str, Any]], ...] = ()
    consents: tuple[Consent, ...] = ()
    now: Instant = NOW

    def field(self, name: str) -> Any:
        if name.startswith("last_activity_"):
            return self.channels.get(name.removeprefix("last_activity_"))
        return self.columns.get(COLUMNS.get(name, name))

    def trait(self, name: str) -> Any:
        return self.traits.get(name)

    def property(self, name: str) -> Any:
        return None

    def happened(self, event: str, last: Millis | None) -> list[Happening]:
        since = -(2**63) if last is None else self.now - last
        found = [
            Happening(at, properties)
            for name, at, properties in self.events
            if name == event and since < at <= self.now
        ]
        return sorted(found, key=lambda each: each.occurred_at)

    def has_consent(self, channel: str, purpose: str | None) -> bool:
        word = latest_word(self.consents, (channel,), purpose, None, self.now)
        return word is not None and word.state == "granted"

    def reacted(self, what: str) -> bool:
        return False


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path: Path = tmp_path_factory.mktemp("conditions") / "manometer.db"
    create_file(path)
    engine = make_engine(path, writer=True)
    event.listen(engine, "connect", lambda raw, _: add_functions(raw))
    with engine.begin() as connection:
        metadata.create_all(connection)
    yield engine
    engine.dispose()


def store(connection: Connection, known: list[Customer]) -> None:
    for number, customer in enumerate(known, start=1):
        columns = dict(customer.columns)
        detail = {"channels": customer.channels, "basket_items": columns.pop("basket_items", None)}
        row = {
            **columns,
            "traits": orjson.dumps(customer.traits).decode(),
            "detail": orjson.dumps(detail).decode(),
        }
        connection.execute(insert(customers).values(id=number, **row))
        for place, (name, at, properties) in enumerate(customer.events):
            values = {
                "dedup": f"{number}-{place}".encode(),
                "customer_id": number,
                "kind": "track",
                "name": name,
                "source": "s",
            }
            sent = orjson.dumps(properties).decode()
            connection.execute(
                insert(events).values(**values, occurred_at=at, arrived_at=at, properties=sent)
            )
        for consent in customer.consents:
            said = {
                "channel": consent.channel,
                "purpose": consent.purpose,
                "state": consent.state,
                "source": consent.source,
                "address": consent.address,
                "basis": consent.basis,
            }
            when = {"occurred_at": consent.occurred_at, "arrived_at": consent.arrived_at}
            connection.execute(insert(consents).values(customer_id=number, **said, **when))


def selected(connection: Connection, condition: Condition) -> set[int]:
    return set(connection.scalars(select(customers.c.id).where(to_sql(condition, SEGMENTS, NOW))))


TEXTS = [
    "", "CH", "ch", "Z\u00fcrich", "Z\u00dcRICH", "z\u00fcrich", "\u0130", "stra\u00dfe", "10", "it's",
    "a\\b", 'say "x"', "\U0001f600",
    "e\u0301", "%_",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 10, 10.0, 10.5, 0.1, -0.5, 2.675, 9007199254740993, 9007199254740992.0, 2**62]
INSTANTS = [
    NOW,
    NOW - 1,
    NOW + 1,
    NOW - DAY,
    NOW - DAY + 1,
    NOW - 7 * DAY,
    NOW + 3 * DAY,
    parse_instant("2025-03-01T00:00:00Z"),
    -1,
]
BIRTHDAYS = ["1990-05-21", "--05-21", "2000-01-01", "--02-29", "1900-12-31"]
TEXT_FIELDS = ["email", "country", "city", "first_name", "postal_code"]
NUMBER_FIELDS = ["orders", "units", "returns", "basket_items"]
MONEY_FIELDS = ["revenue", "revenue_gross", "returned"]
INSTANT_FIELDS = [
    "registered_at",
    "first_order",
    "last_order",
    "last_activity",
    "last_activity_store",
    "last_activity_web",
]
TRAITS = ["x", "y", "address.city", "with space", "\u00e4"]
SIGNS = ["==", "!=", "<", "<=", ">", ">="]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def written(number: float) -> str:
    return f"{number:.3f}" if isinstance(number, float) else str(number)


def one_of(*choices: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


def shaped(shape: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda found: shape.format(**found))


sign = one_of(*SIGNS)
text = st.sampled_from(TEXTS).map(quoted)
part = st.sampled_from([text for text in TEXTS if text]).map(quoted)
number = st.sampled_from(NUMBERS).map(written)
amount = one_of("0", "10", "10.5", "0.01", "10.505", "-1", "99.999")
day = one_of("'2025-03-01'", "'2025-03-30'", "'2025-03-29T12:00:00Z'", "'1969-12-31'")
trait = st.sampled_from(TRAITS).map(lambda name: f"trait('{name}')")
text_operand = one_of(
    *TEXT_FIELDS,
    *(f"lower({name})" for name in TEXT_FIELDS[:3]),
    *(f"lower(trait('{name}'))" for name in TRAITS),
)
scalar = st.one_of(text, number, one_of("true", "false"))
filter_value = st.one_of(
    st.just(""),
    scalar.map(lambda value: f", p={value}"),
    shaped(
        ", {path} {word} ({a}, {b})",
        path=one_of("p", "items.p"),
        word=one_of("in", "not in"),
        a=scalar,
        b=scalar,
    ),
    shaped(", {path} {sign} {value}", path=one_of("p", "items.p"), sign=sign, value=st.one_of(text, number)),
    shaped(", items.p >= {a}, items.q = {b}, p != {c}", a=number, b=scalar, c=scalar),
)
last = one_of("", ", last='1d'", ", last='7d'")
counted = st.one_of(
    shaped("count('{event}'{last}{filter})", event=one_of("A", "B"), last=last, filter=filter_value),
    shaped(
        "{how}('{event}', '{path}'{last}{filter})",
        how=one_of("sum", "distinct"),
        event=one_of("A", "B"),
        path=one_of("p", "items.p", "items.q"),
        last=last,
        filter=filter_value,
    ),
)
moment = shaped(
    "{how}('{event}'{filter})", how=one_of("last", "first"), event=one_of("A", "B"), filter=filter_value
)
anniversary = shaped(
    "{how}({of})",
    how=one_of("years_since", "days_until"),
    of=one_of("birthday", "registered_at", "first_order", "trait.x", "trait.y"),
)
number_operand = st.one_of(
    one_of(*NUMBER_FIELDS, "month(birthday)"),
    st.sampled_from(INSTANT_FIELDS).map("days_since({})".format),
    counted,
    anniversary,
)
CLAUSE = st.one_of(
    shaped(
        "{a} {sign} {b}", a=moment, sign=sign, b=st.one_of(day, one_of("ago('1d')", "last_order"), moment)
    ),
    shaped("{a} is {word}", a=st.one_of(moment, anniversary), word=one_of("missing", "known")),
    shaped("days_since({a}) {sign} {b}", a=moment, sign=sign, b=number),
    shaped(
        "{a} {sign} {b}", a=text_operand, sign=sign, b=st.one_of(text.map(str.lower), trait, text_operand)
    ),
    shaped("{a} {sign} {b}", a=number_operand, sign=sign, b=st.one_of(number, trait, number_operand)),
    shaped(
        "{a} {sign} {b}",
        a=st.sampled_from(MONEY_FIELDS),
        sign=sign,
        b=st.one_of(amount, st.sampled_from(MONEY_FIELDS)),
    ),
    shaped(
        "{a} {sign} {b}",
        a=st.sampled_from(INSTANT_FIELDS),
        sign=sign,
        b=st.one_of(day, one_of("ago('1d')", *INSTANT_FIELDS)),
    ),
    shaped("birthday {sign} '{b}'", sign=sign, b=one_of("1990-05-21", "2000-01-01")),
    shaped("{a} {sign} {b}", a=trait, sign=sign, b=st.one_of(text, number, trait)),
    shaped("{a} {sign} {b}", a=trait, sign=one_of("==", "!="), b=one_of("true", "false")),
    shaped("{a} {word} ({b}, {c}, {d})", a=trait, word=one_of("in", "not in"), b=scalar, c=scalar, d=scalar),
    shaped(
        "{a} {word} ({b}, {c})", a=st.sampled_from(TEXT_FIELDS), word=one_of("in", "not in"), b=text, c=text
    ),
    shaped("{a} {word} ({b}, {c})", a=number_operand, word=one_of("in", "not in"), b=number, c=number),
    shaped(
        "{a} {word} ({b}, {c})", a=st.sampled_from(INSTANT_FIELDS), word=one_of("in", "not in"), b=day, c=day
    ),
    shaped("birthday {word} ('{b}', '--05-21')", word=one_of("in", "not in"), b=st.sampled_from(BIRTHDAYS)),
    shaped(
        "{a} {word} {b} and {c}", a=number_operand, word=one_of("between", "not between"), b=number, c=number
    ),
    shaped(
        "{a} is {word}",
        a=st.one_of(trait, one_of(*TEXT_FIELDS, *INSTANT_FIELDS, "birthday")),
        word=one_of("missing", "known"),
    ),
    shaped(
        "{name}({a}, {b})", name=one_of("contains", "starts_with"), a=st.one_of(text_operand, trait), b=part
    ),
    shaped(
        "consent('{channel}'{purpose})",
        channel=one_of("email", "sms"),
        purpose=one_of("", ", 'marketing'", ", '*'"),
    ),
    one_of(
        "segment('buyers')", "segment('locals')", "true", "false", *(f"trait('{name}')" for name in TRAITS)
    ),
)
CONDITION = st.recursive(
    CLAUSE,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        shaped("({a}) {word} ({b})", a=inner, word=one_of("and", "or"), b=inner),
        inner.map("not {}".format),
    ),
    max_leaves=5,
)

any_value = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.just([1, "x"]),
    st.just({"a": 1}),
)
date_value = st.sampled_from([*BIRTHDAYS, "2025-04-02", "--03-30", "1999-13-01"])
item = st.one_of(st.dictionaries(one_of("p", "q"), any_value, max_size=2), any_value)
PROPERTIES = st.fixed_dictionaries(
    {}, optional={"p": any_value, "items": st.one_of(st.lists(item, max_size=3), any_value)}
)
CUSTOMER = st.builds(
    Customer,
    columns=st.fixed_dictionaries(
        {"key": st.uuids().map(str)}
        | {name: st.sampled_from([0, 1, 10, 1_050, 1_051, -1]) for name in (*NUMBER_FIELDS, *MONEY_FIELDS)}
        | {name: st.sampled_from([None, *TEXTS]) for name in TEXT_FIELDS}
        | {"basket_items": st.sampled_from([None, 0, 1, 10])}
        | {"birthday": st.sampled_from([None, *BIRTHDAYS])}
        | {COLUMNS.get(name, name): st.sampled_from([None, *INSTANTS]) for name in INSTANT_FIELDS[:4]}
    ),
    channels=st.dictionaries(one_of("store", "web"), st.sampled_from(INSTANTS)),
    traits=st.dictionaries(st.sampled_from(TRAITS), st.one_of(any_value, date_value)),
    events=st.lists(st.tuples(one_of("A", "B"), st.sampled_from(INSTANTS), PROPERTIES), max_size=4).map(
        tuple
    ),
    consents=st.lists(
        st.builds(
            Consent,
            one_of("email", "sms"),
            one_of("*", "marketing", "service"),
            st.sampled_from(["granted", "withdrawn", "objected"]),
            st.sampled_from(INSTANTS),
            st.sampled_from([NOW - 1, NOW, NOW + 1]),
            st.sampled_from([None, "a@x.ch"]),
            st.sampled_from([None, None, "imported", "listed"]),
            one_of("crm", "till"),
        ),
        max_size=6,
    ).map(tuple),
)


def parsed(texts: list[str]) -> list[Condition]:
    """Those of the random texts that are conditions; lower(x) == 'X' and its like are refused."""
    conditions = []
    for one in texts:
        try:
            conditions.append(parse(one, ConditionContext.AUDIENCE, SEGMENTS))
        except ConditionError as error:
            if "never" not in error.message and "amount" not in error.message:
                raise
    return conditions


@settings(deadline=None, max_examples=150)
@given(
    texts=st.lists(CONDITION, min_size=1, max_size=8),
    known=st.lists(CUSTOMER, min_size=1, max_size=6, unique_by=lambda customer: customer.columns["key"]),
)
def test_sql_selects_exactly_those_the_closure_holds_for(
    engine: Engine, texts: list[str], known: list[Customer]
) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        store(connection, known)
        for condition in parsed(texts):
            holds = compile_closure(condition, SEGMENTS)
            expected = {number for number, customer in enumerate(known, start=1) if holds(customer)}
            assert selected(connection, condition) == expected, condition.text
        transaction.rollback()


@pytest.mark.parametrize("condition", ["event.value > 3", "country == 'CH'", "value is known"])
def test_a_condition_on_an_event_cannot_be_counted(condition: str) -> None:
    with pytest.raises(ConditionError, match="cannot be counted"):
        to_sql(parse(condition, ConditionContext.WHERE), {}, NOW)


def test_reactions_cannot_be_counted() -> None:
    with pytest.raises(ConditionError, match="cannot be counted"):
        to_sql(parse("clicked", ConditionContext.ONLY_IF), {}, NOW)


def test_the_deepest_and_the_longest_condition_can_be_counted(engine: Engine) -> None:
    deep = "orders > 1"
    for level in range(45):
        deep = f"({deep}) {'and' if level % 2 else 'or'} orders == {level}"
    long = " or ".join(["key<''"] * 990)
    with engine.connect() as connection:
        store(connection, [Customer({"key": "a", "orders": 44})])
        assert selected(connection, parse(deep, ConditionContext.AUDIENCE)) == {1}
        assert selected(connection, parse(long, ConditionContext.AUDIENCE)) == set()
        assert selected(connection, parse(f"not ({long})", ConditionContext.AUDIENCE)) == {1}


def test_counting_events_uses_the_timeline_of_each_customer(engine: Engine) -> None:
    statement = select(customers.c.id).where(
        to_sql(parse("count('A', last='7d') >= 2", ConditionContext.AUDIENCE), {}, NOW)
    )
    sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert "ix_events_timeline (customer_id=? AND occurred_at>? AND occurred_at<?)" in str(plan)
