"""The commands of what was done in this session in cells and words. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import in_full, moment
from screens.cells.safe_text import display_width, fitted
from screens.ports.session import SessionAct

COLUMNS: Final = (
    Column("at", "WHEN", 12, least=90),
    Column("what", "COMMAND", 36, grow=3),
    Column("sentence", "WHAT HAPPENED", 20, grow=2, least=60),
)
EXPORTED: Final[Fields] = (*instants("at"), *plain("command", "sentence"))
AROUND: Final = 12
"""Columns that a notice needs beside a command."""


def cells(act: SessionAct, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    return moment(act.at, now, zone), act.command, Cell(act.sentence, "dim")


def detail(act: SessionAct, zone: ZoneInfo) -> list[Line]:
    """All of one."""
    return [[act.sentence], [Cell(in_full(act.at, zone), "dim")], [], [Cell(act.command, "strong")]]


def notice(command: str, width: int) -> str:
    """The command as a notice of that width has room for it."""
    room = max(20, width - AROUND)
    return f"$ {command if display_width(command) <= room else fitted(command, room)}  (@ lists)"
