"""Dossiers as they were at a past instant, folded from the log of events; what came later arrives as it
occurred, or never.

Here an event is known from the instant at which it occurred: the log of an import does not say when the shop
knew. Identities are those of today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from core.engine.arrival_order import by_occurrence, in_order
from core.engine.branches import effective_step, following, waits
from core.engine.goals import first_due
from core.engine.journey import come_to_step, next_step
from core.engine.state import CustomerState
from core.instants import Instant
from core.limits.pressure import Contact
from core.model.customer import Consent, Profile
from core.model.dossier import Dossier, TriggerEntry
from core.model.enrolment import Due, Enrolment, Waited, Waiting
from core.model.events import Event
from core.model.orders import as_they_occurred
from core.model.reasons import Reason
from core.model.triggers import Step, Trigger
from core.playbook.playbook import Playbook
from storage.outbox import digests
from storage.play.dossiers import (
    CHUNK,
    CONTACT_COLUMNS,
    add_suppressions,
    causes_of,
    contact_from,
    events_left_out,
    waiting_from,
)
from storage.play.events import EVENT_COLUMNS, event_from
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages


def load_past(
    connection: Connection,
    ids: Sequence[int],
    playbook: Playbook,
    at: Instant,
    feed_until: Instant | None = None,
    *,
    with_state: bool,
) -> dict[int, Dossier]:
    """The dossiers as of `at`. With `feed_until` the events of [at, feed_until] are arrivals; else what
    occurred by `at` is all.

    With `with_state` the enrolments and contacts of then are there too, as the decisions up to `at` left
    them.
    """
    dossiers = dict(_people(connection, ids, at))
    last_known = at if feed_until is None else feed_until
    known = _events(connection, dossiers, last_known)
    for customer, events_known in known.items():
        _fill(dossiers[customer], events_known, playbook, at if feed_until is not None else at + 1)
    _add_consents(connection, dossiers, last_known)
    add_suppressions(connection, dossiers, playbook, as_it_occurred=True)
    if with_state:
        _add_enrolments(connection, dossiers, known, playbook, at)
        _add_contacts(connection, dossiers, playbook, at)
    return dossiers


def _people(connection: Connection, ids: Sequence[int], at: Instant) -> Iterator[tuple[int, Dossier]]:
    query = select(customers.c.id, customers.c.key, customers.c.erased_at).where(
        customers.c.id.in_(ids), customers.c.merged_into.is_(None)
    )
    for identifier, key, erased_at in connection.execute(query):
        yield (
            identifier,
            Dossier(id=identifier, key=key, profile=Profile(), settled_until=at - 1, erased_at=erased_at),
        )


def _events(
    connection: Connection, dossiers: Mapping[int, Dossier], until: Instant
) -> Mapping[int, list[Event]]:
    """All events of each up to then, by when they occurred."""
    query = select(events.c.customer_id, *EVENT_COLUMNS).where(
        events.c.customer_id.in_(list(dossiers)), events.c.occurred_at <= until
    )
    found: dict[int, list[Event]] = defaultdict(list)
    left_out = events_left_out(connection)
    for customer, *row in connection.execute(query):
        if row[0] not in left_out:
            found[customer].append(event_from(row))
    return {customer: as_they_occurred(sorted(many, key=by_occurrence)) for customer, many in found.items()}


def _fill(dossier: Dossier, known: Sequence[Event], playbook: Playbook, first_arrival: Instant) -> None:
    past = [event for event in known if event.occurred_at < first_arrival]
    for event in past:
        dossier.profile.fold(event)
    wanted = playbook.index.history_needed
    dossier.history = tuple(event for event in past if event.name in wanted)
    later = (event for event in known if event.occurred_at >= first_arrival)
    dossier.arrivals = in_order(
        event._replace(arrived_at=event.occurred_at, history=False) for event in later
    )


def _add_consents(connection: Connection, dossiers: Mapping[int, Dossier], until: Instant) -> None:
    columns = consents.c
    query = (
        select(
            columns.customer_id,
            columns.channel,
            columns.purpose,
            columns.state,
            columns.occurred_at,
            columns.occurred_at,
            columns.address,
            columns.basis,
            columns.source,
        )
        .where(columns.customer_id.in_(list(dossiers)), columns.occurred_at <= until)
        .order_by(columns.id)
    )
    found: dict[int, list[Consent]] = defaultdict(list)
    for customer, *row in connection.execute(query):
        found[customer].append(Consent(*row))
    for customer, ledger in found.items():
        dossiers[customer].consents = tuple(ledger)


def _add_enrolments(
    connection: Connection,
    dossiers: Mapping[int, Dossier],
    known: Mapping[int, Sequence[Event]],
    playbook: Playbook,
    at: Instant,
) -> None:
    """Enrolments entered by then, each at the step where the decisions up to then had left it."""
    columns = enrolments.c
    query = (
        select(enrolments)
        .where(columns.customer_id.in_(list(dossiers)), columns.entered_at <= at)
        .order_by(columns.entered_at)
    )
    entered = list(connection.execute(query).mappings())
    under_way = [
        row
        for row in entered
        if row["state"] != "holdout" and (row["ended_at"] is None or row["ended_at"] > at)
    ]
    decided = _decided(connection, [row["id"] for row in under_way], at)
    causes = (
        causes_of(connection, {row["cause_event"] for row in under_way} - {None})
        if playbook.index.reads_cause
        else {}
    )
    for row in entered:
        dossier = dossiers[row["customer_id"]]
        dossier.known_causes = dossier.known_causes | {(row["trigger"], row["cause_key"])}
        if row["state"] != "holdout":
            dossier.entries = {
                **dossier.entries,
                row["trigger"]: TriggerEntry(row["entered_at"], row["cause_key"]),
            }
    for row in under_way:
        dossier = dossiers[row["customer_id"]]
        name, properties = causes.get(row["cause_event"], (None, {}))
        began = {"cause_name": name, "cause_properties": properties}
        enrolment = _as_of_then(
            dict(row) | began, decided.get(row["id"], ()), dossier, known.get(dossier.id, ()), playbook
        )
        if enrolment is not None:
            dossier.enrolments = (*dossier.enrolments, enrolment)


def _decided(
    connection: Connection, ids: Sequence[int], at: Instant
) -> Mapping[int, list[Mapping[str, Any]]]:
    columns = decisions.c
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        query = (
            select(
                columns.enrolment_id, columns.at, columns.step, columns.planned_at, columns.outcome,
                columns.reason, columns.until,
                messages.c.digest,
            )
            .outerjoin_from(decisions, messages, messages.c.id == columns.message_id)
            .where(columns.enrolment_id.in_(ids[start : start + CHUNK]), columns.at <= at)
            .order_by(columns.at, columns.id)
        )  # fmt: skip
        for row in connection.execute(query).mappings():
            found[row["enrolment_id"]].append(dict(row))
    return found


def _as_of_then(
    row: Mapping[str, Any],
    decided: Sequence[Mapping[str, Any]],
    dossier: Dossier,
    known: Sequence[Event],
    playbook: Playbook,
) -> Enrolment | None:
    """Where the decisions up to then had left it; steps that were passed over since left no row, and are
    passed over again.
    """
    trigger = playbook.index.definition(row["trigger"], row["version"])
    if trigger is None:
        return _as_it_is(row)
    if trigger.when.restart:
        by_then = [event for event in known if event.occurred_at <= dossier.settled_until + 1]
        row = {**row, **_cause_of_then(row, trigger, by_then)}
    state = CustomerState(dossier, playbook)
    state.now = row["entered_at"]
    enrolment = _entered(row, trigger, state)
    for decision in decided:
        state.now = decision["at"]
        planned_at = decision["planned_at"]
        enrolment.open_step(decision["step"], planned_at)
        enrolment.end_wait("event", planned_at, planned_at)  # it has come, or is waited for no longer
        is_kept_waiting = decision["outcome"] in ("defer", "hold") and decision["reason"] != Reason.APPROVAL
        if decision["outcome"] == "send":
            shared = frozenset(part.trigger for part in digests.load(decision["digest"]))
            enrolment.note_message(decision["at"], shared)
        if is_kept_waiting:
            _keep_waiting(enrolment, decision)
        elif enrolment.step > len(trigger.steps):
            return _as_it_is(row)
        else:
            next_step(enrolment, trigger, state, _taken(enrolment, trigger, state, known).then)
            if enrolment.state != "open":
                return _as_it_is(row)  # still open only where a newer version has fewer steps
    return enrolment


def _cause_of_then(row: Mapping[str, Any], trigger: Trigger, known: Iterable[Event]) -> Mapping[str, Any]:
    """The latest of the events known then that began the clock anew, where today's cause came later."""
    names, when = trigger.when.enters_on(), trigger.when
    began = [each for each in known if each.name in names and when.key_of(each) == row["key_value"]]
    if not began or began[-1].occurred_at >= row["cause_at"]:
        return {}
    last = began[-1]
    return {
        "cause_at": last.occurred_at,
        "cause_event": last.id,
        "cause_name": last.name,
        "cause_properties": last.properties,
    }


