"""Decisions and what comes with them: the values `advance` gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from core.instants import Instant, Millis
from core.limits.pressure import Contact
from core.model.customer import Profile
from core.model.reasons import Reason

Outcome = Literal["send", "defer", "suppress", "hold"]
Waited = Literal["event", "timeout"]
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
    holder: str | None = None
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
    profile: Profile | None = None  # as she was at that instant
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


@dataclass(slots=True)
class Enrolment:
    """One customer under way in one trigger because of one cause. Instants in milliseconds UTC.

    `due_at` is None while it waits for an operator (a pause without end).
    """

    trigger: str
    cause_key: str
    cause_at: Instant
    entered_at: Instant
    step: int  # the open step, from 1
    planned_at: Instant  # of the open step
    due_at: Instant | None
    version: int = 0
    cause_event: int | None = None
    cause_name: str | None = None
    cause_properties: Mapping[str, object] = field(default_factory=dict)
    state: Literal["open", "done", "exited", "holdout"] = "open"
    waits_for: Reason | None = None  # why the open step was deferred or held last
    waits_until: Instant | None = None
    held_by: str | None = None  # the `holder` of the pause that holds the open step
    last_message_at: Instant | None = None  # when the journey's latest message was planned
    resumed_at: Instant | None = None  # end of the last pause whose policy was carried out
    key_value: str | None = None  # value of `per`
    ended_at: Instant | None = None
    id: int | None = None
    variant: str | None = None  # of the trigger's split
    waited: Waited | None = None  # how the open step's wait ended; None: it waits, or waits for nothing
    shared: frozenset[str] = (
        frozenset()
    )  # the triggers whose steps went in the journey's latest message, where several did

    def copy(self) -> Enrolment:
        """An independent value."""
        return Enrolment(
            self.trigger, self.cause_key, self.cause_at, self.entered_at, self.step, self.planned_at,
            self.due_at, self.version,
            self.cause_event, self.cause_name, self.cause_properties, self.state, self.waits_for,
            self.waits_until, self.held_by,
            self.last_message_at, self.resumed_at, self.key_value, self.ended_at, self.id, self.variant,
            self.waited,
            self.shared,
        )  # fmt: skip
