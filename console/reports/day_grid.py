"""Decisions by channel and day, or by month where the days are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from core.forecast.preview import PreviewCell
from screens.cells.grid import Grid

DAYS: Final = 62
"""More days than these stand by months."""


def cells_of(cells: Mapping[PreviewCell, int], outcome: str) -> Counter[PreviewCell]:
    """The decisions of one outcome."""
    return Counter({cell: number for cell, number in cells.items() if cell.outcome == outcome})


def days_shown(found: Iterable[str]) -> list[str]:
    """The days in order; months where they are many."""
    days = sorted(set(found))
    return days if len(days) <= DAYS else sorted({day[:7] for day in days})


def shown_day(days: Sequence[str], day: str) -> str:
    """The day as it is shown: itself, or its month."""
    return day if day in days else day[:7]


def day_grid(channels: Sequence[str], days: Sequence[str], cells: Mapping[PreviewCell, int]) -> Grid:
    """Decisions as a grid of channels by days."""
    sums = day_sums(days, cells)
    values = tuple(tuple(sums[channel, day] for day in days) for channel in channels)
    return Grid(
        tuple(channels),
        tuple((day[5:] if len(day) > 7 else day, "") for day in days),
        values,
        "messages that go out",
    )


def day_sums(days: Sequence[str], cells: Mapping[PreviewCell, int]) -> Counter[tuple[str, str]]:
    """Decisions by channel and day as shown."""
    known = set(days)
    found = Counter[tuple[str, str]]()
    for cell, number in cells.items():
        found[cell.channel or "", cell.day if cell.day in known else cell.day[:7]] += number
    return found
