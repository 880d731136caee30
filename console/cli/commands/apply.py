"""Make the workspace's files the playbook in force.

Shows what changes and for how many customers under way, and asks. Pauses survive an apply.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from console.channels import adapter_kinds
from console.cli.context import Context
from console.cli.options import add_at, add_reason, add_yes
from console.playbooks.applied import ApplyChanges, apply_workspace, changes, under_way
from console.playbooks.migration import Fate, read_asked
from console.workspace.reading import read_workspace
from core.explain.words import counted

EXAMPLES = (("apply --yes", "put the files in force without being asked"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_yes(parser)
    parser.add_argument(
        "--under-way",
        action="append",
        default=[],
        metavar="TRIGGER=X",
        help="what happens to customers under way in a changed or removed trigger: finish, move or leave "
        "(default: its on_change)",
    )
    add_reason(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Show, ask, and put in force."""
    workspace = read_workspace(context.folder, channel_kinds=adapter_kinds(), templates=True)
    at = context.now(args.at)
    asked = read_asked(args.under_way)
    found = changes(context.store, workspace)
    if not found:
        _report(context, context.in_force.playbook.version, found, False)
        context.output.say("Nothing to apply: the files are those in force.")
        return 0
    for line in found.lines():
        context.output.say(f"  {line}")
    happens = under_way(context.store, workspace, found, asked)
    context.output.confirm(_numbers(happens), "Put these files in force?", args.yes)
    applied = apply_workspace(context.store, workspace, at, context.author, asked, args.reason)
    _report(context, applied.version, found, True, happens)
    for fate in happens:
        context.output.say(f"  {fate.line()}")
    if applied.converted:
        context.output.say(f"  {counted(applied.converted, 'amount')} converted that had waited for a rate")
    context.output.say(f"Playbook {applied.version} is in force.")
    return 0


def _numbers(happens: Sequence[Fate]) -> str:
    if not happens:
        return "No customer under way is concerned."
    return "Customers under way in what changes:\n" + "\n".join(f"  {fate.line()}" for fate in happens) + "\n"


def _report(
    context: Context, version: int, found: ApplyChanges, applied: bool, happens: Sequence[Fate] = ()
) -> None:
    if context.output.json:
        shown = {name: getattr(found, name) for name in ApplyChanges.__slots__}
        context.output.value(
            {
                "version": version,
                "applied": applied,
                **shown,
                "under_way": [fate.as_json() for fate in happens],
            }
        )
