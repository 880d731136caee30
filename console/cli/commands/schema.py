"""The files of a workspace as JSON Schemas, so that an editor completes keys and marks faults while writing.

Without a kind the kinds are listed. `check` sees more than a schema can: names that must exist, conditions,
and what goes together.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from console.cli.context import Context
from console.cli.exit_codes import DONE
from console.cli.output import ListingField
from console.private_files import write_file
from console.workspace.schemas import SCHEMAS, schema_of
from core.errors import ManometerError

FIELDS = (ListingField("kind"), ListingField("files"))
EXAMPLES = (
    ("schema trigger", "the schema of a trigger's file"),
    ("schema --into .schemas", "all of them, for an editor that reads files"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("kind", nargs="?", choices=tuple(SCHEMAS), help="whose schema to print")
    parser.add_argument(
        "--into", metavar="DIR", type=Path, help="write KIND.schema.json of each into a folder"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Print one, write all, or list them."""
    if args.into is not None:
        _write(args.into, [args.kind] if args.kind else list(SCHEMAS), context)
    elif args.kind is None:
        rows = [{"kind": kind, "files": files} for kind, (files, _) in SCHEMAS.items()]
        context.output.listing(FIELDS, rows, "")
    else:
        context.output.out.write(json.dumps(schema_of(args.kind), indent=2, ensure_ascii=False) + "\n")
    return DONE


def _write(folder: Path, kinds: list[str], context: Context) -> None:
    paths = [folder / f"{kind}.schema.json" for kind in kinds]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, path in zip(kinds, paths, strict=True):
            text = json.dumps(schema_of(kind), indent=2, ensure_ascii=False)
            write_file(path, f"{text}\n".encode())
    except OSError as error:
        raise ManometerError(f"{folder}: cannot be written: {error.strerror}. Name another folder.") from None
    if context.output.json:
        context.output.value({"files": [str(path) for path in paths]})
    context.output.say(
        f"{', '.join(str(path) for path in paths)}: name one in a file's first line, as #:schema"
    )
