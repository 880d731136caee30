"""Make a furnished workspace: an imaginary retailer with a year of purchases, its last days played by the engine itself.

Then show what happened and why, and what would go out next. Nothing is sent: every channel writes to a file.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from console.commands.preview import REASON_FIELDS, TRIGGER_FIELDS
from console.context import Context, UsageError
from console.demo import AHEAD, END, LONGEST_DAYS, STORIES, Told, ahead, furnish, happened, tell
from console.output import Output, counted
from console.replay import Replayed
from core.instants import Instant, format_instant, local
from core.preview import Totals

WIDTH = 80
BAR = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--into", metavar="DIR", type=Path, default=Path("muster-mode"), help="the new workspace (default: muster-mode)")
    parser.add_argument("--days", metavar="N", type=int, default=90, help="so many days of the year are played (default 90)")
    parser.add_argument("--headless", action="store_true", help="print and end, whatever else a terminal would allow")


def run(args: argparse.Namespace, context: Context) -> int:
    """Make it, and show it."""
    if not 1 <= args.days <= LONGEST_DAYS:
        raise UsageError(f"--days: a number from 1 to {LONGEST_DAYS}.")
    first, done = furnish(args.into, args.days, context.author, quiet=context.output.json)
    if context.output.json:
        context.output.value(_numbers(args.into, first, done))
        return 0
    with Context(args.into, False) as made:
        _show(made, first, done)
    return 0


def _numbers(folder: Path, first: Instant, done: Replayed) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "from": format_instant(first),
        "to": format_instant(END),
        "customers": done.customers,
        "decisions": done.decisions,
        "messages": done.messages,
        "failed": done.failed,
    }


# ---- for people ----


def _show(made: Context, first: Instant, done: Replayed) -> None:
    out, store, playbook = made.output, made.store, made.in_force.playbook
    out.say(
        _wrapped(
            f"Muster Mode, an imaginary retailer: a web shop, three stores, {counted(done.customers, 'customer')}, a year of purchases. "
            f"The engine has played {_day(first, out)} to {_day(END - 1, out)}: {counted(done.decisions, 'decision')}, "
            f"{counted(done.messages, 'message')}. Nothing left this machine; the messages stand in {made.folder / 'outbox'}."
        )
    )
    _show_happened(out, happened(store, playbook))
    out.say(_heading("Three customers"))
    for number, story in enumerate(STORIES):
        if number:
            out.say("")
        _show_story(out, tell(store, playbook, story))
    totals = Totals()
    for part in ahead(store, made.folder):
        totals.merge(part)
    _show_ahead(out, totals)
    _show_commands(out, made.folder)


def _show_happened(out: Output, totals: Totals) -> None:
    out.say(_heading("What happened"))
    out.listing(TRIGGER_FIELDS, _by_trigger(totals), "Nothing fell due.")
    out.say("\nWhat did not go out, or not at once, and why:")
    out.listing(REASON_FIELDS, _reasons(totals), "Everything went out at once.")


def _by_trigger(totals: Totals) -> Iterable[Mapping[str, Any]]:
    for (trigger,), outcomes in totals.by("trigger").items():
        yield {"trigger": trigger, **outcomes}


def _reasons(totals: Totals) -> Iterable[Mapping[str, Any]]:
    for (outcome, reason), numbers in totals.by("outcome", "reason").items():
        if reason is not None:
            yield {"outcome": outcome, "reason": reason, "decisions": sum(numbers.values())}


def _show_story(out: Output, told: Told) -> None:
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
    sent, held_back = sum(by_day.values()), totals.decisions - sum(by_day.values())
    out.say(f"  {counted(sent, 'message')} to {counted(_reached(totals), 'customer')}; {held_back} held back or put off.")


def _reached(totals: Totals) -> int:
    return sum(people for contacts, people in totals.contacts.items() if contacts)


COMMANDS = (
    ("what runs, what waits, what was sent", "triggers"),
    ("one customer: what she did, what was decided", "customers timeline C1003"),
    ("", "decisions --customer C1003"),
    ("silent online for months, and yet not lost", "why C1004 win-back"),
    ("the messages of one trigger, and their texts in outbox/", "outbox --trigger gold-customer"),
    ("two weeks ahead in full; then let Saturday come", "preview"),
    ("", "tick --at 2025-11-01T15:00"),
)


def _show_commands(out: Output, folder: Path) -> None:
    out.say(_heading("Go on"))
    for remark, command in COMMANDS:
        if remark:
            out.say(f"  # {remark}")
        out.say(f"  {_program()} -w {shlex.quote(str(folder))} {command}")


def _program() -> str:
    """The command as it can be pasted into the shell it was started from."""
    return "manometer" if shutil.which("manometer") or not sys.argv[0].endswith("manometer") else shlex.quote(sys.argv[0])


def _heading(title: str) -> str:
    return f"\n{title}\n{'─' * len(title)}"


def _day(at: Instant, out: Output) -> str:
    moment = local(at, out.zone)
    return f"{moment.day} {moment:%B %Y}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
