"""The customers' part of the console's service: finding them, and one with all that is known, pressed and
planned.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from console.forecast.asked_playbook import as_previewed
from console.forecast.question import Question
from console.runs.tick import decision_row
from console.tui.answers import timeline
from console.tui.answers.held_up import held_up
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.customer_filter import read_customer_filter
from core.engine import advance
from core.engine.consent import latest_word
from core.engine.state import CustomerState
from core.errors import ManometerError
from core.explain.words import in_words
from core.filters import FilterWord
from core.instants import DAY, Instant, Millis, format_duration
from core.limits.pressure import Contact, Ledger, PressureRule, Usage, gap_usage, usage
from core.model.customer import Consent, address_of, full_name
from core.model.decisions import Decision
from core.model.dossier import Dossier
from core.model.pauses import PauseTarget
from core.playbook.playbook import Playbook
from screens.ports import Cancelled
from screens.ports.customers import (
    ConsentLine,
    CustomerGauge,
    CustomerLine,
    CustomerProfile,
    CustomerSort,
    EntryDetails,
    Filling,
    ForeseenDecision,
    Hits,
    Planned,
    SuppressedLine,
    Tell,
    TimelineEntry,
    UnderWay,
    WaitingMessage,
)
from storage import customers, search
from storage.conditions import add_functions, to_sql
from storage.play import dossiers
from storage.schema.profiles import read_profile

if TYPE_CHECKING:
    from sqlalchemy import Connection


RECENT: Final[Millis] = 7 * DAY
"""How far back the list counts contacts."""
AHEAD: Final[Millis] = 14 * DAY
"""How far a customer's future is played."""


