"""The functions of the language: one table, and for each a builder from checked arguments to a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from core.instants import Millis, parse_duration
from core.language.errors import ConditionError
from core.language.fields import Type
from core.language.literals import Ambiguous, GivenValue, Term
from core.language.tokens import Token
from core.language.tree import (
    Ago,
    Contains,
    DaysSince,
    DaysUntil,
    EventFilter,
    Field,
    HasConsent,
    How,
    InSegment,
    Lower,
    Month,
    Node,
    Operand,
    Path,
    StartsWith,
    Tally,
    Trait,
    YearsSince,
    type_of,
)
from core.suggestions import near

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
    filters: list[EventFilter] = field(default_factory=list)
    zone: str = "UTC"

    def fault(
        self, message: str, token: Token | None = None, suggestion: str | None = None
    ) -> ConditionError:
        """The ConditionError at an argument, or at the function's name; without a suggestion it shows how the
        function is written.
        """
        shown = suggestion or f"Write {FUNCTIONS[self.name].written}"
        return ConditionError(message, (token or self.token).start + 1, shown, self.text)

    def with_first(self, argument: Operand, token: Token) -> Call:
        """The same call on another first argument."""
        return replace(self, arguments=[(argument, token), *self.arguments[1:]])

    def words(self, place: int, what: str) -> str:
        """The argument at a place, which must be a text in quotes and not empty."""
        value, token = self.arguments[place]
        if not isinstance(value, GivenValue) or not isinstance(value.value, str):
            raise self.fault(f"{self.name}() takes {what} in quotes", token)
        if not value.value:
            raise self.fault(f"{self.name}() takes {what}; this one is empty", token)
        return value.value

    def operand(self, place: int, *types: Type) -> Operand:
        """The argument at a place, which must be a field, trait or property of one of the types."""
        value, token = self.arguments[place]
        if isinstance(value, GivenValue | Ambiguous) or type_of(value) not in types:
            raise self.fault(
                f"{self.name}() takes something that is {' or '.join(kind.value for kind in types)}", token
            )
        return value

    def customer_field(self, kind: Type) -> Field:
        """The only argument, which must be a customer field of that type."""
        found = self.operand(0, kind)
        if not isinstance(found, Field):
            raise self.fault(f"{self.name}() takes a field of the customer", self.arguments[0][1])
        return found

    def instant(self) -> Field | Tally:
        """The only argument, which must be a point in time: a customer's field, or `last(...)` and
        `first(...)`.
        """
        found = self.operand(0, Type.INSTANT)
        if not isinstance(found, Field | Tally):
            raise self.fault(
                f"{self.name}() takes a field of the customer, or last('Event Name')", self.arguments[0][1]
            )
        return found

    def anniversary(self) -> Field | Trait:
        """The only argument, which must be a date or point in time of the customer, or a trait."""
        found = self.operand(0, Type.DATE, Type.INSTANT, Type.DYNAMIC)
        if not isinstance(found, Field | Trait):
            raise self.fault(f"{self.name}() takes a field of the customer or a trait", self.arguments[0][1])
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
        raise call.fault(
            f"There is no segment '{name}'",
            call.arguments[0][1],
            near(name, call.segments) or "Declare it in segments.toml",
        )
    return InSegment(name)


def _consent(call: Call) -> Node:
    return HasConsent(
        call.words(0, "a channel"), call.words(1, "a purpose") if len(call.arguments) > 1 else None
    )


def _tally(how: How, takes_property: bool = False) -> Callable[[Call], Operand]:
    def build(call: Call) -> Operand:
        event = call.words(0, "an event's name")
        last = _duration(call, *call.keywords["last"]) if "last" in call.keywords else None
        path = path_of(call, call.words(1, "a property"), call.arguments[1][1]) if takes_property else None
        return Tally(how, event, last, tuple(call.filters), path)

    return build


def path_of(call: Call, name: str, token: Token) -> Path:
    """The place `PROPERTY` or `LIST.PROPERTY` stands for; ConditionError where it is none."""
    parts = name.split(".")
    if len(parts) > 2 or not all(parts) or any(letter in '"\\' for letter in name):
        raise call.fault(
            f"'{name}' is no property", token, "Write PROPERTY, or LIST.PROPERTY such as products.category"
        )
    return Path(parts[-1], parts[0] if len(parts) > 1 else None)


def _ago(call: Call) -> Operand:
    return Ago(_duration(call, *call.arguments[0]))


def _duration(call: Call, value: Term, token: Token) -> Millis:
    if not isinstance(value, GivenValue) or not isinstance(value.value, str):
        raise call.fault("A duration stands in quotes", token, "Write it like '7d', '16h' or '90m'")
    try:
        return parse_duration(value.value)
    except ValueError as error:
        raise ConditionError(str(error).rstrip("."), token.start + 1, None, call.text) from None


def _text_and_part(call: Call) -> tuple[Operand, str]:
    return call.operand(0, Type.TEXT, Type.DYNAMIC), call.words(1, "a text")


FUNCTIONS: Mapping[str, Function] = {
    "segment": Function("segment('NAME')", "the customer belongs to the segment", 1, 1, _segment),
    "consent": Function(
        "consent('CHANNEL')  or  consent('CHANNEL', 'PURPOSE')",
        "consent is given now: the latest record for the channel, and for the purpose or all purposes, "
        "grants it",
        1,
        2,
        _consent,
    ),
    "count": Function(
        "count('Event Name', last='7d', PROPERTY='value')",
        "the number of the customer's events of that name; `last` and any number of filters on properties "
        "may be left out",
        1,
        1,
        _tally("count"),
        has_keywords=True,
    ),
    "sum": Function(
        "sum('Order Completed', 'revenue', last='90d')",
        "the sum of a property over these events, exactly; filters as in count()",
        2,
        2,
        _tally("sum", takes_property=True),
        has_keywords=True,
    ),
    "distinct": Function(
        "distinct('Product Viewed', 'product_id', last='7d')",
        "how many different values of a property these events have; filters as in count()",
        2,
        2,
        _tally("distinct", takes_property=True),
        has_keywords=True,
    ),
    "last": Function(
        "last('Order Completed', PROPERTY='value')",
        "the point in time of the latest of these events; filters as in count()",
        1,
        1,
        _tally("last"),
        has_keywords=True,
    ),
    "first": Function(
        "first('Order Completed', PROPERTY='value')",
        "the point in time of the earliest of these events; filters as in count()",
        1,
        1,
        _tally("first"),
        has_keywords=True,
    ),
    "ago": Function("ago('90d')", "the point in time so long before now; a day is 24 hours", 1, 1, _ago),
    "days_since": Function(
        "days_since(last_order)",
        "the whole days (24 hours each) since a point in time",
        1,
        1,
        lambda call: DaysSince(call.instant()),
    ),
    "years_since": Function(
        "years_since(birthday)",
        "the anniversaries that have come, today's included: the age, the years as a customer",
        1,
        1,
        lambda call: YearsSince(call.anniversary(), call.zone),
    ),
    "days_until": Function(
        "days_until(birthday)",
        "the days until the next anniversary, 0 on the day itself",
        1,
        1,
        lambda call: DaysUntil(call.anniversary(), call.zone),
    ),
    "month": Function(
        "month(birthday)", "the month, 1 to 12", 1, 1, lambda call: Month(call.customer_field(Type.DATE))
    ),
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
        "lower(email)",
        "the text in lower case",
        1,
        1,
        lambda call: Lower(call.operand(0, Type.TEXT, Type.DYNAMIC)),
        of_text=True,
    ),
}


def call_function(call: Call) -> Result:
    """The node of a call; ConditionError where the arguments do not fit."""
    function = FUNCTIONS[call.name]
    if not function.least <= len(call.arguments) <= function.most:
        raise call.fault(f"{call.name}() takes {_how_many(function)}, not {len(call.arguments)}")
    if call.name in ("last", "first") and "last" in call.keywords:
        raise call.fault(f"{call.name}() takes no 'last='", call.keywords["last"][1])
    if call.keywords and not function.has_keywords:
        name, (_, token) = next(iter(call.keywords.items()))
        raise call.fault(f"{call.name}() takes no '{name}='", token)
    return function.build(call)


def _how_many(function: Function) -> str:
    if function.least != function.most:
        return f"{function.least} or {function.most} arguments"
    return "1 argument" if function.most == 1 else f"{function.most} arguments"
