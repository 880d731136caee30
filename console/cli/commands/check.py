"""Look over the workspace's files: every fault with file, line and what to do.

Exit code 1 where there are faults. Warnings do not count as faults.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from console.channels import adapter_kinds
from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED, USUAL_CODES
from console.cli.output import ListingField
from console.intake.unconverted import words_of
from console.workspace.faults import Fault, WorkspaceError
from console.workspace.reading import Workspace, read_workspace
from core.explain.words import counted

FIELDS = (
    ListingField("file"),
    ListingField("line", "number"),
    ListingField("message"),
    ListingField("remedy"),
)

EXAMPLES = (("-w shop check", "every fault of the files, with its line and what to do"),)
EXIT_CODES = {**USUAL_CODES, DONE: "no fault", FAILED: "a fault, or it cannot be read"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options of its own."""


def run(_: argparse.Namespace, context: Context) -> int:
    """Print the faults, else the warnings and what was found."""
    try:
        workspace = read_workspace(context.folder, channel_kinds=adapter_kinds(), templates=True)
    except WorkspaceError as error:
        _print(context, error.faults)
        context.output.say(counted(len(error.faults), "fault"))
        return 1
    if not context.output.json:
        _print(context, workspace.warnings, "warning: ")
        waiting = _unconverted(context)
        if waiting:
            context.output.say(f"warning: {words_of(waiting)}")
        context.output.say(_summary(workspace))
    return 0


def _unconverted(context: Context) -> Mapping[str, int]:
    """Amounts that have no rate, where there is a database already."""
    if not context.database.exists():
        return {}
    from storage.orders import unconverted  # files are checked without a database too

    with context.store.reading() as connection:
        return unconverted(connection)


def _print(context: Context, faults: tuple[Fault, ...], prefix: str = "") -> None:
    if context.output.json:
        rows = (
            {"file": fault.file, "line": fault.line, "message": fault.message, "remedy": fault.remedy}
            for fault in faults
        )
        context.output.listing(FIELDS, rows, "")
        return
    for fault in faults:
        context.output.say(f"{prefix}{fault}")


def _summary(workspace: Workspace) -> str:
    playbook = workspace.playbook
    counts = (
        (len(playbook.triggers), "trigger"), (len(playbook.rules), "pressure rule"),
        (len(playbook.segments), "segment"),
        (len(playbook.channels), "channel"),
    )  # fmt: skip
    return f"No faults: {', '.join(counted(count, noun) for count, noun in counts)}."
