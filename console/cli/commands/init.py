"""Make a workspace with small working examples in a folder.

Nothing that stands there already is overwritten.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console.catalogue.new_workspace import init
from console.cli.context import Context

EXAMPLES = (("init shop", "a workspace with an example of each kind"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("folder", metavar="DIR", nargs="?", help="where (default: the workspace of -w)")


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Write the files and the empty database."""
    folder = Path(args.folder) if args.folder is not None else context.folder
    files = init(folder)
    with Context(folder, context.output.json) as made:
        made.store.close()
    if context.output.json:
        context.output.value({"folder": str(folder), "files": [str(path) for path in files]})
    context.output.say(
        f"{folder} is a workspace now, with {len(files)} files. `manometer -w {folder} check` looks them "
        "over."
    )
    return 0
