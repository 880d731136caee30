"""Make a furnished workspace: an imaginary retailer, its last days played by the engine itself, and open the
console on it.

Without a terminal: what happened and why, and what would go out next. Nothing is sent: every channel writes
to a file.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.exit_codes import INTERRUPTED
from console.cli.listings.previews import REASON_FIELDS
from console.cli.output import ListingField, Output
from console.demo.furnished import (
    AHEAD,
    END,
    LONGEST_DAYS,
    MORE,
    STORIES,
    DemoOptions,
    Furnished,
    InterruptedMakingError,
    StoryTold,
    ahead,
    found,
    furnish,
    happened,
    held,
    tell,
)
from console.demo.retailer.past import FEWEST, MOST
from core.explain.words import counted
from core.forecast.preview import FORETOLD_FATES, Totals
from core.instants import Instant, format_instant, local
from core.model.counts import OutcomeCount, fates_of
from core.model.fates import FATE_WORDS, Fate, counted_fate

WIDTH = 80
BAR = 40

EXAMPLES = (("demo --into try", "a furnished workspace to look around in"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    usual = DemoOptions()
    parser.add_argument(
        "--into",
        metavar="DIR",
        type=Path,
        default=Path("muster-mode"),
        help="the new workspace (default: muster-mode)",
    )
    parser.add_argument(
        "--days",
        metavar="N",
        type=int,
        default=usual.days,
        help=f"so many days are played (default {usual.days})",
    )
    people = f"so many customers, {FEWEST} to {MOST} (default {usual.customers})"
    parser.add_argument("--customers", metavar="N", type=int, default=usual.customers, help=people)
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=usual.seed,
        help=f"another seed, other people (default {usual.seed})",
    )
    parser.add_argument(
        "--headless", action="store_true", help="print and end, even where a terminal would allow the console"
    )


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Make it, or find it made, and open the console on it or print what there is."""
    options = _options(args)
    made = found(args.into, options)
    is_new = made is None
    if made is None:
        try:
            made = furnish(args.into, options, context.author)
        except (KeyboardInterrupt, InterruptedMakingError):
            context.output.complain("manometer: Interrupted. Nothing was made.")
            return INTERRUPTED
    if context.output.json:
        context.output.value(_numbers(args.into, made))
        return 0
    if not is_new:
        context.output.say(
            f"{args.into} is there already, of {options}: opened as it is, nothing was made anew."
        )
    if not args.headless and sys.stdin.isatty() and sys.stdout.isatty():
        from console.tui.app import open_console  # Textual takes half a second to import

        code = open_console(args.into)
        context.output.say(
            f"The demonstration stays in {args.into}; `manometer -w {shlex.quote(str(args.into))}` opens it "
            "again."
        )
        return code
    with Context(args.into, False) as there:
        _show(there, made)
    return 0


def _options(args: argparse.Namespace) -> DemoOptions:
    if not 1 <= args.days <= LONGEST_DAYS:
        raise UsageError(f"--days: a number from 1 to {LONGEST_DAYS}.")
    if not FEWEST <= args.customers <= MOST:
        raise UsageError(f"--customers: a number from {FEWEST} to {MOST}.")
    return DemoOptions(args.days, args.customers, args.seed)


def _numbers(folder: Path, made: Furnished) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "from": format_instant(made.first),
        "to": format_instant(END),
        "customers": made.customers,
        "seed": made.seed,
        "decisions": made.decisions,
        "messages": made.messages,
        "failed": made.failed,
    }


# ---- for people ----


def _show(there: Context, made: Furnished) -> None:
    out, store, playbook = there.output, there.store, there.in_force.playbook
    out.say(
        _wrapped(
            "Muster Mode, an imaginary retailer: a web shop, four stores, a loyalty card, "
            f"{counted(made.customers, 'customer')} and two years of their lives. "
            f"The engine has played {_day(made.first, out)} to {_day(END - 1, out)}: "
            f"{counted(made.decisions, 'decision')}, "
            f"{counted(made.messages, 'message')}. Nothing left this machine; the messages stand in "
            f"{there.folder / 'outbox'}."
        )
    )
    _show_happened(out, happened(store))
    if waiting := held(store):
        out.say(
            f"\nFor the operator: a batch of {counted(waiting, 'message')} waits for somebody's approval."
        )
    out.say(_heading("Four customers"))
    for number, story in enumerate(STORIES):
        if number:
            out.say("")
        _show_story(out, tell(store, playbook, story))
    _show_more(out)
    totals = Totals()
    for part in ahead(store, there.folder, playbook):
        totals.merge(part)
    _show_ahead(out, totals)
    _show_commands(out, there.folder)


