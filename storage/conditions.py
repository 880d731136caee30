"""Conditions as SQL over customers, with the meaning that `core.language.closures` gives them: every part is
true or false, never NULL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy import Integer as SqlInteger
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.selectable import FromClause, TableValuedAlias

from core.instants import DAY, Instant
from core.language.calendar import days_until, years_since
from core.language.condition import Condition, inlined
from core.language.errors import ConditionError
from core.language.fields import Type
from core.language.literals import LARGEST_INTEGER
from core.language.tallies import by_list, exact_sum
from core.language.tree import (
    Ago,
    Always,
    And,
    Carried,
    Compare,
    Contains,
    DaysSince,
    DaysUntil,
    EventFilter,
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
from core.model.events import FIRST
from core.model.orders import ORDER_ACTS
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events

Sql: TypeAlias = ColumnElement[Any]
Truth: TypeAlias = ColumnElement[bool]

RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COLUMNS = {
    "first_order": "first_order_at",
    "last_order": "last_order_at",
    "last_activity": "last_activity_at",
}
IN_DETAIL = {
    "basket_items": "$.basket_items",
    **{f"last_activity_{channel}": f"$.channels.{channel}" for channel in ("store", "web", "email")},
}
"""Fields that stand in the JSON of the column `detail`, and where."""
BUNDLE = 10
MONTHS = [f"{month:02d}" for month in range(1, 13)]
KINDS = {"text": ("text",), "number": ("integer", "real"), "truth": ("true", "false")}


def add_functions(connection: Any) -> None:
    """Give a DBAPI connection of SQLite the functions whose meaning is that of the closures, since its own
    differ or lack.
    """
    connection.create_function(
        "unicode_lower", 1, lambda text: None if text is None else str(text).lower(), deterministic=True
    )
    connection.create_function("years_since", 3, years_since, deterministic=True)
    connection.create_function("days_until", 3, days_until, deterministic=True)
    connection.create_aggregate("exact_sum", 1, _ExactSum)


class _ExactSum:
    """The aggregate of `sum()`."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def step(self, value: object) -> None:
        self.values.append(value)

    def finalize(self) -> int | float:
        total = exact_sum(self.values)
        return total if abs(total) < LARGEST_INTEGER else float(total)


def to_sql(condition: Condition, segments: Mapping[str, Condition], now: Instant) -> Truth:
    """The clause on `customers` that selects whom the condition holds for at `now`.

    ConditionError where it looks at an event or at reactions, or where its segments are unknown or go in a
    circle. The connection needs `add_functions`.
    """
    needs = condition.needs
    if needs.reads_event or needs.reads_reactions:
        raise ConditionError(
            "A condition on an event cannot be counted over customers",
            1,
            "Use count('Event Name') >= 1",
            condition.text,
        )
    return _Compiler(now).truth(inlined(condition, segments))


@dataclass(frozen=True, slots=True)
class _Value:
    """An operand: its SQL value, and for a dynamic one the SQL of its JSON type ('null' where missing), else
    its one kind.
    """

    sql: Sql
    kind: str | None = None
    json_type: Sql | None = None

    def can_be(self, kind: str) -> bool:
        return self.json_type is not None or self.kind == kind

    def is_kind(self, kind: str) -> Truth:
        return self.sql.is_not(None) if self.json_type is None else self.json_type.in_(KINDS[kind])

    @property
    def is_known(self) -> Truth:
        return self.sql.is_not(None) if self.json_type is None else self.json_type != "null"


