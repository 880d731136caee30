"""A difference between two previews as one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from console.reports.day_grid import cells_of, day_grid, day_sums, days_shown
from console.reports.elements import (
    BarLine,
    BarPiece,
    Bars,
    ColumnHead,
    Heat,
    ReportPage,
    ReportTable,
    Section,
)
from core.forecast.diff import KINDS, Diff, Sides
from core.forecast.preview import PreviewLimit


def diff_page(
    diff: Diff,
    title: str,
    lines: Sequence[str],
    zone: ZoneInfo,
    before: Sequence[PreviewLimit] = (),
    after: Sequence[PreviewLimit] = (),
) -> ReportPage:
    """What changes between two previews with these limits."""
    kinds = diff.kinds()
    facts = [("customers looked at", diff.after.looked_at), ("customers for whom it changes", diff.customers)]
    facts += [(kind, kinds[kind]) for kind in KINDS]
    found = [
        _change_by_day(diff),
        _both("Messages by trigger", diff.by("trigger"), "send", "trigger"),
        _gains(diff),
        _both("Messages by channel", diff.by("channel"), "send", "channel"),
        _rules_before_and_after(diff),
        *_rule_customers(diff, before, after),
        _contacts_before_and_after(diff),
        _both("All decisions by reason", diff.by("outcome", "reason"), None, "reason"),
        _most_changed(diff),
    ]
    sections = tuple(section for section in found if section is not None)
    return ReportPage(
        title,
        (*lines, f"Days are those of {zone.key}."),
        tuple((words, f"{number:,}") for words, number in facts),
        sections,
    )


_SIDES: Final = (("before", "before"), ("after", "send"))


def _change_by_day(diff: Diff) -> Section | None:
    before, after = cells_of(diff.before.cells, "send"), cells_of(diff.after.cells, "send")
    days = days_shown({cell.day for cell in (*before, *after)})
    channels = sorted({cell.channel or "" for cell in (*before, *after)})
    if not days:
        return None
    old, new = day_sums(days, before), day_sums(days, after)
    sides = (("Before", before), ("After", after))
    pictures = tuple(Heat(name, day_grid(channels, days, cells)) for name, cells in sides)
    heads = (
        ColumnHead("day", False),
        *(
            ColumnHead(f"{channel}{side}")
            for channel in channels
            for side in (" before", " after", " change")
        ),
    )
    rows = tuple(
        (
            day,
            *(
                each
                for channel in channels
                for each in (
                    old[channel, day],
                    new[channel, day],
                    _signed(new[channel, day] - old[channel, day]),
                )
            ),
        )
        for day in days
    )
    return Section("Messages by day and channel", "", pictures, ReportTable(heads, rows))


def _signed(number: int) -> str:
    return f"{number:+,}" if number else ""


def _both(
    title: str, sides: Mapping[tuple[str | None, ...], Sides], outcome: str | None, head: str
) -> Section | None:
    """Something before and after, one bar each."""

    def number(numbers: Counter[str]) -> int:
        return numbers.total() if outcome is None else numbers[outcome]

    rows = [
        (" ".join(part for part in key if part), number(both.before), number(both.after))
        for key, both in sides.items()
    ]
    return _before_and_after(title, head, [row for row in rows if row[1] or row[2]])


def _before_and_after(
    title: str, head: str, rows: Sequence[tuple[str, int, int]], words: str = ""
) -> Section | None:
    if not rows:
        return None
    lines = [
        line
        for name, before, after in rows
        for line in (
            BarLine(name, (BarPiece(before, "before"),), f"{before:,}", "before"),
            BarLine("", (BarPiece(after, "send"),), f"{after:,}", f"after {_signed(after - before)}"),
        )
    ]
    heads = (ColumnHead(head, False), ColumnHead("before"), ColumnHead("after"), ColumnHead("change"))
    table = ReportTable(heads, tuple((*row, _signed(row[2] - row[1])) for row in rows))
    return Section(title, words, (Bars(title, tuple(lines), _SIDES),), table)


def _gains(diff: Diff) -> Section | None:
    names = sorted(diff.gaining.keys() | diff.losing.keys())
    heads = (
        ColumnHead("trigger", False),
        ColumnHead("customers who get more of it"),
        ColumnHead("customers who get less of it"),
    )
    rows = tuple((name, diff.gaining[name], diff.losing[name]) for name in names)
    return Section("Who gains and who loses", "", (), ReportTable(heads, rows)) if rows else None


def _rules_before_and_after(diff: Diff) -> Section | None:
    before, after = diff.before.rules, diff.after.rules
    return _before_and_after(
        "Held back by which rule",
        "rule",
        [(rule, before[rule], after[rule]) for rule in sorted(before.keys() | after.keys())],
    )


def _rule_customers(
    diff: Diff, before: Sequence[PreviewLimit], after: Sequence[PreviewLimit]
) -> Iterator[Section | None]:
    rules = diff.rules(before, after)
    full = [
        (rule, old.full or 0, new.full or 0) for rule, (old, new) in rules.items() if old.full or new.full
    ]
    held = [
        (rule, old.customers, new.customers)
        for rule, (old, new) in rules.items()
        if old.customers or new.customers
    ]
    words = "Customers whose fullest window under the rule reaches its limit at any time of the span."
    yield _before_and_after("Customers at the limit", "rule", full, words)
    yield _before_and_after("Customers held back by which rule", "rule", held)


def _contacts_before_and_after(diff: Diff) -> Section | None:
    before, after = diff.before.contacts, diff.after.contacts
    rows = [
        (str(number), before[number], after[number])
        for number in sorted((before.keys() | after.keys()) - {0})
    ]
    return _before_and_after(
        "Contacts per customer", "contacts", rows, "Customers with so many contacts in the span."
    )


def _most_changed(diff: Diff) -> Section | None:
    rows = tuple((each.customer, each.differences, each.before, each.after) for each in diff.most_changed(50))
    heads = (
        ColumnHead("customer", False),
        ColumnHead("differences"),
        ColumnHead("contacts before"),
        ColumnHead("contacts after"),
    )
    return Section("Customers for whom most changes", "", (), ReportTable(heads, rows)) if rows else None
