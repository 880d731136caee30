"""Gathering what an explanation needs: the customer as of the instant, her decisions, and the events that could enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from console.tick import decision_row
from core.decisions import Decision
from core.dossier import Dossier, Plan, settled
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


@dataclass(frozen=True, slots=True)
class Known:
    """One customer as of `at` for every trigger's explanation: settled up to there, with what is decided by then but not written."""

    identifier: int
    dossier: Dossier
    plan: Plan
    at: Instant


def explain_in(store: Store, playbook: Playbook, customer: str, trigger: str, now: Instant, at: Instant) -> tuple[str, Explanation]:
    """The customer's key and the explanation as of `at`; ManometerError where customer or trigger is not known."""
    with store.reading() as connection:
        if trigger not in playbook.roster.by_name:
            _refuse_unknown(connection, playbook, trigger)
        identifier = customers.resolve(connection, customer)
        known = gather(connection, playbook, identifier, now, at)
        return known.dossier.key, explain_on(connection, playbook, known, trigger)


def gather(connection: Connection, playbook: Playbook, identifier: int, now: Instant, at: Instant) -> Known:
    """What is known of the customer of a row as of `at`; ManometerError where she is gone."""
    if at < now:
        loaded = load_past(connection, [identifier], playbook, at, with_state=True)
    else:
        loaded = dossiers.load(connection, [identifier], playbook)
    if identifier not in loaded:
        raise ManometerError(f"There is no customer in row {identifier} any more.")
    plan = advance(loaded[identifier], playbook, at, not_before=now - playbook.grace)
    return Known(identifier, settled(loaded[identifier], plan), plan, at)


def explain_on(connection: Connection, playbook: Playbook, known: Known, trigger: str) -> Explanation:
    """The explanation of one trigger; of one whose file is gone what can still be said."""
    decided = list(decisions.of_trigger(connection, known.identifier, trigger, known.at))
    found = playbook.roster.by_name.get(trigger)
    if found is None:
        return _of_removed(playbook, decided)
    names = playbook.roster.kinds[found.when.kind].enters_on(found.when)
    events = customers.latest_events(connection, known.identifier, names, known.at, EVENTS)
    decided += [_row(known.dossier.key, decision) for decision in known.plan.decisions if decision.trigger == trigger]
    return explain(known.dossier, playbook, found, known.at, decided, events)


def _refuse_unknown(connection: Connection, playbook: Playbook, trigger: str) -> None:
    known = decisions.triggers(connection, trigger)
    if trigger not in known:
        hint = near(trigger, known | playbook.roster.by_name.keys()) or "`manometer triggers` lists them."
        raise ManometerError(f"There is no trigger {trigger!r}. {hint}")


def _of_removed(playbook: Playbook, decided: Sequence[Mapping[str, Any]]) -> Explanation:
    gone = Check("trigger active", False, "its file was removed; the trigger is retired")
    last = decided[-1] if decided else None
    words = "Its file was removed, and nothing was ever decided." if last is None else in_words(last, playbook.zone)
    verdict, reason = ("none", None) if last is None else (last["outcome"], last["reason"])
    return Explanation(verdict, reason, words, (gone,))


def _row(customer: str, decision: Decision) -> dict[str, Any]:
    """A decision that is not written yet, as `decisions.of_trigger` gives the written ones."""
    row = decision_row(customer, decision)
    return {
        **row,
        "rules": orjson.loads(row["rules"]),
        "note": decision.note,
        "objections": [[each.reason, each.detail, each.until] for each in decision.objections],
    }
