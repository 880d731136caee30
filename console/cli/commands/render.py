"""Any template for any customer as of any instant, with the customer's products and the shop's links.

Nobody gets it and nothing counts it. What is not named is chosen: the first step that uses the template, its
first channel, and as the cause the last event by then that could have begun its journey. Links to unsubscribe
and to answer a survey hold the word `sample` in place of a token.

--proof-to sends it as a proof to one of the operators' addresses that [proofs] in manometer.toml lists.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.message_options import add_ways
from console.cli.message_output import lead_away, say_texts
from console.cli.options import add_at, add_reason
from console.cli.output import ListingField
from console.viewing.proofs import refuse_unlisted, send_proof
from console.viewing.samples import Sample, SampleAsked, make_sample, sample_words, template_names
from console.workspace.reading import Workspace

FIELDS = (
    ListingField("template"),
    ListingField("customer"),
    ListingField("channel"),
    ListingField("locale"),
    ListingField("subject"),
    ListingField("parts", "json"),
    ListingField("faults", "json"),
)

EXAMPLES = (
    ("render basket-reminder nina@example.ch", "what a customer would read"),
    ("render basket-reminder C1003 --html mail.html", "the same as a page for a browser"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("template", metavar="TEMPLATE", help="the name of its folder in templates/")
    parser.add_argument(
        "customer", metavar="CUSTOMER", help="key, e-mail, phone number or KIND:VALUE of an identity"
    )
    parser.add_argument(
        "--channel", metavar="NAME", help="over this channel (default: the first of the step that uses it)"
    )
    parser.add_argument("--trigger", metavar="NAME", help="as a message of this trigger")
    parser.add_argument("--files", action="store_true", help="as the files stand, also what is not applied")
    parser.add_argument("--proof-to", metavar="ADDRESS", help="send it to this operator, marked as a proof")
    add_reason(parser)
    add_ways(parser)
    add_at(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the message; 1 where it cannot be made."""
    now = context.now(None)
    workspace = _workspace(args, context)
    asked = SampleAsked(args.template, args.customer, context.now(args.at), now, args.channel, args.trigger)
    if args.proof_to is not None:
        refuse_unlisted(context.in_force, args.proof_to)
    with context.store.reading() as connection:
        sample = make_sample(connection, workspace, asked)
    if args.proof_to is not None and sample.outbound is not None:
        sent = send_proof(
            context.store, context.in_force, sample, args.proof_to, context.author, now, args.reason
        )
        context.output.complain(f"A proof went to {args.proof_to} over {sample.channel}: {sent.subject}")
    said = sample_words(sample, context.zone)
    subject = "" if sample.outbound is None else sample.outbound.subject
    parts = {} if sample.outbound is None else sample.outbound.parts
    if not lead_away(args, context.output, f"{sample.template} for {sample.customer}", subject, parts, said):
        _print(sample, said, context)
    return 0 if sample.outbound is not None else 1


def _workspace(args: argparse.Namespace, context: Context) -> Workspace:
    """What is in force; the files where that was asked for, or they alone have the template."""
    if args.files:
        return context.workspace
    in_force = context.in_force
    if (
        args.template in template_names(in_force)
        or not (context.folder / "templates" / args.template).is_dir()
    ):
        return in_force
    context.output.complain(f"{args.template} is not in force yet: taken from the files as they stand.")
    return context.workspace


def _print(sample: Sample, said: str, context: Context) -> None:
    outbound = sample.outbound
    if context.output.json:
        row = {
            "template": sample.template, "customer": sample.customer, "channel": sample.channel,
            "locale": sample.locale, "subject": None if outbound is None else outbound.subject,
            "parts": {} if outbound is None else dict(outbound.parts), "faults": list(sample.faults),
        }  # fmt: skip
        context.output.record(FIELDS, row)
        return
    context.output.say(said)
    for fault in sample.faults:
        context.output.say(f"It cannot be made: {fault}")
    if outbound is not None:
        context.output.say("")
        say_texts(context.output, outbound.subject, outbound.parts)
