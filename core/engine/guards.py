"""The guards between a candidate and its message, in the order in which they are asked. The first objection
decides.

Each guard looks at one candidate over one channel and returns an `Objection`, or None. Quiet hours and
pressure defer, so they are asked together (`core.engine.placement`); everything else is yes or no and stands
here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from core.engine.consent import consent_objection, suppression_objection
from core.engine.pauses import channel_pause, evidence, stop_of
from core.engine.preference import in_order, preferred
from core.engine.state import CustomerState, open_pauses
from core.instants import Instant, format_instant
from core.model.customer import address_of
from core.model.decisions import Objection
from core.model.enrolment import Enrolment
from core.model.reasons import Reason
from core.model.triggers import Approval, Step, Trigger
from core.playbook.playbook import Channel, Purpose


class Candidate(NamedTuple):
    """One step of one enrolment that has come due, over one of its channels."""

    trigger: Trigger
    step: Step
    enrolment: Enrolment
    channel: Channel
    purpose: Purpose
    address: str | None
    at: Instant
    note: str | None = None  # why this channel is taken, where that is not the step's order

    @property
    def expires_at(self) -> Instant:
        """The last instant at which it may go out."""
        return self.enrolment.planned_at + self.step.expires

    @property
    def approvals(self) -> list[Approval]:
        """Who has to approve of its message, as the step, the trigger and the channel say."""
        asked = (self.step.approval, self.trigger.approval, self.channel.approval)
        return [] if asked == _NOBODY else [approval for approval in asked if approval is not None]


_NOBODY: Final = (None, None, None)

Guard = Callable[[Candidate, CustomerState], Objection | None]


def trigger_active(candidate: Candidate, state: CustomerState) -> Objection | None:
    """A paused trigger waits, a retired one is over."""
    pauses = state.playbook.index.pauses.get(candidate.trigger.name)
    pause = open_pauses(pauses, candidate.at) if pauses else None
    if pause is not None:
        return Objection(Reason.TRIGGER_PAUSED, evidence(pause), pause.until, holder=pause.target.holder)
    if candidate.trigger.status != "active":
        return Objection(Reason.TRIGGER_RETIRED, f"the trigger is {candidate.trigger.status}")
    return None


def not_stopped(candidate: Candidate, state: CustomerState) -> Objection | None:
    """The emergency stop holds everything, a pause of the customer or of a segment the customer's messages;
    transactional messages on request.
    """
    stop = stop_of(candidate.purpose, state)
    return Objection(Reason.STOPPED, evidence(stop), stop.until, holder=stop.target.holder) if stop else None


def customer_known(candidate: Candidate, state: CustomerState) -> Objection | None:
    """Nobody writes to an erased customer."""
    erased = state.dossier.erased_at
    if erased is not None and erased <= candidate.at:
        return Objection(Reason.CUSTOMER_ERASED, f"erased on {format_instant(erased)}")
    return None


def in_audience(candidate: Candidate, state: CustomerState) -> Objection | None:
    """The audience is asked at entry and again at every step."""
    audience = candidate.trigger.audience
    if audience is None or state.holds(audience):
        return None
    return Objection(Reason.LEFT_AUDIENCE, f"no longer: {audience.text}")


def has_address(candidate: Candidate, state: CustomerState) -> Objection | None:  # noqa: ARG001 - all guards have one form
    """Without an address the channel cannot be used."""
    if not candidate.address:
        return Objection(Reason.NO_ADDRESS, f"no address for {candidate.channel.medium}")
    return None


def address_not_suppressed(candidate: Candidate, state: CustomerState) -> Objection | None:
    """Dead addresses and those of people who complained are left alone."""
    if not candidate.address or not state.dossier.suppressions:
        return None
    return suppression_objection(
        state.dossier.suppressions, candidate.channel.medium, candidate.address, candidate.at
    )


def consent_given(candidate: Candidate, state: CustomerState) -> Objection | None:
    """Consent for channel and purpose."""
    return consent_objection(
        state.dossier.consents,
        candidate.channel,
        candidate.purpose,
        candidate.address,
        state.playbook.consent_policy,
        candidate.at,
    )


def channel_open(candidate: Candidate, state: CustomerState) -> Objection | None:
    """A paused channel holds what would go over it; transactional messages on request."""
    pause = channel_pause(candidate.channel.name, candidate.purpose, state)
    return (
        Objection(Reason.STOPPED, evidence(pause), pause.until, holder=pause.target.holder) if pause else None
    )


def not_expired(candidate: Candidate, state: CustomerState) -> Objection | None:  # noqa: ARG001
    """Later than `expires` after its planned instant a step is not sent at all."""
    if candidate.at > candidate.expires_at:
        return Objection(Reason.EXPIRED, f"expired {format_instant(candidate.expires_at)}")
    return None


BEFORE_CHANNEL: Final[tuple[Guard, ...]] = (trigger_active, not_stopped, customer_known, in_audience)
OF_CHANNEL: Final[tuple[Guard, ...]] = (has_address, address_not_suppressed, consent_given)
AFTER_CHANNEL: Final[tuple[Guard, ...]] = (channel_open, not_expired)
GUARDS: Final[tuple[Guard, ...]] = BEFORE_CHANNEL + OF_CHANNEL + AFTER_CHANNEL


def candidate_for(
    state: CustomerState, trigger: Trigger, step: Step, enrolment: Enrolment, channel_name: str
) -> Candidate:
    """The open step of an enrolment, as it applies now, as a candidate over one channel at the instant
    that is being played.
    """
    channel = state.playbook.channels[channel_name]
    return Candidate(
        trigger,
        step,
        enrolment,
        channel,
        state.playbook.purposes[trigger.purpose],
        address_of(state.profile, channel.medium),
        state.now,
    )


def first_objection(
    guards: tuple[Guard, ...], candidate: Candidate, state: CustomerState
) -> Objection | None:
    """What the first guard that objects has to say."""
    for guard in guards:
        objection = guard(candidate, state)
        if objection is not None:
            return objection
    return None


def all_objections(candidate: Candidate, state: CustomerState) -> tuple[Objection, ...]:
    """What every guard has to say, in order of precedence."""
    return tuple(objection for guard in GUARDS if (objection := guard(candidate, state)) is not None)


REPORTED: Final = {"bounce": "bounced", "complaint": "drew a complaint"}
"""What befell an address, by the reason under which sources report it."""


def allowed_channels(first: Candidate, state: CustomerState) -> tuple[list[Candidate], Objection | None]:
    """The candidates over the step's channels that address, suppressions and consent allow, the preferred one
    first; else what the first lacks."""
    refusal: Objection | None = None
    allowed: list[Candidate] = []
    lacking: list[str] = []
    step = first.step
    chosen = preferred(step, state) if step.prefer else None
    for name in in_order(step, chosen):
        candidate = (
            first
            if name == first.channel.name
            else candidate_for(state, first.trigger, step, first.enrolment, name)
        )
        if chosen is not None and name == chosen.channel:
            candidate = candidate._replace(note=chosen.words)
        objection = first_objection(OF_CHANNEL, candidate, state)
        if objection is None:
            allowed.append(candidate)
            if step.mode == "first" and step.on_limit != "fallback":
                break
        else:
            refusal = refusal or objection
            lacking.append(_lack(objection, candidate.channel))
    if lacking and allowed:
        allowed[0] = passed_over(allowed[0], lacking)
    return _paused_in_place(allowed, state), refusal


def passed_over(candidate: Candidate, why: Sequence[str]) -> Candidate:
    """The candidate, noting why other channels of its step were not taken, a clause each."""
    over = "not over every channel" if candidate.step.mode == "all" else f"over {candidate.channel.name}"
    words = f"{over}, because {' and '.join(why)}"
    return candidate._replace(note="; ".join(filter(None, (candidate.note, words))))


def _lack(objection: Objection, channel: Channel) -> str:
    """What keeps a message from a channel, as a clause."""
    if objection.reason is Reason.NO_ADDRESS:
        return f"no address for {channel.name} is known"
    if objection.reason is not Reason.ADDRESS_SUPPRESSED:
        return objection.detail
    reason, on, instant = objection.detail.rpartition(" on ")
    if reason in REPORTED:
        return f"the address for {channel.name} {REPORTED[reason]}{on}{instant}"
    return f"the address for {channel.name} is suppressed: {objection.detail}"


def _paused_in_place(allowed: list[Candidate], state: CustomerState) -> list[Candidate]:
    """`fallback` leaves paused channels out while another is open; of several channels at once a paused one
    comes first: it holds all.
    """
    if not state.playbook.index.channel_pauses or len(allowed) == 1:
        return allowed
    paused = [candidate for candidate in allowed if channel_open(candidate, state) is not None]
    rest = [candidate for candidate in allowed if candidate not in paused]
    return (paused + rest if allowed[0].step.mode == "all" else rest or paused) if paused else allowed
