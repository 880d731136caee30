"""States as people see them: a symbol and a word, with a style for those who see colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant
from screens.cells.line import Cell
from screens.cells.moments import moment
from screens.ports.pauses import PauseView

TRIGGER: Final[Mapping[str, Cell]] = {
    "active": Cell("● active", "ok"),
    "paused": Cell("‖ paused", "warn"),
    "stopped": Cell("■ stopped", "bad"),
    "draft": Cell("○ draft", "dim"),
    "retired": Cell("– retired", "dim"),
}
OUTCOME: Final[Mapping[str, Cell]] = {
    "send": Cell("● send", "ok"),
    "defer": Cell("→ defer", "warn"),
    "suppress": Cell("✗ suppress", "accent"),
    "hold": Cell("‖ hold", "warn"),
}
MESSAGE: Final[Mapping[str, Cell]] = {
    "held": Cell("‖ held", "warn"),
    "failed": Cell("✗ failed", "bad"),
    "uncertain": Cell("? uncertain", "bad"),
    "due": Cell("» due", "accent"),
    "claimed": Cell("» claimed", "accent"),
    "planned": Cell("○ planned"),
    "sent": Cell("● sent", "ok"),
    "delivered": Cell("● delivered", "ok"),
    "bounced": Cell("✗ bounced", "bad"),
    "complained": Cell("! complained", "bad"),
    "cancelled": Cell("– cancelled", "dim"),
    "expired": Cell("– expired", "dim"),
}


def state(table: Mapping[str, Cell], name: str) -> Cell:
    """The cell of a state; one that this release does not know is its own word."""
    return table.get(name, Cell(name))


def paused_words(pause: PauseView, stopped: bool, now: Instant, zone: ZoneInfo) -> str:
    """Since when it is paused, by whom, why, and until when."""
    what = "all sending stopped" if stopped else "paused"
    until = "" if pause.until is None else f", until {moment(pause.until, now, zone)}"
    because = f": {pause.reason}" if pause.reason else ""
    return f"{what} since {moment(pause.since, now, zone)} by {pause.author}{until}{because}"
