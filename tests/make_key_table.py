"""Writes the table of keys in docs/console.md from the bindings themselves: `python -m
tests.make_key_table`.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from textual.binding import Binding
from textual.keys import format_key

import screens
from screens import widgets
from screens.widgets.keys import EVERYWHERE

PAGE: Final = Path(__file__).parents[1] / "docs" / "console.md"
BEGIN, END = "<!-- keys: made by tests/make_key_table.py -->", "<!-- end of keys -->"
WHERE: Final = {
    "App": "everywhere", "Frame": "every screen", "VirtualTable": "lists", "TextLines": "texts",
    "Heatmap": "heat map", "Histogram": "bars",
    "TodayTable": "Overview: today", "SoonList": "Overview: next within a day",
    "OutcomesList": "one trigger: outcomes", "TriedScreen": "Triggers: backtest, behind a number",
    "CustomersBehindScreen": "customers behind a number",
    "NeedsList": "Overview: what needs attention", "OverviewScreen": "Overview",
    "CustomersScreen": "Customers",
    "CustomerScreen": "one customer",
    "Timeline": "timeline", "WhyScreen": "why", "TriggersScreen": "Triggers", "TriggerScreen": "one trigger",
    "PressureScreen": "Pressure",
    "BehindScreen": "Pressure: behind a cell", "OptionsTable": "Pressure: what if",
    "WhatIfScreen": "Pressure: what if",
    "FiguresScreen": "Pressure: tables",
    "SidesScreen": "Pressure: one customer, before and after", "BacktestScreen": "Triggers: backtest",
    "OutboxScreen": "Outbox", "DecisionsScreen": "Decisions", "MessageScreen": "a message",
    "LogScreen": "Outbox and Decisions", "Dialog": "dialogs", "PausesScreen": "Pauses",
    "PeopleScreen": "Customers: who is who", "QuarantineScreen": "Overview: set aside",
    "SuppressionsScreen": "Outbox: suppressed addresses", "Help": "help",
    "ChannelsScreen": "Channels",
    "JourneyScreen": "Triggers: journey", "SegmentsScreen": "Segments",
    "ActsList": "Overview: last acts", "AuditScreen": "Audit", "ActScreen": "Audit: one act",
    "Reading": "details", "EditingScreen": "changing a file",
    "FilterInput": "filter line",
}  # fmt: skip


def table() -> str:
    """The table, a row for each thing that has a key."""
    lines = ["| where | keys | name | does |", "|---|---|---|---|"]
    for where, binding in bindings():
        keys = " ".join(f"`{_shown(key)}`" for key in binding.key.split(","))
        lines.append(f"| {where} | {keys} | `{binding.id}` | {binding.tooltip or binding.description} |")
    return "\n".join(lines)


def bindings() -> Iterator[tuple[str, Binding]]:
    """Everything that has a key and a name, each once, with the place where it works."""
    seen: set[str] = set()
    for where, binding in [*(("everywhere", each) for each in EVERYWHERE), *_of_screens()]:
        if binding.id and binding.id not in seen:
            seen.add(binding.id)
            yield where, binding


def _of_screens() -> Iterator[tuple[str, Binding]]:
    names = [
        f"{package.__name__}.{found.name}"
        for package in (screens, widgets)
        for found in pkgutil.iter_modules(package.__path__)
        if not found.ispkg
    ]
    classes = {
        each.__name__: each
        for name in names
        for each in vars(import_module(name)).values()
        if isinstance(each, type)
    }
    for name in sorted(
        classes, key=lambda name: (list(WHERE).index(name) if name in WHERE else len(WHERE), name)
    ):
        for binding in vars(classes[name]).get("BINDINGS", ()):
            if isinstance(binding, Binding):
                yield WHERE.get(name, name), binding


def _shown(key: str) -> str:
    return "-" if key == "minus" else format_key(key)


def with_table(page: str) -> str:
    """The page with the table as it must be."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}",
        lambda _: f"{BEGIN}\n\n{table()}\n\n{END}",
        page,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
