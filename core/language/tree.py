"""The closed, typed tree that every condition is parsed into; all its backends match on these nodes and no
others.

Comparisons with a missing operand do not hold. `!=`, `not in`, `is missing`, `between` and whole-day dates
are expressed with the nodes below, so each backend knows one meaning only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal as OneOfThese
from typing import TypeAlias

from core.instants import Millis
from core.language.fields import Type

Scalar: TypeAlias = str | int | float | bool
Operator: TypeAlias = OneOfThese["==", "<", "<=", ">", ">="]
How: TypeAlias = OneOfThese["count", "sum", "distinct", "last", "first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What every node remembers: the words it was written with, which are no part of its meaning."""

    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal(Written):
    """A fixed value in the units of what it is compared with: instants in ms, money in minor units."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Field(Written):
    """A field of the customer."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Trait(Written):
    """A trait of the customer, of whatever type it has."""

    name: str


@dataclass(frozen=True, slots=True)
class Property(Written):
    """A property of the event, of whatever type it has."""

    name: str


@dataclass(frozen=True, slots=True)
class Ago(Written):
    """The instant so long before now."""

    elapsed: Millis


@dataclass(frozen=True, slots=True)
class Path:
    """Where in an event a value stands: a property, or one of every element of a list such as `products`."""

    name: str
    of: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter(Written):
    """What a value of a counted event must be: in relation to one of some fixed values, or to a property of
    the event at hand.

    A missing value is in no relation; `is_negative` turns the answer round. Of a list one element must pass
    all its filters.
    """

    path: Path
    operator: Operator
    values: tuple[Scalar, ...] | Property
    is_negative: bool = False


@dataclass(frozen=True, slots=True)
class Tally(Written):
    """What the customer's events of a name in (now - last, now] come to, of those that pass all filters.

    Their number, the exact sum of a property's numbers, the number of its different values, or the latest or
    earliest instant.
    """

    how: How
    event: str
    last: Millis | None = None
    filters: tuple[EventFilter, ...] = ()
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class DaysSince(Written):
    """The whole elapsed days of 86,400 s since an instant, rounded down."""

    of: Field | Tally


@dataclass(frozen=True, slots=True)
class YearsSince(Written):
    """How many anniversaries of a date or instant have come, today's local day of the zone included; missing
    without a year.
    """

    of: Field | Trait
    zone: str


@dataclass(frozen=True, slots=True)
class DaysUntil(Written):
    """How many local days of the zone today is before the next anniversary of a date or instant, 0 on the day
    itself.
    """

    of: Field | Trait
    zone: str


@dataclass(frozen=True, slots=True)
class Month(Written):
    """The month (1 to 12) of a date of the customer."""

    of: Field


@dataclass(frozen=True, slots=True)
class Lower(Written):
    """A text in lower case by the rules of Unicode; missing where the operand is no text."""

    of: Operand


Operand: TypeAlias = (
    Literal | Field | Trait | Property | Ago | Tally | DaysSince | YearsSince | DaysUntil | Month | Lower
)


@dataclass(frozen=True, slots=True)
class Logical(Written):
    """What holds or does not hold, as opposed to an operand."""


@dataclass(frozen=True, slots=True)
class And(Logical):
    """All parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Logical):
    """At least one part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Logical):
    """The part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class Compare(Logical):
    """Both operands are there, of one type, and in this relation; text by code point."""

    operator: Operator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class OneOf(Logical):
    """The operand equals one of the values, types included."""

    operand: Operand
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class IsKnown(Logical):
    """The operand is not missing."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Contains(Logical):
    """The operand is a text with this part in it."""

    operand: Operand
    part: str


@dataclass(frozen=True, slots=True)
class StartsWith(Logical):
    """The operand is a text that begins with this part."""

    operand: Operand
    part: str


@dataclass(frozen=True, slots=True)
class InSegment(Logical):
    """The customer belongs to the segment."""

    name: str


@dataclass(frozen=True, slots=True)
class HasConsent(Logical):
    """The customer's latest record for the channel, and the purpose where one is named, grants consent."""

    channel: str
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Reacted(Logical):
    """The customer reacted so since the last message of this enrolment."""

    what: str


@dataclass(frozen=True, slots=True)
class Carried(Logical):
    """`then` where the event carries the property, else `otherwise`."""

    property: str
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Always(Logical):
    """Holds or does not, for everybody."""

    value: bool


Node: TypeAlias = (
    And
    | Or
    | Not
    | Compare
    | OneOf
    | IsKnown
    | Contains
    | StartsWith
    | InSegment
    | HasConsent
    | Reacted
    | Carried
    | Always
)


def type_of(operand: Operand) -> Type:
    """The static type of an operand; literals have that of what they are compared with."""
    match operand:
        case Field():
            return operand.type
        case Ago():
            return Type.INSTANT
        case Tally():
            return Type.INSTANT if operand.how in ("last", "first") else Type.NUMBER
        case DaysSince() | YearsSince() | DaysUntil() | Month():
            return Type.NUMBER
        case Lower():
            return Type.TEXT
        case _:
            return Type.DYNAMIC


def parts_of(node: Node) -> tuple[Node, ...]:
    """The conditions directly inside a condition."""
    match node:
        case And() | Or():
            return node.parts
        case Not():
            return (node.part,)
        case Carried():
            return (node.then, node.otherwise)
        case _:
            return ()


def operands_of(node: Node) -> Iterator[Operand]:
    """The operands directly inside a condition, with those inside operands."""
    match node:
        case Compare():
            pending: list[Operand] = [node.right, node.left]
        case OneOf() | IsKnown() | Contains() | StartsWith():
            pending = [node.operand]
        case _:
            pending = []
    while pending:
        operand = pending.pop()
        yield operand
        if isinstance(operand, DaysSince | YearsSince | DaysUntil | Month | Lower):
            pending.append(operand.of)
        elif isinstance(operand, Tally):
            pending.extend(
                each.values for each in reversed(operand.filters) if isinstance(each.values, Property)
            )


def walk(node: Node) -> Iterator[Node]:
    """Every condition in a tree, the whole first."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(parts_of(node)))
