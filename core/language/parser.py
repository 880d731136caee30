"""From text to a typed tree: recursive descent over `or`, `and`, `not`, comparison, operand."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NoReturn, TypeAlias, cast
from zoneinfo import ZoneInfo

from core.language.condition import DEEPEST, Condition
from core.language.errors import ConditionError
from core.language.fields import VARIANT, ConditionContext, Type
from core.language.functions import FUNCTIONS, Call, call_function, path_of
from core.language.literals import Ambiguous, GivenValue, Term, Unknown, as_number, settled, span_of
from core.language.names import KEYWORDS, NAMESPACES, ConditionNames
from core.language.tokens import Token, tokenize
from core.language.tree import (
    Ago,
    Always,
    And,
    Carried,
    Compare,
    EventFilter,
    Field,
    Literal,
    Logical,
    Lower,
    Node,
    Not,
    OneOf,
    Operand,
    Operator,
    Or,
    Property,
    Scalar,
    Tally,
    type_of,
)
from core.language.tree import IsKnown as Known
from core.suggestions import near

DURATION = re.compile(r"[0-9]+[smhdw]")
SPANS = ("within", "since", "window", "days", "period", "in_last", "past")
FLIPPED: dict[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
UTC = ZoneInfo("UTC")
FOREIGN = {
    "like": "Write contains(x, 'part') or starts_with(x, 'part')",
    "matches": "Write contains(x, 'part') or starts_with(x, 'part')",
    "contains": "Write contains(x, 'part')",
    "starts_with": "Write starts_with(x, 'part')",
    "has": "Write contains(x, 'part')",
}


Parsed: TypeAlias = Term | Unknown | Node


def parse(
    text: str,
    context: ConditionContext,
    segments: Collection[str] = (),
    zone: ZoneInfo = UTC,
    variants: Sequence[str] = (),
) -> Condition:
    """The condition a text stands for in its context; bare dates are days of `zone`. ConditionError with
    place and suggestion.

    `variants` are those of the trigger's split, which make `variant` a name.
    """
    tree = Parser(text, context, sorted(segments), zone, variants).whole()
    return Condition(text, tree, context)


class Parser:
    """One pass over the words of one condition."""

    def __init__(
        self,
        text: str,
        context: ConditionContext,
        segments: Sequence[str],
        zone: ZoneInfo,
        variants: Sequence[str] = (),
    ) -> None:
        self.text = text
        self.context = context
        self.segments = segments
        self.zone = zone
        self.tokens = tokenize(text)
        self.names = ConditionNames(text, context, variants)
        self.place = 0
        self.depth = 0

    # -- words --

    @property
    def token(self) -> Token:
        """The word at hand."""
        return self.tokens[self.place]

    def next(self) -> Token:
        """The word at hand, and on to the following one."""
        token = self.token
        self.place += token.kind != "end"
        return token

    def at(self, *words: str, ahead: int = 0) -> bool:
        """Is the word at hand (or one ahead) one of these keywords or signs?"""
        token = self.tokens[min(self.place + ahead, len(self.tokens) - 1)]
        return token.kind in ("name", "sign") and token.value in words

    def is_end(self) -> bool:
        """Are all words read?"""
        return self.token.kind == "end"

    def take(self, *words: str) -> bool:
        """Go on past one of these words if it is at hand."""
        found = self.at(*words)
        self.place += found
        return found

    def expect(self, sign: str, why: str) -> Token:
        """The sign at hand; ConditionError if it is another word."""
        if not self.at(sign):
            raise self.fault(f"Expected '{sign}' {why}, found {self.found()}")
        return self.next()

    def found(self) -> str:
        """The word at hand in a sentence."""
        return "the end" if self.is_end() else f"'{self.text[self.token.start : self.token.end][:40]}'"

    def fault(
        self, message: str, token: Token | None = None, suggestion: str | None = None
    ) -> ConditionError:
        """The ConditionError at a word, the one at hand if none is given."""
        return ConditionError(message, (token or self.token).start + 1, suggestion, self.text)

    def since(self, first: Token) -> str:
        """The text from a word to the last one read."""
        return self.text[first.start : self.tokens[self.place - 1].end]

    def deeper(self, token: Token) -> None:
        """Count a bracket; ConditionError where they are too deep."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(f"Nested deeper than {DEEPEST} levels", token, "Make a segment of a part of it")

    # -- conditions --

    def whole(self) -> Node:
        """The tree of the whole text."""
        if self.is_end():
            raise self.fault("The condition is empty", None, "Leave it out, or write one such as orders >= 1")
        tree = self.any_of()
        if not self.is_end():
            self.unexpected()
        return tree

    def unexpected(self) -> NoReturn:
        """Explain a word that follows a complete condition."""
        if self.at(")"):
            raise self.fault("This bracket closes nothing", None, "Remove it, or open one before it")
        if self.at("="):
            raise self.fault("'=' compares nothing", None, "Write '=='")
        if self.at(*FLIPPED, "==", "!="):
            raise self.fault(
                "One comparison cannot follow another",
                None,
                "Join two with 'and', or write: x between 1 and 5",
            )
        word = self.token.value.lower()
        if self.token.kind == "name" and word in FOREIGN:
            raise self.fault(f"'{word}' is not part of the language", None, FOREIGN[word])
        if self.at(",") and self.tokens[self.place - 1].kind == "number":
            raise self.fault("A comma ends a number", None, "Write numbers as 1000 and 49.90")
        advice = f"Write '{word}'" if self.token.kind == "name" and word in KEYWORDS else None
        advice = advice or (
            near(word, ("and", "or", "in", "is", "between")) if self.token.kind == "name" else None
        )
        raise self.fault(f"Expected 'and', 'or' or the end, found {self.found()}", None, advice)

    def any_of(self) -> Node:
        """Conditions joined by `or`."""
        return self.joined("or", self.all_of, Or)

    def all_of(self) -> Node:
        """Conditions joined by `and`."""
        return self.joined("and", self.negated, And)

    def joined(self, word: str, part: Callable[[], Node], whole: type[And] | type[Or]) -> Node:
        """Parts joined by one word, as one flat node."""
        first = self.token
        parts = [part()]
        while self.take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else whole(tuple(parts), text=self.since(first))

    def negated(self) -> Node:
        """A comparison after any number of `not`."""
        first, negative = self.token, False
        while self.take("not"):
            negative = not negative
        node = self.comparison()
        return Not(node, text=self.since(first)) if negative else replace(node, text=self.since(first))

    def comparison(self) -> Node:
        """A single condition, or one in brackets."""
        first = self.token
        left = self.bracketed() if self.at("(") else self.operand()
        if self.at("==", "!=", "<", "<=", ">", ">="):
            node = self.compared(left, first)
        elif self.at("in") or (self.at("not") and self.at("in", ahead=1)):
            node = self.among(left, first)
        elif self.at("between") or (self.at("not") and self.at("between", ahead=1)):
            node = self.within(left, first)
        elif self.at("is"):
            node = self.known(left, first)
        else:
            node = self.alone(left, first)
        return replace(node, text=self.since(first))

    def bracketed(self) -> Node:
        """A condition in brackets."""
        opening = self.next()
        self.deeper(opening)
        node = self.any_of()
        if not self.at(")"):
            if self.is_end():
                raise self.fault("This bracket is never closed", opening, "Close it with ')'")
            self.unexpected()
        self.next()
        self.depth -= 1
        return node

    def alone(self, left: Parsed, first: Token) -> Node:
        """An operand that stands for a condition by itself."""
        if isinstance(left, GivenValue) and isinstance(left.value, bool):
            return Always(left.value)
        if isinstance(left, Logical):
            return left
        if not self.is_end() and not self.at("and", "or", ")", ","):
            self.unexpected()
        if isinstance(left, GivenValue):
            raise self.fault(
                f"{left.described}, not a condition", first, "Compare a field, a trait or a property with it"
            )
        return self.resolved(lambda operand: self.is_true(operand, first), self.term(left, first))

    def is_true(self, operand: Operand, token: Token) -> Node:
        """The condition that a value of any type is `true`."""
        kind = type_of(operand)
        if kind is not Type.DYNAMIC:
            suggestion = f"Compare it, or write: {operand.text} is known"
            raise self.fault(f"{operand.text} is {kind.value}, not a condition", token, suggestion)
        return Compare("==", operand, Literal(True, text="true"))

    def compared(self, left: Parsed, first: Token) -> Node:
        """A comparison of two operands."""
        sign = self.next()
        token = self.token
        right = self.operand()
        if isinstance(left, Logical) or isinstance(right, Logical):
            return self.truth(left, right, sign)
        a, b = self.term(left, first), self.term(right, token, is_right=True)
        if isinstance(a, GivenValue):
            if isinstance(b, GivenValue):
                raise self.fault(
                    "Two fixed values are compared", first, "Name a field, a trait or a property"
                )
            a, b, operator, token = b, a, FLIPPED.get(sign.value, sign.value), first
        else:
            operator = sign.value
        return self.resolved(lambda x, y: self.relation(operator, x, y, token), a, b)

    def truth(self, left: Parsed, right: Parsed, sign: Token) -> Node:
        """A condition compared with `true` or `false`."""
        node, given = (left, right) if isinstance(left, Logical) else (right, left)
        is_truth = (
            isinstance(given, GivenValue) and isinstance(given.value, bool) and sign.value in ("==", "!=")
        )
        if not is_truth or not isinstance(node, Logical) or not isinstance(given, GivenValue):
            raise self.fault("Conditions are joined with 'and' and 'or', not compared", sign)
        return node if given.value == (sign.value == "==") else Not(node)

    def relation(self, operator: str, left: Operand, right: Operand | GivenValue, token: Token) -> Node:
        """The node of a comparison, its types checked."""
        if operator == "!=":
            return Not(self.relation("==", left, right, token))
        order = cast(Operator, operator)
        if not isinstance(right, GivenValue):
            self.check_types(left, right, token)
            return Compare(order, left, right)
        kind = type_of(left)
        if kind is Type.INSTANT:
            return self.by_day(
                order, left, *span_of(right, left.text, self.zone, token, self.text), right.text
            )
        literal = Literal(settled(right, kind, left.text, token, self.text), text=right.text)
        self.check_variant(left, literal, token)
        if isinstance(literal.value, bool) and order != "==":
            raise self.fault("true and false have no order", token, "Compare them with == or !=")
        if isinstance(left, Lower) and literal.value != str(literal.value).lower():
            raise self.fault(
                f"{left.text} is never {right.text}", token, f"Write '{str(literal.value).lower()}'"
            )
        return (
            self.by_date(order, left, literal, token) if kind is Type.DATE else Compare(order, left, literal)
        )

    def check_variant(self, left: Operand, literal: Literal, token: Token) -> None:
        """ConditionError where the journey is compared with a variant that the split has not."""
        known = self.names.variants
        if isinstance(left, Field) and left.name == VARIANT and literal.value not in known:
            raise self.fault(
                f"The split has no variant {literal.text}",
                token,
                near(str(literal.value), known) or f"It has {', '.join(known)}",
            )

    def by_day(self, operator: Operator, left: Operand, start: int, end: int, text: str) -> Node:
        """A point in time against a whole day [start, end)."""
        first, after = Literal(start, text=text), Literal(end, text=text)
        match operator:
            case "==":
                return And((Compare(">=", left, first), Compare("<", left, after)))
            case "<" | ">=":
                return Compare(operator, left, first)
            case "<=":
                return Compare("<", left, after)
            case _:
                return Compare(">=", left, after)

    def by_date(self, operator: Operator, left: Operand, literal: Literal, token: Token) -> Node:
        """A date against a fixed one; dates without a year have no order among those with one."""
        if operator == "==":
            return Compare("==", left, literal)
        if str(literal.value).startswith("--"):
            raise self.fault(
                "A date without a year has no order", token, "Write the year, or use month(birthday)"
            )
        return And((Compare(">=", left, Literal("0", text=literal.text)), Compare(operator, left, literal)))

    def check_types(self, left: Operand, right: Operand, token: Token) -> None:
        """ConditionError where two operands, none of them fixed, can never be compared."""
        a, b = type_of(left), type_of(right)
        if Type.DYNAMIC in (a, b):
            fits = {a, b} <= {Type.DYNAMIC, Type.TEXT, Type.NUMBER}
        else:
            fits = a is b
        if not fits:
            advice = "Compare it with a fixed value"
            if self.context.has_event:
                advice += ", or write customer.NAME where the customer's field is meant"
            raise self.fault(f"{left.text} is {a.value}; {right.text} is {b.value}", token, advice)

    def among(self, left: Parsed, first: Token) -> Node:
        """`in (...)` and `not in (...)`."""
        negative = self.take("not")
        self.next()
        operand = self.variable(left, first)
        self.expect("(", "after 'in'")
        values = [self.fixed()]
        while self.take(",") and not self.at(")"):
            values.append(self.fixed())
        self.expect(")", "or ',' after a value")
        node = self.resolved(lambda one: self.one_of(one, values), operand)
        return Not(node) if negative else node

    def one_of(self, operand: Operand, values: list[tuple[GivenValue, Token]]) -> Node:
        """The node of `in`, its values in the operand's units."""
        if type_of(operand) in (Type.INSTANT, Type.DATE):
            parts = tuple(self.relation("==", operand, given, token) for given, token in values)
            return parts[0] if len(parts) == 1 else Or(parts)
        literals = [
            cast(Compare, self.relation("==", operand, given, token)).right for given, token in values
        ]
        return OneOf(operand, tuple(literal.value for literal in literals if isinstance(literal, Literal)))

    def fixed(self) -> tuple[GivenValue, Token]:
        """A fixed value in a list."""
        token = self.token
        value = self.operand()
        if not isinstance(value, GivenValue):
            written = self.text[token.start : token.end]
            raise self.fault(
                "A list holds fixed values only",
                token,
                f"Put text in quotes: '{written}'" if token.kind == "name" else None,
            )
        return value, token

    def within(self, left: Parsed, first: Token) -> Node:
        """`between A and B`, both ends included."""
        negative = self.take("not")
        self.next()
        operand = self.variable(left, first)
        low_at, low = self.token, self.operand()
        if not self.take("and"):
            raise self.fault(
                f"Expected 'and' after the lower end, found {self.found()}", None, "Write: x between 1 and 5"
            )
        high_at, high = self.token, self.operand()
        if isinstance(low, Logical) or isinstance(high, Logical):
            raise self.fault("'between' takes two values", low_at, "Write: x between 1 and 5")
        ends = self.term(low, low_at, is_right=True), self.term(high, high_at, is_right=True)
        node = self.resolved(
            lambda x, a, b: And((self.relation(">=", x, a, low_at), self.relation("<=", x, b, high_at))),
            operand,
            *ends,
        )
        return Not(node) if negative else node

    def known(self, left: Parsed, first: Token) -> Node:
        """`is missing`, `is known`, and the same with `not`."""
        self.next()
        operand = self.variable(left, first)
        negative = self.take("not")
        if not self.at("missing", "known"):
            raise self.fault(
                f"Expected 'missing' or 'known' after 'is', found {self.found()}",
                None,
                "Write: x is missing, or: x is known",
            )
        missing = self.next().value == "missing"
        node = self.resolved(lambda one: self.is_known(one, first), operand)
        return Not(node) if negative != missing else node

    def is_known(self, operand: Operand, token: Token) -> Node:
        """The node of `is known`."""
        if isinstance(operand, Ago) or (isinstance(operand, Tally) and operand.how not in ("last", "first")):
            raise self.fault(f"{operand.text} is never missing", token)
        return Known(operand)

    # -- operands --

    def variable(self, left: Parsed, token: Token) -> Operand | Ambiguous:
        """A parsed thing that must be an operand and no fixed value."""
        term = None if isinstance(left, Logical) else self.term(left, token)
        if term is None or isinstance(term, GivenValue):
            raise self.fault("Expected a field, a trait or a property here", token)
        return term

    def term(self, parsed: Term | Unknown, token: Token, is_right: bool = False) -> Term:
        """An operand; ConditionError for a text that lost its quotes."""
        if not isinstance(parsed, Unknown):
            return parsed
        name = parsed.property.name
        if is_right:
            raise self.fault(
                f"Unknown name '{name}'",
                token,
                f"Put text in quotes: '{name}'; the event's property is written event.{name}",
            )
        return replace(parsed.property, text=parsed.text)

    def resolved(self, make: Callable[..., Node], *terms: Term) -> Node:
        """The node made of the terms; where a name can be the event's or the customer's, of both."""
        for place, term in enumerate(terms):
            if isinstance(term, Ambiguous):
                before, after = terms[:place], terms[place + 1 :]
                then, otherwise = (
                    self.resolved(make, *before, term.chosen(is_event), *after) for is_event in (True, False)
                )
                return Carried(term.name, then, otherwise)
        return make(*terms)

    def operand(self) -> Parsed:
        """A fixed value, a name or a call, with the words it was written in."""
        first = self.token
        parsed = self.unplaced()
        return replace(parsed, text=self.since(first))

    def unplaced(self) -> Parsed:
        token = self.token
        if token.kind == "text":
            return GivenValue(self.next().value)
        if token.kind == "number" or self.at("-"):
            return self.number()
        if token.kind != "name":
            self.missing_operand()
        if token.value in ("true", "false"):
            return GivenValue(self.next().value == "true")
        if token.value in KEYWORDS:
            self.missing_operand()
        return self.named()

    def missing_operand(self) -> NoReturn:
        """Explain a word where a value should begin."""
        if self.at("="):
            raise self.fault("'=' compares nothing", None, "Write '=='")
        raise self.fault(f"Expected a name, a value or a function, found {self.found()}")

    def number(self) -> GivenValue:
        """A number with its sign."""
        first, negative = self.token, self.take("-")
        if self.token.kind != "number":
            raise self.fault("The language does not calculate", first, "Write the result")
        value = Decimal(self.next().value)
        as_number(value, first, self.text)
        return GivenValue(-value if negative else value)

    def named(self) -> Parsed:
        """What a word means: a call, a dotted name, or a bare name."""
        token = self.next()
        if self.at("(") and token.value not in NAMESPACES:
            return self.call(token)
        if self.at(".", "("):
            return self.dotted(token)
        return self.names.bare(token)

    def dotted(self, space: Token) -> Operand:
        """`customer.NAME`, `trait.NAME`, `event.NAME`; names with blanks as trait('NAME')."""
        if space.value not in NAMESPACES:
            hint = near(space.value, NAMESPACES) or "Only customer, trait and event have a point after them"
            raise self.fault(f"Nothing belongs to '{space.value}'", space, hint)
        is_call = self.next().value == "("
        name = self.next()
        if name.kind != ("text" if is_call else "name"):
            raise self.fault(
                f"Expected a name after '{space.value}'",
                name,
                f"Write {space.value}.NAME or {space.value}('NAME')",
            )
        if is_call:
            self.expect(")", "after the name")
        while not is_call and self.take("."):
            name = self.longer(name)
        return self.names.belonging(space, name)

    def longer(self, name: Token) -> Token:
        """A name with one more part, as in trait.address.city."""
        part = self.next()
        if part.kind != "name":
            raise self.fault("Expected a name after the point", part)
        return Token("name", f"{name.value}.{part.value}", name.start, part.end)

    # -- calls --

    def call(self, token: Token) -> Parsed:
        """A function with its arguments."""
        if token.value not in FUNCTIONS:
            names = ", ".join(FUNCTIONS)
            raise self.fault(
                f"There is no function '{token.value}'",
                token,
                near(token.value, FUNCTIONS) or f"There are {names}",
            )
        self.deeper(self.next())
        call = Call(token.value, token, self.text, self.segments, zone=self.zone.key)
        while not self.at(")"):
            self.argument(call)
            if not self.take(","):
                break
        self.expect(")", f"or ',' in {token.value}()")
        self.depth -= 1
        return self.built(call)

    def argument(self, call: Call) -> None:
        """One argument: by place, by name, or a filter on a property."""
        token = self.token
        if (
            token.kind == "name"
            and self.at("=", ahead=1)
            and (token.value == "last" or not FUNCTIONS[call.name].has_keywords)
        ):
            self.keyword(call)
        elif FUNCTIONS[call.name].has_keywords and self.is_filter():
            call.filters.append(self.filter(call))
        else:
            if call.keywords or call.filters:
                raise self.fault("Arguments with a name come last", token)
            call.arguments.append((self.plain_operand(call), token))

    def keyword(self, call: Call) -> None:
        """An argument by name."""
        token = self.next()
        self.next()
        if token.value in call.keywords:
            raise self.fault(f"'{token.value}' is given twice", token)
        place, value = self.token, self.plain_operand(call)
        call.keywords[token.value] = (value, place)

    # -- filters --

    def is_filter(self) -> bool:
        """Does a property with its relation begin here, as in `category='Shoes'` or `products.price >=
        10`?
        """
        if self.token.kind != "name" or self.token.value in KEYWORDS:
            return False
        ahead = 1
        while self.at(".", ahead=ahead):
            ahead += 2
        is_negated = self.at("not", ahead=ahead) and self.at("in", ahead=ahead + 1)
        return is_negated or self.at("=", "==", "!=", "in", *FLIPPED, ahead=ahead)

    def filter(self, call: Call) -> EventFilter:
        """One property in relation to fixed values, or to a property of the event at hand."""
        first = name = self.next()
        while self.take("."):
            name = self.longer(name)
        path = path_of(call, name.value, first)
        negative, sign = self.take("not"), self.next()
        is_set = sign.value == "in" or (sign.value in ("=", "==", "!=") and self.at("("))
        self.check_filter(call, name, sign)
        values = self.set_of(call, sign) if is_set else self.single(call, sign)
        operator = cast(Operator, sign.value if sign.value in FLIPPED else "==")
        return EventFilter(path, operator, values, negative or sign.value == "!=", text=self.since(first))

    def check_filter(self, call: Call, name: Token, sign: Token) -> None:
        """ConditionError where a filter is a slip of `last`, or says the same property twice."""
        is_span = self.token.kind == "text" and DURATION.fullmatch(self.token.value) is not None
        if sign.value == "=" and is_span and (name.value in SPANS or near(name.value, ("last",), 0.8)):
            raise self.fault(
                f"{call.name}() knows no '{name.value}'", name, f"Write last='{self.token.value}'"
            )
        path = path_of(call, name.value, name)
        if sign.value == "=" and any(
            each.path == path and each.operator == "==" and not each.is_negative for each in call.filters
        ):
            raise self.fault(f"'{name.value}' is given twice", name)

    def set_of(self, call: Call, sign: Token) -> tuple[Scalar, ...]:
        """The values of `in ('a', 'b')`."""
        self.expect("(", f"after '{sign.value}'")
        values = [self.scalar(call, self.token, self.plain_operand(call))]
        while self.take(",") and not self.at(")"):
            values.append(self.scalar(call, self.token, self.plain_operand(call)))
        self.expect(")", "or ',' after a value")
        return tuple(values)

    def single(self, call: Call, sign: Token) -> tuple[Scalar, ...] | Property:
        """A fixed value, or a property of the event at hand."""
        token = self.token
        value = self.plain_operand(call, is_right=True)
        if isinstance(value, Property):
            return value
        scalar = self.scalar(call, token, value)
        if isinstance(scalar, bool) and sign.value in FLIPPED:
            raise self.fault("true and false have no order", token, "Compare them with == or !=")
        return (scalar,)

    def scalar(self, call: Call, token: Token, value: Term) -> Scalar:
        """A fixed value of a filter."""
        if not isinstance(value, GivenValue):
            advice = " or with event.NAME" if self.context.has_event else ""
            raise call.fault(f"A property is compared with a fixed value{advice} here", token)
        return as_number(value.value, token, self.text) if isinstance(value.value, Decimal) else value.value

    def plain_operand(self, call: Call, is_right: bool = False) -> Term:
        """An argument that is no condition."""
        token = self.token
        value = self.operand()
        if isinstance(value, Logical):
            raise self.fault(f"{call.name}() takes no condition", token)
        return self.term(value, token, is_right)

    def built(self, call: Call) -> Parsed:
        """The node or operand of a call; times and dates are always the customer's, texts may be the
        event's.
        """
        first, token = call.arguments[0] if call.arguments else (None, call.token)
        if not isinstance(first, Ambiguous):
            return call_function(call)
        if not FUNCTIONS[call.name].of_text:
            return call_function(call.with_first(first.chosen(False), token))
        then, otherwise = (
            call_function(call.with_first(first.chosen(is_event), token)) for is_event in (True, False)
        )
        if isinstance(then, Logical) and isinstance(otherwise, Logical):
            return Carried(first.name, then, otherwise)
        assert not isinstance(then, Logical)
        assert not isinstance(otherwise, Logical)
        return Ambiguous(first.name, then, otherwise)
