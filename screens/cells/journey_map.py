"""A journey as text boxes with customers at each step, and entries by day as a sparkline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.explain.journey_words import ways
from core.instants import format_duration
from core.model.fates import Fate, counted_fate
from core.model.journey_map import JourneyMap, JourneyStep
from core.model.triggers import Step, Trigger
from screens.cells.line import Cell, Cells, Line, as_cell, fit
from screens.cells.moments import share
from screens.cells.safe_text import display_width, safe_text
from screens.cells.states import fate_cell
from screens.cells.wrapping import wrapped
from screens.ports.journeys import JourneyView

WIDEST: Final = 76
"""Columns of a box at most."""
BARS: Final = "▁▂▃▄▅▆▇█"
WEEK: Final = 7


def map_lines(view: JourneyView, width: int) -> list[Line]:
    """All of it, in so many columns."""
    room = max(30, min(WIDEST, width - 2))
    return [*_head(view, room), [], *_boxes(view, room)]


# ---- entries by day ----


def _head(view: JourneyView, room: int) -> Iterator[Line]:
    found = view.found
    entries = "1 entry" if found.entered == 1 else f"{found.entered:,} entries"
    goal = "" if view.trigger.goal is None else f", {found.reached:,} reached the goal"
    span = f" in {len(found.days) - 1} days, {found.under_way:,} under way{goal}"
    yield [Cell(f" {entries}", "strong"), Cell(span, "dim")]
    bars, word = _by_day_or_week(found, room)
    most = max(bars, default=0)
    yield [" ", Cell(sparkline(bars), "accent")]
    first, last = found.days[0][0], found.days[-1][0]
    yield [Cell(f" {first:%d %b} to {last:%d %b}, a bar a {word}, the highest {most:,}", "dim")]


def _by_day_or_week(found: JourneyMap, room: int) -> tuple[list[int], str]:
    numbers = [number for _, number in found.days]
    if len(numbers) <= room:
        return numbers, "day"
    skipped = len(numbers) % WEEK  # the first week would not be a whole one
    return [
        sum(numbers[first : first + WEEK]) for first in range(skipped, len(numbers), WEEK)
    ], "week"  # fmt: skip


def sparkline(numbers: Sequence[int]) -> str:
    """A bar for each number, a dot for nothing; what is not nothing has at least the lowest bar."""
    most = max(numbers, default=0)
    return "".join(
        "·" if not number else BARS[max(0, -(-number * len(BARS) // most) - 1)] for number in numbers
    )


# ---- the boxes ----


def _boxes(view: JourneyView, room: int) -> Iterator[Line]:
    trigger, found = view.trigger, view.found
    entry: list[Line] = [[Cell(trigger.title, "strong")], [Cell(f"{found.entered:,}", "strong"), " entered"]]
    if view.enters:
        entry.insert(1, [f"enters {view.enters}"])
    yield from _box(entry, room)
    if found.holdout:
        whole = found.holdout + found.entered
        yield [Cell(f"  ├─ holdout {found.holdout:,} ({share(found.holdout, whole)}) get nothing", "dim")]
    for name, wanted in trigger.split:
        number = found.variants.get(name, 0)
        told = f"variant {name}: {number:,} ({share(number, found.entered)}, planned {round(wanted * 100)} %)"
        yield [Cell(f"  ├─ {told}", "dim")]
    is_straight = _is_straight(trigger)
    on_the_way = found.entered  # who should come to the next step
    for number, step in enumerate(trigger.steps, 1):
        counts = found.steps.get(number, JourneyStep())
        wait = f"after {format_duration(step.after)}" if step.after else "at once"
        lost = on_the_way - counts.came
        drop = f"  {lost:,} dropped out ({share(lost, on_the_way)})" if lost > 0 and is_straight else ""
        yield ["  │ ", Cell(wait, "dim"), Cell(drop, "warn")]
        yield from _box(list(_step(number, step, counts, found.entered)), room)
        for way in ways(step, trigger):
            yield [Cell(f"  ├─ {way}", "dim")]
        on_the_way = counts.went_on


def _is_straight(trigger: Trigger) -> bool:
    """Whether everybody comes from each step to the next, so that who does not come has dropped out."""
    return all(
        not step.variants and step.then is None and step.else_to is None and step.wait is None
        for step in trigger.steps
    )


def _step(number: int, step: Step, counts: JourneyStep, entered: int) -> Iterator[Line]:
    only = f" [{', '.join(sorted(step.variants))}]" if step.variants else ""
    yield [Cell(f"{number}  {step.template}", "strong"), f"  over {', '.join(step.channels)}{only}"]
    yield [Cell(f"{counts.came:,}", "strong"), f" came, {share(counts.came, entered)} of all who entered"]
    yield list(_tally(counts))


def _tally(counts: JourneyStep) -> Iterator[Cells]:
    told = [fate for fate in Fate if counts.fates[fate]]
    for place, fate in enumerate(told):
        yield Cell(f"{', ' if place else ''}{counted_fate(counts.fates[fate], fate)}", fate_cell(fate).style)
    if not told:
        yield Cell("nobody yet", "dim")


def _box(lines: Sequence[Line], room: int) -> Iterator[Line]:
    yield [f" ┌{'─' * (room - 2)}┐"]
    for line in lines:
        for part in wrapped(line, room - 4):
            yield [" │ ", *_fitted(part, room - 4), " │"]
    yield [f" └{'─' * (room - 2)}┘"]


def _fitted(line: Line, width: int) -> Iterator[Cell]:
    """The cells of a line in exactly so many columns."""
    left = width
    for part in line:
        cell = as_cell(part)
        wide = min(left, display_width(safe_text(cell.text)))
        yield Cell(fit(cell.text, wide), cell.style)
        left -= wide
    yield Cell(" " * left)
