"""Several steps of one customer in one message: the first that is sent at an instant leads, others of that
instant may join it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from core.engine.guards import AFTER_CHANNEL, OF_CHANNEL, Candidate, candidate_for, first_objection
from core.engine.placement import contacts_of
from core.engine.state import CustomerState
from core.limits.pressure import Contact, Ledger, violations
from core.model.decisions import Decision, Message, MessagePart

DIGEST_MEDIA: Final = frozenset({"email", "webhook"})
"""The media whose messages have room for several texts."""


class Joined(NamedTuple):
    """A step that another's message carries now: over that message's channel, with its key and the trigger
    that leads it.
    """

    candidate: Candidate
    key: str
    trigger: str


def may_lead(candidate: Candidate) -> bool:
    """Whether a step's message may carry others: its step says so, and nobody has to approve it."""
    step = candidate.step
    return (
        step.digest
        and step.mode == "first"
        and candidate.channel.medium in DIGEST_MEDIA
        and not candidate.approvals
    )


def join(candidate: Candidate, state: CustomerState) -> Joined | None:
    """Add the step to a message planned at this instant, where one may carry it; None, and nothing changed,
    where none may.

    A message stays one contact. It becomes as heavy as its heaviest step and bears the tags of all, if the
    limits have room for that.
    """
    for number in reversed(range(len(state.digest_leaders))):
        leader = state.decisions[state.digest_leaders[number]]
        if leader.at != state.now:
            break
        message = leader.message
        if (
            message is None
            or message.contact.purpose != candidate.purpose.name
            or message.channel not in candidate.step.channels
        ):
            continue
        own = candidate_for(state, candidate.trigger, candidate.step, candidate.enrolment, message.channel)
        if (
            may_lead(own)
            and first_objection(OF_CHANNEL + AFTER_CHANNEL, own, state) is None
            and _carry(state.digest_leaders[number], own, state)
        ):
            return Joined(own, message.key, leader.trigger)
    return None


def _carry(leading: int, own: Candidate, state: CustomerState) -> bool:
    """Put the step into the message of a decision, if there is room for it."""
    leader = state.decisions[leading]
    message = leader.message
    if message is None:
        return False
    (alone,) = contacts_of((own,), state.now)
    heavier = message.contact._replace(
        weight=max(message.contact.weight, alone.weight), tags=message.contact.tags | alone.tags
    )
    others = Ledger(contact for contact in state.ledger if not _is_same(contact, message.contact))
    if any(
        violations(state.rules() if own.purpose.obeys else (), others, (contact,), state.zone)
        for contact in (heavier, alone)
    ):
        return False
    if message.key not in state.failed:
        others.add(heavier)
        state.ledger = others
        state.is_ledger_changed |= heavier != message.contact
    parts = message.digest or (
        MessagePart(leader.trigger, leader.step, message.template, leader.cause_key, message.expires_at),
    )
    part = MessagePart(
        own.trigger.name, own.enrolment.step, own.step.template, own.enrolment.cause_key, own.expires_at
    )
    state.decisions[leading] = leader._replace(
        message=_carrying(message, heavier, (*parts, part)), note=_noted(leader, part)
    )
    _share((*parts, part), state)
    return True


def _share(parts: Sequence[MessagePart], state: CustomerState) -> None:
    """A reaction to the message counts in the journey of each of its steps."""
    steps, triggers = (
        {(part.trigger, part.cause_key) for part in parts},
        frozenset(part.trigger for part in parts),
    )
    for enrolment in state.enrolments:
        if (enrolment.trigger, enrolment.cause_key) in steps:
            enrolment.share(triggers)
            state.touch(enrolment)


def _is_same(contact: Contact, planned: Contact) -> bool:
    return contact.dispatch == planned.dispatch and contact.channel == planned.channel


def _carrying(message: Message, contact: Contact, parts: Sequence[MessagePart]) -> Message:
    """The message expires when the last of its steps does."""
    return message._replace(
        contact=contact, digest=tuple(parts), expires_at=max(part.expires_at for part in parts)
    )


def _noted(leader: Decision, part: MessagePart) -> str:
    if leader.message is not None and leader.message.digest:
        return f"{leader.note}, {part.trigger}"
    return "; ".join(word for word in (leader.note, f"together with {part.trigger}") if word)
