"""Plans into the database: decisions, enrolments, messages and the customer's next instant, in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Integer, Text, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from core.instants import format_instant
from core.model.decisions import Decision, Message, RuleEvidence
from core.model.dossier import Dossier, Plan
from core.model.enrolment import Enrolment
from storage.outbox import digests
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.intake import arrivals
from storage.schema.keys import next_id
from storage.schema.messages import messages
from storage.schema.profiles import dump_profile
from storage.sql import WANTED


def save(
    connection: Connection, plans: Sequence[tuple[Dossier, Plan]], version: int
) -> list[tuple[Decision, int | None]]:
    """Write what was planned for these customers; the decisions with the outbox ids of their messages, as
    written.

    A message whose key is in the outbox already is not written again.
    """
    _save_enrolments(connection, plans)
    _save_goals(connection, plans)
    message_ids = _save_messages(connection, plans)
    rows = [
        (decision, _message_of(decision, message_ids)) for _, plan in plans for decision in plan.decisions
    ]
    _save_decisions(connection, plans, message_ids)
    _settle(connection, plans, version)
    return rows


def enrolment_columns(enrolment: Enrolment, customer: int) -> dict[str, Any]:
    """An enrolment as a row."""
    return {
        "id": enrolment.id,
        "customer_id": customer,
        "trigger": enrolment.trigger,
        "cause_key": enrolment.cause_key,
        "cause_at": enrolment.cause_at,
        "cause_event": enrolment.cause_event,
        "key_value": enrolment.key_value,
        "entered_at": enrolment.entered_at,
        "version": enrolment.version,
        "state": enrolment.state,
        "step": enrolment.step,
        "planned_at": enrolment.planned_at,
        "due_at": enrolment.due_at,
        "waits_for": enrolment.waits_for,
        "waits_until": enrolment.waits_until,
        "held_by": enrolment.held_by,
        "last_message_at": enrolment.last_message_at,
        "resumed_at": enrolment.resumed_at,
        "ended_at": enrolment.ended_at,
        "variant": enrolment.variant,
        "waited": enrolment.waited,
        "shared": orjson.dumps(sorted(enrolment.shared)).decode() if enrolment.shared else None,
    }


CHANGING = (
    "cause_at", "cause_event", "state", "step", "planned_at", "due_at", "waits_for", "waits_until",
    "held_by", "last_message_at", "resumed_at", "ended_at", "waited", "shared",
)  # fmt: skip


def _save_enrolments(connection: Connection, plans: Sequence[tuple[Dossier, Plan]]) -> None:
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    free = None
    for dossier, plan in plans:
        for enrolment in plan.enrolments:
            if enrolment.id is not None:
                row = enrolment_columns(enrolment, dossier.id)
                changed.append({"row": enrolment.id} | {name: row[name] for name in CHANGING})
                continue
            free = next_id(connection, enrolments) if free is None else free + 1
            enrolment.id = free
            new.append(enrolment_columns(enrolment, dossier.id))
    if new:
        connection.execute(insert(enrolments), new)
    if changed:
        statement = update(enrolments).where(enrolments.c.id == bindparam("row"))
        connection.execute(statement.values({name: bindparam(name) for name in CHANGING}), changed)


def _save_goals(connection: Connection, plans: Sequence[tuple[Dossier, Plan]]) -> None:
    """Note what was reached, the earliest first, on every journey that it counts for: those that are over and
    those kept out, too.
    """
    rows = [
        {
            "customer": dossier.id,
            "name": each.trigger,
            "event": each.event,
            "reached": each.at,
            "within": each.within,
            "per": each.per,
        }
        for dossier, plan in plans
        for each in plan.reached
    ]
    if not rows:
        return
    columns, reached = enrolments.c, bindparam("reached", type_=Integer)
    counts = and_(
        columns.customer_id == bindparam("customer"),
        columns.trigger == bindparam("name"),
        columns.cause_at <= reached,
        columns.entered_at + bindparam("within", type_=Integer) >= reached,
        func.coalesce(columns.cause_event, -1) != bindparam("event"),
        or_(
            bindparam("per", type_=Text).is_(None),
            columns.key_value.is_(None),
            columns.key_value == bindparam("per", type_=Text),
        ),
        or_(columns.goal_at.is_(None), columns.goal_at > reached),
    )
    connection.execute(update(enrolments).where(counts).values(goal_at=reached), rows)


def _enrolment_ids(dossier: Dossier, plan: Plan) -> Mapping[tuple[str, str], int | None]:
    """Row ids by trigger and cause, of all enrolments this plan can speak of."""
    ids = {(enrolment.trigger, enrolment.cause_key): enrolment.id for enrolment in dossier.enrolments}
    return ids | {(enrolment.trigger, enrolment.cause_key): enrolment.id for enrolment in plan.enrolments}


def message_columns(
    message: Message, decision: Decision, customer: int, enrolment: int | None
) -> dict[str, Any]:
    """A planned message as a row of the outbox."""
    contact = message.contact
    return {
        "key": message.key,
        "customer_id": customer,
        "enrolment_id": enrolment,
        "trigger": decision.trigger,
        "step": decision.step,
        "channel": message.channel,
        "template": message.template,
        "address": message.address,
        "state": "held" if message.held else "planned",
        "reason": decision.reason,
        "planned_at": message.planned_at,
        "expires_at": message.expires_at,
        "lands_at": contact.at,
        "purpose": contact.purpose,
        "tags": " ".join(sorted(contact.tags)),
        "weight": contact.weight,
        "counts": int(contact.counts),
    }


def _save_messages(connection: Connection, plans: Sequence[tuple[Dossier, Plan]]) -> dict[str, int]:
    rows: list[dict[str, Any]] = []
    for dossier, plan in plans:
        planned = [decision for decision in plan.decisions if decision.message is not None]
        if planned:
            ids = _enrolment_ids(dossier, plan)
            for decision in planned:
                if decision.message is not None:
                    enrolment = ids.get((decision.trigger, decision.cause_key))
                    row = message_columns(decision.message, decision, dossier.id, enrolment)
                    rows.append(row | {"digest": digests.planned(decision.message, ids)})
    if not rows:
        return {}
    rows.sort(key=itemgetter("planned_at"))  # so that ids grow with time across the customers of a chunk, too
    connection.execute(upsert(messages).on_conflict_do_nothing(index_elements=["key"]), rows)
    ids_by_key: dict[str, int] = {}
    for start in range(0, len(rows), 500):
        keys = [row["key"] for row in rows[start : start + 500]]
        found = connection.execute(select(messages.c.key, messages.c.id).where(messages.c.key.in_(keys)))
        ids_by_key.update((key, identifier) for key, identifier in found)
    return ids_by_key


def _message_of(decision: Decision, message_ids: Mapping[str, int]) -> int | None:
    """The message that carries it, its own or another step's."""
    key = decision.joins if decision.message is None else decision.message.key
    return None if key is None else message_ids[key]


