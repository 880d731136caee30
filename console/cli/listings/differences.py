"""What differs between two previews, as a listing, as JSON, as lines of CSV and in tables for people."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from console.cli.context import Context
from console.cli.listings.decisions import FIELDS as DECISION
from console.cli.output import ListingField, as_json
from console.reports.csv_export import write_csv
from core.explain.words import counted
from core.forecast.diff import KINDS, CustomerChange, Diff, Sides, differences, row_of
from core.forecast.preview import ChannelDemand, PreviewLimit
from core.instants import Instant, format_instant, local, rounded_up
from core.model.decisions import Decision

FIELDS = (
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("cause"),
    ListingField("channel"),
    ListingField("change"),
    ListingField("before", "json"),
    ListingField("after", "json"),
)
RULE_FIELDS = (
    ListingField("rule"),
    ListingField("limit_before", "number", shown=False),
    ListingField("limit_after", "number", shown=False),
    ListingField("full_before", "number"),
    ListingField("full_after", "number"),
    ListingField("held_before", "number"),
    ListingField("held_after", "number"),
    ListingField("decisions_before", "number", shown=False),
    ListingField("decisions_after", "number", shown=False),
)
"""Of each rule: its limit, customers whose window it fills, customers and decisions it holds back."""
CSV_HEADS = (
    "customer", "trigger", "step", "cause", "channel", "change",
    *(f"{side}_{name}" for side in ("before", "after") for name in ("at", "outcome", "reason", "until")),
)  # fmt: skip


def add_by_rule(parser: argparse.ArgumentParser) -> None:
    """The option `--by-rule`."""
    parser.add_argument(
        "--by-rule",
        action="store_true",
        help="how each rule holds before and after, in place of the differences",
    )


def nested(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A difference with its two sides as JSON."""
    sides = {
        name: row[name] and orjson.dumps(as_json(DECISION, row[name])).decode()
        for name in ("before", "after")
    }
    return {**row, **sides}


def csv_cells(row: Mapping[str, Any]) -> Sequence[object]:
    """A difference as a line of CSV."""
    cells = [row[name] for name in CSV_HEADS[:6]]
    for side in (row["before"], row["after"]):
        shown = side or {}
        at, until = shown.get("at"), shown.get("until")
        cells += [
            None if at is None else format_instant(at),
            shown.get("outcome"),
            shown.get("reason"),
            None if until is None else format_instant(rounded_up(until)),
        ]
    return cells