def _keep_waiting(enrolment: Enrolment, decision: Mapping[str, Any]) -> None:
    """Defer or hold the open step as a row of decisions says."""
    reason, until = Reason(decision["reason"]), decision["until"]
    if decision["outcome"] == "defer":
        enrolment.defer(reason, until)
        return
    enrolment.hold(reason, until, None)
    if until is not None:
        enrolment.come_up(until)


def _taken(enrolment: Enrolment, trigger: Trigger, state: CustomerState, known: Sequence[Event]) -> Step:
    """What applied at the open step when it was decided, by what was known of the customer then."""
    step = trigger.steps[enrolment.step - 1]
    if any(each.otherwise is not None for each in (step, *(other for _, other in step.by_variant))):
        state.profile = Profile()
        for event in known:
            if event.occurred_at <= state.now:
                state.profile.fold(event)
    return effective_step(enrolment, trigger, state)


def _as_it_is(row: Mapping[str, Any]) -> Enrolment | None:
    """Under way in a trigger that is no longer in the playbook: nobody can say any more how its steps
    followed each other.
    """
    if row["state"] != "open":
        return None
    waiting = waiting_from(row["due_at"], None, None, None)
    return _enrolment(row, row["step"], row["planned_at"], waiting, row["waited"])


def _entered(row: Mapping[str, Any], trigger: Trigger, state: CustomerState) -> Enrolment:
    first = following(trigger, 0, row["variant"]) or 1
    planned = first_due(trigger, row["cause_at"], first)
    enrolment = _enrolment(row, first, planned, Due(planned), None)
    if waits(enrolment, trigger) is not None:
        come_to_step(enrolment, trigger, first, planned, state.now, state)
    return enrolment


