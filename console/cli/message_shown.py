"""`manometer outbox show`: one message as it was sent, or as it would be now."""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.message_output import lead_away, say_texts
from console.cli.output import ListingField
from console.viewing.readable import readable_parts
from console.viewing.reading import ReadMessage, form_words, read_message
from core.explain.words import in_full

FIELDS = (
    ListingField("id", "number"),
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("channel"),
    ListingField("state"),
    ListingField("address"),
    ListingField("template"),
    ListingField("form"),
    ListingField("at", "instant"),
    ListingField("kept_until", "instant"),
    ListingField("subject"),
    ListingField("parts", "json"),
    ListingField("text"),
    ListingField("fault"),
)


def show(args: argparse.Namespace, context: Context) -> int:
    """Print it; 1 where it has no text."""
    now = context.now(args.at)
    found = read_message(context.store.reading, context.in_force, args.id, now, anew=args.now)
    said = form_words(found, context.zone)
    if lead_away(args, context.output, f"Message {args.id}", found.subject, found.parts, found.fault or said):
        return 0
    if context.output.json:
        context.output.record(FIELDS, _row(found))
    else:
        _say(found, said, context)
    return 0 if found.fault is None else 1


def _row(found: ReadMessage) -> dict[str, object]:
    row = found.row
    readable = readable_parts(found.parts)
    return {
        "id": row.id, "customer": row.customer, "trigger": row.trigger, "step": row.step,
        "channel": row.channel, "state": row.state, "address": row.address, "template": row.template,
        "form": found.form, "at": found.at, "kept_until": found.kept_until, "subject": found.subject or None,
        "parts": dict(found.parts), "text": readable[0].text if readable else None, "fault": found.fault,
    }  # fmt: skip


def _say(found: ReadMessage, said: str, context: Context) -> None:
    row, output = found.row, context.output
    to = f"to {row.customer}" + (f" at {row.address}" if row.address else "")
    output.say(f"Message {row.id} {to}: {row.trigger}, step {row.step}, over {row.channel}; {row.state}")
    if found.fault is not None:
        output.say(found.fault if found.form == "gone" else f"It cannot be made: {found.fault}")
        return
    kept = f"; kept until {in_full(found.kept_until, context.zone)}" if found.kept_until is not None else ""
    output.say(f"{said}{kept}\n")
    say_texts(output, found.subject, found.parts)
