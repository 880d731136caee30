"""Take in files: NDJSON in the form of Segment's specification, CSV by profile. Importing twice changes
nothing.

A folder stands for the .ndjson, .jsonl and .csv files in it; gzip of any of them is fine. Lines that cannot
be used go to a file in rejects/ with their reasons. A live import into a workspace without a playbook in
force applies its files first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.exit_codes import DONE, FAILED, INTERRUPTED
from console.cli.options import add_at, add_max_ratio
from console.cli.output import ListingField
from console.intake.added_profiles import add_profile
from console.intake.dry_run import DryRun, dry_run
from console.intake.files import (
    ImportResult,
    IntakeSettings,
    files_of,
    import_file,
    intake_settings,
    progress_bar,
)
from console.intake.guessing import FirstLines, GuessSettings, Proposal, propose
from console.intake.interrupts import termination_interrupts
from console.intake.physical_lines import path_text
from console.intake.unconverted import words_of
from console.playbooks.applied import ensure_applied, load_in_force
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace
from core.explain.words import counted
from core.instants import Instant, format_instant, local
from core.sources.amounts import from_minor_units
from core.sources.connector import SourceFile
from core.sources.currencies import DECIMALS
from core.sources.feedback import UNREAD, Unread
from core.sources.segment import ConsentRecord, Incoming
from storage.intake.batch import Concerns

GUESS_FIELDS = (
    ListingField("profile"),
    ListingField("toml"),
    ListingField("lines", "json"),
    ListingField("faults", "json"),
)
DRY_RUN_FIELDS = (
    ListingField("read", "number"),
    ListingField("taken", "number"),
    ListingField("duplicate", "number"),
    ListingField("rejected", "number"),
    ListingField("rejects", "json"),
    ListingField("people_new", "number"),
    ListingField("people_known", "number"),
    ListingField("orders", "number"),
    ListingField("amounts", "json"),
    ListingField("calls", "json"),
    ListingField("future", "json"),
    ListingField("set_aside", "json"),
    ListingField("unread", "json"),
)
FIELDS = (
    ListingField("read", "number"),
    ListingField("taken", "number"),
    ListingField("duplicate", "number"),
    ListingField("rejected", "number"),
    ListingField("rejects"),
)


MOST_REJECTED = 5
"""So many lines are shown that a proposed profile cannot take."""
MOST_TOLD = 10
"""So many words of a kind are told."""

EXAMPLES = (
    (
        "import till.csv.gz --profile till --dry-run",
        "say what the file would bring, and change nothing",
    ),
    (
        "import list.csv --guess --write crm",
        "propose a profile for a file that nobody has described, and keep it",
    ),
    ("import 2024/ --history", "a folder of facts of the past: nothing enrols through them"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files, or folders of files")
    parser.add_argument(
        "--profile", metavar="NAME", help="how to read a CSV: a shipped profile, or one of [profiles.NAME]"
    )
    parser.add_argument(
        "--source", metavar="NAME", help="where the events come from (default: the profile's, or ndjson)"
    )
    parser.add_argument(
        "--history", action="store_true", help="facts of the past: nothing enrols through them"
    )
    parser.add_argument(
        "--guess", action="store_true", help="propose a profile for a CSV file, and show ten lines by it"
    )
    parser.add_argument(
        "--write", metavar="NAME", help="with --guess: add the profile to manometer.toml under this name"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing, and say what the files would bring"
    )
    add_max_ratio(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Import file by file and tell what became of their lines; 1 where nothing of a file could be taken."""
    with termination_interrupts():
        return _run(args, context)


def _run(args: argparse.Namespace, context: Context) -> int:
    paths = files_of(args.paths)
    at = context.now(args.at)
    if args.guess or args.write:
        return _guess(args, context, paths, at)
    if args.dry_run:
        return _foretell(args, context, paths, at)
    settings = _settings(args, context, _concerns(context, at, args.history))
    code, fresh = DONE, 0
    for path in paths:
        with progress_bar(path, quiet=context.output.json) as progress:
            done = import_file(
                context.store,
                SourceFile(path, args.source, args.profile),
                settings=settings,
                arrived_at=at,
                history=args.history,
                progress=progress,
            )
        _report(context, path, done)
        if not done.finished:
            context.output.complain(
                "manometer: Interrupted. What was read is kept; the next import of the file goes on from "
                "there."
            )
            return INTERRUPTED
        code = FAILED if done.is_refused else code
        fresh += done.taken
    if fresh and not args.history:
        _tell_of_triggers(context)
    return code


