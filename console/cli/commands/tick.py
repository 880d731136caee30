"""One pass of the engine, and of the dispatcher after it, as of an instant; prints what was decided."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable

from console import clock
from console.cli.context import Context
from console.cli.listings.decisions import FIELDS
from console.cli.options import add_at
from console.dispatch import Dispatched, dispatch
from console.messages.kept_texts import end_old_texts
from console.playbooks.applied import ensure_applied, load_in_force
from console.progress import Progress
from console.runs.tick import Decided, row, tick
from console.safeguards.clock_guard import SOURCES, ClockGuard
from console.safeguards.stop_file import SendingGate, StopFile
from console.safeguards.stopping import take_in
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.explain.words import counted
from core.instants import local
from storage.intake import imports
from storage.store import Store

EXAMPLES = (("tick --at 2025-11-01T15:00", "one pass as of an instant"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    parser.add_argument("--no-dispatch", action="store_true", help="decide only; hand nothing over")


def run(args: argparse.Namespace, context: Context) -> int:
    """Decide what is due, then hand over what is planned."""
    store = context.store
    workspace = load_in_force(store, context.folder)
    guard = None if _stands_still(args, context) else _trusted(store, workspace)
    now = context.now(args.at) if guard is None else guard.now()
    gate = SendingGate(StopFile(context.folder), lambda: guard is not None and guard.is_held)
    if take_in(store, gate, now, context.zone) is not None:
        workspace = load_in_force(store, context.folder)
    if workspace.playbook.version == 0:
        ensure_applied(store, workspace, now, context.author)
        workspace = load_in_force(store, context.folder)
    with Progress("Deciding", "customers") as progress:
        decided = tick(store, workspace.playbook, now, progress.more, gate.is_clock_held)
        kinds = _listed(decided, context) if context.output.json else Counter(map(_kind, decided))
    context.output.say(_in_words(kinds, progress.done))
    if not kinds:
        _tell_what_came_before(context, workspace)
    if args.no_dispatch:
        return 0
    done = dispatch(store, workspace, now if guard is None else guard.now, stopping=gate.is_shut)
    context.output.say(_handed_over(done))
    end_old_texts(store, workspace.retention, now)
    if gate.file.mark() is not None:
        context.output.say("All sending is stopped, by the file STOP too. `manometer go` ends that.")
    return 0


def _trusted(store: Store, workspace: Workspace) -> ClockGuard:
    """The clock, guarded; ManometerError, and nothing is decided, where it is not to be trusted."""
    guard = ClockGuard(SOURCES, workspace.clock)
    distrust = guard.review(store)
    if distrust is not None:
        raise ManometerError(
            f"Nothing was decided: {distrust.reason}. Put the clock right, or say `manometer clock confirm` "
            "where it is right."
        )
    return guard


def _tell_what_came_before(context: Context, workspace: Workspace) -> None:
    """Say where all that was imported came before the triggers were in force, so that it starts nothing."""
    since = [one.activated_at for one in workspace.playbook.triggers if one.status == "active"]
    if not since:
        context.output.say("No trigger is active.")
        return
    with context.store.reading() as connection:
        newest = max(imports.listed(connection), key=lambda row: row["at"], default=None)
    first = min(at or 0 for at in since)
    if newest is not None and newest["at"] < first:
        context.output.say(
            f"What was imported last ({newest['path']}) came before the first trigger was in force, "
            f"{local(first, context.zone):%Y-%m-%d %H:%M}: nobody enters through it. `manometer why "
            "CUSTOMER` says more of one, and `manometer replay` plays the past."
        )


def _stands_still(args: argparse.Namespace, context: Context) -> bool:
    """Whether the pass is as of another instant than now; else time goes by in it, and an emergency stop acts
    in the middle of it.
    """
    return args.at is not None or clock.simulated_at(context.store) is not None


def _listed(decided: Iterable[Decided], context: Context) -> Counter[tuple[str, str | None]]:
    context.output.listing(FIELDS, map(row, decided), "")
    return Counter()


def _kind(decided: Decided) -> tuple[str, str | None]:
    return decided.decision.outcome, decided.decision.reason


def _in_words(kinds: Counter[tuple[str, str | None]], looked_at: int) -> str:
    if not looked_at:
        return "Nothing was due."
    if not kinds:
        were = "was" if looked_at == 1 else "were"
        return f"{counted(looked_at, 'customer')} {were} looked at, nothing to decide."
    parts = (
        f"{number:,} {outcome}{f' {reason}' if reason else ''}"
        for (outcome, reason), number in sorted(kinds.items(), key=str)
    )
    return f"Decided: {', '.join(parts)}."


def _handed_over(done: Dispatched) -> str:
    numbers = {
        name: getattr(done, name)
        for name in ("sent", "cancelled", "failed", "expired", "held", "retried", "uncertain")
    }
    parts = [f"{number:,} {name}" for name, number in numbers.items() if number]
    parts += [f"channel {name} halted: {reason}" for name, reason in done.halted.items()]
    return f"Handed over: {', '.join(parts)}." if parts else "Nothing to hand over."
