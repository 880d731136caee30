"""The decisions behind a number of a forecast or a backtest, as cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import in_short
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.line import Cell, Cells
from screens.cells.moments import moment
from screens.cells.states import decision_cell
from screens.ports.pressure import ForecastDecision

IMAGINED: Final = "~"
"""Sign before what comes, at least in part, of events that are only imagined."""
IMAGINED_WORDS: Final = f"{IMAGINED} imagined: it comes of events that only might happen"
ALREADY: Final = "decided already"
"""Of what waits in the outbox."""
COLUMNS: Final = (
    Column("at", "AT", 12),
    Column("customer", "CUSTOMER", 9, grow=1),
    Column("name", "NAME", 14, least=100, grow=1),
    Column("trigger", "TRIGGER", 12, grow=3),
    Column("step", "STEP", 4, right=True, least=100),
    Column("channel", "CHANNEL", 8, least=90),
    Column("outcome", "OUTCOME", 10, grow=9, most=20),
    Column("reason", "REASON", 18, least=76, grow=2),
    Column("until", "FREE AGAIN", 12, least=120),
)


def cells(row: ForecastDecision, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One decision in the `COLUMNS`; `now` and the instants are ms UTC."""
    return (
        moment(row.at, now, zone),
        row.customer,
        row.name,
        row.trigger,
        str(row.step),
        row.channel or "",
        _outcome(row),
        Cell(f"{ALREADY} {in_short(row.reason)}".rstrip() if row.message else in_short(row.reason), "dim"),
        moment(row.until, now, zone),
    )


def _outcome(row: ForecastDecision) -> Cell:
    """The word; of what is only imagined, marked so."""
    said = decision_cell(row.outcome, row.reason)
    return Cell(f"{IMAGINED} {said.text.partition(' ')[2]}", "dim") if row.imagined else said
