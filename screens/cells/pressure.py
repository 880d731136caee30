"""The pressure of a forecast as bars: against limits, by what held back, and by customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from core.explain.words import counted, in_short
from core.filters import holds, read_words
from core.forecast.preview import HELD_BACK, Totals
from core.forecast.preview import PreviewCell as PreviewCell
from core.forecast.preview_filter import PreviewFilter
from core.limits.pressure import POINT, per_unit
from screens.cells.bars import Bar, Heading, Item, compared
from screens.cells.forecast import from_to
from screens.cells.gauge import load_bars, window_words
from screens.cells.moments import share
from screens.cells.states import decision_cell
from screens.ports.pressure import Forecast, LimitLine

K = TypeVar("K", bound=Hashable)
DAYS: Final = (3, 7, 14, 28)


def next_days(days: int) -> int:
    """The length after that one, from the longest to the shortest again."""
    return next((more for more in DAYS if more > days), DAYS[0])


# ---- the filter ----


def matching(triggers: Sequence[str], text: str) -> tuple[str, ...] | None:
    """The triggers whose name holds every word of the filter and none of those after a `!`; None for an empty
    filter.
    """
    words = read_words(text)
    return tuple(name for name in triggers if holds(words, name)) if words else None


def triggers_of(totals: Totals) -> list[str]:
    """Every trigger that decides anything, by name."""
    return sorted({cell.trigger for cell in totals.cells})


# ---- the limits ----


def limit_title(forecast: Forecast, limit: LimitLine) -> str:
    """Such as `three-a-week: 3 contacts in 7 days`, with what it is now where that is other: `3→2
    contacts`.
    """
    now = next((each for each in forecast.limits_before if each.rule == limit.rule), limit)
    said = [f"{limit.rule}: {from_to(f'{_in_unit(now):g}', f'{_in_unit(limit):g}')} {limit.unit} in "]
    return "".join([*said, from_to(window_words(now.window), window_words(limit.window))])


def _in_unit(limit: LimitLine) -> float:
    return limit.limit / per_unit(limit.unit)


def limit_bars(forecast: Forecast, limit: LimitLine) -> list[Bar]:
    """Customers by the fullest window of the rule in the span, points rounded up; the limit and what is over
    it marked.
    """
    most = -(-limit.limit // per_unit(limit.unit))
    before = None if forecast.diff is None else _loads(forecast.diff.before, limit)
    return load_bars(_loads(forecast.totals, limit), most, before=before)


def _loads(totals: Totals, limit: LimitLine) -> Counter[int]:
    unit, loads = per_unit(limit.unit), Counter[int]()
    for (rule, load), people in totals.fullness.items():
        if rule == limit.rule:
            loads[-(-load // unit)] += people
    if limit.for_all:
        loads[0] = totals.customers - loads.total()
    return loads


def limit_sentence(forecast: Forecast, limit: LimitLine, width: int) -> str:
    """How many come to the limit, as fully as there is room for."""
    at = sum(
        people
        for (rule, load), people in forecast.totals.fullness.items()
        if rule == limit.rule and load >= limit.limit
    )
    people, percent = forecast.totals.customers, share(at, forecast.totals.customers)
    full = f"{at:,} of {counted(people, 'customer')} ({percent}) reach it"
    return full if len(full) + 1 <= width else f"{at:,} of {people:,} ({percent}) reach it"


# ---- what is held back ----


class ByRule(NamedTuple):
    """A bar of decisions that a rule held back."""

    rule: str


class ByReason(NamedTuple):
    """A bar of decisions of one outcome and reason."""

    outcome: str
    reason: str | None


BY_REASON: Final = "by reason: → later, ✗ never, ‖ held"


def held_back(forecast: Forecast, triggers: Sequence[str] | None) -> list[Item]:
    """Bars by rule, then by outcome and reason, the longest first."""
    chosen = None if triggers is None else set(triggers)
    rules, reasons = _held(forecast.totals, chosen)
    rules_before, reasons_before = (
        (None, None) if forecast.diff is None else _held(forecast.diff.before, chosen)
    )
    by_rule = [
        Bar(rule, number, stands_for=ByRule(rule), before=was)
        for rule, number, was in compared(rules, rules_before)
    ]
    by_reason = [
        Bar(reason_label(*key), number, stands_for=ByReason(*key), before=was)
        for key, number, was in compared(reasons, reasons_before)
    ]
    bars: list[Item] = [Heading(" by rule"), *by_rule] if by_rule else []
    return (
        [*bars, Heading(f" {BY_REASON}"), *by_reason]
        if by_reason
        else bars or [Heading(" Nothing is held back.")]
    )


def _held(totals: Totals, chosen: set[str] | None) -> tuple[Counter[str], Counter[tuple[str, str | None]]]:
    rules, reasons = Counter[str](), Counter[tuple[str, str | None]]()
    for (rule, trigger), number in totals.held_by.items():
        if chosen is None or trigger in chosen:
            rules[rule] += number
    for cell, number in totals.cells.items():
        if cell.fate in HELD_BACK and (chosen is None or cell.trigger in chosen):
            reasons[cell.outcome, cell.reason] += number
    return rules, reasons


def reason_label(outcome: str, reason: str | None) -> str:
    """The outcome's sign and the reason; the word of the outcome where there is none."""
    sign, _, word = decision_cell(outcome, reason).text.partition(" ")
    return f"{sign} {in_short(reason) or word}"


def behind_bar(stands_for: object, triggers: Sequence[str] | None) -> PreviewFilter | None:
    """Which decisions a bar counts; None for a bar that stands for something else."""
    chosen = None if triggers is None else tuple(triggers)
    if isinstance(stands_for, ByRule):
        return PreviewFilter(rule=stands_for.rule, triggers=chosen)
    if isinstance(stands_for, ByReason):
        return PreviewFilter(outcomes=(stands_for.outcome,), reasons=(stands_for.reason,), triggers=chosen)
    return None


# ---- who is pressed ----


class Customer(NamedTuple):
    """A bar of one customer's contacts."""

    id: int
    key: str


MOST_PRESSED: Final = 50


def pressed(forecast: Forecast, names: Mapping[int, str] | None = None) -> list[Item]:
    """Who would get most, by key and the name that `names` has by row, with points and the rule that comes
    nearest to its limit.
    """
    most = forecast.totals.most_pressed(MOST_PRESSED)
    bars = [
        _pressed(forecast, each.id, each.customer, each.contacts, each.points, each.fullest) for each in most
    ]
    if names:
        bars = [
            replace(bar, label=f"{bar.label} {names.get(each.id, '')}".rstrip())
            for bar, each in zip(bars, most, strict=True)
        ]
    return [*bars] or [Heading(" Nobody gets anything.")]


def _pressed(
    forecast: Forecast, row: int, key: str, contacts: int, points: int, fullest: tuple[str, int, int] | None
) -> Bar:
    told = f"{points / POINT:g} point{'' if points == POINT else 's'}"
    if fullest is None:
        return Bar(key, contacts, told, stands_for=Customer(row, key))
    rule, load, most = fullest
    unit = next((POINT for limit in forecast.limits if limit.rule == rule and limit.unit == "points"), 1)
    nearest = f"{load / unit:g}/{most / unit:g} {rule}"
    return Bar(key, contacts, f"{nearest}, {told}", stands_for=Customer(row, key), brief=nearest)


# ---- the progress ----


def progress_words(done: int, total: int) -> str:
    """How far the work is."""
    if not total:
        return "Looking ahead …  Esc stops"
    return f"Looking ahead: {done:,} of {counted(total, 'customer')} ({share(done, total)})  Esc stops"
