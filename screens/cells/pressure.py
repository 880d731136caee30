"""The preview as cells: from the totals of a forecast to grids, bars and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from core.explain.words import counted, in_short
from core.filters import holds, read_words
from core.forecast.diff import KINDS
from core.forecast.preview import PreviewCell as PreviewCell
from core.forecast.preview import Totals
from core.instants import Instant, day_start, local, local_date
from core.limits.pressure import POINT, per_unit
from screens.cells.bars import Bar, Heading, Item
from screens.cells.gauge import load_bars, window_words
from screens.cells.grid import Grid
from screens.cells.line import Cell, Cells
from screens.cells.moments import moment, share
from screens.cells.states import OUTCOME, state
from screens.ports.pressure import Behind, Forecast, ForecastDecision, LimitLine, Since

K = TypeVar("K", bound=Hashable)
Measure = Literal["sent", "held", "contacts", "change", "imagined"]
MEASURES: Final[tuple[Measure, ...]] = ("sent", "held", "contacts")
WORDS: Final = {
    "sent": "messages sent",
    "held": "held back",
    "contacts": "contacts per customer reached",
    "change": "messages more or less than now",
    "imagined": "messages sent that are only imagined",
}
OVER, IMAGINED = "!", "~"
"""Signs before numbers: more than the channel takes on that day; part of it is only imagined."""
IMAGINED_WORDS: Final = f"{IMAGINED} imagined: it comes of events that only might happen"
HELD: Final = ("defer", "suppress", "hold")
ALL: Final = "all"
NO_CHANNEL: Final = "no channel"
DAYS: Final = (3, 7, 14, 28)


def next_days(days: int) -> int:
    """The length after that one, from the longest to the shortest again."""
    return next((more for more in DAYS if more > days), DAYS[0])


def measures_of(forecast: Forecast) -> tuple[Measure, ...]:
    """What the heat map can count: under changed rules also the difference, and of an imagined future what is
    imagined.
    """
    more: list[Measure] = [*MEASURES]
    more += ["change"] if forecast.diff is not None else []
    more += ["imagined"] if forecast.supposed.future == "replay" else []
    return tuple(more)


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


# ---- the heat map ----


def days_of(forecast: Forecast, zone: ZoneInfo) -> list[date]:
    """The local days that the span touches; a last one of which it has but the first instant only where
    something falls on it.
    """
    first, last = local_date(forecast.first + 1, zone), local_date(forecast.last, zone)
    if local_date(forecast.last - 1, zone) < last and not any(
        cell.day == last.isoformat() for cell in forecast.totals.cells
    ):
        last -= timedelta(days=1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


Sums = Counter[tuple[str, str | None, str]]
"""Decisions by day, channel and outcome."""


@dataclass(frozen=True, slots=True)
class HeatMapTable:
    """The heat map's numbers with what its rows and columns stand for; the last row is all channels
    together.
    """

    grid: Grid
    days: tuple[date, ...]
    channels: tuple[str | None, ...]
    sums: Sums
    before: Sums | None = None
    """Under the rules in force, where others are tried."""


def table(
    forecast: Forecast, measure: Measure, triggers: Sequence[str] | None, zone: ZoneInfo
) -> HeatMapTable:
    """Day by channel. Contacts per customer are of all triggers, since the customers of one are not known
    apart.
    """
    chosen = None if triggers is None or measure == "contacts" else set(triggers)
    sums = _sums(forecast.totals.cells, chosen)
    imagined = _sums(forecast.totals.imagined, chosen)
    before = None if forecast.diff is None else _sums(forecast.diff.before.cells, chosen)
    counted_in = imagined if measure == "imagined" else sums
    days = tuple(days_of(forecast, zone))
    channels = tuple(_channels(forecast))
    rows = [
        [_value(forecast, counted_in, measure, day.isoformat(), channel) for day in days]
        for channel in channels
    ]
    rows.append([_of_all(forecast, counted_in, measure, day.isoformat(), channels) for day in days])
    if measure == "change" and before is not None:
        old = [
            [_value(forecast, before, measure, day.isoformat(), channel) for day in days]
            for channel in channels
        ]
        old.append([sum(column) for column in zip(*old, strict=True)] if old else [0] * len(days))
        rows = [
            [new - was for new, was in zip(line, lines, strict=True)]
            for line, lines in zip(rows, old, strict=True)
        ]
    heads = tuple((f"{day:%a}", str(day.day)) for day in days)
    names = (*(NO_CHANNEL if channel is None else channel for channel in channels), ALL)
    signs = _signs(forecast, measure, days, channels, imagined)
    meanings = (
        f"{OVER} over capacity" if OVER in signs.values() else "",
        f"{IMAGINED} in part imagined" if IMAGINED in signs.values() else "",
    )
    scale = (100, 100) if measure == "contacts" else (1, 1)
    legend = "  ".join(filter(None, meanings))
    grid = Grid(
        names,
        heads,
        tuple(map(tuple, rows)),
        WORDS[measure],
        *scale,
        signed=measure == "change",
        signs=signs,
        legend=legend,
    )
    return HeatMapTable(grid, days, channels, sums, before)


def _sums(cells: Mapping[PreviewCell, int], chosen: set[str] | None) -> Sums:
    sums = Sums()
    for cell, number in cells.items():
        if chosen is None or cell.trigger in chosen:
            sums[cell.day, cell.channel, cell.outcome] += number
    return sums


def _signs(
    forecast: Forecast, measure: Measure, days: Sequence[date], channels: Sequence[str | None], imagined: Sums
) -> Mapping[tuple[int, int], str]:
    """Signs by row and column of the grid."""
    signs: dict[tuple[int, int], str] = {}
    outcomes = HELD if measure == "held" else ("send",)
    over = (
        {(each.channel, each.day) for each in forecast.asked if each.asked > each.capacity}
        if measure == "sent"
        else set()
    )
    for column, day in enumerate(days):
        for row, channel in enumerate(channels):
            if measure in ("sent", "held") and any(
                imagined[day.isoformat(), channel, outcome] for outcome in outcomes
            ):
                signs[row, column] = signs[len(channels), column] = IMAGINED
            if (channel, day.isoformat()) in over:
                signs[row, column] = OVER
    return signs


def _channels(forecast: Forecast) -> Iterator[str | None]:
    """Those of the playbook in its order, then others, then none where decisions have none."""
    found = {cell.channel for cell in forecast.totals.cells}
    yield from forecast.channels
    yield from sorted(name for name in found if name is not None and name not in forecast.channels)
    if None in found:
        yield None


def _value(
    forecast: Forecast,
    sums: Counter[tuple[str, str | None, str]],
    measure: Measure,
    day: str,
    channel: str | None,
) -> int:
    if measure == "held":
        return sum(sums[day, channel, outcome] for outcome in HELD)
    sent = sums[day, channel, "send"]
    return (
        sent
        if measure != "contacts"
        else _per_customer(sent, forecast.totals.reached[day, channel] if channel is not None else 0)
    )


def _of_all(
    forecast: Forecast,
    sums: Counter[tuple[str, str | None, str]],
    measure: Measure,
    day: str,
    channels: Sequence[str | None],
) -> int:
    if measure != "contacts":
        return sum(_value(forecast, sums, measure, day, channel) for channel in channels)
    return _per_customer(
        sum(sums[day, channel, "send"] for channel in channels), forecast.totals.reached[day, None]
    )


def _per_customer(sent: int, customers: int) -> int:
    """In hundredths."""
    return round(100 * sent / customers) if customers else 0


def cell_words(table: HeatMapTable, row: int, column: int) -> str:
    """The cell under the cursor in full."""
    if not table.days:
        return ""
    day = table.days[column]
    channels = table.channels if row >= len(table.channels) else (table.channels[row],)
    count = Counter[str]()
    for channel in channels:
        for outcome in ("send", *HELD):
            count[outcome] += table.sums[day.isoformat(), channel, outcome]
    name = "all channels" if row >= len(table.channels) else channels[0] or NO_CHANNEL
    was = Counter[str]()
    for channel in channels:
        for outcome in ("send", *HELD):
            was[outcome] += (
                count[outcome] if table.before is None else table.before[day.isoformat(), channel, outcome]
            )
    parts = [f"{_from_to(was[outcome], count[outcome])} {word}" for outcome, word in _OUTCOMES]
    return f"{day:%a %d %b}, {name}: {', '.join(parts)}"


_OUTCOMES: Final = (("send", "sent"), ("defer", "deferred"), ("suppress", "suppressed"), ("hold", "held"))


def behind_cell(
    table: HeatMapTable,
    row: int,
    column: int,
    measure: Measure,
    triggers: Sequence[str] | None,
    zone: ZoneInfo,
) -> Behind:
    """Which decisions a cell counts."""
    day = table.days[column]
    return Behind(
        since=day_start(day, zone),
        until=day_start(day + timedelta(days=1), zone),
        channels=None if row >= len(table.channels) else (table.channels[row],),
        triggers=None if triggers is None or measure == "contacts" else tuple(triggers),
        outcomes=HELD if measure == "held" else ("send",),
        imagined=True if measure == "imagined" else None,
    )


def cell_crumbs(table: HeatMapTable, row: int, column: int, measure: Measure) -> tuple[str, ...]:
    """The path to a cell's decisions."""
    return (
        f"{table.days[column]:%a %d %b}",
        table.grid.rows[row],
        "held back" if measure == "held" else "sent",
    )