def _enrolment(
    row: Mapping[str, Any], step: int, planned_at: Instant, waiting: Waiting, waited: Waited | None
) -> Enrolment:
    """What never changes of an enrolment from its row, at a step that stands as given."""
    return Enrolment(
        trigger=row["trigger"],
        cause_key=row["cause_key"],
        cause_at=row["cause_at"],
        entered_at=row["entered_at"],
        step=step,
        planned_at=planned_at,
        waiting=waiting,
        version=row["version"],
        cause_event=row["cause_event"],
        cause_name=row["cause_name"],
        cause_properties=row["cause_properties"],
        key_value=row["key_value"],
        id=row["id"],
        variant=row["variant"],
        waited=waited,
    )


def _add_contacts(
    connection: Connection, dossiers: Mapping[int, Dossier], playbook: Playbook, at: Instant
) -> None:
    """The messages planned by then; what gave its room back only later had it then."""
    since = at - playbook.index.contact_lookback
    query = select(messages.c.customer_id, *CONTACT_COLUMNS).where(
        messages.c.customer_id.in_(list(dossiers)),
        messages.c.lands_at > since,
        messages.c.planned_at <= at,
        messages.c.counts == 1,
    )
    found: dict[int, list[Contact]] = defaultdict(list)
    for customer, *row in connection.execute(query):
        contact = contact_from(row)
        is_later = contact.released_at is not None and contact.released_at > at
        found[customer].append(contact._replace(released_at=None) if is_later else contact)
    for customer, contacts in found.items():
        dossiers[customer].contacts = tuple(contacts)
