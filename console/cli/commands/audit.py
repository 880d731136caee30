"""What operators did, when, and why: oldest first, a line an act; `verify` says whether it is as it was
written.

An act on many is one line; `--act` lists its rows by their subjects, and --json always gives every row.
verify ends with 1 where a row or an anchor is not as it was written, and names the first. `--anchor` takes
the link of an anchor that was kept elsewhere (the log of the scheduler, a backup): without one, nobody can
tell a history that the owner of the file has written anew from the one that happened.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from console.cli.context import Context
from console.cli.exit_codes import DONE, FAILED
from console.cli.options import add_list
from console.cli.output import ListingField
from core.explain.acts import act_kind, act_subject
from core.explain.words import counted, in_full
from core.model.audit import OperatorAct
from storage import audit, audit_proof
from storage.audit_proof import AuditProof

FIELDS = (
    ListingField("at", "instant"),
    ListingField("author"),
    ListingField("action"),
    ListingField("subject"),
    ListingField("reason"),
    ListingField("detail", "json", widest=60),
    ListingField("act", "number"),
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
    parser.add_argument("--until", metavar="INSTANT", help="only before this instant")
    parser.add_argument("--operator", metavar="NAME", help="only what this account did")
    parser.add_argument(
        "--kind", metavar="ACTION", help="only this action, such as pause or 'outbox approve'"
    )
    parser.add_argument(
        "--subject", metavar="NAME", help="only what was done to this trigger, message or playbook"
    )
    parser.add_argument("--act", metavar="NUMBER", type=int, help="the rows of this act alone")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the audit log, or prove it."""
    if args.action == "verify":
        return _verify(args, context)
    with context.store.reading() as connection:
        since, until = context.instant(args.since, "--since"), context.instant(args.until, "--until")
        rows = audit.entries(
            connection, since, args.subject, until=until, author=args.operator, action=args.kind, act=args.act
        )
        shown = rows if context.output.json or args.act is not None else _acts(rows)
        is_asked = any((args.since, args.until, args.operator, args.kind, args.subject, args.act is not None))
        empty = "No act fits." if is_asked else "Nobody has done anything yet."
        context.output.listing(FIELDS, shown, empty)
    return DONE


def _acts(rows: Iterable[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """A line an act; what differs from row to row is left out of one that has several."""
    for _, group in groupby(rows, key=itemgetter("act")):
        first, *others = group
        act = OperatorAct(
            int(str(first["act"])), int(str(first["at"])), str(first["author"]), str(first["action"]),
            str(first["subject"]), None, 1 + len(others),
        )  # fmt: skip
        one = {"subject": first["subject"], "detail": first["detail"]}
        yield {
            **first, "action": act_kind(act),
            **({"subject": act_subject(act), "detail": None} if others else one),
        }  # fmt: skip


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
