"""The consents of lists: what the last list of each source said, and what a new one adds to the ledger.

All lines of one arrival count together, so that their order does not matter: what a later line of the same
arrival corrects is corrected in the ledger by a further row, which outweighs the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from core.instants import Instant
from core.sources.consent_lists import ListedState, ListedWord, word_of
from storage.schema.consents import consents, listed_consents
from storage.schema.events import events
from storage.sql import portions


class Place(NamedTuple):
    """Whose state of which use in which source's lists it is."""

    identity_id: int
    source: str
    channel: str
    purpose: str
    address: str


@dataclass(slots=True)
class ListedLine:
    """What a line says of one use, and the row of the ledger that it would become but for its word."""

    place: Place
    listed: ListedState
    row: dict[str, Any]


@dataclass(slots=True)
class _Known:
    """What is known of one place while a batch is folded in."""

    listed: ListedState | None
    arrived_at: Instant | None
    previous: str | None
    word: str | None
    row: dict[str, Any] | None = None
    is_changed: bool = False


def dump_listed(lines: Sequence[ListedLine]) -> str:
    """The column `listed` of an event; empty where it is of no list."""
    if not lines:
        return ""
    said = [
        (
            line.place.channel, line.place.purpose, line.place.address, line.listed.state,
            line.listed.dated_at, line.listed.is_unasked,
        )
        for line in lines
    ]  # fmt: skip
    return orjson.dumps(said).decode()


def ledger_rows(
    connection: Connection, lines: Sequence[ListedLine], arrived_at: Instant, *, history: bool
) -> list[dict[str, Any]]:
    """The rows of the ledger that the lines of a list add, after what the source's lists before said; notes
    what they say for the next one. Words of a history count as known since they were said.
    """
    known = {place: _Known(*row) for place, row in _states(connection, {line.place for line in lines})}
    for line in lines:
        _fold(known.setdefault(line.place, _Known(None, None, None, None)), line, arrived_at)
    changed = {place: each for place, each in known.items() if each.is_changed}
    added = [row for each in changed.values() for row in _added(each, history)]
    _keep(connection, changed, arrived_at)
    return added


def _states(connection: Connection, places: set[Place]) -> Iterator[tuple[Place, tuple[Any, ...]]]:
    columns = listed_consents.c
    for part in portions(sorted({place.identity_id for place in places})):
        for row in connection.execute(select(listed_consents).where(columns.identity_id.in_(part))):
            place = Place(row.identity_id, row.source, row.channel, row.purpose, row.address)
            if place in places:
                listed = ListedState(row.state, row.said_at, row.dated_at)
                yield place, (listed, row.arrived_at, row.previous, row.word)


def _fold(known: _Known, line: ListedLine, arrived_at: Instant) -> None:
    """Takes in one line; one that is older than what an earlier arrival said adds nothing."""
    if known.listed is not None and known.arrived_at != arrived_at:
        if line.listed.said_at < known.listed.said_at or _is_same(line.listed, known.listed):
            return
        known.previous, known.word = known.listed.state, None
    elif known.listed is not None and not line.listed.outweighs(known.listed):
        return
    known.listed, known.arrived_at, known.row, known.is_changed = line.listed, arrived_at, line.row, True


def _is_same(listed: ListedState, before: ListedState) -> bool:
    return listed.dated_at is not None and (listed.state, listed.dated_at) == (before.state, before.dated_at)


def _added(known: _Known, history: bool) -> Iterator[dict[str, Any]]:
    assert known.listed is not None
    assert known.row is not None
    word = word_of(known.listed, known.previous)
    if word is None and known.word is not None:  # a line before said so, and this one takes it back
        word = ListedWord(known.listed.state, known.listed.said_at, "imported")
    if word is not None:
        known.word = word.state
        since = {"arrived_at": word.occurred_at} if history else {}
        yield known.row | {
            "state": word.state, "occurred_at": word.occurred_at, "basis": word.basis, **since,
        }  # fmt: skip


def _keep(connection: Connection, changed: dict[Place, _Known], arrived_at: Instant) -> None:
    rows = list(_rows(changed.items(), arrived_at))
    if rows:
        statement = insert(listed_consents)
        newer = {name: statement.excluded[name] for name in rows[0] if name not in Place._fields}
        connection.execute(
            statement.on_conflict_do_update(index_elements=list(Place._fields), set_=newer), rows
        )


def _rows(changed: Iterable[tuple[Place, _Known]], arrived_at: Instant) -> Iterator[dict[str, Any]]:
    for place, known in changed:
        assert known.listed is not None
        yield {
            **place._asdict(), "state": known.listed.state, "said_at": known.listed.said_at,
            "dated_at": known.listed.dated_at, "arrived_at": arrived_at, "previous": known.previous,
            "word": known.word,
        }  # fmt: skip


def tell_anew(connection: Connection, names: Collection[int], customers: Collection[int]) -> int:
    """Work out what the lists last said of these identities from the events of their customers that are left,
    and add the words to the ledger that only lists give which have been taken back; how many those are.
    """
    for part in portions(sorted(names)):
        connection.execute(delete(listed_consents).where(listed_consents.c.identity_id.in_(part)))
    added = 0
    for (arrived_at, history), told in groupby(
        _told(connection, names, customers), key=lambda row: (row.arrived_at, row.history)
    ):
        lines = [line for row in told for line in _lines(row)]
        rows = ledger_rows(connection, lines, arrived_at, history=bool(history))
        new = [row for row in rows if not _is_there(connection, row)]
        if new:
            connection.execute(insert(consents), new)
        added += len(new)
    return added


def _told(connection: Connection, names: Collection[int], customers: Collection[int]) -> Sequence[Any]:
    columns, found = events.c, list[Any]()
    for part in portions(sorted(customers)):
        query = select(
            columns.id, columns.customer_id, columns.identity_id, columns.source, columns.occurred_at,
            columns.arrived_at, columns.history, columns.listed,
        ).where(columns.customer_id.in_(part), columns.listed.is_not(None))  # fmt: skip
        found += [row for row in connection.execute(query) if row.identity_id in names]
    return sorted(found, key=lambda row: row.id)


def _lines(row: Any) -> Iterator[ListedLine]:
    """The lines of a list that an event was."""
    for channel, purpose, address, state, dated_at, is_unasked in orjson.loads(row.listed):
        word = {
            "customer_id": row.customer_id, "channel": channel, "purpose": purpose, "state": state,
            "address": address or None, "source": row.source, "wording": None, "proof": None,
            "event_id": row.id, "basis": None,
            "arrived_at": row.occurred_at if row.history else row.arrived_at,
            "occurred_at": row.occurred_at if dated_at is None else dated_at,
        }  # fmt: skip
        place = Place(row.identity_id, row.source, channel, purpose, address)
        yield ListedLine(place, ListedState(state, row.occurred_at, dated_at, bool(is_unasked)), word)


def _is_there(connection: Connection, row: Mapping[str, Any]) -> bool:
    columns = consents.c
    same = ("customer_id", "channel", "purpose", "state", "event_id")
    query = select(columns.id).where(*(columns[name] == row[name] for name in same))
    return connection.execute(query.limit(1)).first() is not None