def _tell_of_triggers(context: Context) -> None:
    """Say where nobody enters through what was taken in, because no trigger was active by then."""
    if context.output.json:
        return
    triggers = load_in_force(context.store, context.folder).playbook.triggers
    if triggers and all(trigger.status != "active" for trigger in triggers):
        context.output.say(
            "  No trigger is active, so nobody enters one through these events, also once one is. Where they "
            'are to start something, set its status to "active" and `manometer apply` it before the import.'
        )


def _guess(args: argparse.Namespace, context: Context, paths: Sequence[Path], at: Instant) -> int:
    """Propose a profile for each file, and write it where that was asked for."""
    if args.write and len(paths) > 1:
        raise UsageError("--write takes one file, for one profile.")
    workspace, code = _readable(context), DONE
    playbook = workspace.playbook
    for path in paths:
        name = args.write or "mine"
        reading = workspace.identities.reading_of(args.source or name)
        told = propose(
            path, name, GuessSettings(playbook.zone, at, playbook.currency, reading, args.max_ratio)
        )
        _show_proposal(context, told)
        if told.faults:
            code = FAILED
            if args.write:
                context.output.complain("manometer: Nothing was written.")
        elif args.write and told.shipped is not None:
            context.output.say(f"Nothing was written: import with --profile {told.shipped}.")
        elif args.write:
            add_profile(context.folder, name, told.toml)
            context.output.say(f"Written to manometer.toml: import with --profile {name}.")
    return code


def _show_proposal(context: Context, told: Proposal) -> None:
    lines = [_in_short(item, _readable(context).playbook.zone) for item in told.lines.mapped]
    lines += [f"line {each.line} rejected: {each.reason}" for each in told.lines.rejected[:MOST_REJECTED]]
    if context.output.json:
        row = {"profile": told.shipped or told.name, "toml": told.toml, "lines": _json(lines)}
        context.output.record(GUESS_FIELDS, row | {"faults": _json(list(told.faults))})
        return
    if told.shipped is not None:
        context.output.say(f"This is an export that a shipped profile reads: --profile {told.shipped}.")
    else:
        context.output.out.write(told.toml)
    for line in (*told.faults, *lines):
        context.output.say(f"  {line}")
    if not told.faults:
        context.output.say(_of_first_lines(told.lines))


def _of_first_lines(lines: FirstLines) -> str:
    """What the profile makes of the lines that were tried."""
    if not lines.read:
        return "There are no lines below the names, so nothing shows whether the columns are what they say."
    taken = lines.read - len(lines.rejected)
    return f"{counted(lines.read, 'line')} tried: {taken:,} could be taken, {len(lines.rejected):,} not."


def _in_short(item: Incoming, zone: ZoneInfo) -> str:
    """One mapped line, in a line."""
    who = ":".join(item.identities[0]) if item.identities else "nobody known"
    amount = "" if item.amount is None else f"  {item.amount / 100:.2f}"
    when = local(item.occurred_at, zone).strftime("%Y-%m-%d %H:%M")
    words = "".join(f"  {each.channel} {_consent_word(each)}" for each in item.consents)
    return f"{when}  {item.name}  {who}{amount}{words}  {item.text}"


def _consent_word(consent: ConsentRecord) -> str:
    """What a list says: its bare no may mean that nobody was asked."""
    return "no" if consent.is_unasked else consent.state


def _foretell(args: argparse.Namespace, context: Context, paths: Sequence[Path], at: Instant) -> int:
    """Tell what each file would bring, by itself, and change nothing."""
    settings, code = _settings(args, context, None), DONE
    for path in paths:
        file = SourceFile(path, args.source, args.profile)
        told = dry_run(context.store, file, settings=settings, arrived_at=at, history=args.history)
        if not told.result.finished:
            context.output.complain("manometer: Interrupted. Nothing was changed.")
            return INTERRUPTED
        if context.output.json:
            context.output.record(DRY_RUN_FIELDS, _as_row(told))
            _tell_beside(context.output.complain, told.result)
        else:
            _say_foretold(context, path, told)
        code = FAILED if told.result.is_refused else code
    return code


