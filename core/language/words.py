"""Why a condition holds or not, in words: its clauses, each with what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.instants import format_instant
from core.language.closures import closure_of, getter_of
from core.language.condition import Condition, inlined_part
from core.language.facts import Facts
from core.language.fields import Type
from core.language.literals import MINOR_UNITS
from core.language.tree import (
    And,
    Carried,
    HasConsent,
    InSegment,
    Literal,
    Node,
    Operand,
    Or,
    Reacted,
    operands_of,
    parts_of,
    type_of,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a condition: as written, whether it holds, and what was found, as in "orders is 7"."""

    text: str
    holds: bool
    found: str


def explain(condition: Condition, facts: Facts, segments: Mapping[str, Condition] | None = None) -> list[Clause]:
    """The clauses that stand side by side under the outermost `and` or `or`; segments are needed where the condition names some."""
    tree = condition.tree
    parts = tree.parts if isinstance(tree, And | Or) and not _is_made_up(tree) else (tree,)
    return [_clause(part, condition.text, facts, segments or {}) for part in parts]


def _is_made_up(tree: And | Or) -> bool:
    """Is it one comparison in the text, such as `between`, whose parts are no text of their own?"""
    return any(not part.text for part in tree.parts)


def _clause(node: Node, text: str, facts: Facts, segments: Mapping[str, Condition]) -> Clause:
    found = dict.fromkeys(_found(node, text, facts, segments))
    return Clause(node.text or text, closure_of(inlined_part(node, text, segments))(facts), ", ".join(found))


def _found(node: Node, text: str, facts: Facts, segments: Mapping[str, Condition]) -> list[str]:
    """What was found for each thing the node looks at, in the order of the text."""
    match node:
        case InSegment():
            holds = closure_of(inlined_part(node, text, segments))(facts)
            return [f"{'in' if holds else 'not in'} segment '{node.name}'"]
        case HasConsent():
            given = "given" if facts.has_consent(node.channel, node.purpose) else "not given"
            return [f"consent for {node.channel}{f' and {node.purpose}' if node.purpose else ''} is {given}"]
        case Reacted():
            return [node.what if facts.reacted(node.what) else f"not {node.what}"]
        case Carried():
            return _found(node.otherwise if facts.property(node.property) is None else node.then, text, facts, segments)
        case _:
            own = [f"{operand.text} is {_worded(operand, facts)}" for operand in operands_of(node) if _is_shown(operand)]
            return own + [words for part in parts_of(node) for words in _found(part, text, facts, segments)]


def _is_shown(operand: Operand) -> bool:
    """Fixed values say nothing new, and what a function was made of would say it twice."""
    return bool(operand.text) and not isinstance(operand, Literal)


def _worded(operand: Operand, facts: Facts) -> str:
    value = getter_of(operand)(facts)
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if type_of(operand) is Type.MONEY:
        return f"{'-' if value < 0 else ''}{abs(value) // MINOR_UNITS}.{abs(value) % MINOR_UNITS:02d}"
    return format_instant(value) if type_of(operand) is Type.INSTANT else str(value)
