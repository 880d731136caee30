"""States as people see them: a symbol and a word, with a style for those who see colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant
from core.model.fates import Fate, fate_in_words, fate_of_decision, fate_of_message
from screens.cells.line import Cell, StyleName
from screens.cells.moments import moment
from screens.ports.pauses import PauseView

TRIGGER: Final[Mapping[str, Cell]] = {
    "active": Cell("● active", "ok"),
    "paused": Cell("‖ paused", "warn"),
    "stopped": Cell("■ stopped", "bad"),
    "draft": Cell("○ draft", "dim"),
    "retired": Cell("– retired", "dim"),
}
_SIGNS: Final[Mapping[Fate, tuple[str, StyleName]]] = {
    Fate.DECIDED: ("●", "ok"),
    Fate.WAITS_FOR_APPROVAL: ("‖", "warn"),
    Fate.DUE: ("»", "accent"),
    Fate.ON_ITS_WAY: ("»", "accent"),
    Fate.SENT: ("●", "ok"),
    Fate.LATER: ("→", ""),
    Fate.HELD: ("‖", "warn"),
    Fate.GOAL_REACHED: ("✓", "ok"),
    Fate.NEVER: ("✗", "accent"),
    Fate.FAILED: ("✗", "bad"),
    Fate.UNCERTAIN: ("?", "bad"),
}
_FOLLOWED_SIGNS: Final[Mapping[str, tuple[str, StyleName]]] = {
    "bounced": ("✗", "bad"),
    "complained": ("!", "bad"),
}


def fate_cell(fate: Fate, message_state: str | None = None) -> Cell:
    """The cell of what becomes of a message, with what followed where the outbox's state says so."""
    sign, style = _SIGNS[fate]
    if fate is Fate.SENT:
        sign, style = _FOLLOWED_SIGNS.get(message_state or "", (sign, style))
    return Cell(f"{sign} {fate_in_words(fate, message_state)}", style)


def decision_cell(outcome: str, reason: str | None) -> Cell:
    """The cell of what was decided, whatever has become of it since."""
    return fate_cell(fate_of_decision(outcome, reason))


def message_cell(message_state: str, reason: str | None, is_paused: bool = False) -> Cell:
    """The cell of a message in the outbox."""
    return fate_cell(fate_of_message(message_state, reason, is_paused=is_paused), message_state)


def state(table: Mapping[str, Cell], name: str) -> Cell:
    """The cell of a state; one that this release does not know is its own word."""
    return table.get(name, Cell(name))


def paused_words(pause: PauseView, stopped: bool, now: Instant, zone: ZoneInfo) -> str:
    """Since when it is paused, by whom, why, and until when."""
    what = "all sending stopped" if stopped else "paused"
    until = "" if pause.until is None else f", until {moment(pause.until, now, zone)}"
    because = f": {pause.reason}" if pause.reason else ""
    return f"{what} since {moment(pause.since, now, zone)} by {pause.author}{until}{because}"
