"""Customers: all of them, found by text, one in full, or one's timeline.

ID is the customer's key, or any of her identities, also as KIND:VALUE (email:anna@example.com).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.listings.customers import FIELDS
from console.cli.options import add_list, whole
from console.cli.output import ListingField
from console.tui.customer_filter import read_customer_filter
from core.instants import format_instant
from storage import customers, search
from storage.as_of import seen_as_of

DETAILS = (
    *FIELDS,
    ListingField("city"),
    ListingField("postal_code"),
    ListingField("gender"),
    ListingField("locale"),
    ListingField("timezone"),
    ListingField("birthday"),
    ListingField("registered_at", "instant"),
    ListingField("returns", "number"),
    ListingField("returned", "money"),
    ListingField("units", "number"),
    ListingField("first_order", "instant"),
    ListingField("last_order", "instant"),
    ListingField("traits", "json"),
    ListingField("identities", "json"),
    ListingField("consents", "json"),
    ListingField("under_way", "json"),
    ListingField("lost", "json", "another's now"),
)
TIMELINE = (
    ListingField("at", "instant"),
    ListingField("kind"),
    ListingField("name"),
    ListingField("source"),
    ListingField("channel"),
    ListingField("properties", "json", widest=80),
)

INSTANTS = ("at", "entered_at", "planned_at", "due_at", "waits_until")

EXAMPLES = (
    ("customers find 'van der Berg'", "who fits a name, an address or any identity"),
    ("customers timeline C1003", "what a customer did and got, over all channels"),
)
CUSTOMER = "the customer's key, an identity as KIND:VALUE, or a plain one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--after", metavar="KEY", help="only customers whose key comes after this one")
    _add_limit(parser, None)
    actions = parser.add_subparsers(dest="action", metavar="list|find|show|timeline")
    add_list(parser, actions)
    find = actions.add_parser(
        "find", help="customers whose name, address, place or identity holds every word"
    )
    find.add_argument("text", metavar="TEXT", nargs="+", help="words, or field:value; !word leaves out")
    _add_limit(find, argparse.SUPPRESS)
    show = actions.add_parser("show", help="one customer with all that is known")
    show.add_argument("id", metavar="ID", help=CUSTOMER)
    timeline = actions.add_parser("timeline", help="what one customer did, oldest first")
    timeline.add_argument("id", metavar="ID", help=CUSTOMER)
    timeline.add_argument("--since", metavar="INSTANT", help="from this instant on")
    timeline.add_argument(
        "--before", metavar="INSTANT", help="before this instant: the page above, together with --limit"
    )
    _add_limit(timeline, argparse.SUPPRESS)


def _add_limit(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=whole, default=default, help="at most so many; of a timeline the latest"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Print what was asked for."""
    if args.limit is not None and args.limit < 1:
        raise UsageError("--limit: write a number from 1 on.")
    if args.action == "show":
        return _show(args, context)
    if args.action == "timeline":
        return _timeline(args, context)
    text = " ".join(args.text) if args.action == "find" else ""
    with context.store.reading() as connection, seen_as_of(connection, context.now(None)):
        where = search.matching(read_customer_filter(text)) if text.strip() else None
        rows = customers.listing(connection, where, args.after, args.limit)
        context.output.listing(
            FIELDS,
            rows,
            "No customer fits." if text else "There are no customers yet. `manometer import` brings them.",
        )
    return 0


def _show(args: argparse.Namespace, context: Context) -> int:
    with context.store.reading() as connection, seen_as_of(connection, context.now(None)):
        known = customers.show(connection, customers.resolve(connection, args.id))
    others = {
        name: f"{known[name]} (another customer's, who said it last: nothing is sent to it for this one)"
        for name in ("email", "phone")
        if known[name] in known["lost"]
    }
    context.output.record(DETAILS, _shown(known), said=others)
    return 0


def _shown(known: Mapping[str, Any]) -> dict[str, Any]:
    """JSON parts with their instants written out."""
    consents, under_way = (
        [_instants_written(entry) for entry in known[part]] for part in ("consents", "under_way")
    )
    parts = {
        "identities": known["identities"],
        "consents": consents,
        "under_way": under_way,
        "lost": known["lost"],
    }
    texts = {name: orjson.dumps(value).decode() for name, value in parts.items()}
    return {**known, "first_order": known["first_order_at"], "last_order": known["last_order_at"], **texts}


def _instants_written(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): format_instant(value) if name in INSTANTS and value is not None else value
        for name, value in entry.items()
    }


def _timeline(args: argparse.Namespace, context: Context) -> int:
    since, before = context.instant(args.since, "--since"), context.instant(args.before, "--before")
    with context.store.reading() as connection:
        customer = customers.resolve(connection, args.id)
        rows: Iterator[Mapping[str, Any]] = customers.timeline(
            connection, customer, before, since, args.limit
        )
        context.output.listing(TIMELINE, rows, "Nothing is known of that span.")
    return 0
