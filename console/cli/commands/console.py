"""Open the console on the workspace; `manometer` alone does the same."""

from __future__ import annotations

import argparse

from console.cli.context import Context
from core.errors import ManometerError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--mouse",
        action=argparse.BooleanOptionalAction,
        help="take clicks and the wheel, which costs bytes over a line (default: no)",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Run it until the operator leaves."""
    if context.output.json:
        raise ManometerError(
            "the console has no --json; every view has a command that has: `manometer --help`."
        )
    _ = context.settings  # a folder that is no workspace is told before the screen changes
    from console.tui.app import (
        open_console,  # Textual reads its environment when imported, and other commands need none of it
    )

    return open_console(context.folder, read_only=context.read_only, mouse=args.mouse)
