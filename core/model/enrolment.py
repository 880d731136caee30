"""A customer's journey through one trigger, and the only place that changes where it stands.

The open step of a journey stands in one of three ways:

    Waiting = Due | Deferred | Held

`Due` comes up at an instant. `Deferred` was weighed and had to wait for room, for a send window or for a
stronger candidate. `Held` waits for the end of a pause. Each transition is a method of `Enrolment`, which
replaces the frozen value by another; other modules read the state and call these methods, but assign none of
its attributes (`tests/test_architecture.py` holds them to it).

Whether the open step waits for an event is no state of its own. The definition in force says so, and a newer
version of it may add such a wait or take it away while the journey is under way. The journey notes only how a
wait has ended, in `waited`; `core.engine.branches.waits` combines the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from core.instants import Instant
from core.model.pauses import PauseTarget
from core.model.reasons import Reason

Waited = Literal["event", "timeout"]
JourneyState = Literal["open", "done", "exited", "holdout"]


@dataclass(frozen=True, slots=True)
class Due:
    """The open step comes up at `due_at`: planned for then, or at the end of its wait for an event."""

    due_at: Instant
    reason: ClassVar[None] = None
    until: ClassVar[None] = None
    holder: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """The open step was deferred for a reason until an instant.

    It comes up at `due_at`: at `until`, or sooner where something may have made room before.
    """

    reason: Reason
    until: Instant
    due_at: Instant
    holder: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Held:
    """A pause holds the open step: `holder` says which (see `PauseTarget.holder`), `until` when it ends.

    `due_at` is None while it is held; the end of the pause is an instant of its own. It is set where the
    pause lets the step go before its end.
    """

    reason: Reason
    until: Instant | None
    holder: PauseTarget | None
    due_at: Instant | None = None


Waiting = Due | Deferred | Held
"""Each answers to `due_at`, `reason`, `until` and `holder`, with None where there is none."""


@dataclass(slots=True)
class Enrolment:
    """One customer under way in one trigger because of one cause. Instants are milliseconds UTC."""

    trigger: str
    cause_key: str
    cause_at: Instant
    entered_at: Instant
    step: int
    """The number of the open step, from 1."""
    planned_at: Instant
    """For when the open step is planned."""
    waiting: Waiting
    """How the open step stands; of a journey that is over, how its last one did."""
    version: int = 0
    cause_event: int | None = None
    cause_name: str | None = None
    cause_properties: Mapping[str, object] = field(default_factory=dict)
    state: JourneyState = "open"
    last_message_at: Instant | None = None
    """When the journey's latest message was planned."""
    resumed_at: Instant | None = None
    """The end of the last pause whose policy was carried out."""
    key_value: str | None = None
    """The value of the trigger's `per`."""
    ended_at: Instant | None = None
    id: int | None = None
    variant: str | None = None
    """The variant of the trigger's split."""
    waited: Waited | None = None
    """How the open step's wait for an event ended; None: it waits, or has none to wait for."""
    shared: frozenset[str] = frozenset()
    """The triggers whose steps went in the journey's latest message, where several did."""
    due_at: Instant | None = field(init=False)
    """When the open step comes up; None where a pause holds it, or the journey is over. It is kept beside
    `waiting`, of which it is a part, since the engine asks for it at every instant of every journey.
    """

    def __post_init__(self) -> None:
        self.due_at = self.waiting.due_at if self.state == "open" else None

    def _stand(self, waiting: Waiting) -> None:
        """The open step stands in another way."""
        self.waiting = waiting
        self.due_at = waiting.due_at if self.state == "open" else None

    # ---- what others ask ----

    @property
    def waits_for(self) -> Reason | None:
        """Why the open step was deferred or is held; None where it was not."""
        return self.waiting.reason

    @property
    def waits_until(self) -> Instant | None:
        """Until when it was deferred or is held, as far as that is known."""
        return self.waiting.until

    @property
    def held_by(self) -> str | None:
        """The key of the pause's holder that holds it."""
        holder = self.waiting.holder
        return None if holder is None else holder.key

    def copy(self) -> Enrolment:
        """An independent enrolment in the same state."""
        twin = Enrolment(
            self.trigger,
            self.cause_key,
            self.cause_at,
            self.entered_at,
            self.step,
            self.planned_at,
            self.waiting,
        )
        twin.version = self.version
        twin.cause_event = self.cause_event
        twin.cause_name = self.cause_name
        twin.cause_properties = self.cause_properties
        twin.state = self.state
        twin.due_at = self.due_at
        twin.last_message_at = self.last_message_at
        twin.resumed_at = self.resumed_at
        twin.key_value = self.key_value
        twin.ended_at = self.ended_at
        twin.id = self.id
        twin.variant = self.variant
        twin.waited = self.waited
        twin.shared = self.shared
        return twin

    # ---- the transitions ----

    def open_step(self, number: int, planned_at: Instant) -> None:
        """Come to a step, planned for an instant; if it is to wait for an event, it waits from now on."""
        self.step = number
        self.planned_at = planned_at
        self.waited = None
        self._stand(Due(planned_at))

    def begin_anew(self, cause_at: Instant, event: int, name: str, properties: Mapping[str, object]) -> None:
        """Take a newer event for the cause; the key under which the customer entered stays."""
        self.cause_at = cause_at
        self.cause_event = event
        self.cause_name = name
        self.cause_properties = properties

    def plan(self, planned_at: Instant) -> None:
        """Plan the open step for another instant. When it comes up does not change."""
        self.planned_at = planned_at

    def release(self) -> None:
        """Forget what deferred or held the open step."""
        if self.waiting.reason is not None:
            self._stand(Due(self.planned_at))

    def fall_due(self, at: Instant) -> None:
        """Come up at an instant, with whatever deferred or held the step forgotten."""
        self._stand(Due(at))

    def end_wait(self, how: Waited, planned_at: Instant, due_at: Instant) -> None:
        """Wait no longer for an event: it has come, or has not come in time and the step goes out without."""
        self.waited = how
        self.planned_at = planned_at
        self._stand(Due(due_at))

    def defer(self, reason: Reason, until: Instant) -> None:
        """Wait for an instant at which nothing stands in the way any more, to be decided anew then."""
        self._stand(Deferred(reason, until, until))

    def hold(self, reason: Reason, until: Instant | None, holder: PauseTarget | None) -> None:
        """Wait for the end of a pause."""
        self._stand(Held(reason, until, holder))

    def come_up(self, at: Instant) -> None:
        """Come up at an instant, while what deferred or held the step stays noted."""
        waiting = self.waiting
        if isinstance(waiting, Due):
            self._stand(Due(at))
        elif isinstance(waiting, Deferred):
            self._stand(Deferred(waiting.reason, waiting.until, at))
        else:
            self._stand(Held(waiting.reason, waiting.until, waiting.holder, at))

    def wake(self, at: Instant) -> None:
        """Come up at an instant, or sooner where it would have, if the step was deferred."""
        waiting = self.waiting
        if waiting.until is not None and waiting.due_at is not None and waiting.due_at > at:
            self.come_up(at)

    def end(self, state: JourneyState, at: Instant) -> None:
        """Be over: nothing more comes of this enrolment."""
        self.state = state
        self.ended_at = at
        self.due_at = None

    def hold_out(self, at: Instant) -> None:
        """Be kept out as a holdout: over before the first step, and in no variant."""
        self.step = 1
        self.variant = None
        self.waited = None
        self.end("holdout", at)

    # ---- what is noted on the way ----

    def note_message(self, at: Instant, shared: frozenset[str] = frozenset()) -> None:
        """Note when the journey's latest message was planned, and which triggers' steps it carries where
        there are several.
        """
        self.last_message_at = at
        self.shared = shared

    def share(self, triggers: frozenset[str]) -> None:
        """Note that the journey's latest message carries steps of these triggers."""
        self.shared = triggers

    def note_resumption(self, at: Instant | None) -> None:
        """Note the end of the last pause whose policy was carried out."""
        self.resumed_at = at