# ---- the limits ----


def limit_title(forecast: Forecast, limit: LimitLine) -> str:
    """Such as `three-a-week: 3 contacts in 7 days`, with what it is now where that is other: `3→2
    contacts`.
    """
    now = next((each for each in forecast.limits_before if each.rule == limit.rule), limit)
    said = [f"{limit.rule}: {_from_to(f'{_in_unit(now):g}', f'{_in_unit(limit):g}')} {limit.unit} in "]
    return "".join([*said, _from_to(window_words(now.window), window_words(limit.window))])


def _from_to(before: object, after: object) -> str:
    """What it was and what it is; once where that is the same."""
    told = [f"{each:,}" if isinstance(each, int) else str(each) for each in (before, after)]
    return told[1] if before == after else "→".join(told)


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
    by_rule = _bars(rules, rules_before, lambda rule: (rule, ByRule(rule)))
    by_reason = _bars(reasons, reasons_before, lambda key: (reason_label(*key), ByReason(*key)))
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
        if cell.outcome in HELD and (chosen is None or cell.trigger in chosen):
            reasons[cell.outcome, cell.reason] += number
    return rules, reasons


def _bars(
    numbers: Counter[K], before: Counter[K] | None, told: Callable[[K], tuple[str, Hashable]]
) -> list[Bar]:
    """A bar each, the longest first; with those of before."""
    both = numbers if before is None else numbers | before
    return [
        Bar(
            told(key)[0],
            numbers[key],
            stands_for=told(key)[1],
            before=None if before is None else before[key],
        )
        for key, _ in both.most_common()
    ]


