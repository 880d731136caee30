"""The last look before hand-over: what has become known since the decision may still cancel a planned
message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.engine.goals import active_since, ends
from core.engine.guards import BEFORE_CHANNEL, OF_CHANNEL, Candidate, channel_open, first_objection
from core.engine.state import CustomerState
from core.instants import Instant, format_instant
from core.model.customer import address_of
from core.model.decisions import Objection
from core.model.dossier import Dossier
from core.model.enrolment import Due, Enrolment
from core.model.reasons import Reason
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook


@dataclass(frozen=True, slots=True)
class Handover:
    """A planned message with what made it: all that the last look needs beside the customer."""

    trigger: str
    step: int
    channel: str
    address: str | None
    cause_key: str
    cause_at: Instant
    entered_at: Instant
    planned_at: Instant
    expires_at: Instant
    cause_event: int | None = None
    cause_properties: Mapping[str, object] = field(default_factory=dict)
    key_value: str | None = None
    version: int = 0  # under which its enrolment entered


def last_look(handover: Handover, dossier: Dossier, playbook: Playbook, at: Instant) -> Objection | None:
    """What stands against handing the message over at the instant, with fresh data; None where nothing does.

    The dossier's history must hold the events since the cause that the trigger's `unless` and `[exit]` name.
    Limits and send windows are not asked again: the message has its place among the contacts.
    """
    state = CustomerState(dossier, playbook)
    for event in dossier.arrivals:
        if event.arrived_at <= at:
            state.fold(event)
    state.now = at
    former = playbook.former.get((handover.trigger, handover.version))
    if former is not None and former.left_at is not None and former.left_at <= at:
        return Objection(Reason.TRIGGER_RETIRED, f"the definition was replaced by version {former.left_by}")
    trigger = playbook.index.definition(handover.trigger, handover.version)
    if trigger is None or handover.step > len(trigger.steps) or handover.channel not in playbook.channels:
        return Objection(
            Reason.TRIGGER_RETIRED, "the trigger, the step or the channel is no longer in the playbook"
        )
    enrolment = _enrolment(handover, len(trigger.steps))
    goal = _goal(enrolment, trigger, state)
    if goal is not None:
        return goal
    channel = playbook.channels[handover.channel]
    step = trigger.steps[handover.step - 1]
    candidate = Candidate(
        trigger,
        step,
        enrolment,
        channel,
        playbook.purposes[trigger.purpose],
        address_of(state.profile, channel.medium),
        at,
    )
    objection = first_objection((*BEFORE_CHANNEL, *OF_CHANNEL, channel_open), candidate, state)
    if objection is None and at > handover.expires_at:
        return Objection(Reason.EXPIRED, f"expired {format_instant(handover.expires_at)}")
    return objection


def _enrolment(handover: Handover, steps: int) -> Enrolment:
    return Enrolment(
        trigger=handover.trigger,
        cause_key=handover.cause_key,
        cause_at=handover.cause_at,
        entered_at=handover.entered_at,
        step=steps + 1,  # its own step is decided, so only `[exit]` and the goal still act
        planned_at=handover.planned_at,
        waiting=Due(handover.planned_at),
        cause_event=handover.cause_event,
        cause_properties=handover.cause_properties,
        key_value=handover.key_value,
        version=handover.version,
    )


def _goal(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Objection | None:
    for event in [*state.dossier.history, *state.dossier.arrivals]:
        if event.arrived_at <= state.now and ends(event, enrolment, trigger, state):
            return Objection(Reason.GOAL_REACHED, f"{event.name} on {format_instant(event.occurred_at)}")
    active = active_since(enrolment, trigger, state)
    return None if active is None else Objection(Reason.GOAL_REACHED, f"active on {format_instant(active)}")
