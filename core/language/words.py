"""Why a condition holds or not, in words: its clauses, each with what was found, since when, and by how much
it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from core.language.closures import closure_of, getter_of
from core.language.condition import Condition, inlined_part
from core.language.facts import Facts
from core.language.shortfalls import ShortfallContext, shortfall, worded
from core.language.tree import (
    And,
    Carried,
    HasConsent,
    InSegment,
    Literal,
    Node,
    Not,
    Operand,
    Or,
    Reacted,
    operands_of,
    parts_of,
)

Since: TypeAlias = Callable[[Operand | HasConsent], str]
"""What is known of since when a value is what it is, as in "since 2025-03-03T10:00:00Z"; empty where nothing
is.
"""


def _unknown(_: Operand | HasConsent) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ConditionClause:
    """One clause of a condition: as written, whether it holds, and what was found, as in "orders is 7".

    Of one that does not hold `found` says since when, where that is known, and `lacking` by how much: "3
    short of 10".
    """

    text: str
    holds: bool
    found: str
    lacking: str = ""

    @property
    def detail(self) -> str:
        """The clause in one line."""
        said = ", ".join(part for part in (self.found, self.lacking) if part)
        return f"{self.text}: {said}" if said else self.text

    @property
    def brief(self) -> str:
        """The clause in a few words: by how much it fails, else what was found."""
        return f"{self.text}: {self.lacking or self.found}"


def explain(
    condition: Condition,
    facts: Facts,
    segments: Mapping[str, Condition] | None = None,
    since: Since = _unknown,
    currency: str = "",
) -> list[ConditionClause]:
    """The clauses that stand side by side under the outermost `and` or `or`; segments are needed where the
    condition names some.
    """
    tree = condition.tree
    parts = tree.parts if isinstance(tree, And | Or) and not _is_made_up(tree) else (tree,)
    teller = _Teller(condition.text, ShortfallContext(facts, currency), segments or {}, since)
    return [teller.clause(part) for part in parts]


def _is_made_up(tree: And | Or) -> bool:
    """Is it one comparison in the text, such as `between`, whose parts are no text of their own?"""
    return any(not part.text for part in tree.parts)


@dataclass(frozen=True, slots=True)
class _Teller:
    text: str
    asked: ShortfallContext
    segments: Mapping[str, Condition]
    since: Since

    def clause(self, node: Node) -> ConditionClause:
        holds = self.holds(node)
        found = dict.fromkeys(self.found(node, failing=not holds))
        lacking = dict.fromkeys(() if holds else self.lacking(node))
        return ConditionClause(node.text or self.text, holds, ", ".join(found), ", ".join(lacking))

    def holds(self, node: Node) -> bool:
        return closure_of(inlined_part(node, self.text, self.segments))(self.asked.facts)

    def found(self, node: Node, failing: bool) -> list[str]:
        """What was found for each thing the node looks at, in the order of the text."""
        facts = self.asked.facts
        match node:
            case InSegment():
                return [self.membership(node)]
            case HasConsent():
                given = "given" if facts.has_consent(node.channel, node.purpose) else "not given"
                about = f"{node.channel}{f' and {node.purpose}' if node.purpose else ''}"
                return [f"consent for {about} is {given}{self.dated(node, failing)}"]
            case Reacted():
                return [node.what if facts.reacted(node.what) else f"not {node.what}"]
            case Carried():
                return self.found(self.carried(node), failing)
            case _:
                own = [self.value(operand, failing) for operand in operands_of(node) if _is_shown(operand)]
                return own + [words for part in parts_of(node) for words in self.found(part, failing)]

    def value(self, operand: Operand, failing: bool) -> str:
        said = worded(operand, getter_of(operand)(self.asked.facts), self.asked.currency)
        return f"{operand.text} is {said}{self.dated(operand, failing)}"

    def dated(self, seen: Operand | HasConsent, failing: bool) -> str:
        since = self.since(seen) if failing else ""
        return f" {since}" if since else ""

    def membership(self, node: InSegment) -> str:
        """Whether the customer is in the segment, and where not, which of its clauses say no."""
        if self.holds(node):
            return f"in segment '{node.name}'"
        inner = self.segments.get(node.name)
        clauses = (
            []
            if inner is None
            else explain(inner, self.asked.facts, self.segments, self.since, self.asked.currency)
        )
        missed = "; ".join(clause.detail for clause in clauses if not clause.holds)
        return f"not in segment '{node.name}'" + (f" ({missed})" if missed else "")

    def carried(self, node: Carried) -> Node:
        return node.otherwise if self.asked.facts.property(node.property) is None else node.then

    def lacking(self, node: Node) -> list[str]:
        """By how much each comparison fails that would have to hold."""
        if isinstance(node, Carried):
            return self.lacking(self.carried(node))
        if isinstance(node, Not):
            return []
        own = shortfall(node, self.asked)
        return ([own] if own else []) + [
            words for part in parts_of(node) if not self.holds(part) for words in self.lacking(part)
        ]


def _is_shown(operand: Operand) -> bool:
    """Fixed values say nothing new, and what a function was made of would say it twice."""
    return bool(operand.text) and not isinstance(operand, Literal)
