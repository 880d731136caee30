"""Pauses in cells and words. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.engine.pauses import pause_label
from core.explain.words import counted
from core.instants import Instant
from core.model.pauses import parse_target
from screens.cells.column import Column
from screens.cells.exports import Fields, plain
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import in_full, moment, number
from screens.ports.pauses import PauseLine

COLUMNS: Final = (
    Column("state", "STATE", 9),
    Column("target", "WHAT", 18, grow=1),
    Column("since", "SINCE", 12, least=66),
    Column("until", "UNTIL", 12, least=92),
    Column("overdue", "OVERDUE", 8, right=True),
    Column("messages", "IN OUTBOX", 9, right=True, least=92),
    Column("customers", "CUSTOMERS", 9, right=True, least=104),
    Column("why", "BY, WHY", 12, grow=4),
)
"""Overdue are the steps that fell due meanwhile; customers are those under way that it reaches."""
EXPORTED: Final[Fields] = plain("target", "customers", "enrolments", "overdue", "messages")


def cells(line: PauseLine, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    pause = line.pause
    if pause is None:
        return (Cell("● on", "ok"), pause_label(parse_target(line.target)), "", "", "", "", "", "")
    mark = Cell("■ stopped", "bad") if line.target == "*" else Cell("‖ paused", "warn")
    until = "resumed" if pause.until is None else moment(pause.until, now, zone)
    return (
        mark, pause_label(parse_target(line.target)), moment(pause.since, now, zone), until,
        number(line.overdue),
        number(line.messages),
        number(line.customers), Cell(_why(line), "dim"),
    )  # fmt: skip


def _why(line: PauseLine) -> str:
    pause = line.pause
    if pause is None:
        return ""
    too = " (transactional too)" if pause.transactional else ""
    return f"{pause.author}{too}{f': {pause.reason}' if pause.reason else ''}"


def detail(line: PauseLine, zone: ZoneInfo) -> list[Line]:
    """Everything about one, to read."""
    pause = line.pause
    if pause is None:
        return [[Cell("● on", "ok"), f"  {pause_label(parse_target(line.target))}"], [], ["P pauses it."]]
    said = (
        ("since", in_full(pause.since, zone)),
        ("until", "resumed" if pause.until is None else in_full(pause.until, zone)),
        ("by", pause.author), ("why", pause.reason or "no reason was given"),
        ("holds", "transactional messages too" if pause.transactional else "all but transactional messages"),
        ("under way", f"{counted(line.customers, 'customer')} in {counted(line.enrolments, 'journey')}"),
        ("overdue", counted(line.overdue, "step")), ("in the outbox", counted(line.messages, "message")),
    )  # fmt: skip
    lines: list[Line] = [[Cell(f"{name:<14}", "dim"), value] for name, value in said]
    return [[Cell("‖ paused", "warn"), f"  {pause_label(parse_target(line.target))}"], [], *lines]


def words(line: PauseLine, now: Instant, zone: ZoneInfo) -> str:
    """What a filter is compared with."""
    return " ".join(
        part if isinstance(part, str) else part.text
        for part in cells(line, now, zone)
        if isinstance(part, str | Cell)
    )


def chip(lines: Sequence[PauseLine]) -> str:
    """How many pauses there are, and how many can be paused."""
    held = sum(line.pause is not None for line in lines)
    return f"{counted(held, 'pause')} · {len(lines) - held:,} can be paused" if held else "nothing is paused"
