"""Orders as they stand: what each came to, what went back of it, and whose it is. Amounts are in the order's
own currency.

An order counts once, whoever tells of it and however often. One whose number two known customers have is
marked: `manometer merges --conflicts` lists those that are to be decided.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from console.cli.context import Context
from console.cli.output import ListingField
from storage import customers, orders
from storage.orders import OrderListed

FIELDS = (
    ListingField("order"),
    ListingField("customer"),
    ListingField("at", "instant"),
    ListingField("source"),
    ListingField("status"),
    ListingField("currency"),
    ListingField("amount", "json"),
    ListingField("refunded", "json"),
    ListingField("net", "json"),
    ListingField("products", "json", shown=False),
)

EXAMPLES = (("orders --customer C1003", "the orders of one customer as they stand"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--customer", metavar="ID", help="only those of one customer")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the orders, oldest first."""
    home = str(context.settings.get("currency", "CHF"))
    with context.store.reading() as connection:
        customer = None if args.customer is None else customers.resolve(connection, args.customer)
        found = orders.listing(connection, home, customer, context.now(None))
        waiting = orders.unconverted(connection)
    context.output.listing(
        FIELDS, _rows(found, for_people=not context.output.json), "There are no orders yet."
    )
    if waiting:
        from console.intake.unconverted import words_of  # rare

        context.output.say(words_of(waiting))
    return 0


def _rows(found: Sequence[OrderListed], *, for_people: bool) -> Iterator[dict[str, Any]]:
    for each in found:
        told = f" (of {each.people} customers)" if for_people and each.people > 1 else ""
        yield {
            "order": each.order,
            "customer": each.customer,
            "at": each.at,
            "source": each.source,
            "status": f"{each.status}{told}",
            "currency": each.currency,
            "amount": _text(each.amount),
            "refunded": _text(each.refunded),
            "net": _text(each.net),
            "products": orjson.dumps(each.products).decode(),
        }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
