"""How the workspace is doing: exit code 0 healthy or idle, 1 degraded, 2 down.

healthy    it ticks, nothing is overdue, nothing failed lately, the books balance
idle       nothing is overdue, and nobody ticks: no tick has run lately, or the scheduler has ended and
           nothing has ticked since
degraded   customers are overdue, messages failed within a day or are uncertain, a channel halts, a job of
           the scheduler fails, the disk is short of room, the clock is distrusted, something is set
           aside, or all sending is stopped
down       customers are overdue and nobody ticks: no tick for a while, or the scheduler has ended and
           nothing has ticked since; or the books do not balance, or the workspace cannot be read
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console import clock
from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED, INTERRUPTED, USAGE
from console.cli.options import add_at
from console.cli.output import ListingField
from console.health.disk import Room
from console.health.judgement import finding_row, health_of, room_of
from console.health.watching import watched
from console.intake.migrated import words_of as words_of_migration
from console.intake.unconverted import words_of
from console.safeguards.clock_guard import why_distrusted
from console.safeguards.stop_file import StopFile
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.explain.words import counted
from core.health import Health, HealthFinding, Trouble
from core.instants import SECOND, Instant, format_instant, local
from storage import status
from storage.intake.decisions import conflict_count
from storage.intake.order_migration import REPORT_TOLD, report_of
from storage.orders import unconverted
from storage.status import Figures
from storage.store import meta, set_meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

FIELDS = (
    ListingField("state"),
    ListingField("leader"),
    ListingField("last_tick", "instant"),
    ListingField("due", "number"),
    ListingField("overdue", "number"),
    ListingField("held", "number"),
    ListingField("failed", "number"),
    ListingField("uncertain", "number"),
    ListingField("conservation", "json"),
    ListingField("last_dispatch", "instant"),
    ListingField("halted", "json"),
    ListingField("surges", "json"),
    ListingField("errors", "json"),
    ListingField("disk", "json"),
    ListingField("set_aside", "json", "not converted"),
    ListingField("unread", "json"),
    ListingField("conflicts", "number"),
    ListingField("migrated", "json", shown=False),
    ListingField("stop_file"),
    ListingField("clock"),
    ListingField("books_at", "instant"),
    ListingField("findings", "json"),
    ListingField("quarantine", "json"),
)
MOST_TOLD = 5
TOLD_WHY = ("overdue", "uncertain", "clock", "leader", "late", "claimed", "silent", "inbox")
EXITS = {"healthy": 0, "idle": 0, "degraded": 1, "down": 2}

EXAMPLES = (("status --json", "for a monitor; the exit code says how bad it is"),)
EXIT_CODES = {
    DONE: "healthy or idle",
    FAILED: "degraded",
    USAGE: "down, or wrong usage",
    INTERRUPTED: "interrupted",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--books", action="store_true", help="add up the books now, however long that takes")
    parser.add_argument(
        "--notify", action="store_true", help="tell whom [notify] names, where the state has changed"
    )
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the state; its exit code."""
    try:
        at = context.now(args.at)
        workspace = context.in_force
        with context.store.reading() as connection:
            is_quick = args.books or status.are_books_quick(connection)
            stands_at = clock.own_clock(connection)
            grace = workspace.playbook.grace
            figures = status.figures(connection, at, grace, books=is_quick, stands_at=stands_at)
            books_at, kept = (at, None) if is_quick else _kept(connection)
            figures = replace(
                figures,
                conservation=figures.conservation if is_quick else kept,
                unread=status.unread_words(connection),
            )
            waiting = unconverted(connection)
            conflicts = conflict_count(connection)
            migrated = report_of(connection)
            is_now = args.at is None and stands_at is None
            clock_fault = why_distrusted(connection, workspace.clock) if is_now else None
            is_stopped_by_file = StopFile(context.folder).mark() is not None
            figures = replace(figures, stopped=figures.stopped or is_stopped_by_file)
            seen = tuple(watched(connection, figures, workspace, context.folder, at, is_now=is_now))
    except ManometerError as error:
        context.output.complain(f"manometer: {error}")
        context.output.record(FIELDS, {"state": "down"})
        if args.notify:
            unreadable = HealthFinding("trouble", "the workspace cannot be read", str(error))
            _notify(context, context.workspace, Health("down", False, (unreadable,)))
        return EXITS["down"]
    disk = room_of(context.database, workspace)
    health = health_of(figures, workspace, at, disk, clock_fault, seen)
    row = _row(figures, health, at, disk) | {
        "set_aside": waiting,
        "conflicts": conflicts,
        "migrated": migrated,
        "stop_file": is_stopped_by_file,
        "clock": clock_fault,
        "books_at": books_at,
        "findings": [finding_row(each) for each in health.findings],
    }
    said = _for_people(figures, health, at, disk, context)
    said |= _rest_for_people(waiting, health) | {"conflicts": _to_decide(conflicts)}
    fields = [field for field in FIELDS if field.shown or context.output.json]
    context.output.record(fields, row, said=said)
    if figures.stopped:
        by_file = ", by the file STOP too" if is_stopped_by_file else ""
        context.output.say(f"All sending is stopped{by_file}. `manometer go` ends that.")
    if migrated is not None and not context.output.json:
        _tell_once(migrated, workspace.playbook.currency, context)
    if args.notify:
        _notify(context, workspace, health)
    return EXITS[health.state]


