"""The sums of a preview in tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.cli.context import Context
from console.cli.output import ListingField
from console.forecast.preview_result import PreviewResult
from console.forecast.question import span_in_words
from core.explain.words import counted
from core.forecast.preview import FORETOLD_FATES, ChannelDemand, Totals
from core.limits.pressure import POINT
from core.model.fates import FATE_WORDS, Fate, fate_of_decision

MOST_PAIRS: Final = 20
DAY_FIELDS = tuple(
    ListingField(name, "number" if name != "day" else "text") for name in ("day", *FORETOLD_FATES)
)
TRIGGER_FIELDS = (ListingField("trigger"), *DAY_FIELDS[1:])
CHANNEL_FIELDS = (ListingField("channel"), ListingField("day"), *DAY_FIELDS[1:])
REASON_FIELDS = (ListingField("outcome"), ListingField("reason"), ListingField("decisions", "number"))
RULE_FIELDS = (ListingField("rule"), ListingField("held_back", "number"))
BEATS_FIELDS = (ListingField("ahead"), ListingField("held_back"), ListingField("decisions", "number"))
CAPACITY_FIELDS = (
    ListingField("channel"),
    ListingField("day"),
    ListingField("asked", "number"),
    ListingField("capacity", "number"),
    ListingField("share", "number"),
)
KNOWN_FIELDS = (
    ListingField("trigger"),
    ListingField("outcome"),
    ListingField("known", "number"),
    ListingField("imagined", "number"),
)
CONTACT_FIELDS = (
    ListingField("contacts", "number"),
    ListingField("customers", "number"),
    ListingField("share"),
)
PRESSED_FIELDS = (
    ListingField("customer"),
    ListingField("contacts", "number"),
    ListingField("points", "number"),
)


def show(context: Context, found: PreviewResult) -> None:
    """Print the sums."""
    out, totals = context.output, found.totals
    out.say(f"Preview of {span_in_words(found, found.zone)}")
    if found.changes:
        out.say(f"Not under the rules in force, but with: {', '.join(found.changes)}.")
    out.say(
        f"Playbook {found.version or 'of the files, not applied yet'}; "
        f"{counted(totals.looked_at, 'customer')} looked at, "
        f"{counted(totals.decisions, 'decision')} for "
        f"{counted(totals.customers, 'customer')}.{_already(totals)}{_narrowed(found.trigger)}\n"
    )
    if totals.decisions:
        _show_sums(context, found)
    else:
        out.say("Nothing falls due in this span.")


def _already(totals: Totals) -> str:
    """How much of it was decided before."""
    number = totals.already.total()
    were = "was" if number == 1 else "were"
    return f" {number:,} of them {were} decided already, in the outbox." if number else ""


def _narrowed(trigger: str | None) -> str:
    return f" Only those of {trigger} are counted, in contacts and capacity too." if trigger else ""


def _show_sums(context: Context, found: PreviewResult) -> None:
    out, totals = context.output, found.totals
    if found.future == "replay":
        out.listing(KNOWN_FIELDS, _imagined(totals), "")
        out.say("\nKnown and imagined together:")
    out.listing(DAY_FIELDS, _outcomes(totals, "day"), "")
    out.say("")
    out.listing(TRIGGER_FIELDS, _outcomes(totals, "trigger"), "")
    out.say("")
    out.listing(CHANNEL_FIELDS[:1] + CHANNEL_FIELDS[2:], _outcomes(totals, "channel"), "")
    out.say("")
    out.listing(REASON_FIELDS, _reasons(totals), "")
    out.say("\nContacts a customer gets in the span, as far as their purpose counts:")
    out.listing(CONTACT_FIELDS, _contacts(totals), "")
    if totals.rules:
        out.say("")
        out.listing(
            RULE_FIELDS,
            [{"rule": rule, "held_back": number} for rule, number in totals.rules.most_common()],
            "",
        )
    _show_beats(context, totals)
    _show_capacity(context, found.asked)
    if totals.pressed:
        out.say("\nUnder most pressure (ask `manometer why CUSTOMER TRIGGER`):")
        out.listing(
            PRESSED_FIELDS,
            [{**each._asdict(), "points": each.points / POINT} for each in totals.most_pressed()],
            "",
        )


def _outcomes(totals: Totals, name: str) -> Iterator[Mapping[str, Any]]:
    for (key,), fates in totals.fates(name).items():
        yield {name: key, **{fate: fates[fate] or None for fate in FORETOLD_FATES}}


def _reasons(totals: Totals) -> Iterator[Mapping[str, Any]]:
    for (outcome, reason), numbers in totals.by("outcome", "reason").items():
        word = FATE_WORDS[fate_of_decision(str(outcome), reason)]
        yield {"outcome": word, "reason": reason, "decisions": sum(numbers.values())}


def _contacts(totals: Totals) -> Iterator[Mapping[str, Any]]:
    most = max(totals.contacts.values(), default=1)
    for number in sorted(totals.contacts):
        people = totals.contacts[number]
        yield {"contacts": number, "customers": people, "share": "█" * max(1, round(30 * people / most))}


def _imagined(totals: Totals) -> Iterator[Mapping[str, Any]]:
    """Decisions that are known and such as come of imagined events, by trigger and outcome."""
    imagined: Counter[tuple[str, Fate]] = Counter()
    for cell, number in totals.imagined.items():
        imagined[cell.trigger, cell.fate] += number
    for (trigger,), fates in totals.fates("trigger").items():
        for fate in FORETOLD_FATES:
            if fates[fate]:
                new = imagined[str(trigger), fate]
                yield {
                    "trigger": trigger,
                    "outcome": FATE_WORDS[fate],
                    "known": fates[fate] - new or None,
                    "imagined": new or None,
                }


def _show_beats(context: Context, totals: Totals) -> None:
    """Whose contacts have the room that others do not get."""
    if totals.beats:
        context.output.say("\nWho beats whom: whose contacts fill the windows, and whose are held back:")
        pairs = (
            {"ahead": ahead, "held_back": back, "decisions": number}
            for (ahead, back), number in totals.beats.most_common(MOST_PAIRS)
        )
        context.output.listing(BEATS_FIELDS, pairs, "")


def _show_capacity(context: Context, asked: Sequence[ChannelDemand]) -> None:
    """What the channels with a capacity are asked for; on days above it the rest waits."""
    if asked:
        context.output.say("\nAsked of the channels with a capacity:")
        context.output.listing(
            CAPACITY_FIELDS, ({**each._asdict(), "share": f"{each.share:.0%}"} for each in asked), ""
        )
    for each in asked:
        if each.asked > each.capacity:
            beyond = f"{each.channel} is asked for {each.asked:,}, more than its {each.capacity:,} a day"
            context.output.say(f"{each.day}: {beyond}; the rest waits.")
