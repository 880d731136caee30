"""A slow and obvious engine, written from docs/decisions.md alone, to set the real one against.

It knows one customer, in UTC, with consent, without a stronger candidate ahead. It shares no code with
`core`: windows are computed from the calendar, and the earliest legal instant is found by trying every
instant at which a window, a gap, or a channel could begin to let a message through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.oracle.spec import (
    DAY,
    HOUR,
    Act,
    ChannelSpec,
    Life,
    Row,
    RuleSpec,
    ShopSpec,
    StepSpec,
    TriggerSpec,
)

UNITS = ("day", "week", "month", "quarter", "year")
LENGTHS = {"h": HOUR, "d": DAY}
OBEYING = ("marketing",)
FAR = 800 * DAY


# ---- the calendar ----


def _day(at: int) -> datetime:
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _instant(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _begin(at: int, unit: str) -> datetime:
    day = _day(at)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(day=1, month=1 + (day.month - 1) // 3 * 3)
    return day.replace(day=1, month=1) if unit == "year" else day


def _next(begin: datetime, unit: str) -> datetime:
    days = {"day": 1, "week": 7}
    if unit in days:
        return begin + timedelta(days=days[unit])
    later = begin + timedelta(days={"month": 31, "quarter": 95, "year": 366}[unit])
    return _begin(_instant(later), unit) if unit == "year" else later.replace(day=1)


def period(at: int, unit: str) -> tuple[int, int]:
    """The first and the last instant of the calendar unit that holds an instant."""
    begin = _begin(at, unit)
    return _instant(begin), _instant(_next(begin, unit)) - 1


def span(rule: RuleSpec, at: int) -> tuple[int, int]:
    """The first and the last instant that a rule's window counts for a candidate that lands at an instant."""
    first, last, edge = _base(rule.window or "", at)
    if rule.extend is None:
        return first, last
    unit = rule.extend.removeprefix("calendar ")
    return period(edge, unit)[0], period(max(at, last), unit)[1]


def _base(window: str, at: int) -> tuple[int, int, int]:
    """First and last instant, and where the window begins (of elapsed time just before the first)."""
    if window.startswith("calendar "):
        first, last = period(at, window.removeprefix("calendar "))
        return first, last, first
    if window.endswith((" days", " day")):
        first, last = period(at, "day")
        first -= (int(window.split()[0]) - 1) * DAY
        return first, last, first
    length = int(window[:-1]) * LENGTHS[window[-1]]
    return at - length + 1, at, at - length


def is_open(channel: ChannelSpec, at: int) -> bool:
    """Whether a channel's send window is open."""
    if not channel.windows:
        return True
    day, hour = _day(at).weekday(), (at - _instant(_day(at))) / HOUR
    for first, last, begin, end in channel.windows:
        if begin < end:
            if first <= day <= last and begin <= hour < end:
                return True
        elif (first <= day <= last and hour >= begin) or (first <= (day - 1) % 7 <= last and hour < end):
            return True
    return False


# ---- what the engine remembers ----


@dataclass(frozen=True)
class Sent:
    """A contact that counts, where it lands."""

    at: int
    channel: str
    trigger: str
    purpose: str
    weight: int
    dispatch: int


@dataclass
class Journey:
    """One journey, and for when its open step is planned and due."""

    trigger: TriggerSpec
    number: int
    cause: Act | None
    cause_at: int
    value: object
    step: int
    planned: int
    due: int
    waits: tuple[str, int] | None = None
    """Why and until when it was deferred."""
    is_over: bool = False

    @property
    def now(self) -> StepSpec:
        """The open step."""
        return self.trigger.steps[self.step - 1]


@dataclass(frozen=True)
class Answer:
    """Where a step may go: at once (no reason), later, or never (no instant)."""

    channels: tuple[str, ...]
    at: int | None
    reason: str | None
    rules: tuple[tuple[str, bool], ...] = ()
    is_full: bool = False


