"""Why a customer got or did not get a trigger's messages: the last decision in words, and every check on the way."""

from __future__ import annotations

import argparse

from console.context import Context, add_at
from console.output import Field
from console.why import explain_in
from core.instants import format_instant
from core.words import in_full, localized


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("customer", metavar="CUSTOMER", help="key, e-mail, phone number or KIND:VALUE of an identity")
    parser.add_argument("trigger", metavar="TRIGGER")
    add_at(parser)


CHECKS = (Field("check"), Field("holds"), Field("detail", widest=100))


def run(args: argparse.Namespace, context: Context) -> int:
    """Explain."""
    at = context.now(args.at)
    customer, found = explain_in(context.store, context.in_force.playbook, args.customer, args.trigger, context.now(None), at)
    if context.output.json:
        trace = [{"check": each.check, "holds": each.holds, "detail": each.detail} for each in found.trace]
        context.output.value(
            {
                "customer": customer,
                "trigger": args.trigger,
                "at": format_instant(at),
                "verdict": found.verdict,
                "reason": found.reason,
                "words": found.words,
                "trace": trace,
            }
        )
        return 0
    context.output.say(f"{found.words}\n\nAs things stand {in_full(at, context.zone)}:")
    shown = [
        {"check": each.check, "holds": "yes" if each.holds else "NO", "detail": localized(each.detail, context.zone)}
        for each in found.trace
    ]
    context.output.listing(CHECKS, shown, "")
    return 0
