"""The kinds of trigger, one file each: what makes a customer enter. A new kind is a new file with one class.

A kind answers three questions about one `Trigger` and one customer's `Life`, and changes nothing: which
events can enter (`enters_on`), whether this event does (`on_event`), and which instant comes next without any
event (`upcoming`: a birthday, the end of a silence).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from core.instants import Instant, Millis
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.triggers import Trigger, When

if TYPE_CHECKING:  # the life of a customer is played by the engine, which asks the kinds
    from core.engine.state import CustomerState

ANY_EVENT: Final = "*"
SINCE: Final = "since:"
"""Begins the cause key of a silence; the instant of the last act follows."""
UNBOUNDED: Final[Millis] = 2**60
"""A look back over the whole history."""


class Cause(NamedTuple):
    """Why a customer enters: `key` makes it unique for customer and trigger, `at` is when it happened."""

    key: str
    at: Instant
    event: Event | None = None
    value: str | None = None  # of the property named by `per`


class Kind(Protocol):
    """One kind of trigger."""

    name: str

    def enters_on(self, when: When) -> frozenset[str]:
        """The names of the events that can make a customer enter."""

    def ends_on(self, when: When) -> frozenset[str]:
        """The names of the events that end a running enrolment, beyond `unless` and `[exit]`; may hold
        ANY_EVENT.
        """

    def is_clocked(self, when: When) -> bool:
        """Whether instants without any event can make a customer enter."""

    def needs(self, when: When) -> Mapping[str, Millis]:
        """Event names and how far back from now the kind looks at them."""

    def measure(self, trigger: Trigger, event: Event, state: CustomerState) -> Any:
        """What must be remembered of the customer as she was just before the event."""

    def on_event(self, trigger: Trigger, event: Event, state: CustomerState, before: Any) -> Cause | None:
        """The cause, if this event makes her enter; the life holds the event already."""

    def upcoming(self, trigger: Trigger, state: CustomerState, after: Instant) -> Cause | None:
        """The first cause without an event after an instant, as things stand."""

    def ends(self, trigger: Trigger, enrolment: Enrolment, event: Event) -> bool:
        """Whether an event that `ends_on` names ends an enrolment."""


class SilentKind:
    """The answers of a kind that nothing concerns: no event, no instant, nothing of the past. A kind says
    what it has to say beyond.
    """

    def enters_on(self, when: When) -> frozenset[str]:
        """No event."""
        return frozenset()

    def ends_on(self, when: When) -> frozenset[str]:
        """None beyond `unless` and `[exit]`."""
        return frozenset()

    def is_clocked(self, when: When) -> bool:
        """Never."""
        return False

    def needs(self, when: When) -> Mapping[str, Millis]:
        """Nothing of the past."""
        return {}

    def measure(self, trigger: Trigger, event: Event, state: CustomerState) -> Any:
        """Nothing."""
        return None

    def on_event(self, trigger: Trigger, event: Event, state: CustomerState, before: Any) -> Cause | None:
        """Never."""
        return None

    def upcoming(self, trigger: Trigger, state: CustomerState, after: Instant) -> Cause | None:
        """None."""
        return None

    def ends(self, trigger: Trigger, enrolment: Enrolment, event: Event) -> bool:
        """Never."""
        return False


class EventKind(SilentKind):
    """What kinds share that enter on events the trigger names."""

    def enters_on(self, when: When) -> frozenset[str]:
        """The events the trigger names."""
        return when.events


def cause_of(trigger: Trigger, event: Event) -> Cause:
    """The cause an event is: one for each value of `per`, where the event carries it, else one for each
    event.
    """
    value = event.properties.get(trigger.when.per) if trigger.when.per else None
    if value is None:
        return Cause(f"event:{event.id}", event.occurred_at, event)
    return Cause(f"{trigger.when.per}:{value}", event.occurred_at, event, str(value))


def silent_since(enrolment: Enrolment) -> Instant:
    """The last act before the silence an enrolment entered by; its cause where it entered by something
    else.
    """
    _, is_silence, last = enrolment.cause_key.partition(SINCE)
    return int(last) if is_silence else enrolment.cause_at


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name, found in this folder."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        kind = importlib.import_module(f"{__name__}.{module.name}").KIND
        found[kind.name] = kind
    return found
