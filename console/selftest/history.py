"""What must hold in a workspace of the self-test, whatever happened to it, judged from its tables and from
what the world outside knows; nothing of the engine is asked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from console.selftest.provider import HandedOver
from console.selftest.world import LIMIT
from core.model.reasons import Reason
from storage import status
from storage.schema.decisions import decisions
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store

_OPEN = frozenset({"planned", "held", "due", "claimed"})
_MAY_BE_OUT = frozenset({"sent", "uncertain", "claimed"})
_VOLATILE = ("claimed_by", "claimed_until")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known outside of the workspace: what was handed over, what each batch told, and of which
    batches it was said that they were taken in. `is_quiet`: everything has come to its end.
    """

    handed_over: Sequence[HandedOver]
    told: Mapping[str, tuple[str, ...]]
    acknowledged: frozenset[str]
    is_quiet: bool


def judged(database: Path, known: Known) -> tuple[list[str], str]:
    """What does not hold, in words, and a digest of all rows."""
    if not database.exists():
        lost = ["the database is gone"] if known.acknowledged or known.handed_over else []
        return lost, ""
    with Store.open(database) as store, store.reading() as connection:
        return list(_problems(connection, known)), _digest(connection)


def _problems(connection: Connection, known: Known) -> Iterator[str]:
    yield from _damage(connection)
    books = status.conservation(connection)
    if not books["holds"]:
        yield f"the books do not balance: {json.dumps(books)}"
    yield from _events(connection, known)
    yield from _messages(connection, known)
    yield from _pressure(connection, known.handed_over)
    if known.is_quiet:
        yield from _left_over(connection)


def _damage(connection: Connection) -> Iterator[str]:
    found = connection.execute(text("PRAGMA integrity_check")).scalars().all()
    if found != ["ok"]:
        yield f"the database is damaged: {found[:3]}"
    if broken := connection.execute(text("PRAGMA foreign_key_check")).fetchmany(3):
        yield f"rows refer to what is not there: {[tuple(row) for row in broken]}"


def _ids(lines: Sequence[str]) -> set[str]:
    found = set()
    for line in lines:
        try:
            found.add(json.loads(line)["messageId"])
        except ValueError:
            continue
    return found


def _events(connection: Connection, known: Known) -> Iterator[str]:
    """What was acknowledged is there, nothing is there twice, nothing that was never told."""
    kept = connection.execute(select(func.count()).select_from(events)).scalar_one()
    least = set().union(*(_ids(known.told[batch]) for batch in known.acknowledged), set())
    most = set().union(*map(_ids, known.told.values()), set())
    if kept < len(least):
        yield f"{len(least)} calls were acknowledged, and {kept} are kept"
    if kept > len(most):
        yield f"{len(most)} calls were told, and {kept} are kept"


def _messages(connection: Connection, known: Known) -> Iterator[str]:
    """What is said of each message is so outside."""
    columns = (messages.c.key, messages.c.channel, messages.c.state, messages.c.reason, messages.c.error)
    rows = connection.execute(select(*columns)).all()
    states = {row.key: row.state for row in rows}
    out = Counter((each.channel, each.key) for each in known.handed_over)
    for (channel, key), times in out.items():
        if channel == "email" and times > 1:
            yield f"{key} left {times} times over {channel}"
        if key not in states:
            yield f"{key} left over {channel} and is in no outbox"
        elif states[key] in ("failed", "cancelled", "expired") or (
            known.is_quiet and states[key] not in _MAY_BE_OUT
        ):
            yield f"{key} left over {channel} and is said to be {states[key]}"
    gone = {key for _, key in out}
    for row in rows:
        if row.state == "sent" and row.key not in gone:
            yield f"{row.key} is said to be sent over {row.channel} and never left"
        if row.reason == Reason.TEMPLATE_ERROR:
            yield f"{row.key} could not be made, and nothing is wrong with its template: {row.error}"


def _pressure(connection: Connection, handed_over: Sequence[HandedOver]) -> Iterator[str]:
    """No customer got more marketing in any window than its rule allows, counted by what really left. The
    channels of one step are one contact.
    """
    most, window = LIMIT
    columns = select(messages.c.key, messages.c.enrolment_id, messages.c.step)
    contacts = {key: (enrolment, step) for key, enrolment, step in connection.execute(columns)}
    first: dict[object, HandedOver] = {}
    for each in handed_over:
        if each.purpose == "marketing":
            first.setdefault(contacts.get(each.key, each.key), each)
    ordered = sorted(first.values(), key=lambda each: (each.customer, each.at))
    for customer, theirs in groupby(ordered, key=lambda each: each.customer):
        instants = [each.at for each in theirs]
        for early, late in zip(instants, instants[most:]):
            if late - early < window:
                yield f"{customer} got {most + 1} contacts within {late - early} ms, from {early} on"


def _left_over(connection: Connection) -> Iterator[str]:
    """At the quiet end nothing waits, and each decision to send came to one end."""
    waiting = connection.execute(
        select(messages.c.state, func.count())
        .where(messages.c.state.in_(sorted(_OPEN)))
        .group_by(messages.c.state)
    ).all()
    if waiting:
        yield f"messages wait for ever: {dict(tuple(row) for row in waiting)}"
    sends = connection.execute(
        select(func.count()).select_from(decisions).where(decisions.c.outcome == "send")
    ).scalar_one()
    carried = connection.execute(
        select(func.count(decisions.c.message_id.distinct())).where(decisions.c.outcome == "send")
    ).scalar_one()
    if sends != carried:
        yield f"{sends} decisions to send have {carried} messages"


def _digest(connection: Connection) -> str:
    """Of all rows of the tables that tell what happened, less who had claimed what."""
    digest = sha256()
    for table in (events, decisions, messages):
        columns = [column for column in table.c if column.name not in _VOLATILE]
        for row in connection.execute(select(*columns).order_by(table.c.id)):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()
