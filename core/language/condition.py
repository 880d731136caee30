"""A parsed condition, what it needs to know, and the insertion of the segments it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.instants import Millis
from core.language.errors import ConditionError
from core.language.fields import CUSTOMER_FIELDS, KNOWN_PROPERTIES, ConditionContext
from core.language.tree import (
    And,
    Carried,
    HasConsent,
    InSegment,
    Node,
    Not,
    OneOf,
    Or,
    Property,
    Reacted,
    Tally,
    operands_of,
    walk,
)

DEEPEST = 50
LARGEST = 5_000


@dataclass(frozen=True, slots=True)
class ConditionNeeds:
    """What a condition looks at: events of the past with their windows in ms (None: all time), segments by
    name, and the rest.
    """

    counts: tuple[tuple[str, Millis | None], ...] = ()
    segments: frozenset[str] = frozenset()
    reads_event: bool = False
    reads_consent: bool = False
    reads_reactions: bool = False

    def __or__(self, other: ConditionNeeds) -> ConditionNeeds:
        """What two conditions need together."""
        return ConditionNeeds(
            tuple(dict.fromkeys(self.counts + other.counts)),
            self.segments | other.segments,
            self.reads_event or other.reads_event,
            self.reads_consent or other.reads_consent,
            self.reads_reactions or other.reads_reactions,
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A text and the typed tree it stands for; made by `parse` only."""

    text: str
    tree: Node
    context: ConditionContext = ConditionContext.AUDIENCE

    @property
    def needs(self) -> ConditionNeeds:
        """What this condition looks at by itself; `all_needs` adds what its segments look at."""
        return needs_of(self.tree)

    @property
    def doubles(self) -> tuple[str, ...]:
        """The names written bare that mean the event's property, though the customer has a field of the same
        name.
        """
        found = (operand for node in walk(self.tree) for operand in operands_of(node))
        bare = (each.name for each in found if isinstance(each, Property) and each.text == each.name)
        return tuple(
            dict.fromkeys(name for name in bare if name in CUSTOMER_FIELDS and name in KNOWN_PROPERTIES)
        )


def needs_of(tree: Node) -> ConditionNeeds:
    """What a tree looks at, segments not followed."""
    nodes = list(walk(tree))
    operands = [operand for node in nodes for operand in operands_of(node)]
    return ConditionNeeds(
        counts=tuple(
            dict.fromkeys((operand.event, operand.last) for operand in operands if isinstance(operand, Tally))
        ),
        segments=frozenset(node.name for node in nodes if isinstance(node, InSegment)),
        reads_event=any(isinstance(node, Carried) for node in nodes)
        or any(isinstance(operand, Property) for operand in operands),
        reads_consent=any(isinstance(node, HasConsent) for node in nodes),
        reads_reactions=any(isinstance(node, Reacted) for node in nodes),
    )


def all_needs(condition: Condition, segments: Mapping[str, Condition]) -> ConditionNeeds:
    """What a condition and all segments it names, directly or not, look at; unknown segments need nothing."""
    needs, pending, seen = condition.needs, set(condition.needs.segments), set[str]()
    while pending:
        name = pending.pop()
        seen.add(name)
        if name in segments:
            needs |= segments[name].needs
            pending |= segments[name].needs.segments - seen
    return needs


@dataclass(frozen=True, slots=True)
class _Inlined:
    tree: Node
    depth: int
    size: int


class _Inliner:
    """Replaces segments by their trees; each segment is done once, so the work is bounded by the sum of all
    texts.
    """

    def __init__(self, text: str, segments: Mapping[str, Condition]) -> None:
        self.text = text
        self.segments = segments
        self.done: dict[str, _Inlined] = {}
        self.path: list[str] = []
        self.level = 0

    def inline(self, node: Node) -> _Inlined:
        """The node without segments; ConditionError where it becomes too large."""
        self.level += 1
        if self.level > DEEPEST:
            raise self._too_deep()
        found = self._checked(self._inline(node))
        self.level -= 1
        return found

    def _inline(self, node: Node) -> _Inlined:
        match node:
            case InSegment():
                return self._segment(node)
            case And() | Or():
                inner = [self.inline(part) for part in node.parts]
                tree: Node = replace(node, parts=tuple(part.tree for part in inner))
            case Not():
                inner = [self.inline(node.part)]
                tree = replace(node, part=inner[0].tree)
            case Carried():
                inner = [self.inline(node.then), self.inline(node.otherwise)]
                tree = replace(node, then=inner[0].tree, otherwise=inner[1].tree)
            case OneOf():
                return _Inlined(node, 1, len(node.values))
            case _:
                return _Inlined(node, 1, 1)
        return _Inlined(tree, 1 + max(part.depth for part in inner), 1 + sum(part.size for part in inner))

    def _segment(self, node: InSegment) -> _Inlined:
        name = node.name
        if name in self.path:
            cycle = " -> ".join([*self.path[self.path.index(name) :], name])
            raise ConditionError(
                f"The segments go round in a circle: {cycle}",
                1,
                "Let one of them say what it means itself",
                self.text,
            )
        if name not in self.segments:
            raise ConditionError(f"There is no segment '{name}'", 1, "Declare it in segments.toml", self.text)
        if name not in self.done:
            self.path.append(name)
            self.done[name] = self.inline(self.segments[name].tree)
            self.path.pop()
        return self.done[name]

    def _checked(self, inlined: _Inlined) -> _Inlined:
        if inlined.depth > DEEPEST:
            raise self._too_deep()
        if inlined.size > LARGEST:
            message = f"With its segments this condition has more than {LARGEST:,} parts"
            raise ConditionError(message, 1, "Let it name fewer segments", self.text)
        return inlined

    def _too_deep(self) -> ConditionError:
        return ConditionError(
            f"With its segments this condition is nested deeper than {DEEPEST} levels",
            1,
            "Make it flatter",
            self.text,
        )


def inlined(condition: Condition, segments: Mapping[str, Condition]) -> Node:
    """The tree with every segment replaced by what it means; ConditionError for a cycle, an unknown segment,
    a tree too large.
    """
    start = [name for name, known in segments.items() if known is condition]
    inliner = _Inliner(condition.text, segments)
    inliner.path.extend(start[:1])
    return inliner.inline(condition.tree).tree


def inlined_part(node: Node, text: str, segments: Mapping[str, Condition]) -> Node:
    """The same for one part of the condition of that text."""
    return _Inliner(text, segments).inline(node).tree
