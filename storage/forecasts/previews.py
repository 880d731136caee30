"""Which customers a preview has to play, what has happened since, and its decisions in a database of their
own. Instants are ms UTC.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Integer,
    Table,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
)

from core.forecast.decided_already import UnsentMessage
from core.forecast.preview_filter import PreviewFilter
from core.instants import Instant
from core.model.decisions import Decision
from core.model.events import Event
from storage.customers import FULL_NAME
from storage.outbox.dispatch import WAITING
from storage.play.dossiers import CONTACT_COLUMNS, contact_from
from storage.play.events import EVENT_COLUMNS, event_from
from storage.play.plans import rules_json
from storage.playbooks import newest_version
from storage.quarantine import customers_left_out
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.sql import WANTED, named, rows_of
from storage.sqlite import StoreError, dbapi


def begin(connection: Connection) -> None:
    """Fix the snapshot that this connection reads from now on."""
    connection.execute(text("SELECT 1 FROM facts LIMIT 1")).all()


def due_by(connection: Connection, until: Instant, version: int, *, with_waiting: bool = False) -> list[int]:
    """Ids of the customers with an instant up to `until`, or planned under an older playbook; of all where
    none was ever applied. Who is set aside is left out.

    `with_waiting` adds those under way who were put off or held, whenever that ends.
    """
    query = select(customers.c.id).where(customers.c.merged_into.is_(None))
    if version:
        touched = [customers.c.next_due_at <= until, customers.c.planned_version < version]
        if with_waiting:
            # the literal stands word for word in the partial index, or SQLite will not use it
            waiting = select(enrolments.c.customer_id).where(
                literal_column("state") == literal_column("'open'"),
                or_(enrolments.c.waits_for.is_not(None), enrolments.c.due_at.is_(None)),
            )
            touched.append(customers.c.id.in_(waiting))
        query = query.where(or_(*touched))
    left_out = customers_left_out(connection)
    found = rows_of(connection, query.order_by(customers.c.id))
    return [identifier for (identifier,) in found if identifier not in left_out]


def everyone(connection: Connection) -> list[int]:
    """Ids of all customers."""
    return due_by(connection, 0, 0)


def active_since(connection: Connection, since: Instant, until: Instant) -> list[int]:
    """Ids of the customers of whom an act in (since, until] is recorded."""
    acted = exists().where(
        events.c.customer_id == customers.c.id,
        events.c.occurred_at > since,
        events.c.occurred_at <= until,
        events.c.kind.in_(("track", "page")),
    )
    query = select(customers.c.id).where(customers.c.merged_into.is_(None), acted)
    return list(connection.execute(query.order_by(customers.c.id)).scalars())


def acts(
    connection: Connection, ids: Sequence[int], since: Instant, until: Instant
) -> dict[int, list[Event]]:
    """What each of these customers did in (since, until] (ms UTC), by the customer's row."""
    query = select(events.c.customer_id, *EVENT_COLUMNS).where(
        events.c.customer_id.in_(WANTED),
        events.c.occurred_at > since,
        events.c.occurred_at <= until,
        events.c.kind.in_(("track", "page")),
    )
    found: dict[int, list[Event]] = {}
    for customer, *row in connection.execute(query, {"ids": orjson.dumps(list(ids)).decode()}):
        found.setdefault(customer, []).append(event_from(row))
    return found


def known_by(connection: Connection, instant: Instant) -> list[int]:
    """Ids of the customers of whom anything was recorded up to the instant."""
    known = exists().where(events.c.customer_id == customers.c.id, events.c.occurred_at <= instant)
    return list(
        connection.execute(
            select(customers.c.id).where(customers.c.merged_into.is_(None), known).order_by(customers.c.id)
        ).scalars()
    )


# ---- what was decided already ----


def waiting_for(connection: Connection, until: Instant) -> set[int]:
    """Ids of the customers for whom a message waits in the outbox that is planned by `until`."""
    found = select(messages.c.customer_id).where(WAITING, messages.c.planned_at <= until)
    return {row[0] for row in connection.execute(found)}


