"""Behaviour: an account opened, a product viewed n times, a coupon not redeemed, a changed purchase
rhythm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from core.explain.words import any_of
from core.instants import DAY, Instant, Millis, format_duration
from core.kinds._events import EventKind, warn_of_own_event
from core.kinds._kind import WhenReader
from core.kinds._nearness import comes_with_time, local_time
from core.kinds._silence import last_act_before, silence
from core.model.dossier import BEGINNING
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.nearness import EntryQuestion, Nearness
from core.model.triggers import Trigger
from core.model.when import UNBOUNDED, Cause, PlayedCustomer

RHYTHM_LOOKBACK: Final[Millis] = 730 * DAY
LEAST_INTERVALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavioural(EventKind):
    """Fires when `at_least` matching events lie within `within`, on the one that makes them so many; or on a
    changed rhythm.

    `change >= 1`: the customer is overdue, since no event came for `change` times the mean interval (an
    instant). `change < 1`: the newest interval is at most that part of the mean of the earlier ones (an
    event). Intervals of the last `within` (730 days unless said), at least two of them, or `at_least` where
    that is more.
    """

    kind: ClassVar[str] = "behavioural"
    keys: ClassVar[tuple[str, ...]] = (
        "event", "events", "where", "at_least", "within", "unless", "after", "per", "change", "restart",
    )  # fmt: skip
    place: ClassVar[int] = 2

    at_least: int = 1
    within: Millis | None = None
    change: float | None = None

    @classmethod
    def read(cls, table: WhenReader) -> Self:
        """The kind as a table has it."""
        if "change" in table and "events" in table:
            message = f"{table.quoted('events')} cannot stand beside `change`"
            table.fault("events", message, "`change` watches the events of one name: write `event`.")
        if "restart" in table and "change" in table:
            message = f"{table.quoted('restart')} cannot stand beside `change`"
            table.fault("restart", message, "A changed rhythm has no clock to begin anew: leave one out.")
        when = cls(
            events=_one_or_more_events(table),
            where=table.condition("where"),
            at_least=table.whole("at_least", 1, 1, 1_000_000),
            within=table.length("within"),
            unless=table.event_names("unless"),
            after=table.duration("after") or 0,
            per=table.text("per"),
            change=_change(table),
            restart=table.switch("restart", False),
        )
        warn_of_own_event(table, when)
        return when

    # ---- what concerns it ----

    def ends_on(self) -> frozenset[str]:
        """Who is overdue is so until the next act."""
        return self.events if self._is_of_overdue() else frozenset()

    def fires_without_event(self) -> bool:
        """Only for being overdue."""
        return self._is_of_overdue()

    def history_needed(self) -> Mapping[str, Millis]:
        """The events it counts, as far back as it counts them."""
        if self.change is not None:
            return dict.fromkeys(self.events, self.within or RHYTHM_LOOKBACK)
        if self.at_least > 1:
            return dict.fromkeys(self.events, self.within or UNBOUNDED)
        return {}

    def _is_of_overdue(self) -> bool:
        return self.change is not None and self.change >= 1

    # ---- what makes a customer enter ----

    def on_event(self, event: Event, customer: PlayedCustomer, before: Any) -> Cause | None:
        """The event that completes the count, or breaks the rhythm by being early."""
        if self._is_of_overdue() or not self.matches(event, customer):
            return None
        if self.change is not None:
            return self.cause_of(event) if self._is_early(event, customer) else None
        if self.at_least > 1 and self._count_with(event, customer) != self.at_least:
            return None
        return self.cause_of(event)

    def _count_with(self, event: Event, customer: PlayedCustomer) -> int:
        after = None if self.within is None else event.occurred_at - self.within
        return sum(
            other is event or (self.matches(other, customer) and self._is_alike(event, other))
            for other in customer.log.of(self.events, after, event.occurred_at)
        )

    def _is_alike(self, event: Event, other: Event) -> bool:
        """Whether two events count together: those of one value of `per`. One without a value stands for
        itself.
        """
        if self.per is None or other is event:
            return True
        value = self.key_of(event)
        return value is not None and self.key_of(other) == value

    def upcoming(self, trigger: Trigger, customer: PlayedCustomer, after: Instant) -> Cause | None:
        """The instant at which the customer is overdue by the rhythm known so far."""
        least = max(LEAST_INTERVALS, self.at_least) + 1
        if not customer.log.has(least, self.events):
            return None
        times = self._rhythm(customer)
        if len(times) < least:
            return None
        at = self._overdue_at(times)
        return silence(times[-1], at) if at > after else None

    def _overdue_at(self, times: Sequence[Instant]) -> Instant:
        mean = (times[-1] - times[0]) / (len(times) - 1)
        return times[-1] + int(mean * (self.change or 1.0))

    def _rhythm(self, customer: PlayedCustomer) -> Sequence[Instant]:
        """The instants of the events whose intervals are looked at, oldest first."""
        events = customer.log.of(self.events)
        times = [event.occurred_at for event in events if self.matches(event, customer)]
        return [at for at in times if at > times[-1] - (self.within or RHYTHM_LOOKBACK)]

    def _is_early(self, event: Event, customer: PlayedCustomer) -> bool:
        times = [at for at in self._rhythm(customer) if at <= event.occurred_at]
        if len(times) - 2 < max(LEAST_INTERVALS, self.at_least):
            return False
        mean = (times[-2] - times[0]) / (len(times) - 2)
        return times[-1] - times[-2] <= mean * (self.change or 1.0)

    # ---- what becomes of a journey ----

    def ends(self, enrolment: Enrolment, event: Event) -> bool:
        """A newer such event ends being overdue."""
        return event.occurred_at > self.silent_since(enrolment)

    def silent_since(self, enrolment: Enrolment) -> Instant:
        """The last act before the customer was overdue."""
        return last_act_before(enrolment)

    # ---- words ----

    def occurrence(self) -> str:
        """How often the events must come, or how the rhythm must change."""
        if self.change is not None:
            return self._rhythm_words(self.change)
        many = f" {self.at_least} times" if self.at_least > 1 else ""
        within = "" if self.within is None else f" within {format_duration(self.within)}"
        return f"{any_of(self.events)} comes{many}{within}"

    def _rhythm_words(self, change: float) -> str:
        known = f", known from at least {self.at_least} intervals" if self.at_least > 1 else ""
        if change > 1:
            return f"{change:g} times her usual interval has passed since {any_of(self.events)}{known}"
        return f"{any_of(self.events)} comes after at most {change:g} times her usual interval{known}"

    # ---- nearness ----

    def nearness(self, question: EntryQuestion) -> Nearness:
        """How many events are short, or how the rhythm stands."""
        if self.change is None:
            return self.nearness_by_events(question)
        return self._overdue(question) if self.change >= 1 else self._early(question)

    def shortage(self, question: EntryQuestion, matching: Sequence[Event]) -> Nearness | None:
        """How many of the events asked for lie in the window that ends now, of one value of `per`; None where
        there are enough.
        """
        if self.at_least == 1:
            return None
        since = BEGINNING if self.within is None else question.customer.now - self.within
        recent = [event for event in matching if event.occurred_at > since]
        alike = ([each for each in recent if self._is_alike(event, each)] for event in recent)
        best = max(alike, key=len, default=[])
        if len(best) >= self.at_least:
            return None
        window = "" if self.within is None else f" within {format_duration(self.within)}"
        number = (
            f"{len(best)} of {self.at_least} {any_of(self.events)}{window}, {self.at_least - len(best)} short"
        )
        last = local_time(matching[-1].occurred_at, question)
        return Nearness(False, f"{number}; the last {last}", short=number)

    def _overdue(self, question: EntryQuestion) -> Nearness:
        times = self._rhythm(question.customer)
        mean = self._mean(times)
        if mean is None:
            return self._unknown_rhythm(times)
        said = f"{_on_average(mean)}, the last {local_time(times[-1], question)}; overdue"
        return comes_with_time(question, self._overdue_at(times), said)

    def _early(self, question: EntryQuestion) -> Nearness:
        times = self._rhythm(question.customer)
        mean = self._mean(times[:-1])
        if mean is None:
            return self._unknown_rhythm(times)
        newest, limit = times[-1] - times[-2], int(mean * (self.change or 1.0))
        said = f"{_on_average(mean)}, the newest interval {_days(newest)}; early is at most {_days(limit)}"
        return self.nearness_by_events(question) if newest <= limit else Nearness(False, said)

    def _mean(self, times: Sequence[Instant]) -> Millis | None:
        """The mean interval; None where too few are known."""
        known = len(times) - 1
        if known < max(LEAST_INTERVALS, self.at_least):
            return None
        return (times[-1] - times[0]) // known

    def _unknown_rhythm(self, times: Sequence[Instant]) -> Nearness:
        needed, names = max(LEAST_INTERVALS, self.at_least) + 1, any_of(self.events)
        lacking = needed - len(times)
        return Nearness(False, f"{len(times)} of {needed} {names} that a rhythm needs, {lacking} short")


def _one_or_more_events(table: WhenReader) -> frozenset[str]:
    if "events" not in table:
        return table.event_name()
    table.expects("event")
    if "event" in table:
        message = "`event` and `events` stand side by side in [when]"
        table.fault("event", message, "Keep `events` and put the name into its list.")
    names = table.event_names("events")
    if table.raw("events") == []:
        remedy = 'Name at least one: events = ["Product Viewed"].'
        table.fault("events", "`events` in [when] is empty", remedy)
    return names


def _change(table: WhenReader) -> float | None:
    change = table.number("change")
    if change is not None and (change <= 0 or change == 1 or change > 1000):
        table.refuse("change", "Write a factor above 1 (overdue) or between 0 and 1 (more often).")
        return None
    return None if change is None else float(change)


def _on_average(mean: Millis) -> str:
    return f"every {_days(mean)} on average"


def _days(length: Millis) -> str:
    return f"{length / DAY:.1f} days".replace(".0 ", " ")


KIND = Behavioural
