"""What operators did, when, and why: oldest first; `verify` says whether it is as it was written.

verify ends with 1 where a row or an anchor is not as it was written, and names the first. `--anchor` takes
the link of an anchor that was kept elsewhere (the log of the scheduler, a backup): without one, nobody can
tell a history that the owner of the file has written anew from the one that happened.
"""

from __future__ import annotations

import argparse

from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED
from console.cli.options import add_list
from console.cli.output import ListingField
from core.explain.words import counted, in_full
from storage import audit, audit_proof
from storage.audit_proof import AuditProof

FIELDS = (
    ListingField("at", "instant"),
    ListingField("author"),
    ListingField("action"),
    ListingField("subject"),
    ListingField("reason"),
    ListingField("detail", "json", widest=60),
)
PROOF_FIELDS = (
    ListingField("holds", "json"),
    ListingField("row", "number"),
    ListingField("fault"),
    ListingField("rows", "number"),
    ListingField("erased", "number"),
    ListingField("writers", "number"),
    ListingField("anchors", "number"),
    ListingField("anchor"),
    ListingField("anchored_at", "instant"),
    ListingField("after_anchor", "number"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    _add_filter(parser)
    actions = parser.add_subparsers(dest="action", metavar="list|verify")
    add_list(parser, actions)
    verify = actions.add_parser("verify", help="whether it is as it was written")
    verify.add_argument("--anchor", metavar="LINK", help="an anchor that was kept elsewhere must be in it")


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="INSTANT", help="only from this instant on")
    parser.add_argument(
        "--subject", metavar="NAME", help="only what was done to this trigger, message or playbook"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the audit log, or prove it."""
    if args.action == "verify":
        return _verify(args, context)
    with context.store.reading() as connection:
        rows = audit.entries(connection, context.instant(args.since, "--since"), args.subject)
        context.output.listing(FIELDS, rows, "Nobody has done anything yet.")
    return DONE


def _verify(args: argparse.Namespace, context: Context) -> int:
    with context.store.reading() as connection:
        proof = audit_proof.prove(connection, args.anchor)
    if context.output.json:
        context.output.record(PROOF_FIELDS, _row(proof))
    elif proof.fault is None:
        context.output.say(_words(proof, context))
    else:
        where = "" if proof.row is None else f"Row {proof.row}: "
        context.output.complain(f"{where}{proof.fault}. Compare it with a backup from before.")
    return DONE if proof.holds else FAILED


def _row(proof: AuditProof) -> dict[str, object]:
    newest = proof.newest
    return {
        "holds": proof.holds, "row": proof.row, "fault": proof.fault, "rows": proof.rows,
        "erased": proof.erased, "writers": proof.writers, "anchors": proof.anchors,
        "anchor": None if newest is None else newest.link,
        "anchored_at": None if newest is None else newest.at, "after_anchor": proof.after_anchor,
    }  # fmt: skip


def _words(proof: AuditProof, context: Context) -> str:
    of = f"{counted(proof.rows, 'row')} in {counted(proof.writers, 'chain')}"
    erased = f", {proof.erased:,} of them erased" if proof.erased else ""
    if proof.newest is None:
        none = "No anchor yet; the scheduler makes one a day, and `backup` another"
        return f"As it was written: {of}{erased}. {none}."
    at = in_full(proof.newest.at, context.zone)
    newest = f"Anchors: {proof.anchors:,}, the newest of {at}: {proof.newest.link}"
    return f"As it was written: {of}{erased}. {newest}. Rows after it: {proof.after_anchor:,}."
