"""Dossiers out of the database, by chunks: each question is asked once for a whole chunk of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Select,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from core.engine.arrival_order import in_order
from core.instants import Instant, Millis
from core.limits.pressure import Contact
from core.model.customer import Consent, Profile, Suppression, address_of
from core.model.dossier import BEGINNING, Dossier, Merge, TriggerEntry
from core.model.enrolment import Deferred, Due, Enrolment, Held, Waiting
from core.model.events import Event
from core.model.orders import Telling, telling_of
from core.model.pauses import parse_holder
from core.model.reasons import HOLDING, Reason
from core.model.when import UNBOUNDED
from core.playbook.playbook import Playbook
from storage.event_json import read_json
from storage.play.events import EVENT_COLUMNS, event_from
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.intake import arrivals
from storage.schema.messages import messages
from storage.schema.profiles import READ_COLUMNS, load_profile, profile_from
from storage.schema.quarantine import quarantine
from storage.sql import WANTED, named

CHUNK = 500
ENROLMENT_COLUMNS = (
    enrolments.c.id, enrolments.c.trigger, enrolments.c.cause_key, enrolments.c.cause_at,
    enrolments.c.entered_at,
    enrolments.c.step, enrolments.c.planned_at, enrolments.c.due_at, enrolments.c.version,
    enrolments.c.cause_event,
    enrolments.c.waits_for, enrolments.c.waits_until, enrolments.c.held_by, enrolments.c.last_message_at,
    enrolments.c.resumed_at, enrolments.c.key_value, enrolments.c.variant, enrolments.c.waited,
    enrolments.c.shared,
)  # fmt: skip
CONTACT_COLUMNS = (
    messages.c.lands_at, messages.c.channel, messages.c.trigger, messages.c.purpose, messages.c.tags,
    messages.c.weight,
    messages.c.enrolment_id, messages.c.step, messages.c.released_at,
)  # fmt: skip

_GOES_ON = customers.c.merged_into.is_(
    None
)  # who went into another customer is decided as that one, and never alone again


def due_ids(
    connection: Connection,
    now: Instant,
    version: int,
    limit: int = CHUNK,
    left_out: Collection[int] = (),
) -> list[int]:
    """The next customers that need attention: due by now, or planned under an older version of the
    playbook; none of those `left_out`.
    """
    due: Sequence[int] = connection.execute(_due_first(now, limit, left_out)).scalars().all()
    older: Sequence[int] = due or connection.execute(_older_first(version, limit, left_out)).scalars().all()
    return list(older)


def _due_first(now: Instant, limit: int, left_out: Collection[int]) -> Select[int]:
    due = customers.c.next_due_at <= now
    query = select(customers.c.id).where(due, _GOES_ON, *_none_of(left_out))
    return query.order_by(customers.c.next_due_at).limit(limit)


def _older_first(version: int, limit: int, left_out: Collection[int]) -> Select[int]:
    older = customers.c.planned_version < version
    query = select(customers.c.id).where(older, _GOES_ON, *_none_of(left_out))
    return query.order_by(customers.c.planned_version).limit(limit)


def _none_of(left_out: Collection[int]) -> Iterator[ColumnElement[bool]]:
    """Nothing is asked where nobody is left out, which is the rule."""
    if left_out:
        numbers = func.json_each(orjson.dumps(sorted(left_out)).decode()).table_valued(
            column("value", Integer)
        )
        yield customers.c.id.not_in(select(numbers.c.value))


_LEFT_OUT = select(quarantine.c.subject).where(
    quarantine.c.kind == literal_column("'event'"), quarantine.c.since.is_not(None)
)


def events_left_out(connection: Connection) -> frozenset[int]:
    """The numbers of the events that are set aside or were given up."""
    return frozenset(int(row[0]) for row in _rows(connection, _LEFT_OUT, ()))


def load(
    connection: Connection, ids: Sequence[int], playbook: Playbook, without: Collection[int] = ()
) -> dict[int, Dossier]:
    """The dossiers of these customers as they stand, with the history that the playbook needs; events that
    are set aside, and those of the numbers `without`, are left out.

    UnreadableEventError where the row of an event cannot be read; any error where another row cannot.
    """
    dossiers = dict(_people(connection, ids))
    if not dossiers:
        return dossiers
    left_out = events_left_out(connection) | frozenset(without)
    _add_arrivals(connection, dossiers, left_out)
    _add_enrolments(connection, dossiers, playbook)
    _add_contacts(connection, dossiers, playbook)
    _add_history(connection, dossiers, playbook, left_out)
    _add_consents(connection, dossiers)
    add_suppressions(connection, dossiers, playbook)
    _add_known_causes(connection, dossiers, playbook)
    return dossiers


_PEOPLE = select(
    customers.c.id, customers.c.key, customers.c.settled, customers.c.settled_until, customers.c.entries,
    customers.c.erased_at,
    customers.c.planned_version, customers.c.joins, *READ_COLUMNS,
).where(customers.c.id.in_(WANTED))  # fmt: skip


def _people(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, Dossier]]:
    for identifier, key, settled, settled_until, entries, erased_at, planned_version, joins, *values in _rows(
        connection, _PEOPLE, ids
    ):
        yield (
            identifier,
            Dossier(
                id=identifier,
                key=key,
                profile=profile_from(values) if settled is None else load_profile(settled),
                settled_until=BEGINNING if settled_until is None else settled_until,
                entries={}
                if entries == "{}"
                else {name: TriggerEntry(*entry) for name, entry in orjson.loads(entries).items()},
                erased_at=erased_at,
                planned_version=planned_version,
                merges=() if joins is None else merges_from(joins),
            ),
        )


def merges_from(text: str) -> tuple[Merge, ...]:
    """The merges that a customer's column `joins` holds, in order."""
    found = (
        Merge(at, tuple((name, TriggerEntry(*entry)) for name, *entry in entries))
        for _, at, entries in orjson.loads(text)
    )
    return tuple(sorted(found, key=attrgetter("at")))


