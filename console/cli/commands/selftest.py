"""Try the program itself on this machine: made-up workspaces with random lives are played while processes are
killed, the power fails, the disk fills and providers lie; afterwards everything must add up.

Nothing of a real workspace is touched and nothing is sent. Everything follows from the seed: the same seed
plays the same acts, to the byte. What fails is shrunk to the fewest acts and kept in a file.

  manometer selftest                   twenty seeds, a minute or two
  manometer selftest --hours 8         one seed after the other over night
  manometer selftest --seed 4711       one seed, for instance of a report
  manometer selftest --every 1         every fault at every change of a small story, an hour
  manometer selftest --play FILE       the acts of a file that a failure left
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.exit_codes import DONE, FAILED, USUAL_CODES
from console.selftest import running
from console.selftest.disk import NoFaultsError
from core.explain.words import counted

FIELDS: Final = ("seed", "acts", "holds", "digest", "problems", "file")
USUAL: Final = 20
_MOST_WORDS: Final = 2_000
EXIT_CODES = {**USUAL_CODES, DONE: "everything held", FAILED: "something did not hold, or it failed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--seed", type=int, metavar="N", help="play this seed alone")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"play so many seeds (default {USUAL})")
    parser.add_argument(
        "--from", type=int, metavar="N", default=1, dest="first", help="the first seed (default 1)"
    )
    parser.add_argument("--hours", type=float, metavar="H", help="one seed after the other for so long")
    parser.add_argument("--acts", type=int, metavar="N", default=40, help="acts a seed (default 40)")
    parser.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="a small story with each fault at every N-th change of the disk",
    )
    parser.add_argument("--play", type=Path, metavar="FILE", help="play the acts of a file")
    parser.add_argument(
        "--no-disk", action="store_true", help="let the disk alone: no kills, cuts and errors of it"
    )


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Play; 1 where something did not hold."""
    request = _request(args)
    with_disk = not args.no_disk
    try:
        return _run(request, context, with_disk)
    except NoFaultsError as error:
        if with_disk and args.play is None and args.every is None:
            context.output.complain(f"{error} Everything else is tried (as with --no-disk).")
            return _run(request, context, False)
        raise


def _request(args: argparse.Namespace) -> dict[str, Any]:
    if (
        args.acts < 1
        or (args.seeds is not None and args.seeds < 1)
        or (args.hours is not None and args.hours <= 0)
    ):
        raise UsageError("--acts, --seeds and --hours are more than 0.")
    if sum(each is not None for each in (args.seed, args.seeds, args.hours, args.every)) > 1:
        raise UsageError("Name one of --seed, --seeds, --hours and --every.")
    if args.every is not None and (args.every < 1 or args.no_disk):
        raise UsageError("--every is more than 0, and needs a disk that can be made to fail.")
    if args.play is not None and not args.play.is_file():
        raise UsageError(f"{args.play}: there is no such file. Name one that a failure left.")
    first = args.first if args.seed is None else args.seed
    if args.play is not None and args.seed is None:
        first = _seed_of(args.play)
    seeds = 1 if args.seed is not None else args.seeds
    return {
        "first": first,
        "seeds": USUAL if seeds is None and args.hours is None else seeds,
        "seconds": None if args.hours is None else args.hours * 3600,
        "acts": args.acts,
        "sweep": args.every,
        "file": None if args.play is None else str(args.play),
    }


def _seed_of(file: Path) -> int:
    """A file of acts has its seed in its name."""
    digits = file.stem.rpartition("-")[2]
    if not digits.isdecimal():
        raise UsageError(f"{file}: name its seed with --seed N; the file's name does not say it.")
    return int(digits)


def _run(request: dict[str, Any], context: Context, with_disk: bool) -> int:
    counts: Counter[str] = Counter()
    failed: list[dict[str, Any]] = []
    with running.played(request, with_disk=with_disk) as rows:
        for row in map(_with_file, _told(rows, counts, failed, context)):
            if context.output.json:
                context.output.value(row)
    context.output.say(_in_words(counts, failed))
    return FAILED if failed else DONE


def _told(
    rows: Iterator[dict[str, Any]], counts: Counter[str], failed: list[dict[str, Any]], context: Context
) -> Iterator[dict[str, Any]]:
    for row in rows:
        counts.update(row["counts"])
        counts["seeds"] += 1
        if not row["holds"]:
            failed.append(row)
        context.output.say(_line(row))
        yield row


def _line(row: dict[str, Any]) -> str:
    words = "holds" if row["holds"] else "FAILS"
    return f"seed {row['seed']}: {counted(row['acts'], 'act')}, {words} ({row['digest'][:12]})"


def _with_file(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the file in which the shortest failing acts were kept."""
    file = None
    if row["shortest"] is not None:
        file = f"selftest-{row['seed']}.acts"
        Path(file).write_text(row["shortest"], encoding="utf-8")
        row["file"] = file
    return {name: row.get(name) for name in FIELDS} | {"file": file}


def _in_words(counts: Counter[str], failed: list[dict[str, Any]]) -> str:
    cuts = sum(number for name, number in counts.items() if name.startswith("power_"))
    done = (
        f"{counted(counts['seeds'], 'seed')}: {counts['done']:,} acts done, {counts['refused']:,} refused "
        f"with a sentence, {counts['ended']:,} ended by a kill or a cut, {cuts:,} power cuts."
    )
    if not failed:
        return f"{done} Everything held."
    row = failed[-1]
    problems = "\n".join(row["problems"])[:_MOST_WORDS]
    return (
        f"{done}\nSeed {row['seed']} does not hold:\n{problems}\nThe fewest acts that show it stand in "
        f"{row.get('file')}; play them with `manometer selftest --play {row.get('file')}`."
    )
