"""The record of every import: which file, when, and what became of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update

from core.instants import Instant
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities
from storage.schema.intake import ImportRow, import_spans, imports
from storage.session import session


def begin(
    connection: Connection, at: Instant, path: str, profile: str | None, counts: Mapping[str, int]
) -> int:
    """Note an import with its first counts: `lines taken duplicate rejected finished`; its number."""
    row = ImportRow(at=at, path=path, profile=profile, **counts)
    with session(connection) as opened:
        opened.add(row)
    assert row.id is not None
    return row.id


def note(connection: Connection, number: int, counts: Mapping[str, int]) -> None:
    """Note how far an import has come."""
    with session(connection) as opened:
        opened.get_one(ImportRow, number).sqlmodel_update(dict(counts))


def listed(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every import, oldest first: `id at path profile lines taken duplicate rejected finished undone`."""
    for row in connection.execute(select(imports).order_by(imports.c.id)).mappings():
        values = dict(row)
        undone = values.pop("undone_at")
        yield values | {"finished": bool(values["finished"]), "undone": undone}


# ---- which events an import brought ----


def note_events(connection: Connection, number: int, taken: int) -> None:
    """Note that the newest `taken` events came with an import, in the transaction that took them."""
    if not taken:
        return
    last = _highest(connection, events)
    given = {
        "last_event": last,
        "last_customer": _highest(connection, customers),
        "last_identity": _highest(connection, identities),
    }
    spans, first = import_spans.c, last - taken + 1
    before = (spans.import_id == number) & (spans.last_event == first - 1)
    if not connection.execute(update(import_spans).where(before).values(given)).rowcount:
        connection.execute(insert(import_spans).values(import_id=number, first_event=first, **given))


def spans_of(connection: Connection, number: int) -> list[tuple[int, int]]:
    """The first and last numbers of the events that an import brought, in order."""
    columns = import_spans.c
    query = select(columns.first_event, columns.last_event).where(columns.import_id == number)
    return [(first, last) for first, last in connection.execute(query.order_by(columns.first_event))]


def free_ids(connection: Connection) -> tuple[int, int, int]:
    """The first free numbers of an event, a customer and an identity: those of rows that went with an import
    that was taken back are not given again, for the log of decisions still names them.
    """
    spans = import_spans.c
    given = select(func.max(spans.last_event), func.max(spans.last_customer), func.max(spans.last_identity))
    event, customer, identity = connection.execute(given).one()
    return (
        max(event or 0, _highest(connection, events)) + 1,
        max(customer or 0, _highest(connection, customers)) + 1,
        max(identity or 0, _highest(connection, identities)) + 1,
    )


def _highest(connection: Connection, table: Table) -> int:
    highest: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    return highest