def _as_row(told: DryRun) -> dict[str, Any]:
    result, foretold = told.result, told.foretold
    farthest = result.future.farthest
    return {
        "read": result.read, "taken": result.taken, "duplicate": result.duplicate,
        "rejected": result.rejected, "rejects": _json(told.rejects),
        "people_new": told.people_new, "people_known": told.people_known,
        "orders": foretold.orders, "amounts": _json(foretold.amounts), "calls": _json(foretold.calls),
        "future": _json({
            "count": result.future.number,
            "farthest": None if farthest is None else format_instant(farthest),
        }),
        "set_aside": _json(result.unconverted),
        "unread": _json([
            {"kind": each.kind, "word": each.word, "number": number}
            for each, number in _most_frequent(result)
        ]),
    }  # fmt: skip


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _say_foretold(context: Context, path: Path, told: DryRun) -> None:
    say, result, foretold = context.output.say, told.result, told.foretold
    say(
        f"{path_text(path)}: {counted(result.read, 'line')}: {result.taken:,} would be taken, "
        f"{result.duplicate:,} known already, {result.rejected:,} rejected. Nothing was changed."
    )
    say(f"  People: {told.people_new:,} new, {told.people_known:,} known.")
    sums = ", ".join(
        f"{currency} {from_minor_units(amount, currency):,}"
        for currency, amount in sorted(foretold.amounts.items())
        if currency in DECIMALS
    )
    say(f"  Orders: {foretold.orders:,}{f', {sums}' if sums else ''}.")
    for name, count in foretold.calls.most_common():
        say(f"  {count:>9,}  {name}")
    for reason, count in told.rejects.items():
        say(f"  {count:>9,}  rejected: {reason}")
    _tell_beside(say, result)


def _concerns(context: Context, at: Instant, history: bool) -> Concerns | None:
    """Which events make their customers due; None while no playbook is in force."""
    playbook = context.in_force.playbook
    if playbook.version == 0:
        if history:
            return None
        playbook = ensure_applied(context.store, context.workspace, at, context.author)
    return playbook.index.concerns_at(at)


def _settings(args: argparse.Namespace, context: Context, concerns: Concerns | None) -> IntakeSettings:
    settings = intake_settings(context.folder, _readable(context), concerns)
    return replace(settings, max_ratio=args.max_ratio)


def _readable(context: Context) -> Workspace:
    """The files as they stand; while they have faults, as they were applied, so that nobody's editing stops
    the intake.
    """
    try:
        return context.workspace
    except WorkspaceError:
        if context.in_force.playbook.version == 0:
            raise
        return context.in_force


def _report(context: Context, path: Path, done: ImportResult) -> None:
    if context.output.json:
        rejects = None if done.rejects is None else path_text(done.rejects)
        row = {
            "read": done.read,
            "taken": done.taken,
            "duplicate": done.duplicate,
            "rejected": done.rejected,
            "rejects": rejects,
        }
        context.output.record(FIELDS, row)
        _tell_beside(context.output.complain, done)
        return
    refused = f", {done.rejected:,} rejected: see {path_text(done.rejects)}" if done.rejects else ""
    context.output.say(
        f"{path_text(path)}: {counted(done.read, 'line')} read, {done.taken:,} taken, "
        f"{done.duplicate:,} known already{refused}."
    )
    _tell_beside(context.output.say, done)


def _tell_beside(say: Callable[[str], None], done: ImportResult) -> None:
    """What is right as it stands, and may not be what was meant; then what nobody understood."""
    number, farthest = done.future
    if farthest is not None:
        say(
            f"  {counted(number, 'event')} of the future, the farthest of {format_instant(farthest)}: "
            "each counts from its own time on."
        )
    if done.unconverted:
        say(f"  {words_of(done.unconverted)}")
    for kind, meaning in UNREAD.items():
        words = [f"{each.word!r} {number:,}" for each, number in _most_frequent(done) if each.kind == kind]
        if words:
            more = ", ..." if len(words) > MOST_TOLD else ""
            say(f"Not understood, {meaning}: {', '.join(words[:MOST_TOLD])}{more}.")


def _most_frequent(done: ImportResult) -> list[tuple[Unread, int]]:
    """How often each word was not understood, the most frequent first."""
    return sorted(done.unread.items(), key=lambda entry: (-entry[1], entry[0]))