def decision_columns(
    decision: Decision, customer: int, enrolment: int | None, message: int | None
) -> dict[str, Any]:
    """A decision as a row."""
    return {
        "at": decision.at,
        "customer_id": customer,
        "enrolment_id": enrolment,
        "trigger": decision.trigger,
        "step": decision.step,
        "channel": decision.channel,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "until": decision.until,
        "late": int(decision.late),
        "planned_at": decision.planned_at,
        "rules": rules_json(decision.rules) if decision.rules else None,
        "objections": orjson.dumps([[o.reason, o.detail, o.until] for o in decision.objections]).decode()
        if decision.objections
        else None,
        "message_id": message,
        "version": decision.version,
        "variant": decision.variant,
        "note": decision.note,
    }


def rules_json(rules: Iterable[RuleEvidence]) -> str:
    """The `rules` of a decision as scripts read them: points as decimal numbers, instants as text."""
    return orjson.dumps([_rule(rule) for rule in rules]).decode()


def _rule(rule: RuleEvidence) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "count": _in_unit(rule.count, rule.unit),
        "limit": None if rule.limit is None else _in_unit(rule.limit, rule.unit),
        "from": format_instant(rule.first),
        "to": format_instant(rule.last),
        "counted": [
            {"at": format_instant(c.at), "trigger": c.trigger, "channel": c.channel} for c in rule.counted
        ],
    }


