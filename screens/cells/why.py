"""Why and why not in cells and lines: one line a trigger, and the engine's answer with its checks. Instants
are ms UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import BECAUSE, in_short
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import moment
from screens.cells.states import OUTCOME
from screens.ports.why import CheckLine, Verdict

COLUMNS: Final = (
    Column("verdict", "VERDICT", 11),
    Column("trigger", "TRIGGER", 18, grow=1),
    Column("since", "SINCE", 12, least=80),
    Column("reason", "REASON", 26, grow=6),
)
EXPORTED: Final[Fields] = (
    *plain("trigger", "title", "status", "verdict", "reason", "step"),
    *instants("since"),
    *plain("words"),
)
STANDING: Final = "trigger active"
"""The check whose detail, such as `the trigger is draft`, needs no name before it."""
WORDS: Final = {
    "send": Cell("● sent", "ok"),
    "defer": Cell("→ deferred", "warn"),
    "suppress": Cell("✗ not sent", "bad"),
    "hold": Cell("‖ held", "warn"),
    "none": Cell("○ never", "dim"),
}


def verdict(each: Verdict) -> Cell:
    """Symbol and word of the last decision; before the first, whether one is to come."""
    if each.verdict == "none" and each.step is not None:
        return Cell("» under way", "accent")
    if each.foretold:
        return Cell("◌ foretold", "accent")
    return WORDS.get(each.verdict, OUTCOME.get(each.verdict, Cell(each.verdict)))


def reason(each: Verdict) -> str:
    """Why, in a few words: of the last decision, else what keeps her out."""
    if each.short:
        return each.short.removeprefix(f"{STANDING}: ")
    if each.reason is not None:
        because = BECAUSE.get(each.reason, in_short(each.reason))
        return f"{because}, waiting for {in_short(each.behind)}" if each.behind else because
    if each.verdict == "send":
        return ""
    if each.step is not None:
        return f"step {each.step} is to come"
    stop = each.stop
    if stop is None:
        return "nothing stands against it"
    return stop.detail if stop.check in ("cause", STANDING) else f"{stop.check}: {stop.detail}"


def cells(each: Verdict, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One trigger in the `COLUMNS`."""
    name = each.trigger if each.status == "active" else f"{each.trigger} ({each.status})"
    return (
        verdict(each),
        name,
        moment(each.since, now, zone),
        Cell(reason(each), "dim" if each.verdict == "none" else ""),
    )


def explanation(each: Verdict) -> list[Line]:
    """The answer in words, then every check in its order."""
    first = each.stop
    lines: list[Line] = [
        [" ", Cell(each.title, "strong"), Cell(f"  {each.trigger}", "dim")],
        [f" {each.words}"],
        [],
    ]
    lines.append([Cell(" Would it send now? Every check, in order:", "strong")])
    return [*lines, *(check(line, line is first) for line in each.trace)]


def check(line: CheckLine, is_first: bool) -> Line:
    """One check: what, whether it stands against a message, and the detail."""
    sign = Cell(" ✓ ok   ", "ok") if line.holds else Cell(" ✗ STOP ", "bad")
    return [sign, Cell(fit(line.check, 28), "strong" if is_first else ""), " ", line.detail]
