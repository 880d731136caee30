"""One pass of the engine, and of the dispatcher after it, as of an instant; prints what was decided."""

from __future__ import annotations

import argparse
from collections import Counter

from console.commands.decisions import FIELDS
from console.context import Context, add_at
from console.dispatch import Dispatched, dispatch
from console.in_force import ensure_applied, load_in_force
from console.tick import row, tick


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    parser.add_argument("--no-dispatch", action="store_true", help="decide only; hand nothing over")


def run(args: argparse.Namespace, context: Context) -> int:
    """Decide what is due, then hand over what is planned."""
    now = context.now(args.at)
    store = context.store
    workspace = load_in_force(store, context.folder)
    if workspace.playbook.version == 0:
        ensure_applied(store, workspace, now, context.author)
        workspace = load_in_force(store, context.folder)
    decided = tick(store, workspace.playbook, now)
    if context.output.json:
        context.output.listing(FIELDS, map(row, decided), "")
    else:
        context.output.say(_in_words(Counter((each.decision.outcome, each.decision.reason) for each in decided)))
    if args.no_dispatch:
        return 0
    done = dispatch(store, workspace, workspace.playbook, now, context.author)
    context.output.say(_handed_over(done))
    return 0


def _in_words(counted: Counter[tuple[str, str | None]]) -> str:
    if not counted:
        return "Nothing was due."
    parts = (f"{number:,} {outcome}{f' {reason}' if reason else ''}" for (outcome, reason), number in sorted(counted.items(), key=str))
    return f"Decided: {', '.join(parts)}."


def _handed_over(done: Dispatched) -> str:
    counted = {name: getattr(done, name) for name in ("sent", "cancelled", "failed", "expired", "held", "retried", "uncertain")}
    parts = [f"{number:,} {name}" for name, number in counted.items() if number]
    parts += [f"channel {name} halted: {reason}" for name, reason in done.halted.items()]
    return f"Handed over: {', '.join(parts)}." if parts else "Nothing to hand over."