_OUTBOX_COLUMNS: Final = (
    messages.c.id, messages.c.key, messages.c.customer_id, customers.c.key, messages.c.trigger,
    messages.c.step, messages.c.channel, messages.c.purpose, messages.c.state, messages.c.reason,
    messages.c.planned_at, messages.c.expires_at, messages.c.counts,
)  # fmt: skip
# the plus leads SQLite to the customers' own messages; what waits in all is far more
_OUTBOX: Final = (
    select(*_OUTBOX_COLUMNS, *CONTACT_COLUMNS)
    .join_from(messages, customers, customers.c.id == messages.c.customer_id)
    .where(
        messages.c.customer_id.in_(WANTED),
        text("+messages.state IN ('planned', 'held', 'due', 'claimed')"),
        messages.c.planned_at <= bindparam("until", type_=Integer),
    )
)


def waiting_messages(
    connection: Connection, ids: Sequence[int], until: Instant
) -> dict[int, list[UnsentMessage]]:
    """What waits in the outbox of these customers and is planned by `until`, by customer."""
    found: dict[int, list[UnsentMessage]] = {}
    for row in connection.execute(_OUTBOX, {**named(ids), "until": until}):
        *own, counts = row[: len(_OUTBOX_COLUMNS)]
        contact = contact_from(row[len(_OUTBOX_COLUMNS) :])._replace(counts=bool(counts))
        message = UnsentMessage._make([*own, contact])
        found.setdefault(message.customer_id, []).append(message)
    return found


# ---- what has happened since ----


class PreviewMark(NamedTuple):
    """How far the database has come in what a preview depends on; each number only grows."""

    events: int
    decisions: int
    acts: int
    playbook: int


def mark(connection: Connection) -> PreviewMark:
    """The mark of a snapshot; looks at the end of three tables."""
    return PreviewMark(
        _last(connection, events),
        _last(connection, decisions),
        _last(connection, audit),
        newest_version(connection),
    )


def _last(connection: Connection, table: Table) -> int:
    highest: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    return highest


