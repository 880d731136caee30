"""A backtest as sentences and bars."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.forecast.backtest import AFTERWARDS, Backtested
from core.forecast.diff import KINDS
from core.forecast.preview import FORETOLD_FATES, HELD_BACK
from core.forecast.preview_filter import PreviewFilter
from core.instants import day_start, format_duration, local
from core.model.fates import counted_fate, fate_of_decision
from screens.cells.bars import Bar, Heading, Item
from screens.cells.line import Cell, Line
from screens.cells.moments import share
from screens.cells.pressure import BY_REASON, reason_label
from screens.ports.backtest import Tried

DAYS: Final = (30, 90, 365)
PANES: Final = (
    ("messages", "Messages"),
    ("held", "Held back"),
    ("aside", "Pushed aside"),
    ("months", "By month"),
)


def next_days(days: int) -> int:
    """The span after that one, from the longest to the shortest again."""
    return next((more for more in DAYS if more > days), DAYS[0])


def progress_words(days: int, done: int, total: int) -> str:
    """How far the work is."""
    if not total:
        return f"Trying it on the last {days} days …  Esc stops"
    so_far = f"{done:,} of {counted(total, 'customer')} ({share(done, total)})"
    return f"Trying it on the last {days} days: {so_far}  Esc stops"


def facts(tried: Tried, currency: str, zone: ZoneInfo) -> list[Line]:
    """What it would have sent, to whom, and what they did without it."""
    sums = tried.sums
    sent = sum(number for cell, number in sums.own.cells.items() if cell.outcome == "send")
    held_out = f" ({sums.held_out:,} more held out)" if sums.held_out else ""
    start = f"{local(tried.first, zone):%a %d %b %Y %H:%M}"
    span = f"{tried.days} days from {start}, the events as they came, under today's rules"
    lines: list[Line] = [
        [" ", Cell(" BACKTEST ", "cursor"), f" {span}"],
        [
            Cell(f" Entered {counted(sums.entered, 'time')}{held_out}:", ""),
            Cell(
                f" {counted(sent, 'message')} to {counted(sums.afterwards.customers, 'customer')}", "strong"
            ),
            f"{_others(sums)}, {counted(sums.aside.customers, 'customer')} pushed aside",
        ],
    ]
    then = sums.afterwards
    if then.customers:
        ordered = f"{then.ordered:,} ({share(then.ordered, then.customers)}) ordered"
        orders = f"{ordered} within {format_duration(AFTERWARDS)} without it"
        lines.append(
            [
                Cell(
                    f" Of those, {orders}: {currency} {then.revenue / 100:,.2f}. What it causes only a "
                    "holdout can tell.",
                    "dim",
                )
            ]
        )
    return lines


def _others(sums: Backtested) -> str:
    """What became of the rest, in the words of `core.model.fates`."""
    fates = sums.own.fates().get((), Counter())
    told = [counted_fate(fates[fate], fate) for fate in FORETOLD_FATES[1:] if fates[fate]]
    return "".join(f", {each}" for each in told)


def held(tried: Tried) -> list[Item]:
    """By what it would have been held back."""
    mine = (tried.trigger,)
    reasons = Counter(
        {
            key: numbers.total()
            for key, numbers in tried.sums.own.by("outcome", "reason").items()
            if fate_of_decision(str(key[0]), key[1]) in HELD_BACK
        }
    )
    bars = [
        Bar(rule, number, stands_for=PreviewFilter(rule=rule, triggers=mine))
        for rule, number in tried.sums.own.rules.most_common()
    ]
    told = [
        Bar(
            reason_label(str(outcome), reason),
            number,
            stands_for=PreviewFilter(outcomes=(str(outcome),), reasons=(reason,), triggers=mine),
        )
        for (outcome, reason), number in reasons.most_common()
    ]
    return [
        *([Heading(" by rule"), *bars] if bars else []),
        *([Heading(f" {BY_REASON}"), *told] if told else [Heading(" Nothing would have held it back.")]),
    ]


def aside(tried: Tried) -> list[Item]:
    """Messages of other triggers without it and with it, and how their decisions change."""
    kinds: dict[str, Counter[str]] = {}
    for (name, _, kind), number in tried.sums.aside.changes.items():
        kinds.setdefault(name, Counter())[kind] += number
    bars = []
    for (trigger,), sides in tried.sums.aside.by("trigger").items():
        changed = kinds.get(str(trigger))
        if changed is not None:
            note = ", ".join(f"{changed[kind]:,} {kind}" for kind in KINDS if changed[kind])
            behind = PreviewFilter(triggers=(str(trigger),))
            bars.append(
                Bar(str(trigger), sides.after["send"], note, stands_for=behind, before=sides.before["send"])
            )
    return [*bars] or [Heading(" It would have changed nothing for any other trigger.")]


def months(tried: Tried, zone: ZoneInfo) -> list[Item]:
    """Messages by month of the workspace's zone."""
    found = Counter[str]()
    for cell, number in tried.sums.own.cells.items():
        found[cell.day[:7]] += number if cell.outcome == "send" else 0
    return [
        Bar(month, number, stands_for=_of_month(month, tried.trigger, zone))
        for month, number in sorted(found.items())
    ] or [Heading(" It would have decided nothing in this span.")]


def _of_month(month: str, trigger: str, zone: ZoneInfo) -> PreviewFilter:
    """The trigger's messages of a month such as `2025-10`."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return PreviewFilter(
        since=day_start(first, zone), until=day_start(after, zone), triggers=(trigger,), outcomes=("send",)
    )


def behind_facts(tried: Tried, behind: PreviewFilter) -> list[Line]:
    """What the decisions behind a number are."""
    if behind.triggers == (tried.trigger,):
        return [[" ", Cell(" BACKTEST ", "cursor"), f" decisions of {tried.trigger}, had it been active"]]
    others = ", ".join(behind.triggers or ())
    told = f" what {tried.trigger} would have changed for {others}: as decided with it, or what it takes away"
    return [[" ", Cell(" BACKTEST ", "cursor"), told]]
