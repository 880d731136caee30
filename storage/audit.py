"""What operators did: one row each, in the same transaction as the act itself. Instants are milliseconds
UTC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from secrets import token_hex
from socket import gethostname
from typing import Final

from sqlalchemy import Connection, insert, select, update

from core.instants import Instant
from storage.schema.chained import FIRST, audit_commitment, audit_link
from storage.schema.operations import audit
from storage.sql import equal, within

SALT_BYTES: Final = 32
WRITER_DIGITS: Final = 16


def record(
    connection: Connection,
    at: Instant,
    author: str,
    action: str,
    subject: str,
    reason: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write who did what to what, and why; to be called in the transaction that does it."""
    record_each(connection, at, author, action, [(subject, detail or {})], reason)


def record_each(
    connection: Connection,
    at: Instant,
    author: str,
    action: str,
    details: Iterable[tuple[str, Mapping[str, object]]],
    reason: str | None = None,
) -> None:
    """One act on several: a row for each subject, with its own detail."""
    writer = writer_of(author)
    number, link = _head(connection, writer)
    deed = number + 1
    lines: list[dict[str, object]] = []
    for subject, detail in details:
        number, salt, text = number + 1, token_hex(SALT_BYTES), _text(detail)
        commitment = audit_commitment(salt, author, subject, reason, text)
        link = audit_link(link, writer, number, deed, at, action, commitment)
        lines.append(
            {
                "at": at, "author": author, "action": action, "subject": subject, "reason": reason,
                "detail": text, "writer": writer, "number": number, "salt": salt, "commitment": commitment,
                "link": link, "deed": deed,
            }
        )  # fmt: skip
    if lines:
        connection.execute(insert(audit), lines)


@lru_cache(maxsize=64)
def writer_of(author: str) -> str:
    """The chain that an account writes on this machine: no two machines write the same one, so that none
    waits for another.
    """
    return hashlib.sha256(f"{gethostname()}\0{author}".encode()).hexdigest()[:WRITER_DIGITS]


def _head(connection: Connection, writer: str) -> tuple[int, str]:
    """The last number and link of a chain."""
    columns = audit.c
    query = (
        select(columns.number, columns.link)
        .where(columns.writer == writer)
        .order_by(columns.number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return (0, FIRST) if row is None else (row.number, row.link)


def erase(connection: Connection, ids: Sequence[int]) -> None:
    """Erase what is personal in these rows: subject, reason, detail, and the salt without which the
    commitment tells nothing. The chain stays whole; that they were erased can be seen.
    """
    erased = {"salt": None, "subject": "", "reason": None, "detail": "{}"}
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        connection.execute(
            update(audit).where(audit.c.id.in_(part), audit.c.salt.is_not(None)).values(erased)
        )


def _text(detail: Mapping[str, object]) -> str:
    return json.dumps(dict(detail), ensure_ascii=False)


def entries(
    connection: Connection,
    since: Instant | None = None,
    subject: str | None = None,
    *,
    until: Instant | None = None,
    author: str | None = None,
    action: str | None = None,
    act: int | None = None,
) -> Iterator[Mapping[str, object]]:
    """The audit log, oldest first, as a stream; `act` is the row that a row's act begins with. The instant
    lies in [since, until).
    """
    columns, first = audit.c, audit.alias()
    query = (
        select(
            columns.at, columns.author, columns.action, columns.subject, columns.reason, columns.detail,
            first.c.id.label("act"),
        )
        .join(first, (first.c.writer == columns.writer) & (first.c.number == columns.deed))
        .where(*within(columns.at, since, until))
        .where(*equal(audit, subject=subject, author=author, action=action))
        .order_by(columns.id)
    )  # fmt: skip
    if act is not None:
        query = query.where(first.c.id == act)
    yield from connection.execution_options(yield_per=500).execute(query).mappings()  # type: ignore[misc]
