"""Withdraw the consent that an unsubscribe link speaks of; what a web page calls when somebody follows one.

A token that was changed is refused. Following a link twice changes nothing more.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.options import add_at
from console.cli.output import ListingField

FIELDS = (
    ListingField("customer"),
    ListingField("medium"),
    ListingField("purpose"),
    ListingField("withdrawn"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("token", metavar="TOKEN", help="what stands in place of {token} in the link")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Check the token and record the withdrawal."""
    from console.messages.unsubscribe import withdraw  # `--help` needs none of it
    from console.messages.unsubscribe_links import read_token, signing_secrets

    at = context.now(args.at)
    workspace = context.in_force
    token = read_token(signing_secrets(workspace.unsubscribe, context.folder), args.token)
    customer, purpose, is_new = withdraw(context.store, token, workspace.playbook, at)
    if context.output.json:
        row = {"customer": customer, "medium": token.medium, "purpose": purpose, "withdrawn": is_new}
        context.output.record(FIELDS, row)
        return 0
    what = f"{purpose} over {token.medium} to {customer}"
    context.output.say(f"Consent withdrawn: {what}." if is_new else f"It was withdrawn already: {what}.")
    return 0
