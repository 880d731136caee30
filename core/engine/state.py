"""One customer while the engine plays: what `advance` changes from instant to instant, and what kinds and
guards ask of it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from core.engine.consent import latest_word
from core.engine.log import EventLog
from core.instants import Instant, Millis
from core.limits.pressure import Contact, Ledger, PressureRule
from core.model.customer import Profile
from core.model.decisions import Decision, GoalReached
from core.model.dossier import Dossier, TriggerEntry
from core.model.enrolment import Enrolment
from core.model.events import FIRST, Event
from core.model.orders import ORDER_ACTS
from core.model.pauses import Pause
from core.model.predicate import Predicate
from core.model.triggers import Trigger
from core.model.when import Cause
from core.playbook.index import REACTIONS
from core.playbook.playbook import Playbook
from core.playbook.versions import Former

Upcoming = tuple[Instant, str, Cause, Trigger]


class CustomerState:
    """The state of one customer at `now`. It begins as the dossier says; nothing of the dossier is
    changed.
    """

    __slots__ = (
        "_owns_profile",
        "_releases",
        "_upcoming_changes",
        "causes",
        "decisions",
        "digest_leaders",
        "dossier",
        "enrolments",
        "entries",
        "failed",
        "is_ledger_changed",
        "ledger",
        "log",
        "now",
        "playbook",
        "profile",
        "reached",
        "superseded",
        "touched",
        "upcoming_after",
        "upcoming_causes",
        "zone",
    )  # fmt: skip

    def __init__(self, dossier: Dossier, playbook: Playbook, failed: frozenset[str] = frozenset()) -> None:
        self.dossier = dossier
        self.failed = failed
        self.playbook = playbook
        self.now: Instant = dossier.settled_until
        self.profile: Profile = dossier.profile
        self._owns_profile = False
        self.zone: ZoneInfo = self.profile.zone(playbook.zone)
        self.log = EventLog(dossier.history)
        self.enrolments: list[Enrolment] = [enrolment.copy() for enrolment in dossier.enrolments]
        self.superseded = _leaving(self.enrolments, playbook.former) if playbook.former else []
        self.touched: dict[int, Enrolment] = {}
        self.entries: Mapping[str, TriggerEntry] = dossier.entries
        self.causes: set[tuple[str, str]] = set(dossier.known_causes)
        self.decisions: list[Decision] = []
        self.reached: list[GoalReached] = []
        self.upcoming_causes: list[Upcoming] | None = (
            None  # the next cause without an event of each trigger that has one, soonest first
        )
        self.upcoming_after: Instant = dossier.settled_until
        self.digest_leaders: list[int] = []  # the decisions whose messages others may join at their instant
        self._releases = sorted(
            [
                c.released_at
                for c in dossier.contacts
                if c.released_at is not None and c.released_at >= self.now
            ]
        )
        if playbook.applied_at is not None and dossier.planned_version < playbook.version and self.enrolments:
            insort(self._releases, playbook.applied_at)  # other limits may free what waits
        self.ledger = Ledger(dossier.contacts, as_of=self.now)
        self.is_ledger_changed = False  # since what waits for room was scheduled last
        self._upcoming_changes: list[Instant] | None = None

    @contextmanager
    def looking_ahead(self) -> Iterator[None]:
        """What is done to `now` and `ledger` in the meantime is undone at the end: it is only imagined."""
        now, ledger = self.now, self.ledger
        try:
            yield
        finally:
            self.now, self.ledger = now, ledger

    def fold(self, event: Event) -> None:
        """Take an event into the profile and, where decisions may look back at it, into what is known."""
        if not self._owns_profile:
            self.profile, self._owns_profile = self.profile.copy(), True
        self.profile.fold(event)
        if event.kind == "identify":
            self.zone = self.profile.zone(self.playbook.zone)
        if event.name in self.playbook.index.history_needed:
            self.log.add(event)

    def lend_profile(self) -> Profile:
        """The profile as it is now; it is not changed any more, the next event goes into a copy."""
        self._owns_profile = False
        return self.profile

    def facts(self, event: Event | None = None, enrolment: Enrolment | None = None) -> CustomerFacts:
        """What conditions may ask now."""
        return CustomerFacts(self, event.properties if event is not None else None, enrolment)

    def holds(self, predicate: Predicate | None) -> bool:
        """Whether a condition on the customer holds now; no condition always does."""
        return predicate is None or predicate.holds(CustomerFacts(self, None, None))

    def rules(self) -> tuple[PressureRule, ...]:
        """The pressure rules that hold for the customer now."""
        if not self.playbook.index.rules_with_audience:
            return self.playbook.rules
        facts = CustomerFacts(self, None, None)
        return tuple(
            r for r in self.playbook.rules if not isinstance(r.audience, Predicate) or r.audience.holds(facts)
        )

    def enter(self, trigger: str, entry: TriggerEntry) -> None:
        """Remember an entry."""
        self.entries = {**self.entries, trigger: entry}

    def touch(self, enrolment: Enrolment) -> None:
        """Note that an enrolment has changed."""
        self.touched[id(enrolment)] = enrolment

    def drop_ended(self) -> None:
        """Forget the enrolments that are no longer open."""
        self.enrolments = [enrolment for enrolment in self.enrolments if enrolment.state == "open"]

    def count(self, contact: Contact) -> None:
        """Count a contact that was planned; what waits for room is then to be scheduled anew."""
        self.ledger.add(contact)
        self.is_ledger_changed |= contact.counts

    def next_release(self) -> Instant | None:
        """When the next contact gives its room back, or a new playbook does."""
        return self._releases[0] if self._releases else None

    def release(self, at: Instant) -> None:
        """Give back the room of all contacts released by then, keeping those planned on the way."""
        self._releases = [instant for instant in self._releases if instant > at]
        planned = [
            d.message.contact
            for d in self.decisions
            if d.message is not None and d.message.key not in self.failed
        ]
        self.ledger = Ledger([*self.dossier.contacts, *planned], as_of=at)

    def upcoming_changes(self) -> list[Instant]:
        """When pauses, consents and dead addresses still to be played begin to count: a candidate may then
        fall away without any event.
        """
        if self._upcoming_changes is None:
            begins = [pause.since for pause in self.playbook.pauses]
            begins += [consent.arrived_at for consent in self.dossier.consents]
            begins += [suppression.arrived_at for suppression in self.dossier.suppressions]
            begins += [each.lifted_at for each in self.dossier.suppressions if each.lifted_at is not None]
            played = self.now if self.now > self.dossier.settled_until else self.now - 1
            self._upcoming_changes = sorted(at for at in begins if at > played)
        return self._upcoming_changes

    def pass_changes(self, at: Instant) -> None:
        """Leave behind those that begin to count by then."""
        if self._upcoming_changes:
            self._upcoming_changes = [turn for turn in self._upcoming_changes if turn > at]


class CustomerFacts:
    """What conditions see of a customer's state; missing values are None."""

    __slots__ = ("_enrolment", "_properties", "_state")

    def __init__(
        self, state: CustomerState, properties: Mapping[str, Any] | None, enrolment: Enrolment | None
    ) -> None:
        self._state = state
        self._properties = (
            properties
            if properties is not None
            else enrolment.cause_properties
            if enrolment is not None
            else {}
        )
        self._enrolment = enrolment

    @property
    def now(self) -> Instant:
        """The instant that is being decided."""
        return self._state.now

    def field(self, name: str) -> Any:
        """A field of the profile, the customer's key, or the variant of the journey at hand."""
        if name == "variant":
            return None if self._enrolment is None else self._enrolment.variant
        return self._state.dossier.key if name == "key" else self._state.profile.field(name)

    def trait(self, name: str) -> Any:
        """A trait under the name the source gave it."""
        return self._state.profile.traits.get(name)

    def property(self, name: str) -> Any:
        """A property of the event, or of the enrolment's cause."""
        return self._properties.get(name)

    def happened(self, event: str, last: Millis | None) -> list[Event]:
        """The customer's events of a name in (now - last, now]."""
        now = self._state.now
        found = self._state.log.of((event,), None if last is None else now - last, now)
        return [each for each in found if each.standing == FIRST] if event in ORDER_ACTS else found

    def has_consent(self, channel: str, purpose: str | None) -> bool:
        """Whether the latest word on the channel and purpose is a grant."""
        word = latest_word(self._state.dossier.consents, (channel,), purpose, None, self._state.now)
        return word is not None and word.state == "granted"

    def reacted(self, what: str) -> bool:
        """Whether the customer reacted so to the journey's last message, as far as providers tell: they name
        one of the triggers that share it. A report that names none is of another tool's mail.
        """
        enrolment = self._enrolment
        if enrolment is None or enrolment.last_message_at is None:
            return False
        reactions = self._state.log.of(
            REACTIONS.get(what, ()), enrolment.last_message_at - 1, self._state.now
        )
        carried = (enrolment.trigger, *enrolment.shared)
        return any(event.properties.get("trigger") in carried for event in reactions)


def _leaving(
    enrolments: Iterable[Enrolment], former: Mapping[tuple[str, int], Former]
) -> list[tuple[Instant, Enrolment, Former]]:
    """The enrolments that a newer version ends, with its instant, in order of that."""
    known = ((enrolment, former.get((enrolment.trigger, enrolment.version))) for enrolment in enrolments)
    found = [
        (each.left_at, enrolment, each)
        for enrolment, each in known
        if each is not None and each.left_at is not None
    ]
    return sorted(
        found, key=lambda entry: (entry[0], entry[1].trigger, entry[1].cause_at, entry[1].cause_key)
    )


def open_pauses(pauses: Iterable[Pause], at: Instant) -> Pause | None:
    """The pause that is on at the instant, the one that lasts longest."""
    if not pauses:
        return None
    on = [pause for pause in pauses if pause.holds(at)]
    return max(on, key=lambda pause: (pause.until is None, pause.until or 0), default=None)
