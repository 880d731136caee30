"""Withdraw the consent that an unsubscribe link speaks of; what a web page calls when somebody follows one.

A token that was changed is refused. Following a link twice changes nothing more.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context, add_at
from console.cli.output import Field

FIELDS = (Field("customer"), Field("medium"), Field("purpose"), Field("withdrawn"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("token", metavar="TOKEN", help="what stands in place of {token} in the link")
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Check the token and record the withdrawal."""
    from console.messages.unsubscribe import read_token, signing_secrets, withdraw  # `--help` needs none of it

    at = context.now(args.at)
    workspace = context.in_force
    claim = read_token(signing_secrets(workspace.unsubscribe, context.folder), args.token)
    customer, is_new = withdraw(context.store, claim, workspace.playbook, at)
    if context.output.json:
        row = {"customer": customer, "medium": claim.medium, "purpose": claim.purpose, "withdrawn": is_new}
        context.output.record(FIELDS, row)
        return 0
    what = f"{claim.purpose} over {claim.medium} to {customer}"
    context.output.say(f"Consent withdrawn: {what}." if is_new else f"It was withdrawn already: {what}.")
    return 0