def _rows(connection: Connection, query: Select[Any], ids: Iterable[int], **values: Any) -> Sequence[Any]:
    """The rows of a query that stands in this file, all of whose values are named: its text is made once and
    never looked up again.
    """
    text, names, own = _statement(query, connection.dialect)
    given = {**own, **named(ids), **values}
    with connection.exec_driver_sql(text, tuple([given[name] for name in names])) as result:
        return result.cursor.fetchall() if result.cursor is not None else ()


@lru_cache(maxsize=128)
def _statement(query: Select[Any], dialect: Dialect) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """A query's text, the names of its marks in order, and the values that stand in it."""
    compiled = query.compile(dialect=dialect)
    return str(compiled), getattr(compiled, "positiontup", None) or (), compiled.params


_ARRIVALS = (
    select(arrivals.c.customer_id, *EVENT_COLUMNS)
    .join_from(arrivals, events, events.c.id == arrivals.c.event_id)
    .where(arrivals.c.customer_id.in_(WANTED))
)


def _add_arrivals(connection: Connection, dossiers: Mapping[int, Dossier], left_out: frozenset[int]) -> None:
    found: dict[int, list[Event]] = defaultdict(list)
    for customer, *row in _rows(connection, _ARRIVALS, dossiers):
        if row[0] in left_out:
            dossiers[customer].set_aside += (row[0],)
        else:
            found[customer].append(event_from(row))
    for customer, arrived in found.items():
        dossiers[customer].arrivals = in_order(arrived)
    _tell_of_orders(connection, dossiers, left_out)


_TOLD = select(events.c.customer_id, *EVENT_COLUMNS).where(
    events.c.order_key.in_(bindparam("orders", expanding=True)), events.c.order_key.is_not(None)
)


def _tell_of_orders(
    connection: Connection, dossiers: Mapping[int, Dossier], left_out: frozenset[int]
) -> None:
    """Hand the profiles what was told before of the orders that the arrivals speak of."""
    told: dict[tuple[int, str], list[Telling]] = {
        (customer, event.order): []
        for customer, dossier in dossiers.items()
        for event in dossier.arrivals
        if event.order is not None
    }
    if not told:
        return
    waiting = {event.id for dossier in dossiers.values() for event in dossier.arrivals}
    orders = sorted({order for _, order in told})
    for start in range(0, len(orders), CHUNK):
        for customer, *row in connection.execute(_TOLD, {"orders": orders[start : start + CHUNK]}):
            if row[0] in left_out:
                continue
            event = event_from(row)
            known = told.get((customer, event.order or ""))
            if known is not None and event.id not in waiting and (said := telling_of(event)) is not None:
                known.append(said)
    for (customer, order), known in told.items():
        dossiers[customer].profile.know(order, known)


# the literal stands word for word in the partial index, or SQLite will not use it
_ENROLMENTS = select(enrolments.c.customer_id, *ENROLMENT_COLUMNS).where(
    enrolments.c.customer_id.in_(WANTED), literal_column("state") == literal_column("'open'")
)


def _add_enrolments(connection: Connection, dossiers: Mapping[int, Dossier], playbook: Playbook) -> None:
    found: dict[int, list[Enrolment]] = defaultdict(list)
    for customer, *row in _rows(connection, _ENROLMENTS, dossiers):
        found[customer].append(_enrolment(row))
    if playbook.index.reads_cause:
        _add_causes(connection, [enrolment for many in found.values() for enrolment in many])
    for customer, many in found.items():
        dossiers[customer].enrolments = tuple(many)


