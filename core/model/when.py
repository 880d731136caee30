"""When a trigger fires, as a value that answers: each kind of trigger in `core.kinds` is one class of it.

The engine asks `trigger.when` and knows no kind by name. A kind sees a customer through `PlayedCustomer` and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from core.instants import Instant, Millis
from core.language import Facts
from core.model.customer import Profile
from core.model.dossier import TriggerEntry
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.pauses import PausePolicy
from core.model.predicate import Predicate
from core.placeholders import per_value

if TYPE_CHECKING:  # a trigger holds its When, and a When is asked about its trigger
    from core.model.nearness import EntryQuestion, Nearness
    from core.model.triggers import Trigger

ANY_EVENT: Final = "*"
UNBOUNDED: Final[Millis] = 2**60
"""A look back over the whole history."""


class Cause(NamedTuple):
    """Why a customer enters: `key` makes it unique for customer and trigger, `at` is when it happened."""

    key: str
    at: Instant
    event: Event | None = None
    value: str | None = None  # of the property named by `per`


class EventHistory(Protocol):
    """The events that are known of one customer, by name and time."""

    def has(self, least: int, names: Collection[str]) -> bool:
        """Whether so many events of these names are known."""

    def of(
        self, names: Collection[str], after: Instant | None = None, until: Instant | None = None
    ) -> Sequence[Event]:
        """The events of these names that occurred in (after, until], oldest first."""


class PlayedCustomer(Protocol):
    """What a kind may ask about one customer at the instant that is being decided."""

    @property
    def now(self) -> Instant:
        """The instant that is being decided."""

    @property
    def zone(self) -> ZoneInfo:
        """The customer's time zone."""

    @property
    def profile(self) -> Profile:
        """The profile with everything that is known by now."""

    @property
    def log(self) -> EventHistory:
        """The events of the names that `history_needed` asks for."""

    @property
    def entries(self) -> Mapping[str, TriggerEntry]:
        """The last entry into each trigger, by the trigger's name."""

    def facts(self, event: Event | None = None) -> Facts:
        """What a condition may ask, beside an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The `[when]` table of a trigger. The fields here are those that the engine reads of any kind.

    Each kind adds its own fields and answers. The answers here are those of a trigger that nothing fires.
    """

    kind: ClassVar[str] = ""
    is_date: ClassVar[bool] = False
    """Whether it fires on dates that are fixed beforehand: the look-ahead then counts on the next one."""
    moves_with_traits: ClassVar[bool] = False
    """Whether a changed trait moves the instant at which it fires."""

    where: Predicate | None = None
    after: Millis = 0
    unless: frozenset[str] = frozenset()
    per: str | None = None
    restart: bool = False
    """Whether a further event of the same key begins the clock of a journey anew."""

    # ---- what concerns it ----

    def enters_on(self) -> frozenset[str]:
        """The names of the events that can make a customer enter."""
        return frozenset()

    def ends_on(self) -> frozenset[str]:
        """The names of the events that end a running enrolment, beyond `unless` and `[exit]`; may hold
        ANY_EVENT.
        """
        return frozenset()

    def moved_by(self) -> frozenset[str]:
        """The names of the events that move the instant at which it fires without any event."""
        return frozenset()

    def fires_without_event(self) -> bool:
        """Whether an instant can make a customer enter without any event."""
        return False

    def history_needed(self) -> Mapping[str, Millis]:
        """The names of the events that it looks back at, and how far: in milliseconds before the instant of
        the event at hand.
        """
        return {}

    # ---- what makes a customer enter ----

    def before_event(self, event: Event, customer: PlayedCustomer) -> Any:
        """What `on_event` must know of the customer as of just before the event."""
        return None

    def on_event(self, event: Event, customer: PlayedCustomer, before: Any) -> Cause | None:
        """The cause, if this event makes the customer enter; the customer's history holds the event already,
        and `before` is what `before_event` has said.
        """
        return None

    def upcoming(self, trigger: Trigger, customer: PlayedCustomer, after: Instant) -> Cause | None:
        """The first cause without an event after an instant, as things stand."""
        return None

    def key_of(self, event: Event) -> str | None:
        """The value of `per` that an event carries, in its normal form; None where it says nothing, or no
        `per` is asked for.
        """
        return per_value(event.properties.get(self.per)) if self.per else None

    def cause_of(self, event: Event) -> Cause:
        """The cause that an event is: one for each value of `per`, where the event carries it, else one for
        each event.
        """
        value = self.key_of(event)
        if value is None:
            return Cause(f"event:{event.id}", event.occurred_at, event)
        return Cause(f"{self.per}:{value}", event.occurred_at, event, value)

    # ---- what becomes of a journey ----

    def restarts(self, enrolment: Enrolment, event: Event, customer: PlayedCustomer) -> bool:
        """Whether an event that `enters_on` names begins the clock of a journey under way anew."""
        return False

    def ends(self, enrolment: Enrolment, event: Event) -> bool:
        """Whether an event that `ends_on` names ends an enrolment."""
        return False

    def silent_since(self, enrolment: Enrolment) -> Instant:
        """The instant after which an act of the customer contradicts the cause of an enrolment."""
        return enrolment.cause_at

    def resume_policy(self, asked: PausePolicy) -> PausePolicy:
        """What the end of a pause does to its journeys where the operator asked for a policy."""
        return asked

    # ---- words ----

    def words(self, currency: str) -> str:
        """When a customer enters, as a sentence without its end; amounts are in the currency."""
        return ""

    def nearness(self, question: EntryQuestion) -> Nearness:
        """How far a customer is from entering, and why. NotImplementedError where a kind does not say it."""
        raise NotImplementedError