def _tell_once(migrated: Mapping[str, Any], currency: str, context: Context) -> None:
    """What a migration changed, to the first who asks how the workspace is doing."""
    with context.store.writing() as connection:
        if meta(connection, REPORT_TOLD) is None:
            context.output.say(words_of_migration(migrated, currency))
            set_meta(connection, REPORT_TOLD, "1")


def _notify(context: Context, workspace: Workspace, health: Health) -> None:
    """Tell of a change, and wait for it until its deadline."""
    from console.health.notifying import Notifier  # only where that is asked for

    def complain(way: str, why: str) -> None:
        context.output.complain(f"manometer: not notified by the {way}: {why}")

    notifier = Notifier(context.folder, workspace.name, complain)
    for thread in notifier.tell(health, clock.now(), workspace.watch, at_once=True):
        thread.join(workspace.watch.deadline / SECOND + 1)


def _kept(connection: Connection) -> tuple[Instant | None, dict[str, Any] | None]:
    """The books of a large database as the scheduler has kept them."""
    return status.kept_books(connection) or (None, None)


def _rest_for_people(waiting: Mapping[str, int], health: Health) -> dict[str, str | None]:
    number = len(health.findings)
    return {
        "set_aside": words_of(waiting) if waiting else "none",
        "findings": f"{number}, named in the first line" if number else "none",
    }


def _row(figures: Figures, health: Health, at: Instant, disk: Room | None) -> dict[str, object]:
    leader = figures.leader(at)
    return {
        "state": health.state,
        "leader": None if leader is None else leader.owner,
        "last_tick": figures.last_tick,
        "due": figures.due,
        "overdue": figures.overdue,
        "held": figures.held,
        "failed": figures.failed,
        "uncertain": figures.uncertain,
        "conservation": figures.conservation,
        "last_dispatch": figures.last_dispatch,
        "halted": _as_json(figures.halted),
        "surges": _as_json(figures.surges),
        "errors": _as_json(figures.troubles),
        "disk": None
        if disk is None
        else {"free": disk.free, "keep_free": disk.keep_free, "short": disk.is_short},
        "quarantine": dict(Counter(each.kind for each in figures.quarantine)),
        "unread": [{**each, "last_at": format_instant(each["last_at"])} for each in figures.unread],
    }


def _as_json(troubles: Mapping[str, Trouble]) -> dict[str, dict[str, str]]:
    return {
        name: {"reason": trouble.reason, "since": format_instant(trouble.since)}
        for name, trouble in troubles.items()
    }


# ---- for people ----


def _for_people(
    figures: Figures, health: Health, at: Instant, disk: Room | None, context: Context
) -> dict[str, str | None]:
    return {
        "state": _state(health),
        "leader": _leader(figures, at, context),
        "conservation": _books(figures),
        "halted": _listed(figures.halted, context),
        "surges": _listed(figures.surges, context),
        "errors": _listed(figures.troubles, context),
        "disk": None if disk is None else f"{'SHORT: ' if disk.is_short else ''}{disk.in_words()}",
        "unread": _not_understood(figures),
        "quarantine": _quarantined(figures),
    }


def _state(health: Health) -> str:
    """The word and what is wrong; reasons that have a line of their own are not told twice."""
    found = [f"{each.words}{f' ({each.why})' if each.sort in TOLD_WHY else ''}" for each in health.findings]
    said = "; ".join(found) or health.why
    return f"{health.state}: {said}" if said else health.state


def _leader(figures: Figures, at: Instant, context: Context) -> str:
    lease = figures.lease
    if lease is None:
        return "nobody; passes are run by `manometer tick`"
    if not lease.is_live(at):
        until = "was stopped" if lease.is_resigned else "until"
        return f"nobody; {lease.owner} {until} {_when(lease.renewed_at, context)}"
    return f"{lease.owner} since {_when(lease.since, context)}"


def _listed(troubles: Mapping[str, Trouble], context: Context) -> str:
    told = [
        f"{name} since {_when(trouble.since, context)}: {trouble.reason}"
        for name, trouble in troubles.items()
    ]
    return "; ".join(told) or "none"


def _not_understood(figures: Figures) -> str:
    told = [f"{each['word']!r} of {each['source']} {each['number']:,}" for each in figures.unread[:MOST_TOLD]]
    return f"{'; '.join(told)}{'; ...' if len(figures.unread) > MOST_TOLD else ''}" or "nothing"


def _to_decide(conflicts: int) -> str:
    """How many customers wait for a word on who is who, and where."""
    return f"{conflicts:,}; `manometer merges --conflicts` lists them" if conflicts else "none"


def _quarantined(figures: Figures) -> str:
    found = figures.quarantine
    told = [f"{each.kind} {each.what}: {each.reason}" for each in found[:MOST_TOLD]]
    return f"{'; '.join(told)}{'; ...' if len(found) > MOST_TOLD else ''}" or "nothing"


def _when(at: Instant, context: Context) -> str:
    return f"{local(at, context.zone):%Y-%m-%d %H:%M:%S}"


def _books(figures: Figures) -> str:
    books = figures.conservation
    if books is None:
        return "not added up: no scheduler has yet; `manometer status --books` does"
    events, decisions, messages = (
        counted(books[part]["total"], part[:-1]) for part in ("events", "decisions", "messages")
    )
    fates = ", ".join(f"{number:,} {fate}" for fate, number in books["fates"].items() if number)
    sums = f"{events}, {decisions}{f' ({fates})' if fates else ''}, {messages}"
    return f"{'holds' if books['holds'] else 'DOES NOT HOLD, see --json'}: {sums}"