@dataclass
class Oracle:
    """One customer of a shop, played from an instant on."""

    shop: ShopSpec
    life: Life
    begin: int
    now: int = 0
    acts: list[Act] = field(default_factory=list)
    journeys: list[Journey] = field(default_factory=list)
    entries: dict[str, int] = field(default_factory=dict)
    values: set[tuple[str, object]] = field(default_factory=set)
    silences: set[tuple[str, int]] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    numbers: int = 0
    scheduled: int = 0
    """With so many contacts all that waits was scheduled last."""

    # ---- instants ----

    def play(self, until: int) -> list[Row]:
        """All decisions up to and including an instant."""
        coming = list(self.life.acts)
        while (at := self._next(coming)) is not None and at <= until:
            self.now = at
            while coming and coming[0].at <= at:
                self._take(coming.pop(0))
            if at >= self.begin:
                self._silences()
                self._steps()
        return self.rows

    def _next(self, coming: Sequence[Act]) -> int | None:
        instants = [act.at for act in coming[:1]]
        instants += [journey.due for journey in self.journeys if not journey.is_over]
        instants += [at for _, at in self._silences_ahead()]
        return max(min(instants), self.now) if instants else None

    # ---- entering ----

    def _orders(self) -> int:
        return sum(act.name == "Order Completed" for act in self.acts)

    def _revenue(self, after: int | None = None) -> float:
        total = 0.0
        for act in self.acts:
            if after is None or act.at > after:
                revenue = act.properties.get("revenue", 0)
                assert isinstance(revenue, (int, float))
                total += {"Order Completed": revenue, "Order Returned": -revenue}.get(act.name, 0)
        return total

    def _take(self, act: Act) -> None:
        before = {each.name: self._metric(each, act.at) for each in self.shop.triggers}
        self.acts.append(act)
        for journey in sorted(self.journeys, key=lambda each: each.number):
            if not journey.is_over and self._ends(act, journey):
                channel = journey.now.channels[0]
                self._row(journey, channel, "suppress", "GOAL_REACHED")
                journey.is_over = True
        if act.at < self.begin:
            return
        for trigger in sorted(self.shop.triggers, key=lambda each: each.name):
            if self._fires(trigger, act, before[trigger.name]):
                self._enter(trigger, act, act.at)

    def _metric(self, trigger: TriggerSpec, at: int) -> float:
        after = None if trigger.within is None else at - trigger.within
        if trigger.kind == "revenue":
            return self._revenue(after)
        if trigger.kind == "orders":
            orders = [act for act in self.acts if act.name == "Order Completed"]
            return sum(after is None or order.at > after for order in orders)
        return 0

    def _fires(self, trigger: TriggerSpec, act: Act, before: float) -> bool:
        if trigger.kind in ("orders", "revenue"):
            return before < trigger.threshold <= self._metric(trigger, act.at)
        if trigger.kind == "silence" or act.name != trigger.event:
            return False
        if trigger.kind == "transactional" or trigger.at_least == 1:
            return True
        counted = [
            other for other in self.acts
            if other.name == act.name and (trigger.within is None or other.at > act.at - trigger.within)
        ]  # fmt: skip
        if trigger.per is not None:
            value = act.properties.get(trigger.per)
            counted = [
                other for other in counted
                if other is act or (value is not None and other.properties.get(trigger.per) == value)
            ]  # fmt: skip
        return len(counted) == trigger.at_least

    def _enter(self, trigger: TriggerSpec, cause: Act | None, cause_at: int) -> None:
        value = cause.properties.get(trigger.per) if cause is not None and trigger.per is not None else None
        if value is not None and (trigger.name, value) in self.values:
            return
        if trigger.most_orders is not None and self._orders() >= trigger.most_orders:
            return
        last = self.entries.get(trigger.name)
        if last is not None and (trigger.reentry is None or self.now - last < trigger.reentry):
            return
        if value is not None:
            self.values.add((trigger.name, value))
        self.entries[trigger.name] = self.now
        self.numbers += 1
        planned = cause_at + trigger.after + trigger.steps[0].after
        self.journeys.append(Journey(trigger, self.numbers, cause, cause_at, value, 1, planned, planned))

    def _silences_ahead(self) -> Iterator[tuple[TriggerSpec, int]]:
        if not self.acts:
            return
        for trigger in self.shop.triggers:
            at = self.acts[-1].at + trigger.silence
            if trigger.kind == "silence" and at >= self.begin and (trigger.name, at) not in self.silences:
                yield trigger, at

    def _silences(self) -> None:
        for trigger, at in sorted(self._silences_ahead(), key=lambda each: each[0].name):
            if at <= self.now:
                self.silences.add((trigger.name, at))
                self._enter(trigger, None, at)

    def _ends(self, act: Act, journey: Journey) -> bool:
        if act is journey.cause:
            return False
        trigger = journey.trigger
        if trigger.kind == "silence":
            return True
        value = None if trigger.per is None else act.properties.get(trigger.per)
        if journey.value is not None and value is not None and value != journey.value:
            return False
        if act.at < journey.cause_at:
            return False
        if act.name in trigger.exits:
            return True
        return act.name in trigger.unless and journey.step == 1 and act.at <= journey.planned

    # ---- deciding ----

    def _strength(self, journey: Journey) -> tuple[int, int, int, str, int]:
        step = journey.now
        weights = [self._weight(step, name) for name in step.channels]
        points = sum(weights) if step.mode == "all" else weights[0]
        return -journey.trigger.priority, -points, journey.planned, journey.trigger.name, journey.cause_at

    def _weight(self, step: StepSpec, channel: str) -> int:
        return self.shop.channels[channel].weight if step.weight is None else step.weight

    def _steps(self) -> None:
        while (due := self._due()) or self._schedule_anew():
            if due:
                self._decide(min(due, key=self._strength))

    def _due(self) -> list[Journey]:
        return [each for each in self.journeys if not each.is_over and each.due <= self.now]

    def _schedule_anew(self) -> bool:
        """What waits is decided anew once others have taken room; whether they have."""
        is_changed = len(self.sent) > self.scheduled
        self.scheduled = len(self.sent)
        for journey in self.journeys:
            if is_changed and not journey.is_over and journey.waits is not None:
                journey.due = self.now
        return is_changed

    def _decide(self, journey: Journey) -> None:
        step, trigger = journey.now, journey.trigger
        if step.only_if is not None and self._orders() < step.only_if:
            if step.skips_to_end:
                journey.is_over = True
            else:
                self._go_on(journey)
            return
        allowed = tuple(name for name in step.channels if name in self.life.media)
        shown = (allowed or step.channels) if step.mode == "all" else (allowed or step.channels)[:1]
        if trigger.most_orders is not None and self._orders() >= trigger.most_orders:
            for name in shown if step.mode == "all" else step.channels[:1]:
                self._row(journey, name, "suppress", "LEFT_AUDIENCE")
            self._go_on(journey)
            return
        reason = None if allowed else "NO_ADDRESS"
        expires = journey.planned + step.expires
        if reason is None and self.now > expires:
            reason = "EXPIRED"
        if reason is not None:
            for name in shown:
                self._row(journey, name, "suppress", reason)
            self._go_on(journey)
            return
        self._settle(journey, self._answer(journey, allowed, expires), expires)

    def _settle(self, journey: Journey, answer: Answer, expires: int) -> None:
        if answer.reason is None:
            for name in answer.channels:
                self._row(journey, name, "send")
            if journey.trigger.purpose != "transactional":
                self.sent += self._contacts(journey, answer.channels, self.now)
            self._go_on(journey)
        elif answer.at is None or answer.at > expires:
            reason = "PRESSURE" if answer.at is None else "EXPIRED"
            for name in answer.channels:
                self._row(journey, name, "suppress", reason, None, answer.rules)
            self._go_on(journey)
        else:
            if journey.waits != (answer.reason, answer.at):
                for name in answer.channels:
                    self._row(journey, name, "defer", answer.reason, answer.at, answer.rules)
            journey.waits, journey.due = (answer.reason, answer.at), answer.at

    def _go_on(self, journey: Journey) -> None:
        journey.waits = None
        if journey.step == len(journey.trigger.steps):
            journey.is_over = True
            return
        journey.step += 1
        journey.planned += journey.now.after
        journey.due = max(journey.planned, self.now)

    def _row(
        self, journey: Journey, channel: str, outcome: str, reason: str | None = None,
        until: int | None = None, rules: tuple[tuple[str, bool], ...] = (),
    ) -> None:  # fmt: skip
        self.rows.append(
            Row(self.now, journey.trigger.name, journey.step, channel, outcome, reason, until, rules)
        )

    # ---- where a step may go ----

    def _answer(self, journey: Journey, allowed: tuple[str, ...], expires: int) -> Answer:
        step = journey.now
        if step.mode == "all":
            return self._over(journey, allowed, expires)
        if step.on_limit != "fallback":
            return self._over(journey, allowed[:1], expires)
        tried = []
        for name in allowed:
            tried.append(self._over(journey, (name,), expires))
            if not tried[-1].is_full:
                return tried[-1]
        return min(tried, key=lambda each: FAR * 1000 if each.at is None else each.at)

    def _over(self, journey: Journey, names: tuple[str, ...], expires: int) -> Answer:
        now, step = self.now, journey.now
        closed = not self._open(names, now)
        broken = self._broken(journey, names, now)
        if self._is_never_free(journey, names):
            return Answer(names, None, "PRESSURE", broken, is_full=True)
        if not closed and not broken:
            return Answer(names, now, None)
        if step.on_limit == "drop" and not closed:
            return Answer(names, None, "PRESSURE", broken, is_full=True)
        at = next(
            (
                at for at in self._boundaries(names)
                if self._open(names, at) and (step.on_limit == "drop" or not self._broken(journey, names, at))
            ),
            expires + 1,
        )  # fmt: skip
        if at > expires:  # all that comes too late is alike; the row names the rules that hold at the opening
            at, opening = expires + 1, next(at for at in self._boundaries(names) if self._open(names, at))
            broken = broken or (() if step.on_limit == "drop" else self._broken(journey, names, opening))
        return Answer(names, at, "QUIET_HOURS" if closed else "PRESSURE", broken, is_full=bool(broken))

    def _open(self, names: Iterable[str], at: int) -> bool:
        return all(is_open(self.shop.channels[name], at) for name in names)

    def _boundaries(self, names: Sequence[str]) -> list[int]:
        """Every instant from now on at which something could begin to let the message through."""
        edges = {self.now}
        day = _instant(_day(self.now))
        for number in range(40):
            edges |= {day + number * DAY + hour * HOUR for hour in range(24)}
        leads = {self.shop.channels[name].lead_time for name in names}
        landings = {each.at for each in self.sent} | {each.at + 1 for each in self.sent}
        for rule in self.shop.rules:
            if rule.gap is not None:
                landings |= {each.at + rule.gap for each in self.sent}
            if rule.window is not None and rule.window[-1] in LENGTHS and " " not in rule.window:
                length = int(rule.window[:-1]) * LENGTHS[rule.window[-1]]
                landings |= {each.at + length for each in self.sent}
                if rule.extend is not None:
                    landings |= {day + number * DAY + length for number in range(-40, 40)}
        landings |= {day + number * DAY for number in range(420)}
        edges |= {landing - lead for landing in landings for lead in leads}
        return sorted(edge for edge in edges if edge >= self.now)

    def _contacts(self, journey: Journey, names: Iterable[str], at: int) -> list[Sent]:
        dispatch = journey.number * 100 + journey.step
        return [
            Sent(
                at + self.shop.channels[name].lead_time, name, journey.trigger.name, journey.trigger.purpose,
                self._weight(journey.now, name), dispatch,
            )
            for name in names
        ]  # fmt: skip

    def _broken(self, journey: Journey, names: Iterable[str], at: int) -> tuple[tuple[str, bool], ...]:
        """The rules that forbid it at an instant: with True where the limit is broken, False the gap."""
        if journey.trigger.purpose not in OBEYING:
            return ()
        own = self._contacts(journey, names, at)
        found: list[tuple[str, bool]] = []
        for rule in self.shop.rules:
            mine = [each for each in own if _applies(rule, each)]
            others = [each for each in self.sent if _applies(rule, each)]
            if not mine:
                continue
            if rule.gap is not None and any(abs(a.at - b.at) < rule.gap for a in mine for b in others):
                found.append((rule.name, False))
            if rule.limit is not None and _is_full(rule, mine, others):
                found.append((rule.name, True))
        return tuple(found)

    def _is_never_free(self, journey: Journey, names: Iterable[str]) -> bool:
        if journey.trigger.purpose not in OBEYING:
            return False
        own = self._contacts(journey, names, self.now)
        for rule in self.shop.rules:
            mine = [each for each in own if _applies(rule, each)]
            if mine and rule.limit is not None and (rule.limit == 0 or _is_full(rule, mine, [])):
                return True
        return False


def _applies(rule: RuleSpec, contact: Sent) -> bool:
    return (
        (not rule.channels or contact.channel in rule.channels)
        and (not rule.purposes or contact.purpose in rule.purposes)
        and (not rule.triggers or contact.trigger in rule.triggers)
    )


def _is_full(rule: RuleSpec, mine: Sequence[Sent], others: Sequence[Sent]) -> bool:
    """Whether a window of its own, or of a later contact that would hold it, has not the room."""
    asked = [each.at for each in mine]
    for later in others:
        first, last = span(rule, later.at)
        if any(first <= each.at <= last and each.at < later.at for each in mine):
            asked.append(later.at)
    return any(_load(rule, [*mine, *others], at) > (rule.limit or 0) for at in asked)


def _load(rule: RuleSpec, contacts: Sequence[Sent], at: int) -> int:
    first, last = span(rule, at)
    inside = [each for each in contacts if first <= each.at <= last]
    if rule.unit == "points":
        return sum(each.weight for each in inside)
    return len({each.dispatch for each in inside})