def reason_label(outcome: str, reason: str | None) -> str:
    """The outcome's sign and the reason; the word of the outcome where there is none."""
    sign, _, word = state(OUTCOME, outcome).text.partition(" ")
    return f"{sign} {in_short(reason) or word}"


def behind_bar(stands_for: object, triggers: Sequence[str] | None) -> Behind | None:
    """Which decisions a bar counts; None for a bar that stands for something else."""
    chosen = None if triggers is None else tuple(triggers)
    if isinstance(stands_for, ByRule):
        return Behind(rule=stands_for.rule, triggers=chosen)
    if isinstance(stands_for, ByReason):
        return Behind(outcomes=(stands_for.outcome,), reasons=(stands_for.reason,), triggers=chosen)
    return None


# ---- who is pressed ----


class Customer(NamedTuple):
    """A bar of one customer's contacts."""

    id: int
    key: str


def pressed(forecast: Forecast) -> list[Item]:
    """Who would get most, with points and the rule that comes nearest to its limit."""
    most = forecast.totals.most_pressed(50)
    bars = [
        _pressed(forecast, each.id, each.customer, each.contacts, each.points, each.fullest) for each in most
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


# ---- sentences ----


def span_words(forecast: Forecast, zone: ZoneInfo) -> str:
    """What was asked, and of how many."""
    totals = forecast.totals
    what = f"{counted(totals.decisions, 'decision')} for {counted(totals.customers, 'customer')}"
    return f"{forecast.days} days from {local(forecast.first, zone):%a %d %b %H:%M}: {what} ({FUTURES[forecast.supposed.future]})"


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
        return "Nothing changes: the same decisions as under the rules in force."
    kinds = diff.kinds()
    said = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
    was, now = (
        sum(number for cell, number in each.cells.items() if cell.outcome == "send")
        for each in (diff.before, diff.after)
    )
    return f"{_from_to(was, now)} messages; the decisions of {counted(diff.customers, 'customer')} change: {said}."


def imagined_words(forecast: Forecast) -> str:
    """How much of it is only imagined."""
    if forecast.supposed.future != "replay":
        return ""
    return f"{IMAGINED} imagined: {forecast.totals.imagined.total():,} of {counted(forecast.totals.decisions, 'decision')}; the rest is known"


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


def progress_words(done: int, total: int) -> str:
    """How far the work is."""
    if not total:
        return "Looking ahead …  Esc stops"
    return f"Looking ahead: {done:,} of {counted(total, 'customer')} ({share(done, total)})  Esc stops"


# ---- the decisions behind a number ----


def behind_cells(row: ForecastDecision, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One decision: at, customer, name, trigger, step, channel, outcome, reason, until."""
    return (
        moment(row.at, now, zone),
        row.customer,
        row.name,
        row.trigger,
        str(row.step),
        row.channel or "",
        Cell(f"{IMAGINED} {row.outcome}", "dim") if row.imagined else state(OUTCOME, row.outcome),
        Cell(in_short(row.reason), "dim"),
        moment(row.until, now, zone),
    )
