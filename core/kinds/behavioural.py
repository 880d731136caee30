"""Behaviour: an account opened, a product viewed n times, a coupon not redeemed, a changed purchase
rhythm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.instants import DAY, Instant, Millis
from core.kinds import SINCE, UNBOUNDED, Cause, EventKind, cause_of, silent_since
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.triggers import Trigger, When

if TYPE_CHECKING:
    from core.engine.state import CustomerState

RHYTHM_LOOKBACK: Final[Millis] = 730 * DAY
LEAST_INTERVALS: Final = 2


class Behavioural(EventKind):
    """Fires when `at_least` matching events lie within `within`, on the one that makes them so many; or on a
    changed rhythm.

    `change >= 1`: she is overdue: no event came for `change` times her mean interval (an instant). `change <
    1`: the newest interval is at most that part of the mean of the earlier ones (an event). Intervals of the
    last `within` (730 days unless said), at least two of them, or `at_least` where that is more.
    """

    name = "behavioural"

    def ends_on(self, when: When) -> frozenset[str]:
        """Who is overdue is so until she acts."""
        return when.events if _is_overdue_kind(when) else frozenset()

    def is_clocked(self, when: When) -> bool:
        """Only for being overdue."""
        return _is_overdue_kind(when)

    def needs(self, when: When) -> Mapping[str, Millis]:
        """The events it counts, as far back as it counts them."""
        if when.change is not None:
            return dict.fromkeys(when.events, when.within or RHYTHM_LOOKBACK)
        if when.at_least > 1:
            return dict.fromkeys(when.events, when.within or UNBOUNDED)
        return {}

    def on_event(self, trigger: Trigger, event: Event, state: CustomerState, before: Any) -> Cause | None:
        """The event that completes the count, or breaks the rhythm by being early."""
        when = trigger.when
        if _is_overdue_kind(when) or not _matches(trigger, event, state):
            return None
        if when.change is not None:
            return cause_of(trigger, event) if _is_early(trigger, event, state) else None
        if when.at_least > 1 and self._count_with(trigger, event, state) != when.at_least:
            return None
        return cause_of(trigger, event)

    def _count_with(self, trigger: Trigger, event: Event, state: CustomerState) -> int:
        when = trigger.when
        after = None if when.within is None else event.occurred_at - when.within
        value = event.properties.get(when.per) if when.per else None
        return sum(
            (value is None or other.properties.get(when.per or "") == value)
            and (other is event or _matches(trigger, other, state))
            for other in state.log.of(when.events, after, event.occurred_at)
        )

    def upcoming(self, trigger: Trigger, state: CustomerState, after: Instant) -> Cause | None:
        """The instant at which she is overdue by her own rhythm."""
        least = max(LEAST_INTERVALS, trigger.when.at_least) + 1
        if not state.log.has(least, trigger.when.events):
            return None
        times = rhythm(trigger, state)
        if len(times) < least:
            return None
        mean = (times[-1] - times[0]) / (len(times) - 1)
        at = times[-1] + int(mean * (trigger.when.change or 1.0))
        return Cause(f"{SINCE}{times[-1]}", at) if at > after else None

    def ends(self, trigger: Trigger, enrolment: Enrolment, event: Event) -> bool:
        """A newer such event ends being overdue."""
        return event.occurred_at > silent_since(enrolment)


def _is_overdue_kind(when: When) -> bool:
    return when.change is not None and when.change >= 1


def _matches(trigger: Trigger, event: Event, state: CustomerState) -> bool:
    where = trigger.when.where
    return where is None or where.holds(state.facts(event))


def rhythm(trigger: Trigger, state: CustomerState) -> Sequence[Instant]:
    """The instants of the events whose intervals are looked at, oldest first."""
    times = [
        event.occurred_at for event in state.log.of(trigger.when.events) if _matches(trigger, event, state)
    ]
    return [at for at in times if at > times[-1] - (trigger.when.within or RHYTHM_LOOKBACK)]


def _is_early(trigger: Trigger, event: Event, state: CustomerState) -> bool:
    times = [at for at in rhythm(trigger, state) if at <= event.occurred_at]
    if len(times) - 2 < max(LEAST_INTERVALS, trigger.when.at_least):
        return False
    mean = (times[-2] - times[0]) / (len(times) - 2)
    return times[-1] - times[-2] <= mean * (trigger.when.change or 1.0)


KIND = Behavioural()
