"""One customer's timeline over all channels: events, messages, decisions and consents mixed, newest first.
Instants are ms UTC.

An entry is named by one number: four times its row's id, and which table it is of. A vector of those is read
from the indexes of each table; what an entry says is read for the few that are seen.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, Table, false, func, not_, or_, select

from core.filters import FilterWord
from core.instants import Instant
from core.model.events import CONSENT_RECORDS
from storage.schema.consents import consents
from storage.schema.decisions import decisions
from storage.schema.events import events
from storage.schema.messages import messages
from storage.sql import NO_ROW, WANTED, containing, rows_of

EVENT, MESSAGE, DECISION, CONSENT = range(4)
KINDS: Final[tuple[Literal["event", "message", "decision", "consent"], ...]] = (
    "event",
    "message",
    "decision",
    "consent",
)
SORTS: Final = len(KINDS)
FIELDS: Final = ("kind", "channel", "name", "trigger", "source", "state")
FIRST: Final = 200
"""So many entries make a first answer: more than any screen shows at once."""

Truth: TypeAlias = ColumnElement[bool]
Tell: TypeAlias = Callable[["array[int]"], None]

_TABLES: Final[tuple[Table, ...]] = (events, messages, decisions, consents)
_AT: Final[tuple[ColumnElement[Any], ...]] = (
    events.c.occurred_at,
    func.coalesce(messages.c.sent_at, messages.c.planned_at),
    decisions.c.at,
    consents.c.occurred_at,
)
_FIELDS: Final[Mapping[str, tuple[str | None, ...]]] = {
    "channel": ("channel", "channel", "channel", "channel"),
    "name": ("name", None, None, None),
    "trigger": (None, "trigger", "trigger", None),
    "source": ("source", None, None, "source"),
    "state": (None, "state", "outcome", "state"),
}
_SEARCHED: Final = (
    ("name", "source", "channel", "properties"),
    ("trigger", "channel", "template", "subject", "address", "state", "reason", "error"),
    ("trigger", "channel", "outcome", "reason"),
    ("channel", "purpose", "state", "source", "wording"),
)


def packed(kind: int, row: int) -> int:
    """The number of an entry."""
    return row * SORTS + kind


def unpacked(entry: int) -> tuple[int, int]:
    """Which table an entry is of, and its row's id there."""
    return entry % SORTS, entry // SORTS


# ---- the vector ----


def entries(connection: Connection, customer_id: int, asked: Sequence[FilterWord], found: Tell) -> array[int]:
    """The numbers of a customer's entries that a filter holds for, newest first; `found` gets the first of
    them at once.
    """
    told = set(connection.execute(_told(customer_id)).scalars())
    found(array("q", _merged(connection, customer_id, asked, told, FIRST)[:FIRST]))
    return array("q", _merged(connection, customer_id, asked, told, None))


def _told(customer_id: int) -> Select[Any]:
    """The events that are nothing but the record of a consent, which has an entry of its own."""
    return (
        select(events.c.id)
        .join_from(consents, events, events.c.id == consents.c.event_id)
        .where(consents.c.customer_id == customer_id, events.c.name.in_(sorted(CONSENT_RECORDS)))
    )


def _merged(
    connection: Connection, customer_id: int, asked: Sequence[FilterWord], told: set[int], most: int | None
) -> list[int]:
    rows: list[tuple[Instant, int]] = []
    for kind, table in enumerate(_TABLES):
        where = [_holds(term, kind) for term in asked]
        query = select(_AT[kind], table.c.id).where(table.c.customer_id == customer_id, *where)
        query = query.order_by(_newest(kind), table.c.id.desc()).limit(most)
        hidden = told if kind == EVENT else ()
        rows += [(at, packed(kind, row)) for at, row in rows_of(connection, query) if row not in hidden]
    rows.sort(reverse=True)
    return [entry for _, entry in rows]


def _newest(kind: int) -> ColumnElement[Any]:
    return (
        messages.c.lands_at if kind == MESSAGE else _AT[kind]
    ).desc()  # by the index; the two differ by a lead time or a delay


def _holds(term: FilterWord, kind: int) -> Truth:
    if term.field == "kind":
        clause: Truth = not_(false()) if KINDS[kind].startswith(term.text.lower()) else false()
    else:
        columns = _SEARCHED[kind] if term.field is None else (_FIELDS[term.field][kind],)
        clause = or_(false(), *_containing(_TABLES[kind], columns, term.text))
    return not_(clause) if term.is_inverse else clause


def _containing(table: Table, columns: Iterable[str | None], word: str) -> Iterator[Truth]:
    return (containing(table.c[name], word) for name in columns if name is not None)


# ---- what entries say ----

_COLUMNS: Final[tuple[tuple[str, ...], ...]] = (
    ("kind", "name", "source", "channel", "amount", "properties", "arrived_at", "history"),
    ("trigger", "step", "channel", "template", "address", "state", "reason", "subject", "error",
        "planned_at", "sent_at", "expires_at",
     "attempts", "provider_id", "purpose", "key", "lands_at", "released_at", "counts",
     "digest"),
    ("trigger", "step", "channel", "outcome", "reason", "until", "late", "planned_at", "rules", "objections",
        "message_id",
     "version", "note"),
    ("channel", "purpose", "state", "address", "source", "wording", "proof", "arrived_at"),
)  # fmt: skip


def rows(
    connection: Connection, wanted: Sequence[int], is_held_up: ColumnElement[bool] = NO_ROW
) -> dict[int, dict[str, Any]]:
    """The entries of these numbers: `sort` (0 to 3 as `KINDS`), `at`, and the columns of their table; of
    messages also `is_paused`, by the condition on one that a pause holds.
    """
    ids: dict[int, list[int]] = defaultdict(list)
    for entry in wanted:
        kind, row = unpacked(entry)
        ids[kind].append(row)
    return {
        entry: row for kind, some in ids.items() for entry, row in _rows(connection, kind, some, is_held_up)
    }


def _rows(
    connection: Connection, kind: int, ids: Sequence[int], is_held_up: ColumnElement[bool]
) -> Iterator[tuple[int, dict[str, Any]]]:
    table, names = _TABLES[kind], _COLUMNS[kind]
    is_paused = is_held_up if kind == MESSAGE else NO_ROW
    columns = table.c.id, _AT[kind], is_paused, *[table.c[name] for name in names]
    for identifier, at, paused, *values in rows_of(
        connection, select(*columns).where(table.c.id.in_(WANTED)), ids
    ):
        known = {"sort": kind, "at": at, "is_paused": bool(paused)}
        yield packed(kind, identifier), {**known, **dict(zip(names, values))}


def channels(connection: Connection, customer_id: int) -> list[str]:
    """The channels that the customer's newest entries name, by name."""
    found: set[str] = set()
    for kind, table in enumerate(_TABLES):
        query = (
            select(table.c.channel)
            .where(table.c.customer_id == customer_id)
            .order_by(_newest(kind))
            .limit(FIRST)
        )
        found.update(row[0] for row in rows_of(connection, query) if row[0] is not None)
    return sorted(found)