def _in_unit(number: int, unit: str) -> int | float:
    if unit == "contacts":
        return number
    return number // 1000 if number % 1000 == 0 else number / 1000


def _save_decisions(
    connection: Connection, plans: Sequence[tuple[Dossier, Plan]], message_ids: Mapping[str, int]
) -> None:
    rows: list[dict[str, Any]] = []
    for dossier, plan in plans:
        if plan.decisions:
            ids = _enrolment_ids(dossier, plan)
            for decision in plan.decisions:
                message = _message_of(decision, message_ids)
                rows.append(
                    decision_columns(
                        decision, dossier.id, ids.get((decision.trigger, decision.cause_key)), message
                    )
                )
    if rows:
        connection.execute(insert(decisions), rows)


def _settle(connection: Connection, plans: Sequence[tuple[Dossier, Plan]], version: int) -> None:
    """Everything up to the plan's end is played; what has arrived by then is no longer new, what is dated
    later still is.
    """
    rows = [
        {
            "row": dossier.id,
            "settled": dump_profile(plan.profile) if _unplayed(dossier, plan) else None,
            "settled_until": plan.settled_until,
            "next_due_at": plan.next_due,
            "entries": orjson.dumps({name: list(entry) for name, entry in plan.entries.items()}).decode()
            if plan.entries
            else "{}",
        }
        for dossier, plan in plans
    ]
    names = ("settled", "settled_until", "next_due_at", "entries")
    statement = update(customers).where(customers.c.id == bindparam("row"))
    connection.execute(statement.values({name: bindparam(name) for name in names}), rows)
    # apart, and only where it is older: SQLite rewrites the index of every column named, be the value the
    # same
    older = (
        update(customers)
        .where(customers.c.id.in_(WANTED), customers.c.planned_version != version)
        .values(planned_version=version)
    )
    connection.execute(older, {"ids": orjson.dumps([dossier.id for dossier, _ in plans]).decode()})
    _settle_merges(connection, plans)
    played = [dossier.id for dossier, _ in plans if dossier.arrivals]
    if played:
        connection.execute(delete(arrivals).where(arrivals.c.customer_id.in_(played)))
    later = [
        {"customer_id": dossier.id, "event_id": event}
        for dossier, plan in plans
        if dossier.arrivals
        for event in _unplayed(dossier, plan)
    ]
    if later:
        connection.execute(insert(arrivals), later)


def _settle_merges(connection: Connection, plans: Sequence[tuple[Dossier, Plan]]) -> None:
    """Merges that are played are forgotten; the rare ones dated later stay."""
    for dossier, plan in plans:
        if dossier.merges:
            own = customers.c.id == dossier.id
            known = orjson.loads(connection.execute(select(customers.c.joins).where(own)).scalar_one())
            later = [merge for merge in known if merge[1] > plan.settled_until]
            connection.execute(
                update(customers).where(own).values(joins=orjson.dumps(later).decode() if later else None)
            )


def _unplayed(dossier: Dossier, plan: Plan) -> list[int]:
    """Events that count as known only after the plan's end, since their source dated them later, and those
    that are set aside: by number.
    """
    later = [event.id for event in dossier.arrivals if event.arrived_at > plan.settled_until]
    return [*later, *dossier.set_aside]