def _enrolment(row: Sequence[Any]) -> Enrolment:
    (
        identifier, trigger, cause_key, cause_at, entered_at, step, planned_at, due_at, version, cause_event,
        waits_for, waits_until, held_by, last_message_at, resumed_at, key_value, variant, waited, shared,
    ) = row  # fmt: skip
    return Enrolment(
        trigger,
        cause_key,
        cause_at,
        entered_at,
        step,
        planned_at,
        waiting_from(due_at, waits_for, waits_until, held_by),
        version=version,
        cause_event=cause_event,
        last_message_at=last_message_at,
        resumed_at=resumed_at,
        key_value=key_value,
        id=identifier,
        variant=variant,
        waited=waited,
        shared=frozenset(orjson.loads(shared)) if shared else frozenset(),
    )


def waiting_from(
    due_at: Instant | None, waits_for: str | None, waits_until: Instant | None, held_by: str | None
) -> Waiting:
    """How an open step stands, from the columns of the same names. One without an instant waits for an
    operator, also where a row does not say for what.
    """
    if waits_for is None:
        return Held(Reason.STOPPED, None, None) if due_at is None else Due(due_at)
    reason = Reason(waits_for)
    if reason in HOLDING or due_at is None:
        holder = None if held_by is None else parse_holder(held_by)
        return Held(reason, waits_until, holder, due_at)
    return Deferred(reason, due_at if waits_until is None else waits_until, due_at)


_CAUSES = select(events.c.id, events.c.name, events.c.properties).where(events.c.id.in_(WANTED))


def causes_of(connection: Connection, ids: Iterable[int]) -> Mapping[int, tuple[str, Mapping[str, Any]]]:
    """Name and properties of events, by number."""
    return {
        identifier: (name, read_json(identifier, properties))
        for identifier, name, properties in _rows(connection, _CAUSES, ids)
    }


def _add_causes(connection: Connection, many: Sequence[Enrolment]) -> None:
    wanted = {enrolment.cause_event for enrolment in many if enrolment.cause_event is not None}
    if not wanted:
        return
    causes = causes_of(connection, wanted)
    for enrolment in many:
        if enrolment.cause_event is not None and enrolment.cause_event in causes:
            enrolment.cause_name, enrolment.cause_properties = causes[enrolment.cause_event]


_CONTACTS = select(messages.c.customer_id, *CONTACT_COLUMNS).where(
    messages.c.customer_id.in_(WANTED),
    messages.c.lands_at > bindparam("since", type_=Integer),
    messages.c.counts == literal_column("1"),
)


def _add_contacts(connection: Connection, dossiers: Mapping[int, Dossier], playbook: Playbook) -> None:
    if not playbook.rules:
        return
    since = _first_instant(dossiers, playbook) - playbook.index.contact_lookback
    found: dict[int, list[Contact]] = defaultdict(list)
    for customer, *row in _rows(connection, _CONTACTS, dossiers, since=since):
        found[customer].append(contact_from(row))
    for customer, contacts in found.items():
        dossiers[customer].contacts = tuple(contacts)


def contact_from(row: Sequence[Any]) -> Contact:
    """A contact from its `CONTACT_COLUMNS`."""
    lands_at, channel, trigger, purpose, tags, weight, enrolment, step, released_at = row
    return Contact(
        lands_at, channel, trigger, purpose, frozenset(tags.split()) if tags else frozenset(), weight, True,
        f"{enrolment}/{step}", released_at,
    )  # fmt: skip


def _first_instant(dossiers: Mapping[int, Dossier], playbook: Playbook) -> Instant:
    """Nothing earlier than this is played for any of them: for who was never played, nothing before the first
    activation.
    """
    instants = [dossier.settled_until for dossier in dossiers.values() if dossier.settled_until > BEGINNING]
    instants += [dossier.arrivals[0].arrived_at for dossier in dossiers.values() if dossier.arrivals]
    if any(dossier.settled_until == BEGINNING and not dossier.arrivals for dossier in dossiers.values()):
        activations = [
            trigger.activated_at for trigger in playbook.triggers if trigger.activated_at is not None
        ]
        instants.append(min(activations, default=0))
    return min(instants)


