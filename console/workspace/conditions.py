"""Conditions of the files: read with their place, and compiled once with the segments they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from console.workspace.toml_reader import Document, TomlTable
from core.language import Condition, ConditionContext, ConditionError, compile_closure, parse
from core.model.predicate import Predicate


class Conditions:
    """Makes predicates out of texts; `segments` are the audiences a condition may name, bare dates are days
    of `zone`.
    """

    def __init__(self, names: frozenset[str], segments: Mapping[str, Condition], zone: ZoneInfo) -> None:
        self.names = names
        self.zone = zone
        self.segments = segments

    def read(
        self, table: TomlTable, key: str, context: ConditionContext, variants: Sequence[str] = ()
    ) -> Predicate | None:
        """The predicate under a key; None where it is missing or, a fault noted, cannot be used. `variants`
        are those of its trigger.
        """
        condition = parse_at(table, key, context, self.names, self.zone, variants)
        if condition is None or not self._segments_are_readable(condition):
            return None
        if context is ConditionContext.ONLY_IF:
            warn_of_doubles(table, key, condition)
        return self._compiled(table, key, condition)

    def predicates(self, tables: Mapping[str, TomlTable]) -> dict[str, Predicate]:
        """The segments themselves, compiled."""
        readable = {
            name: condition
            for name, condition in self.segments.items()
            if self._segments_are_readable(condition)
        }
        compiled = {
            name: self._compiled(tables[name], "where", condition) for name, condition in readable.items()
        }
        return {name: predicate for name, predicate in compiled.items() if predicate is not None}

    def _segments_are_readable(self, condition: Condition) -> bool:
        pending, seen = set(condition.needs.segments), set[str]()
        while pending:
            name = pending.pop()
            seen.add(name)
            if name not in self.segments:
                return False
            pending |= self.segments[name].needs.segments - seen
        return True

    def _compiled(self, table: TomlTable, key: str, condition: Condition) -> Predicate | None:
        try:
            return Predicate(condition, compile_closure(condition, self.segments), condition.text)
        except ConditionError as error:
            note(table, key, error)
            return None


def read_segments(
    document: Document, zone: ZoneInfo
) -> tuple[Conditions, dict[str, Predicate], dict[str, str]]:
    """segments.toml: what conditions may name, the segments as predicates, and their titles."""
    tables = dict(document.root.tables("segments"))
    document.root.done()
    names = frozenset(tables)
    parsed = {name: _segment(table, names, zone) for name, table in tables.items()}
    conditions = Conditions(
        names, {name: condition for name, condition in parsed.items() if condition is not None}, zone
    )
    titles = {name: str(table.values.get("title") or name) for name, table in tables.items()}
    return conditions, conditions.predicates(tables), titles


def _segment(table: TomlTable, names: frozenset[str], zone: ZoneInfo) -> Condition | None:
    table.text("title")
    if "where" not in table:
        table.missing("where", "Write the condition that its customers fulfil.")
    condition = parse_at(table, "where", ConditionContext.AUDIENCE, names, zone)
    table.done()
    return condition


def parse_at(
    table: TomlTable,
    key: str,
    context: ConditionContext,
    segments: frozenset[str],
    zone: ZoneInfo,
    variants: Sequence[str] = (),
) -> Condition | None:
    """The condition under a key; None where it is missing or, a fault noted, cannot be read."""
    text = table.text(key)
    if text is None:
        return None
    try:
        return parse(text, context, segments, zone, variants)
    except ConditionError as error:
        note(table, key, error)
        return None


def note(table: TomlTable, key: str, error: ConditionError) -> None:
    """A condition's error as a fault at its key, with the caret."""
    remedy = error.suggestion or ""
    if remedy and remedy[-1] not in ".?!":
        remedy += "."
    below = error.text.count("\n", 0, error.column - 1)
    table.fault_within(key, f"{table.quoted(key)}: {error.message}", remedy, error.pointing(), below)


def warn_of_doubles(table: TomlTable, key: str, condition: Condition) -> None:
    """In a step the event lies back, so a name that fits both easily means the customer."""
    for name in condition.doubles:
        remedy = f"Write customer.{name} or event.{name}."
        table.warn(
            key, f"{table.quoted(key)}: {name} means the event's, not what the customer has in all", remedy
        )
