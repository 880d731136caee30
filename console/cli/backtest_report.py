"""`manometer triggers backtest`: the trigger tried on the past, and shown in tables for people."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.decisions import FIELDS, write_rows
from console.cli.output import ListingField
from console.cli.question_options import BACKTEST_DAYS, LONGEST_DAYS, rules_of, trigger_files
from console.forecast.asked_playbook import asked_playbook
from console.forecast.backtest import Backtest, BacktestPart, backtest
from console.forecast.question import Question, span_in_words
from console.forecast.sorted_rows import SortedRows
from console.playbooks.known_triggers import refuse_unknown
from console.progress import Progress
from core.explain.words import counted, in_full
from core.forecast.backtest import AFTERWARDS, Backtested
from core.forecast.diff import KINDS
from core.forecast.preview import FORETOLD_FATES
from core.instants import DAY, Instant, format_duration
from core.model.fates import FATE_WORDS, Fate, fate_of_decision


def run(args: argparse.Namespace, context: Context) -> int:
    """Try the trigger on the past and show it."""
    asked = Backtest(_question(args, context), args.name)
    refuse_unknown(args.name, asked_playbook(context.store, asked.question), context.folder, "--file")
    sums = Backtested()
    with SortedRows() as rows:
        with Progress("Trying it on the past", "customers") as progress:
            for part, done, total in backtest(asked, context.store, args.workers):
                _take(part, sums, rows)
                progress.at(done, total)
        if args.csv is not None:
            write_rows(args.csv, FIELDS, map(orjson.loads, rows))
        if context.output.json:
            context.output.listing(FIELDS, map(orjson.loads, rows), "")
    if not context.output.json:
        _show(context, asked, sums)
    if args.csv is not None:
        context.output.say(f"{sums.own.decisions:,} decisions written to {args.csv}")
    return 0


def _take(part: BacktestPart, sums: Backtested, rows: SortedRows) -> None:
    sums.merge(part.sums)
    rows.add(part.rows)


def _question(args: argparse.Namespace, context: Context) -> Question:
    now = context.now(args.at)
    first, last = _span(args, context, now)
    return Question(
        folder=context.folder,
        database=context.database,
        now=now,
        first=first,
        last=last,
        future="as-it-was",
        with_rows=context.output.json or args.csv is not None,
        drafts=trigger_files([(args.file, args.name)] if args.file is not None else []),
        **rules_of(args),
    )


def _span(args: argparse.Namespace, context: Context, now: Instant) -> tuple[Instant, Instant]:
    """From the begin to the end, both in the past."""
    first, last = context.instant(args.first, "--from"), context.instant(args.last, "--to")
    if args.days is not None and first is not None and last is not None:
        raise UsageError("--from, --to and --days: name two of them.")
    if args.days is not None and not 0 < args.days <= LONGEST_DAYS:
        raise UsageError(f"--days: a number above 0, at most {LONGEST_DAYS:,}.")
    length = round((BACKTEST_DAYS if args.days is None else args.days) * DAY)
    if last is None:
        last = now if first is None or args.days is None else min(now, first + length)
    first = last - length if first is None else first
    if first >= last:
        raise UsageError(
            f"The span ends ({in_full(last, context.zone)}) before it begins "
            f"({in_full(first, context.zone)})."
        )
    if last > now:
        raise UsageError(
            f"A backtest looks at the past: the span ends {in_full(last, context.zone)}, after now. Name an "
            "earlier end."
        )
    return first, last


# ---- for people ----

MONTH_FIELDS = (ListingField("month"), *(ListingField(fate, "number") for fate in FORETOLD_FATES))
REASON_FIELDS = (ListingField("outcome"), ListingField("reason"), ListingField("decisions", "number"))
RULE_FIELDS = (ListingField("rule"), ListingField("held_back", "number"))
ASIDE_FIELDS = (
    ListingField("trigger"),
    *(ListingField(kind, "number") for kind in KINDS),
    ListingField("messages_before", "number"),
    ListingField("messages_after", "number"),
)


def _show(context: Context, asked: Backtest, sums: Backtested) -> None:
    out, own = context.output, sums.own
    out.say(f"Backtest of {asked.trigger}, {span_in_words(asked.question, context.zone)}")
    held_out = f" ({sums.held_out:,} more held out)" if sums.held_out else ""
    sent = sum(number for cell, number in own.cells.items() if cell.outcome == "send")
    out.say(
        f"{counted(own.looked_at, 'customer')} looked at; it was entered "
        f"{counted(sums.entered, 'time')}{held_out}: "
        f"{counted(sent, 'message')} to {counted(sums.afterwards.customers, 'customer')}.\n"
    )
    if not own.decisions:
        out.say("It would have decided nothing in this span.")
        return
    out.listing(MONTH_FIELDS, _months(sums), "")
    out.say("")
    out.listing(REASON_FIELDS, _reasons(sums), "")
    if own.rules:
        out.say("\nWhat held it back:")
        out.listing(
            RULE_FIELDS, [{"rule": rule, "held_back": number} for rule, number in own.rules.most_common()], ""
        )
    _show_aside(context, sums)
    _show_afterwards(context, sums)


def _months(sums: Backtested) -> Iterator[Mapping[str, Any]]:
    months: dict[str, Counter[Fate]] = {}
    for cell, number in sums.own.cells.items():
        months.setdefault(cell.day[:7], Counter())[cell.fate] += number
    for month, fates in sorted(months.items()):
        yield {"month": month, **{fate: fates[fate] or None for fate in FORETOLD_FATES}}


def _reasons(sums: Backtested) -> Iterator[Mapping[str, Any]]:
    for (outcome, reason), numbers in sums.own.by("outcome", "reason").items():
        word = FATE_WORDS[fate_of_decision(str(outcome), reason)]
        yield {"outcome": word, "reason": reason, "decisions": numbers.total()}


def _show_aside(context: Context, sums: Backtested) -> None:
    """The decisions of other triggers that it would have changed."""
    aside = sums.aside
    if not aside.customers:
        context.output.say("\nIt would have changed nothing for any other trigger.")
        return
    context.output.say(
        "\nWhat it would have pushed aside: other triggers' decisions on "
        f"{counted(aside.customers, 'customer')}."
    )
    context.output.listing(ASIDE_FIELDS, _aside(sums), "")


def _aside(sums: Backtested) -> Iterator[Mapping[str, Any]]:
    kinds: dict[str, Counter[str]] = {}
    for (name, _, kind), number in sums.aside.changes.items():
        kinds.setdefault(name, Counter())[kind] += number
    for (trigger,), sides in sums.aside.by("trigger").items():
        numbers = kinds.get(str(trigger))
        if numbers is not None:
            changes: dict[str, int | None] = {kind: numbers[kind] or None for kind in KINDS}
            yield {
                "trigger": trigger,
                **changes,
                "messages_before": sides.before["send"],
                "messages_after": sides.after["send"],
            }


def _show_afterwards(context: Context, sums: Backtested) -> None:
    """What those it would have reached did without it."""
    then = sums.afterwards
    if not then.customers:
        return
    orders = (
        f"{counted(then.orders, 'order')}, {context.in_force.playbook.currency} {then.revenue / 100:,.2f}"
    )
    share = f"{then.ordered:,} ({then.ordered / then.customers:.0%})"
    context.output.say(
        f"\nOf the {counted(then.customers, 'customer')} it would have reached, {share} ordered within "
        f"{format_duration(AFTERWARDS)}"
        f" after the first message anyway: {orders}.\n"
        "That is what they did without it, and says nothing about what it would have caused: only a holdout "
        "can tell."
    )