def _show_more(out: Output) -> None:
    out.say("\nAnd more:")
    for customer, name, title, _ in MORE:
        out.say(f"  {customer}  {name:17}  {title}")


def _show_happened(out: Output, counts: Mapping[str, Sequence[OutcomeCount]]) -> None:
    out.say(_heading("What happened"))
    by_trigger = {name: fates_of(each) for name, each in counts.items()}
    shown = [fate for fate in Fate if any(fates[fate] for fates in by_trigger.values())]
    fields = ListingField("trigger"), *(ListingField(fate, "number") for fate in shown)
    rows = (
        {"trigger": name, **{fate: fates[fate] or None for fate in shown}}
        for name, fates in by_trigger.items()
    )
    out.listing(fields, rows, "Nothing fell due.")
    out.say("\nWhat did not go out, or not at once, and why:")
    out.listing(REASON_FIELDS, _reasons(counts), "Everything went out at once.")


def _reasons(counts: Mapping[str, Sequence[OutcomeCount]]) -> Iterable[Mapping[str, Any]]:
    found = Counter[tuple[str, str]]()
    for each in chain.from_iterable(counts.values()):
        if each.why is not None and each.fate is not Fate.SENT:
            found[FATE_WORDS[each.fate], each.why] += each.number
    for (word, reason), number in sorted(found.items()):
        yield {"outcome": word, "reason": reason, "decisions": number}


def _show_story(out: Output, told: StoryTold) -> None:
    out.say(f"{told.name}, {told.city} ({told.story.customer}): {told.story.title}.")
    for line in told.lines:
        mark = "=>" if line.is_decision else "  "
        out.say(f"  {local(line.at, out.zone):%a %d %b %H:%M}  {line.place:7.7}  {mark} {line.words}")
    out.say(f"  Why? (manometer why {told.story.customer} {told.story.trigger})")
    out.say(_wrapped(told.why, "    "))


def _show_ahead(out: Output, totals: Totals) -> None:
    out.say(_heading(f"The next {AHEAD} days, if nothing new happens"))
    by_day = {str(day): outcomes["send"] for (day,), outcomes in totals.by("day").items() if outcomes["send"]}
    most = max(by_day.values(), default=1)
    for day, sent in by_day.items():
        out.say(f"  {date.fromisoformat(day):%a %d %b}  {'█' * max(1, round(BAR * sent / most))} {sent}")
    sent, fates = sum(by_day.values()), totals.fates().get((), Counter())
    rest = ", ".join(counted_fate(fates[fate], fate) for fate in FORETOLD_FATES[1:] if fates[fate])
    people = f"contacts for {counted(_reached(totals), 'customer')}"
    out.say(_wrapped(f"{counted(sent, 'message')}; {rest}; {people}.", "  "))


def _reached(totals: Totals) -> int:
    return sum(people for contacts, people in totals.contacts.items() if contacts)


COMMANDS = (
    ("the console, to look around in", ""),
    ("what runs, what waits, what was sent", "triggers"),
    ("one customer: what she did, what was decided", "customers timeline C1003"),
    ("", "decisions --customer C1003"),
    ("silent online for months, and yet not lost", "why C1004 reactivation"),
    ("the batch that waits for approval", "outbox --state held"),
    ("two weeks ahead in full; then let Saturday come", "preview"),
    ("", "tick --at 2025-11-01T15:00"),
)


def _show_commands(out: Output, folder: Path) -> None:
    out.say(_heading("Go on"))
    for remark, command in COMMANDS:
        if remark:
            out.say(f"  # {remark}")
        out.say(f"  {_program()} -w {shlex.quote(str(folder))} {command}".rstrip())


def _program() -> str:
    """The command as it can be pasted into the shell it was started from."""
    return (
        "manometer"
        if shutil.which("manometer") or not sys.argv[0].endswith("manometer")
        else shlex.quote(sys.argv[0])
    )


def _heading(title: str) -> str:
    return f"\n{title}\n{'─' * len(title)}"


def _day(at: Instant, out: Output) -> str:
    moment = local(at, out.zone)
    return f"{moment.day} {moment:%B %Y}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
