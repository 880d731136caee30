"""Crossing a mark, once: CHF 5000 spent, the tenth purchase, no activity for n days over any channel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self

from core.explain.words import any_of, counted
from core.instants import DAY, Instant, Millis, format_duration
from core.kinds._kind import Kind, WhenReader
from core.kinds._nearness import comes_with_time, has_entered, local_time
from core.kinds._orders import order_metric
from core.kinds._silence import silence
from core.language.shortfalls import money
from core.model.enrolment import Enrolment
from core.model.events import FIRST, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, ORDER_UPDATED, Event
from core.model.nearness import EntryQuestion, Nearness
from core.model.orders import ORDER_ACTS
from core.model.triggers import Trigger
from core.model.when import ANY_EVENT, UNBOUNDED, Cause, PlayedCustomer

METRICS: Final = ("orders", "returns", "units", "revenue", "revenue_gross")
MONEY: Final = frozenset({"revenue", "revenue_gross"})
"""The metrics that are amounts, in minor units."""
LOWERING: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})
TOLD: Final = frozenset({ORDER_COMPLETED, ORDER_UPDATED})
"""What tells of an order, and what corrects it."""
SOURCES: Final[Mapping[str, frozenset[str]]] = {
    "orders": frozenset({ORDER_COMPLETED}),
    "revenue": TOLD | LOWERING,
    "revenue_gross": TOLD,
    "units": TOLD,
    "returns": LOWERING,
}
_TEXT: Final = r"""(?:'([^']+)'|"([^"]+)")"""
_SUM: Final = re.compile(rf"sum\(\s*{_TEXT}\s*,\s*{_TEXT}\s*\)")
_COUNT: Final = re.compile(rf"count\(\s*{_TEXT}\s*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Kind):
    """Fires on the event with which a metric crosses `threshold` from below, or when a silence lasts
    `inactive_for`.

    With `within` the metric is taken over the elapsed time up to and including the event, with `where` over
    the orders, or events, for which that holds. `threshold`, which files call `reaches`, is in the unit of
    the metric: minor units for money, else a plain number.
    """

    kind: ClassVar[str] = "threshold"
    keys: ClassVar[tuple[str, ...]] = (
        "metric", "where", "reaches", "within", "inactive_for", "activity", "on_activation",
    )  # fmt: skip
    place: ClassVar[int] = 4

    metric: str | None = None
    metric_event: str | None = None
    metric_property: str | None = None
    threshold: int | float | None = None
    within: Millis | None = None
    inactive_for: Millis | None = None
    activity: frozenset[str] = frozenset()  # empty: any activity
    on_activation: Literal["ignore", "enrol"] = "ignore"

    @classmethod
    def read(cls, table: WhenReader) -> Self:
        """The kind as a table has it."""
        is_silence = "inactive_for" in table
        if is_silence == ("metric" in table):
            remedy = 'Write metric = "orders" and reaches = 10, or inactive_for = "60d".'
            table.fault_of_table("a threshold needs either `metric` or `inactive_for`", remedy)
        metric = _metric(table)
        at_once = table.choice("on_activation", ("ignore", "enrol"), "ignore") == "enrol"
        when = cls(
            metric=metric.name or None,
            metric_event=metric.event,
            metric_property=metric.property,
            where=table.condition("where"),
            threshold=_threshold(table, metric),
            within=table.length("within"),
            inactive_for=table.length("inactive_for"),
            activity=table.event_names("activity"),
            on_activation="enrol" if at_once else "ignore",
        )
        _check_companions(table, is_silence)
        return when

    # ---- what concerns it ----

    def enters_on(self) -> frozenset[str]:
        """The events the metric is made of."""
        return self._sources() if self.inactive_for is None else frozenset()

    def ends_on(self) -> frozenset[str]:
        """Activity ends a silence."""
        if self.inactive_for is None:
            return frozenset()
        return self.activity or frozenset({ANY_EVENT})

    def fires_without_event(self) -> bool:
        """A silence ends by itself; and whoever is past the mark at activation may enter then."""
        return self.inactive_for is not None or self.on_activation == "enrol"

    def history_needed(self) -> Mapping[str, Millis]:
        """The events of the metric, where the profile does not hold it. What an order comes to depends on all
        that was told of it, however long ago.
        """
        if self.inactive_for is not None or self._is_of_profile():
            return {}
        if self.metric in SOURCES:
            return dict.fromkeys(ORDER_ACTS, UNBOUNDED)
        return dict.fromkeys(self._sources(), self.within or UNBOUNDED)

    def _is_of_profile(self) -> bool:
        return self.within is None and self.where is None and self.metric in SOURCES

    def _sources(self) -> frozenset[str]:
        if self.metric_event is not None:
            return frozenset({self.metric_event})
        return SOURCES.get(self.metric or "", frozenset())

    # ---- what makes a customer enter ----

    def before_event(self, event: Event, customer: PlayedCustomer) -> int | float:
        """The metric just before the event."""
        return self.value(customer, event.occurred_at, without=event)

    def on_event(self, event: Event, customer: PlayedCustomer, before: Any) -> Cause | None:
        """The event with which the metric comes from below the mark to it or past it."""
        if not before < (self.threshold or 0) <= self.value(customer, event.occurred_at):
            return None
        return Cause(f"event:{event.id}", event.occurred_at, event)

    def upcoming(self, trigger: Trigger, customer: PlayedCustomer, after: Instant) -> Cause | None:
        """The end of the silence, or the activation itself for those already past the mark."""
        activation = trigger.activated_at
        begins = activation if self.on_activation == "enrol" and _is_ahead(activation, after) else None
        if self.inactive_for is None:
            is_past = begins is not None and self.value(customer, begins) >= (self.threshold or 0)
            return Cause("activation", begins) if is_past and begins is not None else None
        last = self.last_activity(customer)
        if last is None:
            return None
        at = last + self.inactive_for
        if begins is not None and at < begins:
            return silence(last, begins)
        return silence(last, at) if at > after else None

    def last_activity(self, customer: PlayedCustomer) -> Instant | None:
        """The act from which a silence is counted; None where there is none."""
        if not self.activity:
            return customer.profile.last_activity
        known = customer.profile.activity
        return max([known[name] for name in self.activity if name in known], default=None)

    def value(self, customer: PlayedCustomer, at: Instant, without: Event | None = None) -> int | float:
        """The metric up to an instant, over all time or the last `within`; money in minor units."""
        if self._is_of_profile():
            value: int | float = customer.profile.field(str(self.metric))
            return value
        after, until = (None, None) if self.within is None else (at - self.within, at)
        if self.metric in SOURCES:
            told = [event for event in customer.log.of(ORDER_ACTS, None, until) if event is not without]
            return order_metric(str(self.metric), told, after, self.where, customer)
        return self._total([
            event
            for event in customer.log.of(self._sources(), after, until)
            if event is not without
            and event.standing == FIRST
            and (self.where is None or self.where.holds(customer.facts(event)))
        ])  # fmt: skip

    def _total(self, events: Sequence[Event]) -> int | float:
        if self.metric_property is None:
            return len(events)
        return sum(_number(event.properties.get(self.metric_property)) for event in events)

    # ---- what becomes of a journey ----

    def ends(self, enrolment: Enrolment, event: Event) -> bool:
        """Any act since the silence began, or what `activity` names."""
        is_act = event.is_activity or event.name in self.activity
        return is_act and event.occurred_at > self.silent_since(enrolment)

    def silent_since(self, enrolment: Enrolment) -> Instant:
        """When the silence began whose end the cause is."""
        return enrolment.cause_at - (self.inactive_for or 0)

    # ---- words ----

    def words(self, currency: str) -> str:
        """Which mark is crossed, or how long a silence lasts."""
        if self.inactive_for is not None:
            acts = any_of(self.activity) or "any sign of life"
            return f"after {format_duration(self.inactive_for)} without {acts}"
        threshold = self.threshold or 0
        mark = f"{currency} {threshold / 100:,.2f}" if self.metric in MONEY else f"{threshold:,g}"
        of = f" of {self.metric_event}" if self.metric_event else ""
        where = "" if self.where is None else f", where {self.where.text}"
        return f"when {self.metric}{of} reaches {mark}{self._window_words()}{where}"

    def _window_words(self) -> str:
        return "" if self.within is None else f" within {format_duration(self.within)}"

    # ---- nearness ----

    def nearness(self, question: EntryQuestion) -> Nearness:
        """How far the metric is from the mark, or how long the silence has lasted."""
        return self._crossing(question) if self.inactive_for is None else self._silence(question)

    def _silence(self, question: EntryQuestion) -> Nearness:
        last = self.last_activity(question.customer)
        lasts = self.inactive_for or 0
        length = format_duration(lasts)
        if last is None:
            names = any_of(self.activity) or "activity"
            return Nearness(False, f"no {names} is known, so no silence of {length} can end")
        ago = counted((question.customer.now - last) // DAY, "day")
        said = f"last active {ago} ago ({_act(last, question)}); silent for {length}"
        enters_late = self.on_activation == "enrol"
        return comes_with_time(question, last + lasts, said, enters_late=enters_late)

    def _crossing(self, question: EntryQuestion) -> Nearness:
        value, threshold = self.value(question.customer, question.customer.now), self.threshold or 0
        parts = (self.metric_property, "of", self.metric_event)
        name = self.metric or " ".join(part for part in parts if part)
        said = f"{name}{self._window_words()} is {self._amount(value, question)}"
        mark = self._amount(threshold, question)
        if value < threshold:
            short = f"{self._amount(threshold - value, question)} short"
            detail = f"{said}, {short} of {mark}{_last_order(question)}"
            return Nearness(False, detail, short=f"{name}: {short}")
        if has_entered(question):
            return Nearness(True, f"{said}, the mark is {mark}")
        past = f"{said}, past the mark of {mark} already, and only the event that crosses it enters"
        return Nearness(False, past, short=f"{name} was past the mark before")

    def _amount(self, value: int | float, question: EntryQuestion) -> str:
        return money(int(value), question.currency) if self.metric in MONEY else f"{value:g}"


# ---- the table ----


class Metric(NamedTuple):
    """What is added up: a metric of the profile, or the `sum` or `count` of an event."""

    name: str
    event: str | None = None
    property: str | None = None


_NO_METRIC: Final = Metric("")


def _metric(table: WhenReader) -> Metric:
    text = table.text("metric")
    if text is None:
        return _NO_METRIC
    if text in METRICS:
        return Metric(text)
    if found := _SUM.fullmatch(text.strip()):
        return Metric("sum", table.usual_spelling("metric", found[1] or found[2]), found[3] or found[4])
    if found := _COUNT.fullmatch(text.strip()):
        return Metric("count", table.usual_spelling("metric", found[1] or found[2]))
    others = f"Write one of: {', '.join(METRICS)}, sum('Event Name', 'property'), count('Event Name')."
    table.no_such("metric", "metric", METRICS, others)
    return _NO_METRIC


def _threshold(table: WhenReader, metric: Metric) -> int | float | None:
    """In the unit of the metric: minor units for money, else a plain number."""
    reaches = table.number("reaches")
    if reaches is None or metric is _NO_METRIC:
        return None
    if reaches <= 0:
        table.refuse("reaches", "Write a number above 0.")
        return None
    if metric.name == "sum":
        return int(reaches) if reaches == int(reaches) else float(reaches)
    scaled = reaches * 100 if metric.name in MONEY else reaches
    if scaled != int(scaled):
        wanted = "an amount with at most two decimals" if metric.name in MONEY else "a whole number"
        table.refuse("reaches", f"Write {wanted}.")
        return None
    return int(scaled)


def _check_companions(table: WhenReader, is_silence: bool) -> None:
    if not is_silence and "metric" in table and "reaches" not in table:
        table.missing("reaches", "Say from which number on it fires: reaches = 10.")
    for key, companion in (
        ("reaches", "metric"),
        ("within", "metric"),
        ("where", "metric"),
        ("activity", "inactive_for"),
    ):
        if key in table and companion not in table:
            message = f"{table.quoted(key)} stands without `{companion}`"
            table.fault(key, message, f"Leave it out, or write `{companion}`.")


# ---- sums ----


def _is_ahead(activation: Instant | None, after: Instant) -> bool:
    return activation is not None and after < activation


def _number(value: object) -> int | float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


# ---- words ----


def _act(at: Instant, question: EntryQuestion) -> str:
    """What the customer did then, over which channel, and when."""
    profile = question.customer.profile
    name = next((name for name, instant in profile.activity.items() if instant == at), "")
    channel = next((channel for channel, instant in profile.channels.items() if instant == at), "")
    parts = (name, f"over {channel}" if channel else "", local_time(at, question))
    return " ".join(part for part in parts if part)


def _last_order(question: EntryQuestion) -> str:
    last = question.customer.profile.last_order
    return "" if last is None else f"; the last order {local_time(last, question)}"


KIND = Threshold
