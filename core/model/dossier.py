"""All that is known of one customer, as plain values: what `advance` decides on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from core.instants import Instant
from core.limits.pressure import Contact
from core.model.customer import Consent, Profile, Suppression
from core.model.decisions import Decision, GoalReached
from core.model.enrolment import Enrolment
from core.model.events import Event

BEGINNING: Final[Instant] = -(2**62)


class TriggerEntry(NamedTuple):
    """The last entry of a customer into a trigger; `at` is BEGINNING where none came but as a holdout."""

    at: Instant
    cause_key: str


class Merge(NamedTuple):
    """Another customer turned out to be this one, or no longer to be: since when that is known.

    `entries` are the last ones that each of the two had until they became one.
    """

    at: Instant
    entries: tuple[tuple[str, TriggerEntry], ...]  # trigger and entry


@dataclass(slots=True)
class Dossier:
    """One customer's state after all instants up to and including `settled_until` were played.

    `arrivals` are the events that became known since, in order of arrival; `profile` does not hold them yet.
    `history` holds settled events as far back as the playbook needs them. `known_causes` holds the cause
    keys, of those the arrivals could use again, that have entered before. `planned_version` is the playbook's
    under which the customer was last planned. `merges` are those not played yet, in order.
    """

    id: int
    key: str
    profile: Profile
    settled_until: Instant = BEGINNING
    arrivals: tuple[Event, ...] = ()
    history: tuple[Event, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    contacts: tuple[Contact, ...] = ()
    consents: tuple[Consent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    entries: Mapping[str, TriggerEntry] = field(default_factory=dict)
    known_causes: frozenset[tuple[str, str]] = frozenset()
    erased_at: Instant | None = None
    planned_version: int = 0
    merges: tuple[Merge, ...] = ()
    set_aside: tuple[int, ...] = ()
    """Numbers of events that arrived and are left out, since they cannot be worked on: they stay unplayed."""


@dataclass(slots=True)
class Plan:
    """What `advance` found: decisions in order of time, enrolments that are new or changed, and when the
    customer needs attention next.
    """

    decisions: list[Decision]
    enrolments: list[Enrolment]
    entries: Mapping[str, TriggerEntry]
    profile: Profile
    settled_until: Instant
    next_due: Instant | None
    reached: Sequence[GoalReached] = ()


def known_profile(dossier: Dossier, at: Instant) -> Profile:
    """The profile with what has arrived by an instant and was not played yet; the dossier's own stays as it
    is.
    """
    arrived = [event for event in dossier.arrivals if event.arrived_at <= at]
    if not arrived:
        return dossier.profile
    profile = dossier.profile.copy()
    for event in arrived:
        profile.fold(event)
    return profile


def settled(dossier: Dossier, plan: Plan) -> Dossier:
    """The dossier once a plan is carried out: what has arrived is history, what was planned is under way."""
    known = {(enrolment.trigger, enrolment.cause_key): enrolment for enrolment in dossier.enrolments}
    known |= {(enrolment.trigger, enrolment.cause_key): enrolment for enrolment in plan.enrolments}
    planned = [decision.message.contact for decision in plan.decisions if decision.message is not None]
    return Dossier(
        id=dossier.id,
        key=dossier.key,
        profile=plan.profile,
        settled_until=plan.settled_until,
        arrivals=tuple(event for event in dossier.arrivals if event.arrived_at > plan.settled_until),
        history=(
            *dossier.history,
            *(event for event in dossier.arrivals if event.arrived_at <= plan.settled_until),
        ),
        enrolments=tuple(enrolment for enrolment in known.values() if enrolment.state == "open"),
        contacts=(*dossier.contacts, *planned),
        consents=dossier.consents,
        suppressions=dossier.suppressions,
        entries=plan.entries,
        known_causes=dossier.known_causes | {key for key, enrolment in known.items() if enrolment.id is None},
        erased_at=dossier.erased_at,
        planned_version=dossier.planned_version,
        merges=tuple(merge for merge in dossier.merges if merge.at > plan.settled_until),
    )