class CustomersAnswers:
    """Answers about customers from the database of a LocalWorkspace."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    # ---- the list ----

    def ids(
        self, text: str, sort: CustomerSort, is_downwards: bool, cancelled: Cancelled, found: Tell
    ) -> Hits:
        """Whom a filter holds for, all where it is empty."""
        playbook = self._local.in_force().playbook
        try:
            asked = read_customer_filter(text, playbook.segments)
        except ManometerError as fault:
            return Hits(array("q"), str(fault))
        with self._local.asking_of_people(cancelled) as connection:
            if not asked:
                return Hits(search.everybody(connection, sort, is_downwards, found))
            segments = self._segments(connection, asked, playbook)
            ids = search.find(connection, asked, segments, sort, is_downwards, found)
            return Hits(ids, None, "" if ids else _alike(connection, asked))

    def _segments(
        self, connection: Connection, asked: Sequence[FilterWord], playbook: Playbook
    ) -> Mapping[str, search.Truth]:
        named = {term.text for term in asked if term.field == search.SEGMENT}
        if not named:
            return {}
        add_functions(connection.connection.dbapi_connection)
        conditions = {name: predicate.condition for name, predicate in playbook.segments.items()}
        return {name: to_sql(conditions[name], conditions, self._local.now()) for name in named}

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        """Customers by row id."""
        now = self._local.now()
        with self._local.asking_of_people(cancelled) as connection:
            return {row[0]: _row(row) for row in search.rows(connection, ids, now - RECENT, now)}

    # ---- one ----

    def profile(self, customer_id: int, cancelled: Cancelled) -> CustomerProfile:
        """All that is known of one."""
        playbook, now = self._local.in_force().playbook, self._local.now()
        with self._local.asking_of_people(cancelled) as connection:
            state = customers.state_of(connection, customer_id)
            known = read_profile(connection, customer_id)
            media = sorted({channel.medium for channel in playbook.channels.values()})
            addresses = [
                (medium, address) for medium in media if (address := address_of(known, medium)) is not None
            ]
            suppressed = tuple(SuppressedLine(**row) for row in customers.suppressed(connection, addresses))
            consents = tuple(_consents(customers.ledger(connection, customer_id), now))
            identities = tuple(customers.known_as(connection, customer_id))
        return CustomerProfile(
            id=customer_id,
            key=state["key"],
            name=full_name(state["first_name"], state["last_name"]) or None,
            badges=tuple(_badges(state, consents, suppressed, playbook, now)),
            profile=known,
            zone=known.zone(playbook.zone).key,
            next_due=state["next_due_at"],
            identities=identities,
            consents=consents,
            suppressed=suppressed,
        )

    def pressure(self, customer_id: int, cancelled: Cancelled) -> tuple[CustomerGauge, ...]:
        """Every rule that holds for the customer, as of now."""
        playbook, now = self._local.in_force().playbook, self._local.now()
        with self._local.asking(cancelled) as connection:
            dossier = _dossier(connection, customer_id, playbook)
        state = CustomerState(dossier, playbook)
        state.now = now
        ledger = Ledger(dossier.contacts, as_of=now)
        return tuple(gauge for rule in state.rules() for gauge in _gauges(rule, ledger, now, state))

    def planned(self, customer_id: int, cancelled: Cancelled) -> Planned:
        """What is under way, what waits, and what the next days would bring by the engine's own decision."""
        playbook, now = self._local.in_force().playbook, self._local.now()
        until = now + AHEAD
        with self._local.asking(cancelled) as connection:
            under_way = tuple(
                _under_way(row, playbook) for row in customers.under_way(connection, customer_id)
            )
            waiting = tuple(
                WaitingMessage(**row)
                for row in customers.waiting(connection, customer_id, held_up(self._local, connection))
            )
            asked = as_previewed(
                Question(self._local.context.folder, self._local.store.path, now, now, until), playbook
            )
            dossier = _dossier(connection, customer_id, asked)
        plan = advance(dossier, asked, until, not_before=now - playbook.grace)
        foreseen = tuple(
            _foreseen(decision, in_words(_decided(dossier.key, decision), playbook.zone))
            for decision in plan.decisions
        )
        return Planned(under_way, waiting, foreseen, until)

    # ---- the timeline ----

    def entries(self, customer_id: int, text: str, cancelled: Cancelled, found: Tell) -> Hits:
        """The entries of the customer's timeline that a filter holds for, newest first."""
        with self._local.asking(cancelled) as connection:
            return timeline.entries(connection, customer_id, text, found)

    def entry_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, TimelineEntry]:
        """Entries by id."""
        with self._local.asking(cancelled) as connection:
            return timeline.entry_rows(connection, ids, held_up(self._local, connection))

    def details(self, entry: int, cancelled: Cancelled) -> EntryDetails:
        """One entry in full."""
        with self._local.asking(cancelled) as connection:
            return timeline.details(connection, entry, self._local.in_force().playbook.zone)

    def channels(self, customer_id: int, cancelled: Cancelled) -> tuple[str, ...]:
        """The channels that the customer's timeline speaks of."""
        with self._local.asking(cancelled) as connection:
            return timeline.channels(connection, customer_id)


def _alike(connection: Connection, asked: Sequence[FilterWord]) -> str:
    """A name that somebody has, where the filter is one word that nobody has."""
    is_name = len(asked) == 1 and asked[0].field in (None, "name") and not asked[0].is_inverse
    found = search.alike(connection, asked[0].text) if is_name else None
    return "" if found is None else f"Did you mean {found!r}?"


def _row(row: tuple[Any, ...]) -> CustomerLine:
    identifier, key, first, last, email, city, country, orders, revenue, last_activity, next_due, contacts = (
        row
    )
    name = full_name(first, last) or None
    return CustomerLine(
        identifier, key, name, email, city, country, orders, revenue, last_activity, contacts, next_due
    )


def _dossier(connection: Connection, customer_id: int, playbook: Playbook) -> Dossier:
    found = dossiers.load(connection, [customer_id], playbook).get(customer_id)
    if found is None:
        raise ManometerError(f"There is no customer in row {customer_id}; go back to the list and reload it.")
    return found


# ---- profile ----


