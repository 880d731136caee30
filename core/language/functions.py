"""The functions of the language: one table, and for each a builder from checked arguments to a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeAlias

from core.instants import Millis, parse_duration
from core.language.errors import ConditionError
from core.language.fields import Type
from core.language.literals import Ambiguous, Given, Term, as_number
from core.language.suggestions import near
from core.language.tokens import Token
from core.language.tree import (
    Ago,
    Contains,
    Count,
    DaysSince,
    Field,
    HasConsent,
    InSegment,
    Lower,
    Month,
    Node,
    Operand,
    Scalar,
    StartsWith,
    type_of,
)

Result: TypeAlias = Operand | Node


@dataclass(frozen=True, slots=True)
class Call:
    """One call as written: its arguments with their places, and what the parser knows."""

    name: str
    token: Token
    text: str
    segments: Sequence[str]
    arguments: list[tuple[Term, Token]] = field(default_factory=list)
    keywords: dict[str, tuple[Term, Token]] = field(default_factory=dict)

    def fault(self, message: str, token: Token | None = None, suggestion: str | None = None) -> ConditionError:
        """The ConditionError at an argument, or at the function's name; without a suggestion it shows how the function is written."""
        shown = suggestion or f"Write {FUNCTIONS[self.name].written}"
        return ConditionError(message, (token or self.token).start + 1, shown, self.text)

    def with_first(self, argument: Operand, token: Token) -> Call:
        """The same call on another first argument."""
        return replace(self, arguments=[(argument, token), *self.arguments[1:]])

    def words(self, place: int, what: str) -> str:
        """The argument at a place, which must be a text in quotes and not empty."""
        value, token = self.arguments[place]
        if not isinstance(value, Given) or not isinstance(value.value, str):
            raise self.fault(f"{self.name}() takes {what} in quotes", token)
        if not value.value:
            raise self.fault(f"{self.name}() takes {what}; this one is empty", token)
        return value.value

    def operand(self, place: int, *types: Type) -> Operand:
        """The argument at a place, which must be a field, trait or property of one of the types."""
        value, token = self.arguments[place]
        if isinstance(value, Given | Ambiguous) or type_of(value) not in types:
            raise self.fault(f"{self.name}() takes something that is {' or '.join(kind.value for kind in types)}", token)
        return value

    def customer_field(self, kind: Type) -> Field:
        """The only argument, which must be a customer field of that type."""
        found = self.operand(0, kind)
        if not isinstance(found, Field):
            raise self.fault(f"{self.name}() takes a field of the customer", self.arguments[0][1])
        return found


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how it is written, what it means, how many arguments it takes, and how its node is made."""

    written: str
    meaning: str
    least: int
    most: int
    build: Callable[[Call], Result]
    has_keywords: bool = False
    of_text: bool = False


def _segment(call: Call) -> Node:
    name = call.words(0, "a segment's name")
    if name not in call.segments:
        raise call.fault(f"There is no segment '{name}'", call.arguments[0][1], near(name, call.segments) or "Declare it in segments.toml")
    return InSegment(name)


def _consent(call: Call) -> Node:
    return HasConsent(call.words(0, "a channel"), call.words(1, "a purpose") if len(call.arguments) > 1 else None)


def _count(call: Call) -> Operand:
    last = _duration(call, *call.keywords["last"]) if "last" in call.keywords else None
    equals = tuple((name, _scalar(call, *given)) for name, given in call.keywords.items() if name != "last")
    return Count(call.words(0, "an event's name"), last, equals)


def _ago(call: Call) -> Operand:
    return Ago(_duration(call, *call.arguments[0]))


def _duration(call: Call, value: Term, token: Token) -> Millis:
    if not isinstance(value, Given) or not isinstance(value.value, str):
        raise call.fault("A duration stands in quotes", token, "Write it like '7d', '16h' or '90m'")
    try:
        return parse_duration(value.value)
    except ValueError as error:
        raise ConditionError(str(error).rstrip("."), token.start + 1, None, call.text) from None


def _scalar(call: Call, value: Term, token: Token) -> Scalar:
    if not isinstance(value, Given):
        raise call.fault("A property is compared with a fixed value here", token)
    return as_number(value.value, token, call.text) if isinstance(value.value, Decimal) else value.value


def _text_and_part(call: Call) -> tuple[Operand, str]:
    return call.operand(0, Type.TEXT, Type.DYNAMIC), call.words(1, "a text")


FUNCTIONS: Mapping[str, Function] = {
    "segment": Function("segment('NAME')", "the customer belongs to the segment", 1, 1, _segment),
    "consent": Function(
        "consent('CHANNEL')  or  consent('CHANNEL', 'PURPOSE')",
        "consent is given now: the latest record for the channel, and for the purpose or all purposes, grants it",
        1,
        2,
        _consent,
    ),
    "count": Function(
        "count('Event Name', last='7d', PROPERTY='value')",
        "the number of the customer's events of that name; `last` and any number of properties that must be equal may be left out",
        1,
        1,
        _count,
        has_keywords=True,
    ),
    "ago": Function("ago('90d')", "the point in time so long before now; a day is 24 hours", 1, 1, _ago),
    "days_since": Function(
        "days_since(last_order)",
        "the whole days (24 hours each) since a point in time of the customer",
        1,
        1,
        lambda call: DaysSince(call.customer_field(Type.INSTANT)),
    ),
    "month": Function("month(birthday)", "the month, 1 to 12", 1, 1, lambda call: Month(call.customer_field(Type.DATE))),
    "contains": Function(
        "contains(city, 'part')",
        "the text has this part in it, upper and lower case told apart",
        2,
        2,
        lambda call: Contains(*_text_and_part(call)),
        of_text=True,
    ),
    "starts_with": Function(
        "starts_with(postal_code, '80')",
        "the text begins so, upper and lower case told apart",
        2,
        2,
        lambda call: StartsWith(*_text_and_part(call)),
        of_text=True,
    ),
    "lower": Function(
        "lower(email)", "the text in lower case", 1, 1, lambda call: Lower(call.operand(0, Type.TEXT, Type.DYNAMIC)), of_text=True
    ),
}


def call_function(call: Call) -> Result:
    """The node of a call; ConditionError where the arguments do not fit."""
    function = FUNCTIONS[call.name]
    if not function.least <= len(call.arguments) <= function.most:
        raise call.fault(f"{call.name}() takes {_how_many(function)}, not {len(call.arguments)}")
    if call.keywords and not function.has_keywords:
        name, (_, token) = next(iter(call.keywords.items()))
        raise call.fault(f"{call.name}() takes no '{name}='", token)
    return function.build(call)


def _how_many(function: Function) -> str:
    if function.least != function.most:
        return f"{function.least} or {function.most} arguments"
    return "1 argument" if function.most == 1 else f"{function.most} arguments"
