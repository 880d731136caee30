"""The `[when]` table of each trigger kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.workspace.conditions import Conditions
from console.workspace.faults import did_you_mean
from console.workspace.toml_reader import TomlTable, shown
from core.instants import DAY
from core.kinds.threshold import MONEY
from core.language import ConditionContext
from core.model.events import FORMER_NAMES
from core.model.triggers import When
from core.suggestions import nearest

KIND_KEYS: Mapping[str, tuple[str, ...]] = {
    "transactional": ("event", "where", "after", "unless", "per"),
    "behavioural": ("event", "events", "where", "at_least", "within", "unless", "after", "per", "change"),
    "recurring": ("date", "offset", "at", "years"),
    "threshold": ("metric", "reaches", "within", "inactive_for", "activity", "on_activation"),
}
DATES = ("birthday", "registered_at", "first_order", "last_order")
COUNTED = ("orders", "returns", "units")
METRICS = (*COUNTED, "revenue", "revenue_gross")

# Names of Segment's e-commerce specification and of our own records; only to find slips of the pen, others
# may be used freely.
USUAL_EVENTS = frozenset(
    {
        "Products Searched", "Product List Viewed", "Product List Filtered", "Product Clicked",
        "Product Viewed", "Product Added",
        "Product Removed", "Cart Viewed", "Checkout Started", "Checkout Step Viewed",
        "Checkout Step Completed", "Payment Info Entered",
        "Order Completed", "Order Updated", "Order Shipped", "Order Cancelled", "Order Refunded",
        "Order Returned", "Coupon Entered",
        "Coupon Applied", "Coupon Denied", "Coupon Removed", "Coupon Issued", "Coupon Redeemed",
        "Product Added to Wishlist",
        "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared", "Cart Shared",
        "Product Reviewed",
        "Account Created", "Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced",
        "Email Marked as Spam", "Unsubscribed",
        "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced", "Message Complained",
        "Consent Granted",
        "Consent Withdrawn", "Store Visited", "Order Delivered", "Wishlist Price Dropped",
        "Product Back in Stock", "Support Case Closed",
        "Survey Answered",
    }
)  # fmt: skip

_ALIKE = 0.85
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_TRAIT = re.compile(r"trait\.[^\W\d][\w.]*")
_TEXT = r"""(?:'([^']+)'|"([^"]+)")"""
_SUM = re.compile(rf"sum\(\s*{_TEXT}\s*,\s*{_TEXT}\s*\)")
_COUNT = re.compile(rf"count\(\s*{_TEXT}\s*\)")


@dataclass(frozen=True, slots=True)
class Metric:
    """What a threshold adds up: a metric of the profile, or the `sum` or `count` of an event."""

    name: str
    event: str | None = None
    property: str | None = None


_NO_METRIC = Metric("")


def read_when(table: TomlTable, conditions: Conditions, elsewhere: Mapping[str, str]) -> When | None:
    """The [when] table, or None where its kind is not known."""
    kind = table.required("kind", f"Write one of: {', '.join(KIND_KEYS)}.")
    if kind is None:
        table.check_slips()
        return None
    if kind not in KIND_KEYS:
        table.fault("kind", f"there is no kind {shown(kind)}", did_you_mean(kind, KIND_KEYS))
        return None
    when = _READERS[kind](table, conditions)
    table.done({**elsewhere, **_of_other_kinds(kind)})
    return when


def _of_other_kinds(kind: str) -> dict[str, str]:
    owners: dict[str, list[str]] = {}
    for other, keys in KIND_KEYS.items():
        for key in keys:
            owners.setdefault(key, []).append(other)
    return {
        key: f'It belongs to kind = "{kinds[0]}"'
        + (f' or "{kinds[1]}"' if len(kinds) > 1 else "")
        + f"; this one is {kind}."
        for key, kinds in owners.items()
        if kind not in kinds
    }


# ---- events ----