def names(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """First and last names of customers by row; empty where there is none."""
    query = select(customers.c.id, FULL_NAME).where(customers.c.id.in_(WANTED))
    return {row[0]: row[1] for row in connection.execute(query, {"ids": orjson.dumps(list(ids)).decode()})}


# ---- decisions that are written nowhere ----

Row = tuple[Any, ...]
"""One decision of a preview, as `row` makes it."""

_COLUMNS: Final = (
    "at", "customer_id", "customer", "rank", "trigger", "step", "channel", "outcome", "reason", "until",
    "late", "rules", "objections",
    "imagined", "cause", "dispatch", "weight", "message", "decided_already",
)  # fmt: skip
DECIDED_ALREADY: Final = len(_COLUMNS) - 1
"""The place in a row that says whether it was decided before and waits in the outbox."""
_NAMED: Final = ", ".join(f'"{name}"' for name in _COLUMNS)
_SCHEMA: Final = f"""
CREATE TABLE kept (id INTEGER PRIMARY KEY, {_NAMED});
CREATE TABLE held_by (rule TEXT, id INTEGER, PRIMARY KEY (rule, id)) WITHOUT ROWID;
"""


def row(
    customer_id: int,
    customer: str,
    rank: int,
    decision: Decision,
    is_imagined: bool = False,
    message: int | None = None,
    is_decided_already: bool = False,
) -> Row:
    """A decision with all that explains it; `rank` is its place among those of its customer.

    `dispatch` and `weight` (thousandths of a point) are of the contact that it plans, where that counts;
    `message` is the one that waits in the outbox for it.
    """
    contact = (
        decision.message.contact if decision.message is not None and decision.message.contact.counts else None
    )
    objections = (
        orjson.dumps([[o.reason, o.detail, o.until] for o in decision.objections]).decode()
        if decision.objections
        else "[]"
    )
    return (
        decision.at, customer_id, customer, rank, decision.trigger, decision.step, decision.channel,
        decision.outcome, decision.reason,
        decision.until, int(decision.late), rules_json(decision.rules) if decision.rules else "[]",
        objections,
        int(is_imagined), decision.cause_key, None if contact is None else contact.dispatch,
        0 if contact is None else contact.weight, message, int(is_decided_already),
    )  # fmt: skip


class Kept:
    """The decisions of one preview in a temporary database, most of it on disk, which is gone when this is
    closed.

    It may be asked from any thread. They are numbered as they came and listed by instant, customer and rank.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._raw = _temporary()
        self._next = 1

    def add(self, rows: Iterable[Row]) -> None:
        """Take more decisions."""
        numbered = list(enumerate(rows, self._next))
        self._next += len(numbered)
        marks = ", ".join("?" * (len(_COLUMNS) + 1))
        held_by = {
            (rule["rule"], number)
            for number, row in numbered
            if row[11] != "[]"
            for rule in orjson.loads(row[11])
        }
        with self._using() as raw:
            raw.execute("BEGIN")
            insert = f"INSERT INTO kept VALUES ({marks})"  # noqa: S608 - marks
            raw.executemany(insert, [(number, *row) for number, row in numbered])
            raw.executemany("INSERT INTO held_by VALUES (?, ?)", held_by)
            raw.execute("COMMIT")

    def finish(self) -> None:
        """All are there; make them quick to list."""
        with self._using() as raw:
            raw.execute("CREATE INDEX in_order ON kept (at, customer, rank)")

    def ids(self, wanted: PreviewFilter, cancelled: Callable[[], bool] = lambda: False) -> array[int]:
        """The numbers of the decisions that are asked for, in order."""
        conditions, values = _conditions(wanted)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        with self._using(cancelled) as raw:
            found = raw.execute(f"SELECT id FROM kept{where} ORDER BY at, customer, rank", values)  # noqa: S608 - conditions are our own
            return array("q", (number for (number,) in found))

    def rows(self, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """Decisions by number, `rules` and `objections` as lists."""
        query = f"SELECT id, {_NAMED} FROM kept WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of columns
        with self._using() as raw:
            found = raw.execute(query, (orjson.dumps(list(ids)).decode(),)).fetchall()
        return {number: _read(values) for number, *values in found}

    def in_chunks(self, most: int) -> Iterator[list[Row]]:
        """All of them as they were added, so many at a time."""
        query = f"SELECT id, {_NAMED} FROM kept WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - names of columns
        last = 0
        while True:
            with self._using() as raw:
                found = raw.execute(query, (last, most)).fetchall()
            if not found:
                return
            last = found[-1][0]
            yield [tuple(values) for _, *values in found]

    def close(self) -> None:
        """Forget them."""
        with self._lock:
            self._raw.close()

    @contextmanager
    def _using(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Any]:
        with self._lock:
            try:
                self._raw.set_progress_handler(lambda: int(cancelled()), 20_000)
                yield self._raw
            except dbapi.ProgrammingError as error:
                raise StoreError("This preview was replaced by a newer one.") from error
            except dbapi.OperationalError as error:
                raise StoreError(
                    f"The preview's temporary file: {error}. Make room where temporary files lie, and try "
                    "again."
                ) from error


def _temporary() -> Any:
    """A database that nobody else can open, gone with its connection: libraries may keep SQLite's own
    temporary files in memory.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="manometer-preview-") as folder:
            raw = dbapi.connect(str(Path(folder) / "kept.db"), check_same_thread=False, isolation_level=None)
            raw.executescript(
                "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;" + _SCHEMA
            )
            return raw
    except (OSError, dbapi.OperationalError) as error:
        raise StoreError(
            f"The preview needs a temporary file: {error}. Make room where temporary files lie, and try "
            "again."
        ) from error


def _conditions(wanted: PreviewFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    exact = (
        ("at >= ?", wanted.since), ("at < ?", wanted.until), ("customer_id = ?", wanted.customer_id),
        ("imagined = ?", wanted.imagined),
    )  # fmt: skip
    for text_, value in exact:
        if value is not None:
            conditions.append(text_)
            values.append(value)
    columns = (
        ("channel", wanted.channels),
        ('"trigger"', wanted.triggers),
        ("outcome", wanted.outcomes),
        ("reason", wanted.reasons),
    )
    for column, chosen in columns:
        if chosen is not None:
            marks = ", ".join("?" * len(chosen))
            conditions.append(f"coalesce({column}, '') IN ({marks})")
            values.extend("" if value is None else value for value in chosen)
    if wanted.without_reasons:
        marks = ", ".join("?" * len(wanted.without_reasons))
        conditions.append(f"coalesce(reason, '') NOT IN ({marks})")
        values.extend(wanted.without_reasons)
    if wanted.rule is not None:
        conditions.append("id IN (SELECT id FROM held_by WHERE rule = ?)")
        values.append(wanted.rule)
    return conditions, values


def _read(values: Sequence[Any]) -> Mapping[str, Any]:
    found = dict(zip(_COLUMNS, values))
    flags = {name: bool(found[name]) for name in ("late", "imagined", "decided_already")}
    return {
        **found,
        **flags,
        "rules": orjson.loads(found["rules"]),
        "objections": orjson.loads(found["objections"]),
    }