class _Compiler:
    def __init__(self, now: Instant) -> None:
        self.now = now

    def truth(self, node: Node) -> Truth:
        match node:
            case And():
                return _joined(and_, [self.truth(part) for part in node.parts])
            case Or():
                return _joined(or_, [self.truth(part) for part in node.parts])
            case Not():
                return not_(self.truth(node.part))
            case Compare():
                return self.compare(node)
            case OneOf():
                return _one_of(self.value(node.operand), node.values)
            case IsKnown():
                return self.value(node.operand).is_known
            case Contains():
                return _is_text_with(self.value(node.operand), lambda text: func.instr(text, node.part) > 0)
            case StartsWith():
                return _is_text_with(
                    self.value(node.operand), lambda text: func.substr(text, 1, len(node.part)) == node.part
                )
            case HasConsent():
                return self.consent(node.channel, node.purpose)
            case Always():
                return true() if node.value else false()
            case InSegment() | Reacted() | Carried():
                raise ValueError(f"{type(node).__name__} has no SQL")
            case _:
                assert_never(node)

    def compare(self, node: Compare) -> Truth:
        left, relation = self.value(node.left), RELATIONS[node.operator]
        if isinstance(node.right, Literal):
            return _equals_or_orders(left, relation, node.right.value)
        right = self.value(node.right)
        kinds = [kind for kind in ("text", "number") if left.can_be(kind) and right.can_be(kind)]
        alike = [
            and_(left.is_kind(kind), right.is_kind(kind), relation(left.sql, right.sql)) for kind in kinds
        ]
        if node.operator == "==" and left.json_type is not None and right.json_type is not None:
            alike.append(and_(left.is_kind("truth"), left.json_type == right.json_type))
        return or_(false(), *alike)

    def value(self, operand: Operand) -> _Value:
        match operand:
            case Literal():
                return _Value(literal(operand.value), _kind(operand.value))
            case Field():
                return _Value(
                    _field(operand.name), "text" if operand.type in (Type.TEXT, Type.DATE) else "number"
                )
            case Trait():
                return _dynamic(customers.c.traits, operand.name)
            case Ago():
                return _Value(literal(self.now - operand.elapsed), "number")
            case Tally():
                return _Value(self.tally(operand), "number")
            case YearsSince() | DaysUntil():
                inner = self.value(operand.of)
                of = inner.sql if inner.json_type is None else case((inner.is_kind("text"), inner.sql))
                answer = func.years_since if isinstance(operand, YearsSince) else func.days_until
                return _Value(answer(of, self.now, operand.zone, type_=SqlInteger()), "number")
            case DaysSince():
                elapsed = literal(self.now) - self.value(operand.of).sql
                # Division of integers cuts towards zero in SQL; taking off the non-negative rest first rounds
                # down.
                rest = ((elapsed % DAY) + DAY) % DAY
                return _Value((elapsed - rest) // DAY, "number")
            case Month():
                month = func.substr(_field(operand.of.name), -5, 2)
                return _Value(case((month.in_(MONTHS), cast(month, SqlInteger))), "number")
            case Lower():
                inner = self.value(operand.of)
                return _Value(func.unicode_lower(case((inner.is_kind("text"), inner.sql))), "text")
            case Property():
                raise ValueError("an event's property has no SQL over customers")
            case _:
                assert_never(operand)

    def tally(self, operand: Tally) -> Sql:
        found = events.alias()
        wanted = [
            found.c.customer_id == customers.c.id,
            found.c.name == operand.event,
            found.c.occurred_at <= self.now,
        ]
        if operand.event in ORDER_ACTS:
            wanted.append(found.c.standing == FIRST)
        if operand.last is not None:
            wanted.append(found.c.occurred_at > self.now - operand.last)
        for name, filters in by_list(operand.filters):
            wanted.append(
                _passes(found.c.properties, filters)
                if name is None
                else _has_element(found.c.properties, name, filters)
            )
        source, what = _summed(found, operand)
        return select(what).select_from(source).where(*wanted).correlate(customers).scalar_subquery()

    def consent(self, channel: str, purpose: str | None) -> Truth:
        found = consents.alias()
        latest = (
            select(found.c.state)
            .where(*self._speaks(found, channel, purpose), not_(self._outweighed(found)))
            .order_by(*self._by_weight(found, channel, purpose))
            .limit(1)
            .correlate(customers)
            .scalar_subquery()
        )
        return func.coalesce(latest, "none") == "granted"

    def _speaks(self, of: FromClause, channel: str, purpose: str | None) -> list[Truth]:
        """That an entry of the ledger is known by now and speaks of the use."""
        wanted: list[Truth] = [
            of.c.customer_id == customers.c.id,
            of.c.channel == channel,
            of.c.arrived_at <= self.now,
        ]
        if purpose is not None:
            wanted.append(of.c.purpose.in_([purpose, "*"]))
        return wanted

    def _outweighed(self, found: FromClause) -> Truth:
        """That another line of the same list counts instead, as in `core.engine.consent.latest_word`."""
        other = consents.alias()
        same = ("customer_id", "arrived_at", "channel", "purpose", "address", "source")
        return (
            select(literal(1))
            .select_from(other)
            .where(
                found.c.basis.is_not(None),
                other.c.basis.is_not(None),
                *(other.c[name].is_not_distinct_from(found.c[name]) for name in same),
                tuple_(other.c.occurred_at, _strictness(other))
                > tuple_(found.c.occurred_at, _strictness(found)),
            )
            .exists()
        )

    def _by_weight(self, found: FromClause, channel: str, purpose: str | None) -> list[Sql]:
        """The order in which entries count: what was said, and the state of a list after it."""
        objected = consents.alias()
        is_objected = (
            select(literal(1))
            .select_from(objected)
            .where(*self._speaks(objected, channel, purpose), objected.c.state == "objected")
            .correlate(customers)
            .exists()
        )
        is_listed_yes = and_(found.c.basis == "listed", found.c.state == "granted")
        is_state = func.coalesce(found.c.basis, "") == "imported"
        return [
            case((is_state, 2), (and_(is_listed_yes, is_objected), 1), else_=0),
            case((is_state, found.c.purpose == "*"), else_=0),
            case((is_state, found.c.state != "granted"), else_=0),
            found.c.occurred_at.desc(),
            _strictness(found).desc(),
        ]


def _strictness(of: FromClause) -> Sql:
    return case((of.c.state == "objected", 2), (of.c.state == "withdrawn", 1), else_=0)


def _joined(join: Callable[..., Truth], parts: list[Truth]) -> Truth:
    """The parts joined in bundles: SQLite nests a flat `or` of n parts n levels deep, and allows 1,000."""
    while len(parts) > BUNDLE:
        parts = [Grouping(join(*parts[first : first + BUNDLE])) for first in range(0, len(parts), BUNDLE)]
    return join(*parts)


def _field(name: str) -> Sql:
    path = IN_DETAIL.get(name)
    return (
        customers.c[COLUMNS.get(name, name)]
        if path is None
        else func.json_extract(customers.c.detail, path, type_=SqlInteger())
    )


def _dynamic(document: Sql, name: str) -> _Value:
    path = f'$."{name}"'
    return _Value(
        func.json_extract(document, path), None, func.coalesce(func.json_type(document, path), "null")
    )


# ---- past events ----


def _elements(properties: Sql, name: str) -> TableValuedAlias:
    """The elements of a list within an event, as rows with `value` and `type`; none where there is no
    list.
    """
    path = f'$."{name}"'
    listed = case(
        (func.json_type(properties, path) == "array", func.json_extract(properties, path)), else_="[]"
    )
    return func.json_each(listed).table_valued("value", "type", name=None)


def _object(element: TableValuedAlias) -> Sql:
    return case((element.c.type == "object", element.c.value), else_="{}")


def _has_element(properties: Sql, name: str, filters: Sequence[EventFilter]) -> Truth:
    element = _elements(properties, name)
    passes = and_(element.c.type == "object", _passes(_object(element), filters))
    return select(literal(1)).select_from(element).where(passes).exists()


def _passes(document: Sql, filters: Sequence[EventFilter]) -> Truth:
    return and_(true(), *(_passes_one(document, each) for each in filters))


def _passes_one(document: Sql, each: EventFilter) -> Truth:
    if isinstance(each.values, Property):
        raise ValueError("an event's property has no SQL over customers")
    found = _dynamic(document, each.path.name)
    passes = or_(
        false(), *(_equals_or_orders(found, RELATIONS[each.operator], value) for value in each.values)
    )
    return not_(passes) if each.is_negative else passes


def _summed(found: FromClause, operand: Tally) -> tuple[FromClause, Sql]:
    """The rows that are summed up, and how."""
    if operand.path is None:
        at = found.c.occurred_at
        return found, {"count": func.count(), "last": func.max(at), "first": func.min(at)}[operand.how]
    source: FromClause = found
    document: Sql = found.c.properties
    if operand.path.of is not None:
        element = _elements(found.c.properties, operand.path.of)
        source, document = found.join(element, true()), _object(element)
    value = _dynamic(document, operand.path.name)
    if operand.how == "sum":
        return source, func.coalesce(func.exact_sum(case((value.is_kind("number"), value.sql))), 0)
    return source, func.count(_told_apart(value).distinct())


def _told_apart(value: _Value) -> Sql:
    """Texts, numbers and truths so that no two of them are equal, NULL for the rest: true and false, else 1
    and 0, become bytes.
    """
    scalar = or_(value.is_kind("text"), value.is_kind("number"))
    return case((scalar, value.sql), else_=case({"true": b"1", "false": b"0"}, value=value.json_type))


def _kind(value: Scalar) -> str:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def _equals_or_orders(value: _Value, relation: Callable[[Any, Any], Any], wanted: Scalar) -> Truth:
    kind = _kind(wanted)
    if isinstance(wanted, bool):
        return false() if value.json_type is None else value.json_type == ("true" if wanted else "false")
    return and_(value.is_kind(kind), relation(value.sql, literal(wanted))) if value.can_be(kind) else false()


def _one_of(value: _Value, wanted: Sequence[Scalar]) -> Truth:
    found: list[Truth] = []
    for kind in ("text", "number"):
        alike = [one for one in wanted if _kind(one) == kind]
        if alike and value.can_be(kind):
            found.append(and_(value.is_kind(kind), value.sql.in_([literal(one) for one in alike])))
    found += [_equals_or_orders(value, operator.eq, one) for one in wanted if isinstance(one, bool)]
    return or_(false(), *found)


def _is_text_with(value: _Value, holds: Callable[[Sql], Truth]) -> Truth:
    return and_(value.is_kind("text"), holds(value.sql)) if value.can_be("text") else false()
