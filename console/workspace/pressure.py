"""pressure.toml: purposes, weights and the rules of contact pressure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from console.workspace.conditions import Conditions
from console.workspace.faults import did_you_mean
from console.workspace.toml_reader import Document, TomlTable, shown
from core.language import ConditionContext
from core.limits.pressure import POINT, PressureRule
from core.limits.windows import Window, parse_window
from core.model.customer import MEDIA
from core.playbook.playbook import Channel, Purpose

PURPOSES = {
    "marketing": Purpose("marketing", obeys=True, counts=True, consent=True),
    "service": Purpose("service", obeys=False, counts=True, consent=False),
    "transactional": Purpose("transactional", obeys=False, counts=False, consent=False),
}


@dataclass(frozen=True, slots=True)
class RuleNames:
    """What the rules may name; None where the trigger files could not all be read, so that nothing can be
    said.
    """

    channels: Collection[str]
    triggers: Collection[str]
    tags: Collection[str] | None


# ---- purposes ----


def read_purposes(document: Document) -> dict[str, Purpose]:
    """The purposes by name: the three that are always there, changed and added to by [purposes]."""
    outer = document.root.table("purposes")
    purposes = dict(PURPOSES)
    for name in outer.values:
        table = outer.table(name)
        default = PURPOSES.get(name, Purpose(name, obeys=True, counts=True, consent=True))
        switches = {key: table.switch(key, getattr(default, key)) for key in ("obeys", "counts", "consent")}
        purposes[name] = Purpose(name, **switches)
        table.done()
    return purposes


# ---- weights ----


def read_weights(
    document: Document, channels: Mapping[str, Channel], templates: Collection[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Points in thousandths, by channel and by template."""
    table = document.root.table("weights")
    by_template = _template_weights(table.table("templates"), templates) if "templates" in table else {}
    named = {name: table.thousandths(name) for name in table.values if name != "templates"}
    for name in named:
        if name not in channels and name not in MEDIA:
            table.fault(name, f"there is no channel {shown(name)}", did_you_mean(name, {*channels, *MEDIA}))
    by_channel = {
        name: _first(named.get(name), named.get(channel.medium), POINT) for name, channel in channels.items()
    }
    return by_channel, by_template


def _template_weights(table: TomlTable, templates: Collection[str]) -> dict[str, int]:
    weights = {name: table.thousandths(name) for name in table.values}
    for name in weights:
        if name not in templates:
            table.fault(name, f"there is no template {shown(name)}", did_you_mean(name, templates))
    return {name: weight for name, weight in weights.items() if weight is not None}


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


# ---- rules ----


def read_rules(
    document: Document, week_starts: str, purposes: Collection[str], names: RuleNames, conditions: Conditions
) -> tuple[PressureRule, ...]:
    """The rules in order of the file; those with faults are among them, incomplete."""
    tables = document.root.list_of_tables("rule", "rule")
    rules = tuple(
        _rule(table, number, week_starts, purposes, names, conditions)
        for number, table in enumerate(tables, start=1)
    )
    for number, rule in enumerate(rules):
        if rule.name in {earlier.name for earlier in rules[:number]}:
            tables[number].fault(
                "name", f"two rules are called {shown(rule.name)}", "Give each its own name."
            )
    return rules


def _rule(
    table: TomlTable,
    number: int,
    week_starts: str,
    purposes: Collection[str],
    names: RuleNames,
    conditions: Conditions,
) -> PressureRule:
    name = table.text("name") or f"rule-{number}"
    unit = cast(Literal["contacts", "points"], table.choice("unit", ("contacts", "points"), "contacts"))
    rule = PressureRule(
        name=name,
        limit=_limit(table, unit),
        unit=unit,
        window=_window(table, week_starts),
        gap=table.duration("gap"),
        channels=_channels(table, names.channels),
        purposes=_known(table, "purposes", purposes, "purpose"),
        triggers=_known(table, "triggers", names.triggers, "trigger"),
        tags=_known(table, "tags", names.tags, "tag"),
        audience=conditions.read(table, "audience", ConditionContext.AUDIENCE),
    )
    _check_whole(table)
    table.done()
    return rule


def _limit(table: TomlTable, unit: str) -> int | None:
    if unit == "points":
        return table.thousandths("limit")
    limit = table.number("limit")
    if limit is None:
        return None
    if limit < 0 or limit != int(limit):
        table.fault(
            "limit",
            f"{table.quoted('limit')} is {shown(limit)}",
            'Write a whole number of contacts, or unit = "points".',
        )
        return None
    return int(limit)


def _window(table: TomlTable, week_starts: str) -> Window | None:
    text, extend = table.text("window"), table.text("extend")
    if text is None:
        return None
    try:
        return parse_window(text, extend, week_starts)
    except ValueError as error:
        key = "extend" if extend is not None and _is_window(text) else "window"
        table.fault(key, f"{table.quoted(key)}: {error}")
        return None


def _is_window(text: str) -> bool:
    try:
        parse_window(text)
    except ValueError:
        return False
    return True


def _check_whole(table: TomlTable) -> None:
    if "limit" in table and "window" not in table:
        table.missing("window", 'Say within what the limit holds: window = "7d".')
    elif "window" in table and "limit" not in table:
        table.missing("limit", "Say how many contacts the window may hold: limit = 3.")
    elif "limit" not in table and "gap" not in table:
        table.document.fault(
            table.path, f"{table.name} limits nothing", 'Write limit = 3 and window = "7d", or gap = "16h".'
        )
    if "extend" in table and "window" not in table:
        table.fault(
            "extend", f"{table.quoted('extend')} has no window to extend", 'Write a window: window = "7d".'
        )
    if table.values.get("gap") is not None and table.values["gap"] in ("0d", "0h", "0m", "0s"):
        table.fault(
            "gap", f"{table.quoted('gap')} is 0", 'Write the least time between two contacts, such as "16h".'
        )


def _channels(table: TomlTable, channels: Collection[str]) -> frozenset[str] | None:
    """A rule may name the usual channels before the workspace has them all."""
    named = table.texts("channels", or_one=True)
    for name in named or ():
        if name in channels:
            continue
        if name in MEDIA:
            table.warn(
                "channels", f"{table.quoted('channels')}: the workspace has no channel {shown(name)} yet"
            )
        else:
            table.fault(
                "channels",
                f"{table.quoted('channels')}: there is no channel {shown(name)}",
                did_you_mean(name, channels),
            )
    return _some(table, "channels", named)


def _known(table: TomlTable, key: str, known: Collection[str] | None, word: str) -> frozenset[str] | None:
    named = table.texts(key, or_one=True)
    for name in named or ():
        if known is not None and name not in known:
            table.fault(
                key,
                f"{table.quoted(key)}: there is no {word} {shown(name)}",
                did_you_mean(name, known, f"Declare it, or leave {key} out."),
            )
    return _some(table, key, named)


def _some(table: TomlTable, key: str, named: tuple[str, ...] | None) -> frozenset[str] | None:
    if named == ():
        table.fault(key, f"{table.quoted(key)} is empty", "Leave it out where the rule holds for all.")
    return frozenset(named) if named else None
