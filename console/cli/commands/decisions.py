"""What was decided for whom, and why: oldest first, then by customer and rank."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.decisions import FIELDS
from console.cli.options import add_list
from console.cli.output import ListingField
from console.playbooks.known_triggers import refuse_never_known
from core.instants import format_instant, rounded_up
from core.model.decisions import OUTCOMES
from core.suggestions import near
from storage import customers, decisions

EVIDENCE = (
    *FIELDS,
    ListingField("version", "number"),
    ListingField("variant"),
    ListingField("planned_at", "instant"),
    ListingField("objections", "json", shown=False),
)
"""With `--evidence`: the version whose definition decided, for when the step was planned, and all that stood
against it.
"""

EXAMPLES = (
    ("decisions --customer C1003", "what was decided for one customer"),
    ("decisions --outcome suppress --json", "what was not sent, for scripts"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--customer", metavar="ID", help="only this customer's")
    parser.add_argument("--trigger", metavar="NAME", help="only of this trigger")
    parser.add_argument("--outcome", metavar="X", help=f"only this outcome: {', '.join(OUTCOMES)}")
    parser.add_argument("--since", metavar="INSTANT", help="from this instant on")
    parser.add_argument("--until", metavar="INSTANT", help="before this instant")
    parser.add_argument(
        "--evidence",
        action="store_true",
        help="also the version that decided, the variant, the planned instant and every objection",
    )
    add_list(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the decisions."""
    if args.outcome not in (None, *OUTCOMES):
        hint = near(args.outcome, OUTCOMES) or f"There are: {', '.join(OUTCOMES)}."
        raise UsageError(f"There is no outcome {args.outcome!r}. {hint}")
    since, until = context.instant(args.since, "--since"), context.instant(args.until, "--until")
    with context.store.reading() as connection:
        customer = None if args.customer is None else customers.resolve(connection, args.customer)
        if args.trigger is not None:
            refuse_never_known(connection, args.trigger, lambda: context.in_force.playbook)
        wanted = decisions.DecisionFilter(customer, args.trigger, args.outcome, since, until)
        rows = decisions.listing(connection, wanted)
        shown = map(_with_evidence, rows) if args.evidence else rows
        context.output.listing(EVIDENCE if args.evidence else FIELDS, shown, "No decision fits.")
    return 0


def _with_evidence(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Objections as scripts read them: by name, and instants as text."""
    objections = [
        {
            "reason": reason,
            "detail": detail,
            "until": None if until is None else format_instant(rounded_up(until)),
        }
        for reason, detail, until in json.loads(row["objections"])
    ]
    return {**row, "objections": json.dumps(objections)}