# ---- by rule ----


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of the rules, and what channels with a capacity are asked for, before and after."""

    limits: tuple[Sequence[PreviewLimit], Sequence[PreviewLimit]]
    asked: tuple[Sequence[ChannelDemand], Sequence[ChannelDemand]] = ((), ())


def by_rule(diff: Diff, bounds: Bounds) -> Iterator[Mapping[str, Any]]:
    """A row for each rule, with the fields of `RULE_FIELDS`."""
    for name, sides in diff.rules(*bounds.limits).items():
        row: dict[str, Any] = {"rule": name}
        for when, side in zip(("before", "after"), sides):
            numbers = {
                "limit": side.limit,
                "full": side.full,
                "held": side.customers,
                "decisions": side.decisions,
            }
            row.update({f"{what}_{when}": number for what, number in numbers.items()})
        yield row


def write_by_rule(args: argparse.Namespace, context: Context, diff: Diff, bounds: Bounds) -> None:
    """What there is by rule: listed, and written to the CSV file where one is named."""
    rows = list(by_rule(diff, bounds))
    if args.csv is not None:
        heads = [field.name for field in RULE_FIELDS]
        write_csv(args.csv, heads, ([row[name] for name in heads] for row in rows))
    context.output.listing(RULE_FIELDS, rows, "No rule has a limit, and none holds anything back.")


# ---- for people ----


GAIN_FIELDS = tuple(
    ListingField(name, "text" if name in ("trigger", "channel", "outcome", "reason", "rule") else "number")
    for name in ("trigger", "channel", "outcome", "reason", "rule", "before", "after", "change")
)
CONTACT_FIELDS = (
    ListingField("contacts", "number"),
    ListingField("before", "number"),
    ListingField("after", "number"),
    ListingField("change", "number"),
)
MOST_FIELDS = (
    ListingField("customer"),
    ListingField("differences", "number"),
    ListingField("contacts_before", "number"),
    ListingField("contacts_after", "number"),
)
CAPACITY_FIELDS = (
    ListingField("channel"),
    ListingField("day"),
    *(
        ListingField(f"{what}_{when}", "number")
        for what in ("asked", "capacity")
        for when in ("before", "after")
    ),
)
SIDE_FIELDS = (
    ListingField("at", "instant"), ListingField("trigger"), ListingField("step", "number"),
    ListingField("channel"), ListingField("before"), ListingField("after"), ListingField("change"),
)  # fmt: skip


def show_kinds(context: Context, diff: Diff) -> None:
    """How many decisions change, and how."""
    kinds = diff.kinds()
    said = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
    context.output.say(
        f"{counted(diff.after.looked_at, 'customer')} looked at; the decisions of {diff.customers:,} change"
        + (f": {said}.\n" if said else ".")
    )


def show_gains(
    context: Context, diff: Diff, bounds: Bounds, again: str = " (ask again with --customer ID)"
) -> None:
    """What triggers, channels, reasons, rules and customers gain or lose; `again` says how to ask for more of
    one customer.
    """
    if diff.customers:
        _show_decisions(context, diff)
    _show_rules(context, diff, bounds)
    _show_capacity(context, bounds)
    if diff.customers:
        context.output.say(f"\nWhere most changes{again}:")
        context.output.listing(MOST_FIELDS, map(_most, diff.most_changed()), "")


def _show_decisions(context: Context, diff: Diff) -> None:
    out = context.output
    out.say("Messages that go out:")
    out.listing(_fields("trigger"), _outcome(diff.by("trigger"), ("trigger",), "send"), "")
    for name, gain in (("more", diff.gaining), ("less", diff.losing)):
        if gain:
            out.say(
                f"Customers who get {name}: "
                + ", ".join(f"{trigger} {number:,}" for trigger, number in sorted(gain.items()))
            )
    out.say("")
    out.listing(_fields("channel"), _outcome(diff.by("channel"), ("channel",), "send"), "")
    out.say("\nAll decisions:")
    out.listing(
        _fields("outcome", "reason"), _numbers(diff.by("outcome", "reason"), ("outcome", "reason")), ""
    )
    rules = list(_rules(diff))
    if rules:
        out.say("\nHeld back by:")
        out.listing(_fields("rule"), rules, "")
    out.say("\nContacts a customer gets in the span, customers with so many:")
    out.listing(CONTACT_FIELDS, _contacts(diff), "")


def _show_rules(context: Context, diff: Diff, bounds: Bounds) -> None:
    """Only the rules under which anything is full or held back."""
    shown = [
        row
        for row in by_rule(diff, bounds)
        if any(row[field.name] for field in RULE_FIELDS if field.shown and field.name != "rule")
    ]
    if shown:
        context.output.say("\nCustomers whose window of a rule gets full, and whom it holds back:")
        context.output.listing(RULE_FIELDS, shown, "")


def _show_capacity(context: Context, bounds: Bounds) -> None:
    rows = list(_capacities(bounds))
    if rows:
        context.output.say("\nAsked of the channels with a capacity, and what they take:")
        context.output.listing(CAPACITY_FIELDS, rows, "")


def _capacities(bounds: Bounds) -> Iterator[Mapping[str, Any]]:
    """Only days on which a channel takes another number, or is asked for another and for more than it takes
    on either side.
    """
    before, after = ({(each.channel, each.day): each for each in side} for side in bounds.asked)
    bounded = [{each.channel for each in side} for side in bounds.asked]
    for channel, day in sorted(before.keys() | after.keys()):
        sides = old, new = before.get((channel, day)), after.get((channel, day))
        is_over = any(each is not None and each.asked > each.capacity for each in sides)
        both_take = channel in bounded[0] and channel in bounded[1]
        takes_another = not both_take if old is None or new is None else old.capacity != new.capacity
        if old != new and (is_over or takes_another):
            asked = {f"asked_{when}": each and each.asked for when, each in zip(("before", "after"), sides)}
            takes = {
                f"capacity_{when}": each and each.capacity for when, each in zip(("before", "after"), sides)
            }
            yield {"channel": channel, "day": day, **asked, **takes}


def _most(each: CustomerChange) -> Mapping[str, Any]:
    named = {"customer": each.customer, "differences": each.differences}
    return {**named, "contacts_before": each.before, "contacts_after": each.after}


def _fields(*names: str) -> tuple[ListingField, ...]:
    return tuple(field for field in GAIN_FIELDS if field.name in (*names, "before", "after", "change"))


def _rules(diff: Diff) -> Iterator[Mapping[str, Any]]:
    before, after = diff.before.rules, diff.after.rules
    for rule in sorted(before.keys() | after.keys()):
        yield _line(("rule",), (rule,), before[rule], after[rule])


def _outcome(
    sides: Mapping[tuple[str | None, ...], Sides], names: Sequence[str], outcome: str
) -> Iterator[Mapping[str, Any]]:
    """One outcome before and after, where it is on either side."""
    for key, both in sides.items():
        if both.before[outcome] or both.after[outcome]:
            yield _line(names, key, both.before[outcome], both.after[outcome])


def _numbers(
    sides: Mapping[tuple[str | None, ...], Sides], names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    for key, both in sides.items():
        yield _line(names, key, both.before.total(), both.after.total())


def _line(names: Sequence[str], key: Sequence[str | None], before: int, after: int) -> Mapping[str, Any]:
    return {**dict(zip(names, key)), "before": before, "after": after, "change": _signed(after - before)}


def _signed(number: int) -> str:
    return f"{number:+,}" if number else ""


def _contacts(diff: Diff) -> Iterator[Mapping[str, Any]]:
    before, after = diff.before.contacts, diff.after.contacts
    for number in sorted((before.keys() | after.keys()) - {0}):
        yield {
            "contacts": number,
            "before": before[number],
            "after": after[number],
            "change": _signed(after[number] - before[number]),
        }


def show_sides(context: Context, before: Sequence[Decision], after: Sequence[Decision]) -> None:
    """All decisions of one customer, those that differ marked."""
    zone = context.zone
    rows = [*_equal(before, after, zone), *_different(before, after, zone)]
    rows.sort(key=lambda row: (row["at"], row["trigger"], row["step"]))
    context.output.listing(SIDE_FIELDS, rows, "Nothing falls due for her in this span, under either.")


def _equal(before: Sequence[Decision], after: Sequence[Decision], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    new = {row_of(decision) for decision in after}
    for decision in before:
        if row_of(decision) in new:
            yield _side(decision.at, (decision, decision), "", zone)


def _different(
    before: Sequence[Decision], after: Sequence[Decision], zone: ZoneInfo
) -> Iterator[dict[str, Any]]:
    for each in differences(before, after):
        yield _side(each.at, (each.before, each.after), each.change, zone)


def _side(
    at: Instant, both: tuple[Decision | None, Decision | None], change: str, zone: ZoneInfo
) -> dict[str, Any]:
    place = both[0] or both[1]
    assert place is not None
    before, after = (_words(at, decision, zone) for decision in both)
    named = {"trigger": place.trigger, "step": place.step, "channel": place.channel}
    return {"at": at, **named, "before": before, "after": after, "change": change}


def _words(at: Instant, decision: Decision | None, zone: ZoneInfo) -> str | None:
    """The outcome with its reason and, where it is not that of the line, its instant."""
    if decision is None:
        return None
    words = [decision.outcome, *([str(decision.reason)] if decision.reason is not None else [])]
    words += [f"until {_clock(rounded_up(decision.until), zone)}"] if decision.until is not None else []
    return " ".join([*words, *([_clock(decision.at, zone)] if decision.at != at else [])])


def _clock(at: Instant, zone: ZoneInfo) -> str:
    return f"{local(at, zone):%Y-%m-%d %H:%M}"
