"""Decisions and what comes with them: the values `advance` gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from core.instants import Instant, Millis
from core.limits.pressure import Contact
from core.model.customer import Profile
from core.model.pauses import PauseTarget
from core.model.reasons import Reason

Outcome = Literal["send", "defer", "suppress", "hold"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """One pressure rule that stood in the way: what its window held. Points are thousandths, instants
    milliseconds UTC.
    """

    rule: str
    unit: str
    count: int
    limit: int | None  # None for a gap
    first: Instant
    last: Instant
    counted: tuple[Contact, ...]
    free_at: Instant | None


@dataclass(frozen=True, slots=True)
class Objection:
    """What one guard had against a contact, and the instant from which it would have nothing, where there is
    one.
    """

    reason: Reason
    detail: str
    until: Instant | None = None
    by: str | None = None  # the trigger that it gives way to
    holder: PauseTarget | None = None
    """Of a pause: whose, as an enrolment notes it."""


@dataclass(frozen=True, slots=True)
class MessagePart:
    """One step that a message carries together with others."""

    trigger: str
    step: int  # from 1
    template: str
    cause_key: str
    expires_at: Instant


class Message(NamedTuple):
    """A contact that was planned: what goes to the outbox."""

    key: str  # idempotency key of enrolment, step and channel
    channel: str
    template: str
    address: str | None
    planned_at: Instant  # when it is to be handed over
    expires_at: Instant
    contact: Contact
    held: bool = False  # waits for an approval
    profile: Profile | None = None  # as it was at that instant
    digest: tuple[
        MessagePart, ...
    ] = ()  # all steps it carries, its own first; empty where that is the only one


class Decision(NamedTuple):
    """What was decided for one step of one customer over one channel at one instant, and why."""

    at: Instant
    trigger: str
    cause_key: str
    step: int  # from 1
    channel: str | None
    outcome: Outcome
    planned_at: Instant
    reason: Reason | None = None
    until: Instant | None = None
    late: bool = False
    rules: tuple[RuleEvidence, ...] = ()
    objections: tuple[Objection, ...] = ()
    message: Message | None = None
    version: int = 0
    variant: str | None = None
    joins: str | None = None  # key of another step's message that carries this one
    note: str | None = None  # what else led here, in words


@dataclass(frozen=True, slots=True)
class GoalReached:
    """An event that reaches a trigger's goal, for every journey that was entered no longer than `within`
    before it.
    """

    trigger: str
    event: int
    at: Instant
    within: Millis
    per: str | None = None  # the value of the trigger's `per` that the event carries; None: it speaks for all
