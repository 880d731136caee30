"""The heat map of a forecast: what its cells count by day and channel, and the decisions behind each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from core.forecast.preview import FORETOLD_FATES, HELD_BACK, PreviewCell
from core.forecast.preview_filter import PreviewFilter
from core.instants import day_start, local_date
from core.model.fates import Fate, counted_fate
from screens.cells.behind import ALREADY, IMAGINED
from screens.cells.forecast import HELD, from_to
from screens.cells.grid import Grid
from screens.ports.pressure import Forecast

Measure = Literal["sent", "held", "contacts", "change", "imagined"]
MEASURES: Final[tuple[Measure, ...]] = ("sent", "held", "contacts")
WORDS: Final = {
    "sent": "messages that go out",
    "held": "later, held or never",
    "contacts": "contacts per customer reached",
    "change": "messages more or less than now",
    "imagined": "messages that are only imagined",
}
OVER: Final = "!"
"""Sign before a number: more than the channel takes on that day."""
ALL: Final = "all"
NO_CHANNEL: Final = "no channel"


def measures_of(forecast: Forecast) -> tuple[Measure, ...]:
    """What the heat map can count: under changed rules also the difference, and of an imagined future what is
    imagined.
    """
    more: list[Measure] = [*MEASURES]
    more += ["change"] if forecast.diff is not None else []
    more += ["imagined"] if forecast.supposed.future == "replay" else []
    return tuple(more)


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


Sums = Counter[tuple[str, str | None, Fate]]
"""Decisions by day, channel and what becomes of them."""


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
    already: Sums = field(default_factory=Counter)
    """What of it was decided before and waits in the outbox."""


def table(
    forecast: Forecast, measure: Measure, triggers: Sequence[str] | None, zone: ZoneInfo
) -> HeatMapTable:
    """Day by channel. Contacts per customer are of all triggers, since the customers of one are not known
    apart.
    """
    chosen = None if triggers is None or measure == "contacts" else set(triggers)
    sums, imagined = _sums(forecast.totals.cells, chosen), _sums(forecast.totals.imagined, chosen)
    before = None if forecast.diff is None else _sums(forecast.diff.before.cells, chosen)
    days, channels = tuple(days_of(forecast, zone)), tuple(_channels(forecast))
    values = _values(forecast, imagined if measure == "imagined" else sums, measure, days, channels)
    if measure == "change" and before is not None:
        values = _difference(values, _values(forecast, before, measure, days, channels))
    hundredths = 100 if measure == "contacts" else 1
    signs = _signs(forecast, measure, days, channels, imagined)
    grid = Grid(
        rows=(*(NO_CHANNEL if channel is None else channel for channel in channels), ALL),
        heads=tuple((f"{day:%a}", str(day.day)) for day in days),
        values=values,
        words=WORDS[measure],
        scale=hundredths,
        least=hundredths,
        signed=measure == "change",
        signs=signs,
        legend=_meanings(signs),
    )
    already = _sums(forecast.totals.already, chosen)
    return HeatMapTable(grid, days, channels, sums, before, already)


Values = tuple[tuple[int, ...], ...]
"""Numbers by channel and day, the last row all channels together."""


def _values(
    forecast: Forecast,
    sums: Sums,
    measure: Measure,
    days: Sequence[date],
    channels: Sequence[str | None],
) -> Values:
    of_channels = [
        tuple(_value(forecast, sums, measure, day.isoformat(), channel) for day in days)
        for channel in channels
    ]
    of_all = tuple(_of_all(forecast, sums, measure, day.isoformat(), channels) for day in days)
    return (*of_channels, of_all)


def _difference(after: Values, before: Values) -> Values:
    return tuple(
        tuple(new - was for new, was in zip(row, row_before, strict=True))
        for row, row_before in zip(after, before, strict=True)
    )


def _meanings(signs: Mapping[tuple[int, int], str]) -> str:
    """What the signs mean that stand in the grid."""
    meanings = {OVER: f"{OVER} over capacity", IMAGINED: f"{IMAGINED} in part imagined"}
    return "  ".join(words for sign, words in meanings.items() if sign in signs.values())


def _sums(cells: Mapping[PreviewCell, int], chosen: set[str] | None) -> Sums:
    sums = Sums()
    for cell, number in cells.items():
        if chosen is None or cell.trigger in chosen:
            sums[cell.day, cell.channel, cell.fate] += number
    return sums


def _signs(
    forecast: Forecast, measure: Measure, days: Sequence[date], channels: Sequence[str | None], imagined: Sums
) -> Mapping[tuple[int, int], str]:
    """Signs by row and column of the grid."""
    signs: dict[tuple[int, int], str] = {}
    fates = HELD_BACK if measure == "held" else (Fate.DECIDED,)
    over = (
        {(each.channel, each.day) for each in forecast.asked if each.asked > each.capacity}
        if measure == "sent"
        else set()
    )
    for column, day in enumerate(days):
        for row, channel in enumerate(channels):
            if measure in ("sent", "held") and any(
                imagined[day.isoformat(), channel, fate] for fate in fates
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
    sums: Sums,
    measure: Measure,
    day: str,
    channel: str | None,
) -> int:
    if measure == "held":
        return sum(sums[day, channel, fate] for fate in HELD_BACK)
    sent = sums[day, channel, Fate.DECIDED]
    return (
        sent
        if measure != "contacts"
        else _per_customer(sent, forecast.totals.reached[day, channel] if channel is not None else 0)
    )


def _of_all(
    forecast: Forecast,
    sums: Sums,
    measure: Measure,
    day: str,
    channels: Sequence[str | None],
) -> int:
    if measure != "contacts":
        return sum(_value(forecast, sums, measure, day, channel) for channel in channels)
    return _per_customer(
        sum(sums[day, channel, Fate.DECIDED] for channel in channels), forecast.totals.reached[day, None]
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
    name = "all channels" if row >= len(table.channels) else channels[0] or NO_CHANNEL
    count, already = (_of_cell(sums, day, channels) for sums in (table.sums, table.already))
    was = count if table.before is None else _of_cell(table.before, day, channels)
    parts = [
        f"{from_to(was[fate], count[fate])} {counted_fate(count[fate], fate).partition(' ')[2]}"
        for fate in FORETOLD_FATES
        if fate is Fate.DECIDED or was[fate] or count[fate]
    ]
    waits = f"; {already.total():,} of them {ALREADY}" if already else ""
    return f"{day:%a %d %b}, {name}: {', '.join(parts)}{waits}"


def _of_cell(sums: Sums, day: date, channels: Sequence[str | None]) -> Counter[Fate]:
    """What becomes of what is decided on a day over these channels together."""
    found: Counter[Fate] = Counter()
    for channel in channels:
        for fate in FORETOLD_FATES:
            if number := sums[day.isoformat(), channel, fate]:
                found[fate] += number
    return found


def behind_cell(
    table: HeatMapTable,
    row: int,
    column: int,
    measure: Measure,
    triggers: Sequence[str] | None,
    zone: ZoneInfo,
) -> PreviewFilter:
    """Which decisions a cell counts."""
    day = table.days[column]
    return PreviewFilter(
        since=day_start(day, zone),
        until=day_start(day + timedelta(days=1), zone),
        channels=None if row >= len(table.channels) else (table.channels[row],),
        triggers=None if triggers is None or measure == "contacts" else tuple(triggers),
        outcomes=HELD if measure == "held" else ("send",),
        without_reasons=("GOAL_REACHED",) if measure == "held" else (),
        imagined=True if measure == "imagined" else None,
    )


def cell_crumbs(table: HeatMapTable, row: int, column: int, measure: Measure) -> tuple[str, ...]:
    """The path to a cell's decisions."""
    return (
        f"{table.days[column]:%a %d %b}",
        table.grid.rows[row],
        WORDS["held"] if measure == "held" else WORDS["sent"],
    )