def _add_history(
    connection: Connection,
    dossiers: Mapping[int, Dossier],
    playbook: Playbook,
    left_out: frozenset[int] = frozenset(),
) -> None:
    needs = (
        playbook.index.history_needed_of_merged
        if any(dossier.merges for dossier in dossiers.values())
        else playbook.index.history_needed
    )
    if not needs:
        return
    earliest = _first_instant(dossiers, playbook)
    since = {
        lookback: BEGINNING if lookback >= UNBOUNDED else earliest - lookback for lookback in needs.values()
    }
    query = _history(tuple(needs.items()))
    values = {f"since_{lookback}": at for lookback, at in since.items()} | {"earliest": min(since.values())}
    waiting = {event.id for dossier in dossiers.values() for event in dossier.arrivals} | left_out
    found: dict[int, list[Event]] = defaultdict(list)
    for customer, *row in _rows(connection, query, dossiers, **values):
        if row[0] not in waiting:
            found[customer].append(event_from(row))
    for customer, history in found.items():
        dossiers[customer].history = tuple(history)


@lru_cache(maxsize=8)
def _history(needs: tuple[tuple[str, Millis], ...]) -> Select[Any]:
    """Events by name and how far back each counts, from `earliest` and the `since_...` of its look back
    on.
    """
    by_lookback: dict[Millis, list[str]] = defaultdict(list)
    for name, lookback in needs:
        by_lookback[lookback].append(name)
    return select(events.c.customer_id, *EVENT_COLUMNS).where(
        events.c.customer_id.in_(WANTED),
        events.c.occurred_at > bindparam("earliest", type_=Integer),
        # said apart, or SQLite searches for each of the alternatives
        or_(*[
            or_(*[events.c.name == name for name in names])
            & (events.c.occurred_at > bindparam(f"since_{lookback}", type_=Integer))
            for lookback, names in by_lookback.items()
        ]),
    )  # fmt: skip


_CONSENTS = (
    select(
        consents.c.customer_id, consents.c.channel, consents.c.purpose, consents.c.state,
        consents.c.occurred_at, consents.c.arrived_at,
        consents.c.address, consents.c.basis, consents.c.source,
    )
    .where(consents.c.customer_id.in_(WANTED))
    .order_by(consents.c.id)
)  # fmt: skip


def _add_consents(connection: Connection, dossiers: Mapping[int, Dossier]) -> None:
    found: dict[int, list[Consent]] = defaultdict(list)
    for customer, *row in _rows(connection, _CONSENTS, dossiers):
        found[customer].append(Consent(*row))
    for customer, ledger in found.items():
        dossiers[customer].consents = tuple(ledger)


def add_suppressions(
    connection: Connection,
    dossiers: Mapping[int, Dossier],
    playbook: Playbook,
    *,
    as_it_occurred: bool = False,
) -> None:
    """Add the suppressions of every address these customers have or are about to have; `as_it_occurred`: as
    if each had been known since what it came from occurred.
    """
    if not connection.execute(select(exists(select(suppressions.c.id)))).scalar_one():
        return
    media = sorted({channel.medium for channel in playbook.channels.values()})
    by_address: dict[tuple[str, str], list[Dossier]] = defaultdict(list)
    for dossier in dossiers.values():
        for medium, address in _addresses(dossier, media):
            by_address[medium, address].append(dossier)
    columns = suppressions.c
    since = func.min(columns.arrived_at, columns.occurred_at) if as_it_occurred else columns.arrived_at
    query = select(
        columns.medium,
        columns.address,
        columns.reason,
        func.coalesce(since, columns.arrived_at),
        columns.lifted_at,
    ).where(tuple_(columns.medium, columns.address).in_(list(by_address)))
    for row in connection.execute(query):
        for dossier in by_address[row.medium, row.address]:
            dossier.suppressions = (*dossier.suppressions, Suppression(*row))


def _addresses(dossier: Dossier, media: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every address of the customer, now or soon, by what has arrived."""
    profiles: list[Profile] = [dossier.profile]
    for event in dossier.arrivals:
        if event.kind == "identify" or event.traits:
            newer = profiles[-1].copy()
            newer.fold(event)
            profiles.append(newer)
    for profile in profiles:
        for medium in media:
            address = address_of(profile, medium)
            if address is not None:
                yield medium, address


def _add_known_causes(connection: Connection, dossiers: Mapping[int, Dossier], playbook: Playbook) -> None:
    """Whether a basket that has arrived again has entered before."""
    wanted: list[tuple[int, str, str]] = []
    for customer, dossier in dossiers.items():
        for event in dossier.arrivals:
            entering = playbook.index.entering.get(event.name, ())
            wanted += [(customer, each.name, each.when.cause_of(event).key) for each in entering]
    columns = enrolments.c
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        query = select(columns.customer_id, columns.trigger, columns.cause_key).where(
            tuple_(columns.customer_id, columns.trigger, columns.cause_key).in_(chunk)
        )
        for customer, trigger_name, key in connection.execute(query):
            dossier = dossiers[customer]
            dossier.known_causes = dossier.known_causes | {(trigger_name, key)}
