"""Named audiences with how many customers are in each, the customers of one, or the count of any condition.

`manometer segments`                     all of them, counted
`manometer segments NAME`                the customers of one
`manometer segments count EXPRESSION`    how many customers a condition holds for
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.customers import FIELDS as CUSTOMER
from console.cli.options import add_at
from console.cli.output import ListingField
from core.errors import ManometerError
from core.instants import Instant
from core.language import Condition, parse
from core.language import ConditionContext as Place
from core.suggestions import near
from storage import segments
from storage.as_of import seen_as_of

FIELDS = (ListingField("name"), ListingField("title"), ListingField("customers", "number"))
COUNT = (ListingField("expression"), ListingField("customers", "number"))

EXAMPLES = (("segments count 'orders >= 3'", "how many customers a condition fits"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "what",
        metavar="list | NAME | count EXPRESSION",
        nargs="*",
        help="one segment, or a condition to count",
    )
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the segments, one's customers, or a count."""
    known = {name: predicate.condition for name, predicate in context.workspace.playbook.segments.items()}
    at = context.now(args.at)
    what: list[str] = args.what
    with context.store.reading() as connection, seen_as_of(connection, at):
        if not what or (what == ["list"] and "list" not in known):
            titles = context.workspace.segment_titles
            context.output.listing(
                FIELDS,
                _counted(connection, known, titles, at),
                "There are no segments. segments.toml names them.",
            )
        elif what[0] == "count" and len(what) > 1:
            text = " ".join(what[1:])
            condition = parse(text, Place.AUDIENCE, known, context.zone)
            context.output.record(
                COUNT, {"expression": text, "customers": segments.count(connection, condition, known, at)}
            )
        elif len(what) == 1 and what[0] in known:
            context.output.listing(
                CUSTOMER,
                segments.members(connection, known[what[0]], known, at, segments.segment_named(what[0])),
                "Nobody is in it.",
            )
        else:
            raise _unknown(what, known)
    return 0


def _counted(
    connection: Connection, known: Mapping[str, Condition], titles: Mapping[str, str], at: Instant
) -> Iterator[Mapping[str, Any]]:
    for name, condition in known.items():
        yield {
            "name": name,
            "title": titles.get(name),
            "customers": segments.count(connection, condition, known, at, segments.segment_named(name)),
        }


def _unknown(what: list[str], known: Mapping[str, Condition]) -> ManometerError:
    if what == ["count"]:
        return UsageError("segments count needs a condition, such as \"country == 'CH'\".")
    if len(what) > 1:
        return UsageError("Name one segment, or write `segments count EXPRESSION`.")
    return ManometerError(
        f"There is no segment {what[0]!r}. {near(what[0], known) or 'segments.toml names them.'}"
    )