def event_names(table: TomlTable, key: str) -> frozenset[str]:
    """Names of events in today's spelling; one that is nearly a usual name is a warning."""
    names = table.texts(key, or_one=True) or ()
    for name in names:
        _warn_of_slip(table, key, name)
    return frozenset(FORMER_NAMES.get(name, name) for name in names)


def _warn_of_slip(table: TomlTable, key: str, name: str) -> None:
    if name in USUAL_EVENTS or name in FORMER_NAMES:
        return
    usual = {event.lower(): event for event in USUAL_EVENTS}
    meant = nearest(name.lower(), usual, _ALIKE)
    if meant is not None:
        table.warn(
            key,
            f"{table.quoted(key)}: the event {shown(name)} is not a usual one",
            f"Did you mean `{usual[meant]}`?",
        )


def _one_event(table: TomlTable) -> frozenset[str]:
    name = table.required("event", 'Name the event: event = "Order Completed".')
    if name is None:
        return frozenset()
    return event_names(table, "event")


def _one_or_more_events(table: TomlTable) -> frozenset[str]:
    if "events" not in table:
        return _one_event(table)
    table.known.add("event")
    if "event" in table:
        table.fault(
            "event",
            "`event` and `events` stand side by side in [when]",
            "Keep `events` and put the name into its list.",
        )
    names = event_names(table, "events")
    if table.values["events"] == []:
        table.fault(
            "events", "`events` in [when] is empty", 'Name at least one: events = ["Product Viewed"].'
        )
    return names


# ---- kinds ----


def _transactional(table: TomlTable, conditions: Conditions) -> When:
    return When(
        kind="transactional",
        events=_one_event(table),
        where=conditions.read(table, "where", ConditionContext.WHERE),
        after=table.duration("after") or 0,
        unless=event_names(table, "unless"),
        per=table.text("per"),
    )


def _behavioural(table: TomlTable, conditions: Conditions) -> When:
    if "change" in table and "events" in table:
        table.fault(
            "events",
            f"{table.quoted('events')} cannot stand beside `change`",
            "`change` watches the events of one name: write `event`.",
        )
    return When(
        kind="behavioural",
        events=_one_or_more_events(table),
        where=conditions.read(table, "where", ConditionContext.WHERE),
        at_least=table.whole("at_least", 1, 1, 1_000_000),
        within=_length(table, "within"),
        unless=event_names(table, "unless"),
        after=table.duration("after") or 0,
        per=table.text("per"),
        change=_change(table),
    )


def _change(table: TomlTable) -> float | None:
    change = table.number("change")
    if change is not None and (change <= 0 or change == 1 or change > 1000):
        table.fault(
            "change",
            f"{table.quoted('change')} is {shown(change)}",
            "Write a factor above 1 (overdue) or between 0 and 1 (more often).",
        )
        return None
    return None if change is None else float(change)


def _length(table: TomlTable, key: str) -> int | None:
    length = table.duration(key)
    if length == 0:
        table.fault(key, f"{table.quoted(key)} is 0", 'Write a duration, such as "30d".')
    return length


def _recurring(table: TomlTable, conditions: Conditions) -> When:  # noqa: ARG001 - all kinds are read alike
    offset = table.duration("offset", signed=True) or 0
    days = int(offset / DAY)
    return When(
        kind="recurring",
        date=_date(table),
        offset_days=days,
        offset=offset - days * DAY,
        at=table.parsed("at", _clock) or (9, 0),
        years=_years(table),
    )


def _date(table: TomlTable) -> str | None:
    date = table.required("date", f"Write one of: {', '.join(DATES)}, trait.NAME.")
    if date is None or date in DATES or _TRAIT.fullmatch(date):
        return date
    table.fault(
        "date",
        f"there is no profile date {shown(date)}",
        did_you_mean(date, DATES, f"Write one of: {', '.join(DATES)}, trait.NAME."),
    )
    return None


