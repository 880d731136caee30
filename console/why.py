"""Gathering what an explanation needs: the customer as of the instant, her decisions, and the events that could enter."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from console.tick import decision_row
from core.decisions import Decision
from core.dossier import Dossier, settled
from core.engine import advance
from core.errors import ManometerError
from core.instants import Instant
from core.language.suggestions import near
from core.playbook import Playbook
from core.why import Check, Explanation, explain
from core.words import in_words
from storage import customers, decisions, dossiers
from storage.past import load_past
from storage.store import Store

EVENTS = 50
"""How many of the latest possible causes are looked at."""


def explain_in(store: Store, playbook: Playbook, customer: str, trigger: str, now: Instant, at: Instant) -> tuple[str, Explanation]:
    """The customer's key and the explanation as of `at`; ManometerError where customer or trigger is not known."""
    found = playbook.roster.by_name.get(trigger)
    with store.reading() as connection:
        if found is None:
            return _of_removed(connection, playbook, customer, trigger, at)
        identifier = customers.resolve(connection, customer)
        dossier = _dossier(connection, playbook, identifier, now, at)
        plan = advance(dossier, playbook, at, not_before=now - playbook.grace)
        decided = list(decisions.of_trigger(connection, identifier, trigger, at))
        names = playbook.roster.kinds[found.when.kind].enters_on(found.when)
        events = customers.latest_events(connection, identifier, names, at, EVENTS)
    decided += [_row(dossier.key, decision) for decision in plan.decisions if decision.trigger == trigger]
    return dossier.key, explain(settled(dossier, plan), playbook, found, at, decided, events)


def _of_removed(connection: Connection, playbook: Playbook, customer: str, trigger: str, at: Instant) -> tuple[str, Explanation]:
    """What can still be said of a trigger whose file is gone: its last decision."""
    known = decisions.triggers(connection, trigger)
    if trigger not in known:
        hint = near(trigger, known | playbook.roster.by_name.keys()) or "`manometer triggers` lists them."
        raise ManometerError(f"There is no trigger {trigger!r}. {hint}")
    identifier = customers.resolve(connection, customer)
    decided = list(decisions.of_trigger(connection, identifier, trigger, at))
    gone = Check("trigger active", False, "its file was removed; the trigger is retired")
    last = decided[-1] if decided else None
    words = "Its file was removed, and nothing was ever decided." if last is None else in_words(last, playbook.zone)
    verdict, reason = ("none", None) if last is None else (last["outcome"], last["reason"])
    return customers.key_of(connection, identifier), Explanation(verdict, reason, words, (gone,))


def _row(customer: str, decision: Decision) -> dict[str, Any]:
    """A decision that is not written yet, as `decisions.of_trigger` gives the written ones."""
    row = decision_row(customer, decision)
    return {
        **row,
        "rules": orjson.loads(row["rules"]),
        "objections": [[each.reason, each.detail, each.until] for each in decision.objections],
    }


def _dossier(connection: Connection, playbook: Playbook, identifier: int, now: Instant, at: Instant) -> Dossier:
    if at < now:
        loaded = load_past(connection, [identifier], playbook, at, with_state=True)
    else:
        loaded = dossiers.load(connection, [identifier], playbook)
    return loaded[identifier]
