"""How the workspace is doing: exit code 0 healthy or idle, 1 degraded, 2 down.

healthy    it ticks, nothing is overdue, nothing failed lately, the books balance
idle       nothing is due, and no tick has run lately: there is no playbook in force yet, or nothing to do
degraded   customers are overdue, messages failed within a day or are uncertain, or all sending is stopped
down       customers are overdue and no tick has run for a while, the books do not balance, or the workspace cannot be read
"""

from __future__ import annotations

import argparse

from console.context import Context, add_at
from console.output import Field, counted
from core.errors import ManometerError
from core.instants import MINUTE, Instant, Millis
from storage import status
from storage.status import Health

FIELDS = (
    Field("state"),
    Field("leader"),
    Field("last_tick", "instant"),
    Field("due", "number"),
    Field("overdue", "number"),
    Field("held", "number"),
    Field("failed", "number"),
    Field("uncertain", "number"),
    Field("conservation", "json"),
)
EXITS = {"healthy": 0, "idle": 0, "degraded": 1, "down": 2}
SILENCE: Millis = 15 * MINUTE
"""Without a tick for so long (or for ten ticks, if that is longer) nobody is ticking; a cron job that ticks each minute stays far below."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the state; its exit code."""
    try:
        at = context.now(args.at)
        workspace = context.in_force
        with context.store.reading() as connection:
            health = status.health(connection, at, workspace.playbook.grace)
    except ManometerError as error:
        context.output.complain(f"manometer: {error}")
        context.output.record(FIELDS, {"state": "down"})
        return EXITS["down"]
    state = judge(health, at, max(SILENCE, 10 * workspace.tick))
    row = _row(health, state)
    context.output.record(FIELDS, row if context.output.json else {**row, "conservation": _in_words(health)})
    if health.stopped:
        context.output.say("All sending is stopped. `manometer go` ends that.")
    return EXITS[state]


def judge(health: Health, at: Instant, silence: Millis) -> str:
    """The one word for the numbers."""
    ticking = health.last_tick is not None and at - health.last_tick <= silence
    if not health.conservation["holds"] or (health.overdue and not ticking):
        return "down"
    if health.overdue or health.failed_lately or health.uncertain or health.stopped:
        return "degraded"
    return "healthy" if ticking else "idle"


def _in_words(health: Health) -> str:
    books = health.conservation
    totals = ", ".join(counted(books[part]["total"], part[:-1]) for part in ("events", "decisions", "messages"))
    return f"{'holds' if books['holds'] else 'DOES NOT HOLD, see --json'}: {totals}"


def _row(health: Health, state: str) -> dict[str, object]:
    return {
        "state": state,
        "leader": None,
        "last_tick": health.last_tick,
        "due": health.due,
        "overdue": health.overdue,
        "held": health.held,
        "failed": health.failed,
        "uncertain": health.uncertain,
        "conservation": health.conservation,
    }
