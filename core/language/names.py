"""What a name means in its context: a customer's field, an event's property, a trait, a reaction, or a
mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from core.language.errors import ConditionError
from core.language.fields import CUSTOMER_FIELDS, KNOWN_PROPERTIES, REACTIONS, VARIANT, ConditionContext, Type
from core.language.functions import FUNCTIONS
from core.language.literals import Ambiguous, Unknown
from core.language.tokens import Token
from core.language.tree import Field, Operand, Property, Reacted, Trait
from core.suggestions import near

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "between", "missing", "known", "true", "false"})
NAMESPACES = ("customer", "trait", "event")
NEAR_MISS = 0.8

Named: TypeAlias = Operand | Ambiguous | Unknown | Reacted


class ConditionNames:
    """The names of one condition's context; every fault is a ConditionError at the name."""

    def __init__(self, text: str, context: ConditionContext, variants: Sequence[str] = ()) -> None:
        self.text = text
        self.context = context
        self.variants = variants

    def fault(self, message: str, token: Token, suggestion: str | None = None) -> ConditionError:
        """The ConditionError at a name."""
        return ConditionError(message, token.start + 1, suggestion, self.text)

    def belonging(self, space: Token, name: Token) -> Operand:
        """The operand of `customer.NAME`, `trait.NAME` or `event.NAME`."""
        if any(letter in '"\\' for letter in name.value) or not name.value:
            raise self.fault("A name holds no quotes and no backslash", name)
        if space.value == "trait":
            return Trait(name.value)
        if space.value == "event":
            if not self.context.has_event:
                raise self.fault(
                    "There is no event here",
                    space,
                    "Look at the customer only, or use count('Event Name') >= 1",
                )
            return Property(name.value)
        if name.value not in CUSTOMER_FIELDS:
            hint = near(name.value, CUSTOMER_FIELDS) or f"A trait is written trait.{name.value}"
            raise self.fault(f"The customer has no field '{name.value}'", name, hint)
        return Field(name.value, CUSTOMER_FIELDS[name.value].type)

    def bare(self, token: Token) -> Named:
        """What a name by itself means; beside an event its known properties come first."""
        name = token.value
        if name in REACTIONS:
            return self.reaction(token)
        if name == VARIANT and self.variants:
            return Field(VARIANT, Type.TEXT)
        field = Field(name, CUSTOMER_FIELDS[name].type) if name in CUSTOMER_FIELDS else None
        # An event's property has no time type, so it could not be compared the way the field can.
        if field is not None and field.type is Type.INSTANT:
            return field
        if not self.context.has_event:
            return field or self.unknown_customer_field(token)
        if name in KNOWN_PROPERTIES:
            return Property(name)
        return Ambiguous(name, Property(name), field) if field is not None else self.own_property(token)

    def reaction(self, token: Token) -> Reacted:
        """`clicked` and its like."""
        if self.context is ConditionContext.ONLY_IF:
            return Reacted(token.value)
        hint = (
            f"The event's property is written event.{token.value}"
            if self.context.has_event
            else "Use count('Event Name') >= 1"
        )
        raise self.fault(f"'{token.value}' can stand in only_if only", token, hint)

    def own_property(self, token: Token) -> Unknown:
        """A property of the shop's own, unless it looks like a slip."""
        name = token.value
        reactions = REACTIONS if self.context is ConditionContext.ONLY_IF else ()
        guess = near(name, sorted({*CUSTOMER_FIELDS, *FUNCTIONS, *KNOWN_PROPERTIES, *reactions}), NEAR_MISS)
        if guess is not None:
            raise self.fault(
                f"Unknown name '{name}'", token, f"{guess} If the shop really sends it, write event.{name}"
            )
        if name.lower() in KEYWORDS or name in NAMESPACES:
            raise self.fault(
                f"'{name}' means nothing here",
                token,
                f"Write '{name.lower()}'" if name.lower() in KEYWORDS else None,
            )
        return Unknown(Property(name))

    def unknown_customer_field(self, token: Token) -> Field:
        """Raise the ConditionError of a name that no field has."""
        name = token.value
        if name.lower() in KEYWORDS:
            raise self.fault(f"'{name}' means nothing here", token, f"Write '{name.lower()}'")
        if name in KNOWN_PROPERTIES:
            hint = "There is no event here; look at the customer only, or use count('Event Name') >= 1"
            raise self.fault(f"'{name}' is a property of events", token, hint)
        hint = (
            near(name, [*CUSTOMER_FIELDS, *FUNCTIONS])
            or f"Put text in quotes: '{name}'; a trait is written trait.{name}"
        )
        raise self.fault(f"Unknown name '{name}'", token, hint)
