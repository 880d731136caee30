"""A small furnished workspace for the tests of commands: customers, events, decisions and messages put
straight into the tables.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from console.main import main
from core.instants import DAY, HOUR, Instant, parse_instant
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.folded import folded_name
from storage.schema.identities import identities
from storage.schema.messages import messages
from storage.store import Store

NOON: Instant = parse_instant("2025-03-30T12:00:00Z")
TRIGGER = "basket-reminder"
HOSTILE = "Eve\x1b]0;owned\x07 \u202egnp.exe"


def furnished(folder: Path) -> Path:
    """A workspace with three customers, one of them merged away, one hostile, and what was decided for
    Anna.
    """
    assert main(["init", str(folder)]) == 0
    main(["-w", str(folder), "audit"])  # makes the database
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        for table, rows in _rows().items():
            connection.execute(insert(table), rows)
    return folder


def _rows() -> dict[Any, list[dict[str, Any]]]:
    anna = {
        "id": 1, "key": "u1", "email": "anna@example.com", "phone": "+41791234567", "first_name": "Anna",
        "last_name": "Müller", "folded_name": folded_name("Müller", "Anna"), "country": "CH", "orders": 2,
        "revenue": 12345,
        "last_activity_at": NOON, "next_due_at": NOON + HOUR, "traits": '{"size":"M"}', "merged_into": None,
    }  # fmt: skip
    nobody = dict.fromkeys(anna) | {"orders": 0, "revenue": 0, "traits": "{}"}
    return {
        customers: [
            anna,
            {**nobody, "id": 2, "key": "email:eve@example.com", "email": "eve@example.com",
                "first_name": HOSTILE},
            {**nobody, "id": 3, "key": "merged:3", "merged_into": 1},
        ],
        identities: [
            {"customer_id": 1, "kind": "user", "value": "u1", "first_seen_at": NOON},
            {"customer_id": 1, "kind": "email", "value": "anna@example.com", "first_seen_at": NOON},
            {"customer_id": 1, "kind": "loyalty", "value": "L-77", "first_seen_at": NOON},
            {"customer_id": 2, "kind": "email", "value": "eve@example.com", "first_seen_at": NOON},
        ],
        events: [_event(number) for number in range(1, 6)],
        consents: [
            {
                "customer_id": 1, "channel": "email", "purpose": "marketing", "state": "granted",
                "occurred_at": NOON, "arrived_at": NOON,
                "source": "shop",
            }
        ],
        enrolments: [_enrolment(1, NOON - HOUR), _enrolment(2, NOON + DAY)],
        messages: [
            _message(1, "sent", NOON - DAY), _message(2, "held", NOON), _message(3, "failed", NOON - 9 * DAY),
            _message(4, "planned", NOON + DAY),
        ],
        decisions: [
            _decision(NOON, 1, "send", message_id=2),
            _decision(NOON, 2, "suppress", reason="NO_CONSENT"),
            _decision(NOON - DAY, 1, "send", message_id=1),
            _decision(NOON - 9 * DAY, 1, "send", message_id=3),
            _decision(NOON, 1, "defer", reason="PRESSURE", until=NOON + DAY, rules=json.dumps([_RULE])),
            _decision(NOON + DAY, 1, "send", message_id=4),
        ],
    }  # fmt: skip


_RULE = {
    "rule": "three-a-week",
    "count": 3,
    "limit": 3,
    "from": "2025-03-23T12:00:00Z",
    "to": "2025-03-30T12:00:00Z",
    "counted": [{"at": "2025-03-29T12:00:00Z", "trigger": TRIGGER, "channel": "email"}],
}


def _event(number: int) -> dict[str, Any]:
    return {
        "id": number, "dedup": number.to_bytes(16, "big"), "customer_id": 1, "kind": "track",
        "name": "Product Viewed",
        "occurred_at": NOON + number * HOUR, "arrived_at": NOON + number * HOUR, "source": "shop",
        "channel": "web",
        "properties": json.dumps({"number": number}),
    }  # fmt: skip


def _enrolment(number: int, planned_at: Instant) -> dict[str, Any]:
    return {
        "id": number, "customer_id": number, "trigger": TRIGGER, "cause_key": f"c{number}",
        "cause_at": NOON - DAY,
        "entered_at": NOON - DAY, "version": 1, "state": "open", "step": 1, "planned_at": planned_at,
        "due_at": planned_at,
    }  # fmt: skip


def _message(number: int, state: str, planned_at: Instant) -> dict[str, Any]:
    return {
        "id": number, "key": f"k{number}", "customer_id": 1, "enrolment_id": 1, "trigger": TRIGGER,
        "step": 1, "channel": "email",
        "template": "basket-reminder", "address": "anna@example.com", "state": state,
        "planned_at": planned_at, "expires_at": planned_at + 7 * DAY,
        "sent_at": planned_at if state == "sent" else None, "lands_at": planned_at, "purpose": "marketing",
        "weight": 1000, "counts": 1,
    }  # fmt: skip


def _decision(at: Instant, customer: int, outcome: str, **more: Any) -> dict[str, Any]:
    empty = {"reason": None, "until": None, "rules": None, "message_id": None}
    return {
        "at": at, "customer_id": customer, "enrolment_id": customer, "trigger": TRIGGER, "step": 1,
        "channel": "email", "outcome": outcome,
        "planned_at": at, "version": 1, **empty, **more,
    }  # fmt: skip
