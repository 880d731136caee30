"""Crossing a mark, once: CHF 5000 spent, the tenth purchase, no activity for n days over any channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from core.instants import Instant, Millis
from core.kinds import ANY_EVENT, SINCE, UNBOUNDED, Cause, EventKind
from core.model.customer import units
from core.model.enrolment import Enrolment
from core.model.events import ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, Event
from core.model.triggers import Trigger, When

if TYPE_CHECKING:
    from core.engine.state import CustomerState

LOWERING: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})
SOURCES: Final[Mapping[str, frozenset[str]]] = {
    "orders": frozenset({ORDER_COMPLETED}),
    "revenue": frozenset({ORDER_COMPLETED}) | LOWERING,
    "revenue_gross": frozenset({ORDER_COMPLETED}),
    "units": frozenset({ORDER_COMPLETED}),
    "returns": LOWERING,
}
MONEY: Final = frozenset({"revenue", "revenue_gross"})
"""The metrics that are amounts, in minor units."""


class Threshold(EventKind):
    """Fires on the event with which a metric crosses `reaches` from below, or when a silence lasts
    `inactive_for`.

    With `within` the metric is taken over the elapsed time up to and including the event.
    """

    name = "threshold"

    def enters_on(self, when: When) -> frozenset[str]:
        """The events the metric is made of."""
        return _sources(when) if when.inactive_for is None else frozenset()

    def ends_on(self, when: When) -> frozenset[str]:
        """Activity ends a silence."""
        if when.inactive_for is None:
            return frozenset()
        return when.activity or frozenset({ANY_EVENT})

    def is_clocked(self, when: When) -> bool:
        """A silence ends by itself; and whoever is past the mark at activation may enter then."""
        return when.inactive_for is not None or when.on_activation == "enrol"

    def needs(self, when: When) -> Mapping[str, Millis]:
        """The events of the metric, where the profile does not hold it."""
        if when.inactive_for is not None or (when.within is None and when.metric in SOURCES):
            return {}
        return dict.fromkeys(_sources(when), when.within or UNBOUNDED)

    def measure(self, trigger: Trigger, event: Event, state: CustomerState) -> int | float:
        """The metric just before the event."""
        return metric(trigger.when, state, event.occurred_at, without=event)

    def on_event(self, trigger: Trigger, event: Event, state: CustomerState, before: Any) -> Cause | None:
        """The event with which the metric comes from below the mark to it or past it."""
        when = trigger.when
        reaches = when.reaches or 0
        if not before < reaches <= metric(when, state, event.occurred_at):
            return None
        return Cause(f"event:{event.id}", event.occurred_at, event)

    def upcoming(self, trigger: Trigger, state: CustomerState, after: Instant) -> Cause | None:
        """The end of the silence, or the activation itself for those already past the mark."""
        when = trigger.when
        activation = trigger.activated_at
        waits = when.on_activation == "enrol" and activation is not None and after < activation
        if when.inactive_for is None:
            past = waits and metric(when, state, activation or 0) >= (when.reaches or 0)
            return Cause("activation", activation) if past and activation is not None else None
        last = last_activity(when, state)
        if last is None:
            return None
        at = last + when.inactive_for
        if waits and activation is not None and at < activation:
            return Cause(f"{SINCE}{last}", activation)
        return Cause(f"{SINCE}{last}", at) if at > after else None

    def ends(self, trigger: Trigger, enrolment: Enrolment, event: Event) -> bool:
        """Any act since the silence began, or what `activity` names."""
        acts = event.is_activity or event.name in trigger.when.activity
        return acts and event.occurred_at > enrolment.cause_at - (trigger.when.inactive_for or 0)


def _sources(when: When) -> frozenset[str]:
    if when.metric_event is not None:
        return frozenset({when.metric_event})
    return SOURCES.get(when.metric or "", frozenset())


def last_activity(when: When, state: CustomerState) -> Instant | None:
    """The act from which a silence is counted; None where there is none."""
    if not when.activity:
        return state.profile.last_activity
    activity = state.profile.activity
    return max([activity[name] for name in when.activity if name in activity], default=None)


def metric(when: When, state: CustomerState, at: Instant, without: Event | None = None) -> int | float:
    """The metric up to an instant, over all time or the last `within`; money in minor units."""
    if when.within is None and when.metric in SOURCES:
        value: int | float = state.profile.field(str(when.metric))
        return value
    span = (None, None) if when.within is None else (at - when.within, at)
    return _total(when, [event for event in state.log.of(_sources(when), *span) if event is not without])


def _total(when: When, events: list[Event]) -> int | float:
    if when.metric in ("orders",) or (when.metric_event is not None and when.metric_property is None):
        return len(events)
    if when.metric_property is not None:
        return sum(_number(event.properties.get(when.metric_property)) for event in events)
    if when.metric == "units":
        return sum(units(event.properties) for event in events)
    bought = sum(event.amount or 0 for event in events if event.name == ORDER_COMPLETED)
    if when.metric == "revenue_gross":
        return bought
    returned, times = _returned(events)
    return times if when.metric == "returns" else bought - returned


def _returned(events: list[Event]) -> tuple[int, int]:
    """What went back, amount and number: of one order the larger of its returns and its refunds."""
    sums: dict[str, list[int]] = {}
    for event in events:
        if event.name in LOWERING:
            order = event.properties.get("order_id")
            entry = sums.setdefault(f"event:{event.id}" if order is None else str(order), [0, 0, 0, 0])
            side = 0 if event.name == ORDER_RETURNED else 2
            entry[side] += event.amount or 0
            entry[side + 1] += 1
    return sum(max(s[0], s[2]) for s in sums.values()), sum(max(s[1], s[3]) for s in sums.values())


def _number(value: object) -> int | float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


KIND = Threshold()
