"""The tables behind a forecast: who has whose room, what is put off to when, what is lost for good, what
channels are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from core.explain.words import counted, in_short
from core.forecast.preview import Totals
from core.forecast.preview_filter import PreviewFilter
from screens.cells.bars import Bar, Heading, Item, compared
from screens.cells.grid import Grid
from screens.cells.moments import share
from screens.cells.safe_text import display_width, fitted, safe_text
from screens.ports.pressure import Forecast

MOST: Final = 40
"""Triggers in the matrix, the ones with most to do with each other."""
HEAD: Final = 13
"""Columns that half a name over the matrix takes at most; the longest words of the catalogue's names fit."""
FOR_GOOD: Final = frozenset({"EXPIRED", "PRESSURE", "LOWER_PRIORITY", "CAPACITY", "QUIET_HOURS"})
"""Reasons for which a message never goes out though nothing but room or time was missing."""


# ---- who beats whom ----


@dataclass(frozen=True, slots=True)
class Contest:
    """The matrix with what its rows and columns stand for."""

    grid: Grid
    winners: tuple[str, ...]
    losers: tuple[str, ...]
    before: Mapping[tuple[str, str], int] | None


def contest(forecast: Forecast) -> Contest:
    """Who has the room (rows) that whom did not get (columns), in decisions; the ones with most first."""
    beats = forecast.totals.beats
    won, lost = Counter[str](), Counter[str]()
    for (winner, loser), number in beats.items():
        won[winner] += number
        lost[loser] += number
    winners, losers = (tuple(name for name, _ in each.most_common(MOST)) for each in (won, lost))
    values = tuple(tuple(beats[winner, loser] for loser in losers) for winner in winners)
    grid = Grid(winners, tuple(map(_head, losers)), values, "decisions: the row has the column's room")
    return Contest(grid, winners, losers, None if forecast.diff is None else forecast.diff.before.beats)


def _head(name: str) -> tuple[str, str]:
    """A name on two lines of a narrow column, parted at the dash that keeps it narrowest."""
    safe = safe_text(name)
    parted = [(safe[: at + 1], safe[at + 1 :]) for at, letter in enumerate(safe) if letter == "-"]
    first, second = min(parted, key=lambda each: max(map(display_width, each)), default=("", safe))
    return fitted(first, HEAD), fitted(second, HEAD)


def contest_words(contest: Contest, row: int, column: int) -> str:
    """The cell under the cursor in words."""
    if not contest.winners:
        return "Nobody stands in anybody's way."
    winner, loser = contest.winners[row], contest.losers[column]
    number = contest.grid.values[row][column]
    was = number if contest.before is None else contest.before.get((winner, loser), 0)
    told = counted(number or 0, "decision") + (f" (now {was:,})" if was != number else "")
    if winner == loser:
        return f"{loser} reminds the same people too often: held back by itself in {told}"
    return f"{winner} has the room of {loser} in {told}"


def behind_contest(contest: Contest, column: int) -> PreviewFilter:
    """The decisions of the one who gives way."""
    return PreviewFilter(triggers=(contest.losers[column],), reasons=("PRESSURE", "LOWER_PRIORITY"))


# ---- put off, and lost ----


class Lost(NamedTuple):
    """A bar of what one trigger loses for one reason."""

    trigger: str
    reason: str | None


def put_off(forecast: Forecast) -> list[Item]:
    """Bars of what waits from one day to another, then of what is never sent for want of room or time."""
    before = None if forecast.diff is None else forecast.diff.before
    moves = compared(forecast.totals.moves, None if before is None else before.moves)
    lost = compared(_lost(forecast.totals), None if before is None else _lost(before))
    waits = [Bar(_move(start, end), number, before=was) for (start, end), number, was in sorted(moves)]
    gone = [
        Bar(f"{trigger}, {in_short(reason)}", number, stands_for=Lost(trigger, reason or None), before=was)
        for (trigger, reason), number, was in sorted(lost, key=lambda each: -each[1])
    ]
    return [
        Heading(" put off, from when to when" if waits else " Nothing is put off."),
        *waits,
        Heading(
            " never sent, for want of room or time" if gone else " Nothing is lost for want of room or time."
        ),
        *gone,
    ]


def _move(start: str, end: str) -> str:
    """From which day to which, both days in ISO form."""
    return f"{_day(start)} → {_day(end) if end != start else 'later that day'}"


def _lost(totals: Totals) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for cell, number in totals.cells.items():
        if cell.outcome == "suppress" and cell.reason in FOR_GOOD:
            found[cell.trigger, cell.reason or ""] += number
    return found


def behind_lost(stands_for: object) -> PreviewFilter | None:
    """The decisions of a bar; None for a bar of days."""
    if not isinstance(stands_for, Lost):
        return None
    return PreviewFilter(triggers=(stands_for.trigger,), outcomes=("suppress",), reasons=(stands_for.reason,))


# ---- what channels take ----


def capacities(forecast: Forecast) -> list[Item]:
    """Bars of what each channel with a capacity is asked for, day by day, beside what it takes within its
    send windows.
    """
    items: list[Item] = []
    for channel in dict.fromkeys(each.channel for each in forecast.asked):
        items.append(Heading(f" {channel}"))
        for each in sorted(each for each in forecast.asked if each.channel == channel):
            over = each.asked > each.capacity
            warning = " ! over: the rest waits" if over else ""
            note = f"of {each.capacity:,} ({share(each.asked, each.capacity)}){warning}"
            items.append(Bar(_day(each.day), each.asked, note, "bad" if over else ""))
    return items or [Heading(" No channel with a capacity is asked for anything in this span.")]


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%a %d %b}"


def titles(forecast: Forecast) -> Sequence[tuple[str, str]]:
    """The panes that there are, by name."""
    always = (("beats", "Who beats whom"), ("off", "Put off and lost"), ("capacity", "Capacity"))
    return always if forecast.diff is None else (("changes", "Changes"), ("customers", "Customers"), *always)
