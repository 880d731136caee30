"""Why a customer got or did not get messages: the last decision in words, and every check on the way, by how
much and since when.

`manometer why CUSTOMER`            every trigger in one line, what was decided lately first
`manometer why CUSTOMER TRIGGER`    one trigger in full
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from console.cli.context import Context
from console.cli.options import add_at
from console.cli.output import ListingField
from console.forecast.why import by_relevance, explain_all, explain_in
from console.playbooks.applied import playbook_at
from core.explain.why import Explanation
from core.explain.words import in_full, localized
from core.instants import Instant, format_instant
from core.model.fates import fate_in_words, state_code
from core.playbook.playbook import Playbook
from storage import customers

EXAMPLES = (
    ("why anna@example.ch", "the last decision about a customer, and every check"),
    ("why C1004 reactivation", "why a customer got one trigger, or did not"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "customer", metavar="CUSTOMER", help="key, e-mail, phone number or KIND:VALUE of an identity"
    )
    parser.add_argument(
        "trigger", metavar="TRIGGER", nargs="?", help="one trigger in full (default: all, a line each)"
    )
    add_at(parser)


CHECKS = (ListingField("check"), ListingField("holds"), ListingField("detail", widest=100))
TRIGGER_FIELDS = (
    ListingField("trigger"),
    ListingField("state"),
    ListingField("since", "instant"),
    ListingField("why", widest=110),
)


def run(args: argparse.Namespace, context: Context) -> int:
    """Explain."""
    at, now = context.now(args.at), context.now(None)
    playbook = playbook_at(context.store, context.in_force, at)
    if args.trigger is None:
        return _all(args.customer, context, playbook, now, at)
    customer, found = explain_in(context.store, playbook, args.customer, args.trigger, now, at)
    if context.output.json:
        context.output.value(_as_json(customer, args.trigger, at, found))
        return 0
    context.output.say(f"{found.words}\n\nAs things stand {in_full(at, context.zone)}:")
    shown = [
        {
            "check": each.check,
            "holds": "yes" if each.holds else "NO",
            "detail": localized(each.detail, context.zone),
        }
        for each in found.trace
    ]
    context.output.listing(CHECKS, shown, "")
    return 0


def _all(customer: str, context: Context, playbook: Playbook, now: Instant, at: Instant) -> int:
    """Every trigger, the most relevant first."""
    with context.store.reading() as connection:
        row, folder = customers.resolve(connection, customer), context.store.path.parent
        person, answers = explain_all(connection, playbook, row, now, at, folder)
        found = sorted(answers, key=by_relevance)
    if context.output.json:
        for each in found:
            context.output.value(_as_json(person.key, each.trigger, at, each.explanation))
        return 0
    context.output.say(f"{person.name or person.key}, as things stand {in_full(at, context.zone)}:\n")
    rows = [
        {
            "trigger": each.trigger,
            "state": _state(each.explanation),
            "since": each.since,
            "why": each.explanation.short,
        }
        for each in found
    ]
    context.output.listing(TRIGGER_FIELDS, rows, "There are no triggers.")
    return 0


def _state(found: Explanation) -> str:
    """What becomes of the message, in the words of `core.model.fates`."""
    if found.fate is None:
        return "not entered"
    return "foretold" if found.foretold else fate_in_words(found.fate, found.message_state)


def _as_json(customer: str, trigger: str, at: Instant, found: Explanation) -> Mapping[str, Any]:
    return {
        "customer": customer,
        "trigger": trigger,
        "at": format_instant(at),
        "verdict": found.verdict,
        "state": state_code(found.fate),
        "reason": found.reason,
        "words": found.words,
        "foretold": found.foretold,
        "trace": [{"check": each.check, "holds": each.holds, "detail": each.detail} for each in found.trace],
    }
