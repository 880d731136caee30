"""The versions of the files that were put in force: what each changed and for whom, and the files themselves
to go back to.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

from sqlalchemy import Connection

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.options import whole
from console.cli.output import ListingField
from core.errors import ManometerError
from core.instants import local
from screens.cells.safe_text import safe_text
from storage import playbooks

FIELDS = (
    ListingField("version", "number"),
    ListingField("applied_at", "instant"),
    ListingField("author"),
    ListingField("summary"),
    ListingField("under_way", "json"),
)

EXAMPLES = (("playbooks", "every version that was in force, and what it changed"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "show", "files"),
        help="list: what the command alone does; show: the changes of a version; files: write its files out",
    )
    parser.add_argument("version", nargs="?", type=whole, metavar="N", help="the version")
    parser.add_argument(
        "--into", type=Path, metavar="DIR", help="with files: the folder to write to; it must not exist"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """List, show or write out."""
    if args.action == "list" and args.version is not None:
        raise UsageError(
            f"`manometer playbooks list` lists all. One of them: `manometer playbooks show {args.version}`."
        )
    with context.store.reading() as connection:
        if args.action in (None, "list"):
            _list(context, connection)
            return 0
        if args.version is None:
            raise UsageError(
                f"Which version? `manometer playbooks {args.action} N`; `manometer playbooks` lists them."
            )
        files = _files(connection, args.version)
        before = _files(connection, args.version - 1) if args.version > 1 else {}
    if args.action == "show":
        _show(context, args.version, before, files)
    else:
        _write(context, args.version, files, args.into)
    return 0


def _list(context: Context, connection: Connection) -> None:
    """Each version with what it changed below it, since the names of many triggers are wider than any
    terminal.
    """
    out, lines = context.output, playbooks.lines(connection)
    if out.json or not lines:
        out.listing(FIELDS, map(_row, lines), "No playbook was put in force yet: `manometer apply` does.")
        return
    for line in lines:
        out.say(
            f"{line.version:>4}  {local(line.applied_at, context.zone):%Y-%m-%d %H:%M:%S}  "
            f"{safe_text(line.author)}"
        )
        for sentence in line.summary.splitlines():
            out.wrapped(sentence, 6)
        if line.under_way:
            out.wrapped(
                "under way: "
                f"{', '.join(f'{trigger} {does}' for trigger, does in sorted(line.under_way.items()))}",
                6,
            )


def _row(line: playbooks.PlaybookLine) -> Mapping[str, object]:
    under_way = json.dumps(line.under_way)
    said = {"version": line.version, "applied_at": line.applied_at, "author": line.author}
    return {**said, "summary": line.summary.replace("\n", "; "), "under_way": under_way}


def _files(connection: Connection, version: int) -> Mapping[str, str]:
    text = playbooks.files_json(connection, version)
    if text is None:
        newest = playbooks.newest_version(connection)
        hint = f"There are 1 to {newest}." if newest else "None was put in force yet: `manometer apply` does."
        raise ManometerError(f"There is no playbook {version}. {hint}")
    files: Mapping[str, str] = json.loads(text)
    return files


def _show(context: Context, version: int, before: Mapping[str, str], files: Mapping[str, str]) -> None:
    """The changes against the version before, as a diff; as JSON one object a file."""
    for path in sorted(before.keys() | files.keys()):
        old, new = before.get(path), files.get(path)
        if old == new:
            continue
        lines = list(_diff(path, old, new, version))
        if context.output.json:
            context.output.value({"version": version, "file": path, "diff": "\n".join(lines)})
        else:
            context.output.say("\n".join(lines))


def _diff(path: str, old: str | None, new: str | None, version: int) -> Iterator[str]:
    was = "/dev/null" if old is None else f"{version - 1}/{path}"
    becomes = "/dev/null" if new is None else f"{version}/{path}"
    yield from unified_diff((old or "").splitlines(), (new or "").splitlines(), was, becomes, lineterm="")


def _write(context: Context, version: int, files: Mapping[str, str], into: Path | None) -> None:
    if into is None:
        raise UsageError(f"Where to? `manometer playbooks files {version} --into DIR`.")
    if into.exists():
        raise ManometerError(
            f"{into} exists already. Name a folder that does not, so that nothing is overwritten."
        )
    for path, text in files.items():
        place = into / path
        if not place.resolve().is_relative_to(into.resolve()):
            raise ManometerError(
                f"Playbook {version} names a file outside of its folder: {path}. Nothing more was written."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    context.output.say(
        f"The {len(files)} files of playbook {version} are in {into}. Copy what you want back, and apply."
    )
