"""A trigger of the catalogue in words: when it begins, what it sends when, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def journey(table: Mapping[str, Any]) -> Iterator[str]:
    """One line for the beginning, one for each step, one for the end."""
    when = table["when"]
    yield f"{_begins(when)}{_conditions(table, when)}"
    for number, step in enumerate(table["steps"], 1):
        yield from _step(f"{number}. ", step)
    ends = [*table.get("exit", {}).get("on", ())]
    if ends:
        yield f"ends on {_or(ends)}"
    if "goal" in table:
        goal = table["goal"]
        ends_it = "" if goal.get("exit") is False else ", which ends it"
        yield f"its goal is {_or(_names(goal.get('on', ())))} within {goal.get('within', '14d')}{ends_it}"


def _begins(when: Mapping[str, Any]) -> str:
    kind = when["kind"]
    if kind == "recurring":
        years = when.get("years")
        which = f", years {_and([str(year) for year in _list(years)])}" if years else ", every year"
        shift = f", {when['offset']} from it" if "offset" in when else ""
        return f"on the date {when['date']}{which}{shift}, at {when.get('at', '09:00')}"
    if "inactive_for" in when:
        return f"after {when['inactive_for']} without {_or(when.get('activity', ['any activity']))}"
    if "metric" in when:
        return f"when {when['metric']} reaches {when['reaches']}"
    name = _or(_names(when.get("event") or when.get("events")))
    if "change" in when:
        return f"when {when['change']} times the usual interval has passed since {name}"
    many = f", {when['at_least']} times within {when['within']}" if "at_least" in when else ""
    return f"on {name}{many}"


def _conditions(table: Mapping[str, Any], when: Mapping[str, Any]) -> str:
    parts = [f"for each {when['per']} once" if "per" in when else "", f"where {when['where']}" if "where" in when else ""]
    parts += [f"for customers with {table['audience']}" if "audience" in table else ""]
    parts += [f"unless {_or(when['unless'])} comes" if "unless" in when else ""]
    parts += [f"{when['after']} later" if "after" in when else ""]
    return "".join(f", {part}" for part in parts if part)


def _step(opening: str, step: Mapping[str, Any]) -> Iterator[str]:
    after = f"{step['after']} later, " if "after" in step else ""
    wait = f"waits at most {step['timeout']} for {_or(_names(step['wait_for']))}, " if "wait_for" in step else ""
    variant = f"variant {_or(_names(step['variant']))}, " if "variant" in step else ""
    only = f"if {step['only_if']}, " if "only_if" in step else ""
    over = _and(step["channels"]) if step.get("mode") == "all" else _or(step["channels"])
    yield f"{opening}{after}{wait}{variant}{only}{step['template']} over {over}"
    other = step.get("else")
    if isinstance(other, Mapping):
        yield from _step("   else ", other)
    elif other is not None:
        yield f"   else {'it ends' if other == 'end' else f'on to {other}'}"


def _names(value: object) -> Sequence[str]:
    return [value] if isinstance(value, str) else [str(each) for each in _list(value)]


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