def _clock(text: str) -> tuple[int, int]:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f'{shown(text)} is not a time of day. Write hours and minutes, such as "09:00".')
    return int(found[1]), int(found[2])


def _years(table: TomlTable) -> frozenset[int]:
    value = table.raw("years")
    if value is None:
        return frozenset()
    years = value if isinstance(value, list) else [value]
    if not years or not all(
        isinstance(year, int) and not isinstance(year, bool) and 0 <= year <= 150 for year in years
    ):
        table.wrong("years", "a whole number from 0 to 150, or a list of them, such as [1, 3]")
        return frozenset()
    return frozenset(years)


def _threshold(table: TomlTable, conditions: Conditions) -> When:  # noqa: ARG001
    inactive = "inactive_for" in table
    if inactive == ("metric" in table):
        remedy = 'Write metric = "orders" and reaches = 10, or inactive_for = "60d".'
        table.document.fault(table.path, "a threshold needs either `metric` or `inactive_for`", remedy)
    metric = _metric(table) or _NO_METRIC
    when = When(
        kind="threshold",
        metric=metric.name or None,
        metric_event=metric.event,
        metric_property=metric.property,
        reaches=_reaches(table, metric),
        within=_length(table, "within"),
        inactive_for=_length(table, "inactive_for"),
        activity=event_names(table, "activity"),
        on_activation="enrol"
        if table.choice("on_activation", ("ignore", "enrol"), "ignore") == "enrol"
        else "ignore",
    )
    _check_companions(table, inactive)
    return when


def _check_companions(table: TomlTable, inactive: bool) -> None:
    if not inactive and "metric" in table and "reaches" not in table:
        table.missing("reaches", "Say from which number on it fires: reaches = 10.")
    for key, companion in (("reaches", "metric"), ("within", "metric"), ("activity", "inactive_for")):
        if key in table and companion not in table:
            table.fault(
                key,
                f"{table.quoted(key)} stands without `{companion}`",
                f"Leave it out, or write `{companion}`.",
            )


def _metric(table: TomlTable) -> Metric | None:
    text = table.text("metric")
    if text is None:
        return None
    if text in METRICS:
        return Metric(text)
    if found := _SUM.fullmatch(text.strip()):
        return Metric("sum", _event_of(table, found[1] or found[2]), found[3] or found[4])
    if found := _COUNT.fullmatch(text.strip()):
        return Metric("count", _event_of(table, found[1] or found[2]))
    others = f"Write one of: {', '.join(METRICS)}, sum('Event Name', 'property'), count('Event Name')."
    table.fault("metric", f"there is no metric {shown(text)}", did_you_mean(text, METRICS, others))
    return None


def _event_of(table: TomlTable, name: str) -> str:
    _warn_of_slip(table, "metric", name)
    return FORMER_NAMES.get(name, name)


def _reaches(table: TomlTable, metric: Metric) -> int | float | None:
    """In the unit of the metric: minor units for money, else a plain number."""
    reaches = table.number("reaches")
    if reaches is None or metric is _NO_METRIC:
        return None
    if reaches <= 0:
        table.fault("reaches", f"{table.quoted('reaches')} is {shown(reaches)}", "Write a number above 0.")
        return None
    if metric.name == "sum":
        return int(reaches) if reaches == int(reaches) else float(reaches)
    scaled = reaches * 100 if metric.name in MONEY else reaches
    if scaled != int(scaled):
        wanted = "an amount with at most two decimals" if metric.name in MONEY else "a whole number"
        table.fault("reaches", f"{table.quoted('reaches')} is {shown(reaches)}", f"Write {wanted}.")
        return None
    return int(scaled)


_READERS: Mapping[str, Callable[[TomlTable, Conditions], When]] = {
    "transactional": _transactional,
    "behavioural": _behavioural,
    "recurring": _recurring,
    "threshold": _threshold,
}