def _consents(ledger: Sequence[Mapping[str, Any]], now: Instant) -> Iterator[ConsentLine]:
    """The ledger with the word marked that counts now for each channel, purpose and address."""
    words = [
        Consent(
            row["channel"],
            row["purpose"],
            row["state"],
            row["at"],
            row["at"],
            row["address"],
            row["basis"],
            row["source"],
        )
        for row in reversed(ledger)
    ]
    for row, word in zip(ledger, reversed(words)):
        latest = latest_word(
            words, (word.channel,), None if word.purpose == "*" else word.purpose, word.address, now
        )
        yield ConsentLine(**row, is_latest=latest is word)


def _badges(
    state: Mapping[str, Any],
    consents: Sequence[ConsentLine],
    suppressed: Sequence[SuppressedLine],
    playbook: Playbook,
    now: Instant,
) -> Iterator[str]:
    if state["erased_at"] is not None:
        yield "ERASED"
    if state["merged_into"] is not None:
        yield "MERGED AWAY"
    customer = PauseTarget("customer", state["key"])
    if any(pause.target == customer and pause.holds(now) for pause in playbook.pauses):
        yield "PAUSED"
    if suppressed:
        yield f"ADDRESS SUPPRESSED: {', '.join(dict.fromkeys(each.medium for each in suppressed))}"
    latest = [consent for consent in consents if consent.is_latest]
    for said in ("objected", "withdrawn"):
        uses = dict.fromkeys(_use(consent) for consent in latest if consent.state == said)
        if uses:
            yield f"{said.upper()}: {', '.join(uses)}"
    if playbook.consent_policy != "assumed" and not any(consent.state == "granted" for consent in latest):
        yield "NO CONSENT to any channel"
    if state["next_due_at"] is not None and state["next_due_at"] <= now:
        yield "DUE NOW"


def _use(consent: ConsentLine) -> str:
    """What a word on consent is about: `print`, `email for marketing`."""
    return consent.channel if consent.purpose == "*" else f"{consent.channel} for {consent.purpose}"


# ---- pressure ----


def _gauges(
    rule: PressureRule, ledger: Ledger, now: Instant, state: CustomerState
) -> Iterator[CustomerGauge]:
    """One for the limit and one for the gap, where the rule has them."""
    if rule.limit is not None and rule.window is not None:
        yield _gauge(rule, usage(rule, ledger, now, state.zone), rule.unit, rule.limit, rule.window.text)
    if rule.gap is not None:
        yield _gauge(rule, gap_usage(rule, ledger, now), "contacts", None, format_duration(rule.gap))


def _gauge(rule: PressureRule, found: Usage, unit: str, limit: int | None, window: str) -> CustomerGauge:
    return CustomerGauge(
        rule.name, unit, found.used, limit, window, found.frees_at, _fillings(found.counted), _filters(rule)
    )


def _fillings(contacts: Sequence[Contact]) -> tuple[Filling, ...]:
    return tuple(Filling(contact.at, contact.trigger, contact.channel) for contact in reversed(contacts))


def _filters(rule: PressureRule) -> str:
    said = (
        ("", rule.channels),
        ("purpose ", rule.purposes),
        ("trigger ", rule.triggers),
        ("tag ", rule.tags),
    )
    return "; ".join(f"{what}{', '.join(sorted(names))}" for what, names in said if names is not None)


# ---- planned ----


def _under_way(row: Mapping[str, Any], playbook: Playbook) -> UnderWay:
    trigger = playbook.index.definition(row["trigger"], row["version"])
    title, steps = (row["trigger"], None) if trigger is None else (trigger.title, len(trigger.steps))
    return UnderWay(
        row["trigger"], title, row["step"], steps, row["entered_at"], row["due_at"], row["waits_for"]
    )


def _decided(customer: str, decision: Decision) -> dict[str, Any]:
    """A decision that is only foreseen, in the form of the written ones."""
    row = decision_row(customer, decision)
    objections = [[each.reason, each.detail, each.until] for each in decision.objections]
    return {
        **row, "rules": orjson.loads(row["rules"]), "objections": objections, "note": decision.note,
        "foretold": True,
    }  # fmt: skip


def _foreseen(decision: Decision, words: str) -> ForeseenDecision:
    return ForeseenDecision(
        decision.at,
        decision.trigger,
        decision.step,
        decision.channel,
        decision.outcome,
        decision.reason,
        words,
    )
