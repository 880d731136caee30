"""`workspace.links.NAME` in templates: which of these names nobody has declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from jinja2 import nodes

from core.suggestions import nearest

_ALIKE: Final = 0.75
"""How like a declared name one must be to be meant for it: `shpo` for `shop`, but not `shop_fr`."""
_DEFAULTS: Final = ("default", "d")


class UndeclaredLink(NamedTuple):
    """A link that is named and not declared."""

    line: int
    name: str
    is_guarded: bool
    """The template has asked whether there is one, or says something else where there is none."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a template one is."""

    asked: frozenset[str] = frozenset()
    """The links of which it is known here that the template has asked for them."""
    may_be_empty: bool = False


def undeclared_links(tree: nodes.Template, declared: Collection[str]) -> Iterator[UndeclaredLink]:
    """Each use of a link that is not declared, in the order of the template."""
    return _Uses(tree, declared).within(tree, _Place())


class _Uses:
    def __init__(self, tree: nodes.Template, declared: Collection[str]) -> None:
        self.declared = declared
        self.aliases = {
            target.name
            for target, value in _named_values(tree)
            if isinstance(target, nodes.Name) and _is_links(value)
        }
        self.asked_names = {
            name.name
            for test in _tests(tree)
            for name in (test, *test.find_all(nodes.Name))
            if isinstance(name, nodes.Name)
        }

    def within(self, node: nodes.Node, place: _Place) -> Iterator[UndeclaredLink]:
        name = self.link(node)
        if name is not None:
            if name not in self.declared:
                yield UndeclaredLink(node.lineno, name, place.may_be_empty or name in place.asked)
            return
        for child, there in self.children(node, place):
            yield from self.within(child, there)

    def children(self, node: nodes.Node, place: _Place) -> Iterator[tuple[nodes.Node, _Place]]:
        """What stands in a node, each with what is known there."""
        asking = replace(place, may_be_empty=True)
        if isinstance(node, (nodes.If, nodes.CondExpr)):
            known = replace(place, asked=place.asked | self.links(node.test))
            for child in node.iter_child_nodes():
                yield child, asking if child is node.test else known
        elif isinstance(node, (nodes.And, nodes.Or)):
            yield node.left, asking
            asked = self.links(node.left) if isinstance(node, nodes.And) else frozenset()
            yield node.right, replace(place, asked=place.asked | asked)
        elif isinstance(node, (nodes.Not, nodes.Test)) or _is_default(node):
            yield from ((child, asking) for child in node.iter_child_nodes())
        elif isinstance(node, (nodes.Assign, nodes.With)):
            later = {id(value) for target, value in _named_values(node) if self.is_asked(target)}
            for child in node.iter_child_nodes():
                yield child, asking if id(child) in later else place
        else:
            yield from ((child, place) for child in node.iter_child_nodes())

    def is_asked(self, target: nodes.Node) -> bool:
        return isinstance(target, nodes.Name) and target.name in self.asked_names

    def links(self, test: nodes.Node) -> frozenset[str]:
        """The links that an expression names."""
        found = (self.link(each) for each in (test, *test.find_all((nodes.Getattr, nodes.Getitem))))
        return frozenset(name for name in found if name is not None)

    def link(self, node: nodes.Node) -> str | None:
        """The name of the link that a node is."""
        owner = getattr(node, "node", None)
        if isinstance(owner, nodes.Name):
            return _key(node) if owner.name in self.aliases else None
        return _key(node) if isinstance(owner, nodes.Node) and _is_links(owner) else None


def is_likely_a_slip(name: str, declared: Collection[str]) -> bool:
    """Whether a name is so like a declared one that this one is meant."""
    return nearest(name, declared, _ALIKE) is not None


def _is_links(node: nodes.Node) -> bool:
    owner = getattr(node, "node", None)
    return isinstance(owner, nodes.Name) and owner.name == "workspace" and _key(node) == "links"


def _key(node: nodes.Node) -> str | None:
    """The name that is asked of a value: `value.name` or `value["name"]`."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return node.arg.value if isinstance(node.arg.value, str) else None
    return None


def _is_default(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Filter) and node.name in _DEFAULTS


def _named_values(tree: nodes.Node) -> Iterator[tuple[nodes.Node, nodes.Node]]:
    """What `set` and `with` give a name, each with its value."""
    itself = [tree] if isinstance(tree, (nodes.Assign, nodes.With)) else []
    for node in (*itself, *tree.find_all((nodes.Assign, nodes.With))):
        if isinstance(node, nodes.Assign):
            yield node.target, node.node
        elif isinstance(node, nodes.With):
            yield from zip(node.targets, node.values)


def _tests(tree: nodes.Template) -> Iterator[nodes.Node]:
    """All that a template asks: whether it is so, or empty."""
    for node in tree.find_all((nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Filter)):
        if isinstance(node, (nodes.If, nodes.CondExpr)):
            yield node.test
        elif isinstance(node, (nodes.And, nodes.Or)):
            yield node.left
        elif isinstance(node, nodes.Filter) and _is_default(node) and node.node is not None:
            yield node.node
