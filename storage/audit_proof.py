"""Whether the audit is as it was written: its chains, and the anchors that join them. Instants are ms UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from core.instants import DAY, Instant
from storage.schema.chained import FIRST, anchor_link, audit_commitment, audit_link
from storage.schema.operations import audit, audit_anchors

AT_ONCE: Final = 2_000
Head = tuple[int, str]
"""The number and the link of a row."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One joining of the heads; `link` is what to keep elsewhere."""

    id: int
    at: Instant
    link: str


@dataclass(frozen=True, slots=True)
class AuditProof:
    """What was found: `fault` is None where every row and anchor is as it was written."""

    rows: int
    erased: int
    writers: int
    anchors: int
    newest: Anchor | None
    after_anchor: int
    """Rows since the newest anchor: whether some were cut off the end of these cannot be told."""
    row: int | None = None
    """The id of the first row that is not as it was written."""
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return self.fault is None


# ---- anchors ----


def newest_anchor(connection: Connection) -> Anchor | None:
    """The last anchor; None where there is none."""
    columns = audit_anchors.c
    query = select(columns.id, columns.at, columns.link).order_by(columns.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Anchor(*row)


def anchor(connection: Connection, at: Instant) -> Anchor:
    """Join the heads of all chains now."""
    before = newest_anchor(connection)
    heads = json.dumps(_heads(connection), sort_keys=True, separators=(",", ":"))
    link = anchor_link(FIRST if before is None else before.link, at, heads)
    values = {"at": at, "heads": heads, "link": link}
    identifier = connection.execute(insert(audit_anchors).values(values)).inserted_primary_key
    assert identifier is not None
    return Anchor(identifier[0], at, link)


def anchor_is_due(connection: Connection, at: Instant) -> bool:
    """Whether something was done since the last anchor, and that is a day old."""
    before = newest_anchor(connection)
    if before is None:
        return connection.execute(select(audit.c.id).limit(1)).first() is not None
    return at - before.at >= DAY and _after(connection, before) > 0


def _heads(connection: Connection) -> dict[str, Head]:
    columns = audit.c
    last = (
        select(columns.writer, func.max(columns.number).label("number")).group_by(columns.writer).subquery()
    )
    query = select(columns.writer, columns.number, columns.link).join(
        last, (columns.writer == last.c.writer) & (columns.number == last.c.number)
    )
    return {writer: (number, link) for writer, number, link in connection.execute(query)}


def _heads_of(connection: Connection, anchor: Anchor) -> dict[str, Head]:
    query = select(audit_anchors.c.heads).where(audit_anchors.c.id == anchor.id)
    heads: dict[str, list[Any]] = json.loads(connection.execute(query).scalar_one())
    return {writer: (number, link) for writer, (number, link) in heads.items()}


def _after(connection: Connection, anchor: Anchor) -> int:
    """Rows that the anchor does not cover."""
    covered = sum(number for number, _ in _heads_of(connection, anchor).values())
    return connection.execute(select(func.count()).select_from(audit)).scalar_one() - covered


# ---- the proof ----


def prove(connection: Connection, kept: str | None = None) -> AuditProof:
    """Read all of the audit and say whether it is as it was written; `kept` is the link of an anchor that was
    kept elsewhere, or the beginning of it, and must stand in it.
    """
    chains = _Chains(_heads_to_see(connection))
    columns = audit.c
    query = select(audit).order_by(columns.id).execution_options(yield_per=AT_ONCE)
    row = fault = None
    for each in connection.execute(query).mappings():
        fault = chains.fault_of(each)
        if fault is not None:
            row = each["id"]
            break
    anchors, anchor_fault = _anchors(connection, chains, kept)
    newest = newest_anchor(connection)
    after = chains.rows if newest is None else 0 if fault or anchor_fault else _after(connection, newest)
    return AuditProof(
        chains.rows, chains.erased, len(chains.heads), anchors, newest, after, row, fault or anchor_fault
    )


class _Chains:
    """The chains as far as they were read."""

    def __init__(self, wanted: Mapping[tuple[str, int], str]) -> None:
        self.wanted = dict(wanted)
        self.heads: dict[str, Head] = {}
        self.rows = self.erased = 0

    def fault_of(self, row: Mapping[Any, Any]) -> str | None:
        """What is wrong with the next row; None where nothing is."""
        self.rows += 1
        number, link = self.heads.get(row["writer"], (0, FIRST))
        if row["number"] != number + 1:
            return f"it is number {row['number']} of its chain and follows number {number}: rows are missing"
        commitment = row["commitment"]
        if row["salt"] is None:
            self.erased += 1
            if (row["subject"], row["reason"], row["detail"]) != ("", None, "{}"):
                return "its salt is gone, and what it says is not: it was changed"
        elif commitment != _commitment_of(row):
            return "author, subject, reason or detail were changed"
        if row["link"] != audit_link(
            link, row["writer"], row["number"], row["deed"], row["at"], row["action"], commitment
        ):
            return "instant, action, act, chain or commitment were changed, or a row before it"
        self.heads[row["writer"]] = row["number"], row["link"]
        if self.wanted.get((row["writer"], row["number"])) == row["link"]:
            del self.wanted[row["writer"], row["number"]]
        return None


def _commitment_of(row: Mapping[Any, Any]) -> str | None:
    try:
        return audit_commitment(row["salt"], row["author"], row["subject"], row["reason"], row["detail"])
    except ValueError:  # a salt that is no hexadecimal number
        return None


def _heads_to_see(connection: Connection) -> dict[tuple[str, int], str]:
    query = select(audit_anchors.c.heads)
    return {
        (writer, number): link
        for (heads,) in connection.execute(query)
        for writer, (number, link) in json.loads(heads).items()
    }


def _anchors(connection: Connection, chains: _Chains, kept: str | None) -> tuple[int, str | None]:
    """How many anchors there are, and what is wrong with them or with what they join."""
    columns, link, found, number = audit_anchors.c, FIRST, kept is None, 0
    for row in connection.execute(select(audit_anchors).order_by(columns.id)):
        number += 1
        if row.id != number or row.link != anchor_link(link, row.at, row.heads):
            return number, f"anchor {row.id} was changed, or one before it was taken away"
        link = row.link
        found = found or (kept is not None and link.startswith(kept))
    if chains.wanted:
        writer, place = min(chains.wanted)
        return (
            number,
            f"an anchor knows row {place} of the chain {writer}, which is not here: rows were cut off",
        )
    if not found:
        return (
            number,
            "the anchor that was kept is not here: this is another database, or it was written anew",
        )
    return number, None
