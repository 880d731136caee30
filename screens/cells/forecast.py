"""A forecast in sentences: what was asked and supposed, what it changes, and how old it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.forecast.diff import KINDS, Diff
from core.instants import local
from screens.cells.behind import IMAGINED
from screens.cells.line import Cell, Line, StyleName
from screens.ports.pressure import Forecast, Since, Supposed

HELD: Final = ("defer", "suppress", "hold")


def from_to(before: object, after: object) -> str:
    """What it was and what it is; once where that is the same."""
    told = [f"{each:,}" if isinstance(each, int) else str(each) for each in (before, after)]
    return told[1] if before == after else "→".join(told)


def badge_cell() -> Cell:
    """The mark of everything that is not so."""
    return Cell(" WHAT IF ", "cursor")


def badge(supposed: Supposed, way_back: str = "") -> Line:
    """What is supposed, marked so that nobody takes it for what is."""
    return [" ", badge_cell(), Cell(f" {', '.join(supposed.words)}", "warn"), Cell(f"  {way_back}", "dim")]


def path_of(forecast: Forecast, *crumbs: str) -> Sequence[str]:
    """The path to something of a forecast, so that what is only tried is never taken for what is."""
    return ("WHAT IF", *crumbs) if forecast.supposed.is_what_if else crumbs


def span_words(forecast: Forecast, zone: ZoneInfo) -> str:
    """What was asked, and of how many."""
    totals = forecast.totals
    what = f"{counted(totals.decisions, 'decision')} for {counted(totals.customers, 'customer')}"
    span = f"{forecast.days} days from {local(forecast.first, zone):%a %d %b %H:%M}"
    return f"{span}: {what} ({FUTURES[forecast.supposed.future]})"


FUTURES: Final = {
    "known": "no new events",
    "replay": "if the last week happens again",
    "as-it-was": "events as they came",
}


def changed_words(forecast: Forecast) -> str:
    """How much the changed rules change."""
    diff = forecast.diff
    if diff is None:
        return ""
    if not diff.customers:
        held = _held_otherwise(diff)
        if held:
            return f"The same decisions as under the rules in force, but held by other rules: {held}."
        return "Nothing changes: the same decisions as under the rules in force."
    kinds = diff.kinds()
    said = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
    was, now = (
        sum(number for cell, number in each.cells.items() if cell.outcome == "send")
        for each in (diff.before, diff.after)
    )
    whose = counted(diff.customers, "customer")
    return f"{from_to(was, now)} messages; the decisions of {whose} change: {said}."


def _held_otherwise(diff: Diff) -> str:
    """The rules that hold back another number of decisions than now: `three-a-week 2→0`."""
    before, after = diff.before.rules, diff.after.rules
    names = sorted(name for name in before.keys() | after.keys() if before[name] != after[name])
    return ", ".join(f"{name} {from_to(before[name], after[name])}" for name in names)


def already_words(forecast: Forecast) -> str:
    """What of it waits in the outbox; under changed rules that it is left out, since no rule changes it."""
    if forecast.diff is not None:
        return "Without what was decided already and waits in the outbox: no rule changes that."
    already = forecast.totals.already.total()
    are = "is" if already == 1 else "are"
    return f"{already:,} of them {are} decided already and in the outbox." if already else ""


def imagined_words(forecast: Forecast) -> str:
    """How much of it is only imagined."""
    if forecast.supposed.future != "replay":
        return ""
    totals = forecast.totals
    of = f"{totals.imagined.total():,} of {counted(totals.decisions, 'decision')}"
    return f"{IMAGINED} imagined: {of}; the rest is known"


def capacity_words(forecast: Forecast) -> str:
    """The days on which a channel would be asked for more than it takes; empty where there are none."""
    over = list(forecast.totals.over_capacity(forecast.capacities))
    said = [
        f"{each.channel} on {date.fromisoformat(each.day):%a %d %b}: {each.asked:,} of {each.capacity:,} a "
        "day"
        for each in over[:3]
    ]
    more = f" and {len(over) - 3} more days" if len(over) > 3 else ""
    return f"! over capacity: {'; '.join(said)}{more}. The rest waits." if over else ""


def since_words(since: Since) -> str:
    """What has happened since the snapshot; empty where nothing has."""
    if not since:
        return ""
    parts = [counted(number, noun) for number, noun in _since_numbers(since) if number]
    if since.playbook:
        parts.append("another playbook")
    return f"! old: {', '.join(parts)} since. `p` looks anew."


def _since_numbers(since: Since) -> Sequence[tuple[int, str]]:
    return ((since.events, "new event"), (since.decisions, "new decision"), (since.acts, "operator act"))


def facts(forecast: Forecast, since: Since | None, zone: ZoneInfo) -> list[Line]:
    """What was asked, what is supposed, and what an operator should know of the answer; `since` is what was
    written after it.
    """
    lines: list[Line] = []
    if forecast.supposed.is_what_if:
        lines.append(badge(forecast.supposed, "0: the present"))
    lines.append([f" {span_words(forecast, zone)}"])
    lines.append(_fact(already_words(forecast), "dim"))
    lines += [_fact(changed_words(forecast), "strong"), _fact(imagined_words(forecast), "strong")]
    old = "" if since is None else since_words(since)
    lines += [_fact(capacity_words(forecast), "warn"), _fact(old, "warn")]
    if not forecast.totals.decisions:
        lines.append([Cell(" Nothing falls due in this span. `d` looks further ahead.", "dim")])
    return [line for line in lines if line]


def _fact(words: str, style: StyleName) -> Line:
    return [Cell(f" {words}", style)] if words else []


def facts_in_short(forecast: Forecast, zone: ZoneInfo) -> list[Line]:
    """What is supposed, and what it changes; of the rules in force what was asked."""
    lines: list[Line] = [badge(forecast.supposed)] if forecast.supposed.is_what_if else []
    return [*lines, [f" {changed_words(forecast) or span_words(forecast, zone)}"]]
