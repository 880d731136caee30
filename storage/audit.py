"""What operators did: one row each, in the same transaction as the act itself. Instants are milliseconds
UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, insert, select

from core.instants import Instant
from storage.schema.operations import AuditRow, audit
from storage.session import session


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
    text = _text(detail or {})
    row = AuditRow(at=at, author=author, action=action, subject=subject, reason=reason, detail=text)
    with session(connection) as opened:
        opened.add(row)


def record_each(
    connection: Connection,
    at: Instant,
    author: str,
    action: str,
    details: Mapping[str, Mapping[str, object]],
    reason: str | None = None,
) -> None:
    """The same for each subject of an act on several, with its own detail."""
    lines = [
        {
            "at": at,
            "author": author,
            "action": action,
            "subject": subject,
            "reason": reason,
            "detail": _text(detail),
        }
        for subject, detail in details.items()
    ]
    if lines:
        connection.execute(insert(audit), lines)


def _text(detail: Mapping[str, object]) -> str:
    return json.dumps(dict(detail), ensure_ascii=False)


def entries(
    connection: Connection, since: Instant | None = None, subject: str | None = None
) -> Iterator[Mapping[str, object]]:
    """The audit log, oldest first, as a stream."""
    query = select(
        audit.c.at, audit.c.author, audit.c.action, audit.c.subject, audit.c.reason, audit.c.detail
    ).order_by(audit.c.id)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    yield from connection.execution_options(yield_per=500).execute(query).mappings()  # type: ignore[misc]
