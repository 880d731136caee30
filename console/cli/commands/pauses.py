"""What is paused: since when, until when, by whom, why, and how many wait."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy import Connection

from console.cli import pausing_prompts
from console.cli.context import Context
from console.cli.options import add_at, add_list
from console.cli.output import ListingField
from console.operating import pausing
from core.instants import Instant
from core.playbook.playbook import Playbook
from storage import pauses
from storage.pauses import StoredPause

FIELDS = (
    ListingField("scope"),
    ListingField("name"),
    ListingField("since", "instant"),
    ListingField("until", "instant"),
    ListingField("author"),
    ListingField("reason"),
    ListingField("transactional"),
    ListingField("customers", "number"),
    ListingField("waiting", "number"),
    ListingField("overdue", "number"),
    ListingField("messages", "number"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_at(parser)
    add_list(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print what is paused, what holds most first."""
    at, playbook = context.now(args.at), pausing_prompts.readable_playbook(context)
    with context.store.reading() as connection:
        rows = [
            _row(connection, held, playbook, at) for _, held in sorted(pauses.current(connection, at).items())
        ]
        context.output.listing(FIELDS, rows, "Nothing is paused.")
    return 0


def _row(connection: Connection, held: StoredPause, playbook: Playbook | None, at: Instant) -> dict[str, Any]:
    pause, wait = held.pause, pausing.waiting(connection, held.pause, playbook, at)
    overdue = pausing.choices(connection, held, playbook, at).overdue
    return {
        "scope": pause.scope,
        "name": pause.name,
        "since": pause.since,
        "until": pause.until,
        "author": held.author,
        "reason": held.reason,
        "transactional": pause.transactional,
        "customers": wait.customers,
        "waiting": wait.enrolments,
        "overdue": wait.overdue if overdue is None else overdue,
        "messages": wait.messages,
    }
