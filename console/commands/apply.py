"""Make the workspace's files the playbook in force.

Shows what changes and for how many customers under way, and asks. Pauses survive an apply.
"""

from __future__ import annotations

import argparse

from console.channels import adapter_kinds
from console.context import Context, add_at, add_yes
from console.in_force import Changes, apply_workspace, changes
from console.workspace import read_workspace
from storage import triggers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_yes(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Show, ask, and put in force."""
    workspace = read_workspace(context.folder, channel_kinds=adapter_kinds(), templates=True)
    at = context.now(args.at)
    found = changes(context.store, workspace)
    if not found:
        _report(context, context.in_force.playbook.version, found, False)
        context.output.say("Nothing to apply: the files are those in force.")
        return 0
    for line in found.lines():
        context.output.say(f"  {line}")
    context.output.confirm(_numbers(context, found), "Put these files in force?", args.yes)
    applied = apply_workspace(context.store, workspace, at, context.author)
    _report(context, applied.version, found, True)
    context.output.say(f"Playbook {applied.version} is in force.")
    return 0


def _numbers(context: Context, found: Changes) -> str:
    with context.store.reading() as connection:
        under_way = triggers.under_way(connection)
    counted = [f"{under_way[name]:,} in {name}" for name in found.touched if under_way.get(name)]
    return f"Customers under way in what changes: {', '.join(counted)}." if counted else "No customer under way is concerned."


def _report(context: Context, version: int, found: Changes, applied: bool) -> None:
    if context.output.json:
        shown = {name: getattr(found, name) for name in Changes.__slots__}
        context.output.value({"version": version, "applied": applied, **shown})
