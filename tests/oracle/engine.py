"""A slow and obvious engine, written from docs/decisions.md alone, to set the real one against.

It knows one customer, with consent. It shares no code with `core`:
windows are computed from the calendar, and the earliest legal instant is found by trying every instant at
which a window, a gap, or a channel could begin to let a message through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.oracle.spec import (
    DAY,
    HOUR,
    MINUTE,
    Act,
    ChannelSpec,
    Life,
    PauseSpec,
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


def local(at: int, zone: str) -> datetime:
    """What the customer's clock shows, without its zone."""
    return datetime.fromtimestamp(at // 1000, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@cache
def instant(moment: datetime, zone: str) -> int:
    """When the customer's clock shows a time first; where it never does, the first instant after the gap."""
    at = round(moment.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    if local(at, zone) == moment:
        return at
    at -= 26 * HOUR  # a gap may be a whole day
    while local(at, zone) < moment:
        at += MINUTE
    return at


def _day(at: int, zone: str) -> datetime:
    return local(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _begin(at: int, unit: str, zone: str) -> datetime:
    day = _day(at, zone)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(day=1, month=1 + (day.month - 1) // 3 * 3)
    return day.replace(day=1, month=1) if unit == "year" else day


def _next(begin: datetime, unit: str) -> datetime:
    if unit in ("day", "week"):
        return begin + timedelta(days={"day": 1, "week": 7}[unit])
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    return begin.replace(
        year=begin.year + (begin.month - 1 + months) // 12, month=(begin.month - 1 + months) % 12 + 1
    )


def period(at: int, unit: str, zone: str) -> tuple[int, int]:
    """The first and the last instant of the calendar unit that holds an instant."""
    begin = _begin(at, unit, zone)
    return instant(begin, zone), instant(_next(begin, unit), zone) - 1


@cache
def span(rule: RuleSpec, at: int, zone: str) -> tuple[int, int]:
    """The first and the last instant that a rule's window counts for a candidate that lands at an instant."""
    first, last, edge = _base(rule.window or "", at, zone)
    if rule.extend is None:
        return first, last
    unit = rule.extend.removeprefix("calendar ")
    return period(edge, unit, zone)[0], period(max(at, last), unit, zone)[1]


def _base(window: str, at: int, zone: str) -> tuple[int, int, int]:
    """First and last instant, and where the window begins (of elapsed time just before the first)."""
    if window.startswith("calendar "):
        first, last = period(at, window.removeprefix("calendar "), zone)
        return first, last, first
    if window.endswith((" days", " day")):
        begin = _day(at, zone) - timedelta(days=int(window.split()[0]) - 1)
        first = instant(begin, zone)
        return first, period(at, "day", zone)[1], first
    length = int(window[:-1]) * LENGTHS[window[-1]]
    return at - length + 1, at, at - length


@cache
def openings(channel: ChannelSpec, day: datetime, zone: str) -> list[tuple[int, int]]:
    """From when to when the send windows that begin on a local day are open."""
    found = []
    for first, last, begin, end in channel.windows:
        if first <= day.weekday() <= last:
            closes = day + timedelta(days=0 if begin < end else 1, hours=end)
            found.append((instant(day + timedelta(hours=begin), zone), instant(closes, zone)))
    return found


@cache
def is_open(channel: ChannelSpec, at: int, zone: str) -> bool:
    """Whether a channel's send window is open."""
    day = _day(at, zone)
    return not channel.windows or any(
        begin <= at < end
        for each in (day - timedelta(days=1), day)
        for begin, end in openings(channel, each, zone)
    )


@cache
def birthday(date: tuple[int, int], year: int, trigger: TriggerSpec, zone: str) -> int:
    """When the anniversary of a year is, for a trigger."""
    month, day = date
    if (month, day) == (2, 29) and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        day = 28
    sign = -1 if trigger.offset < 0 else 1
    days, rest = divmod(abs(trigger.offset), DAY)
    there = datetime(year, month, day) + timedelta(days=sign * days, minutes=trigger.minute)  # noqa: DTZ001
    return instant(there, zone) + sign * rest


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
    begun: int = 0
    waits: tuple[str, int] | None = None
    """Why and until when it was deferred."""
    wait_end: int | None = None
    """Until when the open step waits for an event."""
    waited_for: Act | None = None
    """What ended the last wait."""
    held: PauseSpec | None = None
    """The pause in which the open step fell due."""
    moved: tuple[tuple[int, int], ...] = ()
    """The pauses by whose length it was moved."""
    is_over: bool = False

    @property
    def now(self) -> StepSpec:
        """The open step, as the file has it."""
        return self.trigger.steps[self.step - 1]


@dataclass(frozen=True)
class Answer:
    """Where a step may go: at once (no reason), later, or never (no instant)."""

    channels: tuple[str, ...]
    at: int | None
    reason: str | None
    rules: tuple[tuple[str, bool], ...] = ()
    is_full: bool = False
    """No room now: a window is full, or a stronger one has the room."""


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
    crossed: set[tuple[str, int]] = field(default_factory=set)
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
            for pause in self.shop.pauses:
                if pause.until == at:
                    self._resume(pause)
            while coming and coming[0].at <= at:
                self._take(coming.pop(0))
            if at >= self.begin:
                self._crossings()
                self._steps()
        return self.rows

    def _next(self, coming: Sequence[Act]) -> int | None:
        instants = [act.at for act in coming[:1]]
        instants += [journey.due for journey in self.journeys if not journey.is_over]
        instants += [at for _, at in self._silences_ahead()]
        instants += [at for trigger in self.shop.triggers for at in self._dates(trigger)[:1]]
        instants += [pause.until for pause in self.shop.pauses if pause.until > self.now]
        return max(min(instants), self.now) if instants else None

    # ---- pauses ----

    def _paused(self, trigger: TriggerSpec) -> tuple[PauseSpec, str] | None:
        """What holds the steps of a trigger now, and the reason."""
        now = [each for each in self.shop.pauses if each.since <= self.now < each.until]
        own = [each for each in now if each.target == trigger.name]
        every = [each for each in now if each.target == "*" and trigger.purpose != "transactional"]
        longest = max(own or every, key=lambda each: each.until, default=None)
        return None if longest is None else (longest, "TRIGGER_PAUSED" if own else "STOPPED")

    def _hold(self, journey: Journey, pause: PauseSpec, reason: str) -> None:
        step, _ = self._standing(journey)
        if journey.wait_end is None or step.on_timeout == "send":
            for name in self._shown(step):
                self._row(journey, name, "hold", reason, pause.until)
        journey.held, journey.due, journey.waits = pause, pause.until, None

    def _shown(self, step: StepSpec) -> tuple[str, ...]:
        """The channels of the rows of a step."""
        allowed = tuple(name for name in step.channels if name in self.life.media)
        return (allowed or step.channels) if step.mode == "all" else step.channels[:1]

    def _resume(self, pause: PauseSpec) -> None:
        for journey in sorted(self.journeys, key=self._strength):
            of = pause.target in ("*", journey.trigger.name)
            if (
                journey.is_over
                or not of
                or (pause.target == "*" and journey.trigger.purpose == "transactional")
            ):
                continue
            was_held, policy = journey.held is pause, pause.policy
            if journey.held is pause:
                journey.held, journey.due = None, self.now
            if journey.trigger.kind == "recurring" and policy != "skip":
                policy = "overdue"
            if policy == "shift":
                self._shift(journey, pause)
            elif policy == "restart":
                self._restart(journey, pause, was_held)
            elif policy == "skip" and was_held:
                self._skip(journey, pause)
            if journey.waits is not None and not journey.is_over:
                journey.due = self.now  # others may have taken or left room meanwhile

    def _shift(self, journey: Journey, pause: PauseSpec) -> None:
        since = max(pause.since, journey.begun)
        length = (
            sum(
                not any(first <= at < last for first, last in journey.moved)
                for at in range(since, pause.until, MINUTE)
            )
            * MINUTE
        )
        journey.moved = (*journey.moved, (since, pause.until))
        journey.planned += length
        if journey.wait_end is not None:
            journey.wait_end += length
            journey.due = max(journey.wait_end, self.now)
        elif journey.waits is not None:
            journey.waits, journey.due = None, journey.due + length  # it waits so much longer
        else:
            journey.due = max(journey.planned, self.now)

    def _restart(self, journey: Journey, pause: PauseSpec, was_held: bool) -> None:
        delay = journey.now.after + (journey.trigger.after if journey.step == 1 else 0)
        has_run_out = journey.planned < pause.since
        if journey.wait_end is not None and has_run_out:
            journey.planned, journey.wait_end = self.now, self.now + journey.now.timeout
            journey.due = journey.wait_end
        elif has_run_out:
            return
        else:
            journey.planned = journey.due = self.now + delay
            if journey.wait_end is not None:
                journey.wait_end = journey.due = journey.planned + journey.now.timeout

    def _skip(self, journey: Journey, pause: PauseSpec) -> None:
        """What fell due in the pause is skipped, and what follows as far as it fell due in it as well."""
        reason = "STOPPED" if pause.target == "*" else "TRIGGER_PAUSED"
        while not journey.is_over and journey.due <= self.now:
            if journey.wait_end is not None:
                if journey.wait_end >= pause.until:
                    return
                self._wait_in_vain(journey)
                continue
            if journey.planned >= pause.until:
                return
            step, holds = self._standing(journey)
            if not holds:
                self._pass_over(journey, step)
                continue
            for name in self._shown(step):
                self._row(journey, name, "suppress", reason)
            self._go_on(journey)

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
                channel = self._standing(journey)[0].channels[0]
                self._row(journey, channel, "suppress", "GOAL_REACHED")
                journey.is_over = True
            elif not journey.is_over and self._is_waited_for(act, journey):
                self._end_wait(journey, act)
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
        if any(
            each.target == trigger.name and each.since <= self.now < each.until for each in self.shop.pauses
        ):
            return
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
        planned = cause_at + trigger.after
        journey = Journey(trigger, self.numbers, cause, cause_at, value, 1, planned, planned, self.now)
        self.journeys.append(journey)
        self._come_to(journey, 1)

    def _silences_ahead(self) -> Iterator[tuple[TriggerSpec, int]]:
        if not self.acts:
            return
        for trigger in self.shop.triggers:
            at = self.acts[-1].at + trigger.silence
            if trigger.kind == "silence" and at >= self.begin and (trigger.name, at) not in self.crossed:
                yield trigger, at

    def _dates(self, trigger: TriggerSpec) -> list[int]:
        """The birthdays that are still to come."""
        date, zone = self.life.birthday, self.life.zone
        if trigger.kind != "recurring" or date is None:
            return []
        year = local(self.begin, zone).year
        dates = (birthday(date, each, trigger, zone) for each in range(year - 1, year + 3))
        return [at for at in dates if at >= self.begin and (trigger.name, at) not in self.crossed]

    def _crossings(self) -> None:
        """Silences that end, and dates."""
        found = [
            *self._silences_ahead(),
            *((each, at) for each in self.shop.triggers for at in self._dates(each)),
        ]
        for trigger, at in sorted(found, key=lambda each: each[0].name):
            if at <= self.now:
                self.crossed.add((trigger.name, at))
                self._enter(trigger, None, at)

    def _ends(self, act: Act, journey: Journey) -> bool:
        if act is journey.cause:
            return False
        trigger = journey.trigger
        if trigger.kind == "silence":
            return True
        if self._is_of_another(act, journey) or act.at < journey.cause_at:
            return False
        if act.name in trigger.exits:
            return True
        due = journey.planned if journey.wait_end is None else journey.wait_end
        return act.name in trigger.unless and journey.step == 1 and act.at <= due

    def _is_of_another(self, act: Act, journey: Journey) -> bool:
        per = journey.trigger.per
        value = None if per is None else act.properties.get(per)
        return journey.value is not None and value is not None and value != journey.value

    # ---- waiting for an event ----

    def _is_waited_for(self, act: Act, journey: Journey) -> bool:
        if journey.wait_end is None or act in (journey.cause, journey.waited_for):
            return False
        return (
            act.name in journey.now.wait_for
            and journey.planned <= act.at <= journey.wait_end
            and not self._is_of_another(act, journey)
        )

    def _end_wait(self, journey: Journey, act: Act) -> None:
        journey.planned, journey.due = act.at, self.now
        journey.wait_end, journey.waited_for = None, act

    def _come_to(self, journey: Journey, number: int) -> None:
        """A journey stands before a step, or waits for what the step waits for."""
        journey.waits = None
        if number == 0 or number > len(journey.trigger.steps):
            journey.is_over = True
            return
        journey.step = number
        journey.planned += journey.now.after
        journey.due = max(journey.planned, self.now)
        if journey.now.wait_for:
            if journey.waited_for is not None and journey.planned == journey.waited_for.at:
                journey.planned += 1  # a wait that follows at once begins just after
            journey.wait_end = journey.planned + journey.now.timeout
            journey.due = max(journey.wait_end, self.now)
            for act in self.acts:  # what came while the step before was late
                if self._is_waited_for(act, journey):
                    self._end_wait(journey, act)
                    return

    def _wait_in_vain(self, journey: Journey) -> None:
        assert journey.wait_end is not None
        step = journey.now
        journey.planned, journey.due, journey.wait_end = journey.wait_end, self.now, None
        if step.on_timeout == "end":
            journey.is_over = True
        elif step.on_timeout == "skip":
            self._come_to(journey, journey.step + 1)
        elif step.on_timeout != "send":
            self._come_to(journey, int(step.on_timeout.removeprefix("s")))

    # ---- deciding ----

    def _strength(self, journey: Journey) -> tuple[int, int, int, str, int]:
        step, _ = self._standing(journey)
        weights = [self._weight(step, name) for name in step.channels]
        points = sum(weights) if step.mode == "all" else weights[0]
        return -journey.trigger.priority, -points, journey.planned, journey.trigger.name, journey.cause_at

    def _standing(self, journey: Journey) -> tuple[StepSpec, bool]:
        """What stands at the open step, and whether its `only_if` holds; if not, the last alternative."""
        step = journey.now
        while not self._holds(step) and step.instead is not None:
            step = step.instead
        return step, self._holds(step)

    def _holds(self, step: StepSpec) -> bool:
        return step.only_if is None or self._orders() >= step.only_if

    def _weight(self, step: StepSpec, channel: str) -> int:
        return self.shop.channels[channel].weight if step.weight is None else step.weight

    def _steps(self) -> None:
        for journey in self.journeys:
            is_free = not journey.is_over and self._paused(journey.trigger) is None
            if is_free and journey.waits is not None and journey.waits[0] == "LOWER_PRIORITY":
                journey.due = self.now  # the stronger one may have fallen away
        while (due := self._due()) or self._schedule_anew():
            if due and (waiting := [each for each in due if each.wait_end is not None]):
                first = min(waiting, key=lambda each: each.number)
            elif due:
                first = min(due, key=self._strength)
            else:
                continue
            if (found := self._paused(first.trigger)) is not None:
                self._hold(first, *found)
            elif first.wait_end is not None:
                self._wait_in_vain(first)
            else:
                self._decide(first)

    def _due(self) -> list[Journey]:
        return [each for each in self.journeys if not each.is_over and each.due <= self.now]

    def _schedule_anew(self) -> bool:
        """What waits is decided anew once others have taken room; whether they have."""
        is_changed = len(self.sent) > self.scheduled
        self.scheduled = len(self.sent)
        for journey in self.journeys:
            is_free = not journey.is_over and self._paused(journey.trigger) is None
            if is_changed and is_free and journey.waits is not None:
                journey.due = self.now
        return is_changed

    def _decide(self, journey: Journey) -> None:
        trigger, (step, holds) = journey.trigger, self._standing(journey)
        if not holds:
            self._pass_over(journey, step)
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

    def _pass_over(self, journey: Journey, step: StepSpec) -> None:
        if step.skips_to_end:
            journey.is_over = True
        else:
            self._come_to(journey, step.jumps or journey.step + 1)

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
        """The step is decided for good."""
        step, _ = self._standing(journey)
        then = journey.now.then if step.then is None else step.then
        self._come_to(journey, journey.step + 1 if then is None else then)

    def _row(
        self, journey: Journey, channel: str, outcome: str, reason: str | None = None,
        until: int | None = None, rules: tuple[tuple[str, bool], ...] = (),
    ) -> None:  # fmt: skip
        self.rows.append(
            Row(self.now, journey.trigger.name, journey.step, channel, outcome, reason, until, rules)
        )

    # ---- where a step may go ----

    def _answer(self, journey: Journey, allowed: tuple[str, ...], expires: int) -> Answer:
        step, _ = self._standing(journey)
        if step.mode == "all":
            return self._contested(journey, allowed, expires)
        if step.on_limit != "fallback":
            return self._contested(journey, allowed[:1], expires)
        tried = []
        for name in allowed:
            tried.append(self._contested(journey, (name,), expires))
            if not tried[-1].is_full:
                return tried[-1]
        return min(tried, key=lambda each: FAR * 1000 if each.at is None else each.at)

    # ---- who wins ----

    def _contested(self, journey: Journey, names: tuple[str, ...], expires: int) -> Answer:
        """Where a step goes over these channels, and whether a stronger one that is foreseen has the room."""
        answer, waits = self._over(journey, names, expires), journey.waits
        if not self.shop.look_ahead or journey.trigger.purpose not in OBEYING:
            return answer
        if answer.reason is None:
            return self._lost(journey, names, self.now, expires) or answer
        is_waiting = waits is not None and waits[0] == "LOWER_PRIORITY" and waits[1] > self.now
        if is_waiting and answer.at is not None and answer.at <= expires:
            lost = self._lost(journey, names, answer.at, expires)
            if lost is not None and waits is not None and lost.at == waits[1]:
                return lost
        return answer

    def _lost(self, journey: Journey, names: tuple[str, ...], at: int, expires: int) -> Answer | None:
        """What it waits for where it is not admitted at an instant, with all that are stronger."""
        own = self._contacts(journey, names, at)
        reach = [_reach(rule) for rule in self.shop.rules if any(_applies(rule, each) for each in own)]
        if not reach:
            return None
        horizon = max(each.at for each in own) + max(reach)
        admitted: list[tuple[int, str, list[Sent]]] = []
        known, now = list(self.sent), self.now
        try:
            for rival in self._rivals(journey, horizon):
                self.now = now
                went = self._foreseen(rival, horizon)
                if went is None:
                    continue
                self.sent = [*self.sent, *went[2]]
                if went[0] > expires:
                    continue
                admitted.append(went)
                counted = [*known, *(each for one in admitted for each in one[2])]
                broken = self._against(own, counted)
                if broken:
                    return self._waits_for(names, own, known, admitted, broken)
        finally:
            self.sent, self.now = known, now
        return None

    def _waits_for(
        self, names: tuple[str, ...], own: list[Sent], known: list[Sent],
        admitted: list[tuple[int, str, list[Sent]]], broken: tuple[tuple[str, bool], ...],
    ) -> Answer:  # fmt: skip
        """The strongest without whom there would be room, else the last one admitted."""
        for place in range(len(admitted)):
            rest = [each for other, one in enumerate(admitted) if other != place for each in one[2]]
            if not self._against(own, [*known, *rest]):
                return Answer(names, admitted[place][0], "LOWER_PRIORITY", broken, is_full=True)
        return Answer(names, admitted[-1][0], "LOWER_PRIORITY", broken, is_full=True)

    def _rivals(self, journey: Journey, horizon: int) -> list[Journey]:
        own = self._strength(journey)
        return sorted(
            (
                each for each in [*self.journeys, *self._journeys_of_dates()]
                if each is not journey and not each.is_over and each.wait_end is None and each.due <= horizon
                and each.trigger.purpose != "transactional" and self._strength(each) < own
            ),
            key=self._strength,
        )  # fmt: skip

    def _journeys_of_dates(self) -> list[Journey]:
        """What the next date of each recurring trigger would begin."""
        return [
            Journey(trigger, 0, None, at, None, 1, at + trigger.steps[0].after, at + trigger.steps[0].after)
            for trigger in self.shop.triggers
            for at in self._dates(trigger)[:1]
            if not trigger.steps[0].wait_for
        ]

    def _foreseen(self, rival: Journey, horizon: int) -> tuple[int, str, list[Sent]] | None:
        """When and with which contacts a rival goes out, as far as every other guard lets it pass now."""
        trigger, (step, holds) = rival.trigger, self._standing(rival)
        allowed = tuple(name for name in step.channels if name in self.life.media)
        orders = self._orders()
        if rival.held is not None or self._paused(trigger) is not None:
            return None
        if not allowed or not holds:
            return None
        if trigger.most_orders is not None and orders >= trigger.most_orders:
            return None
        expires = rival.planned + step.expires
        self.now = max(self.now, rival.due)
        while self.now <= min(horizon, expires):
            answer = self._alone(rival, allowed, expires)
            if answer.reason is None:
                return self.now, trigger.name, self._contacts(rival, answer.channels, self.now)
            if answer.at is None:
                return None
            self.now = answer.at
        return None

    def _alone(self, journey: Journey, allowed: tuple[str, ...], expires: int) -> Answer:
        step, _ = self._standing(journey)
        if step.mode == "all":
            return self._over(journey, allowed, expires)
        if step.on_limit != "fallback":
            return self._over(journey, allowed[:1], expires)
        tried = [self._over(journey, (name,), expires) for name in allowed]
        free = next((each for each in tried if not each.is_full), None)
        return free or min(tried, key=lambda each: FAR * 1000 if each.at is None else each.at)

    def _over(self, journey: Journey, names: tuple[str, ...], expires: int) -> Answer:
        now, (step, _) = self.now, self._standing(journey)
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
                at for at in self._boundaries(names, expires)
                if at <= expires
                and self._open(names, at)
                and (step.on_limit == "drop" or not self._broken(journey, names, at))
            ),
            expires + 1,
        )  # fmt: skip
        if at > expires:  # the row names the rules that hold at the opening
            at = expires + 1
            within = self._boundaries(names, self.now + 10 * DAY)
            opening = next((at for at in within if self._open(names, at)), None)
            if not broken and opening is not None and step.on_limit != "drop":
                broken = self._broken(journey, names, opening)
        return Answer(names, at, "QUIET_HOURS" if closed else "PRESSURE", broken, is_full=bool(broken))

    def _open(self, names: Iterable[str], at: int) -> bool:
        return all(is_open(self.shop.channels[name], at, self.life.zone) for name in names)

    def _boundaries(self, names: Sequence[str], until: int) -> list[int]:
        """Every instant from now on at which something could begin to let the message through."""
        zone, first = self.life.zone, _day(self.now, self.life.zone)
        days = max(0, until - self.now) // DAY + 2
        edges = {self.now}
        for number in range(-1, days):
            for name in names:
                day = first + timedelta(days=number)
                edges |= {begin for begin, _ in openings(self.shop.channels[name], day, zone)}
        leads = {self.shop.channels[name].lead_time for name in names}
        landings = {each.at for each in self.sent} | {each.at + 1 for each in self.sent}
        for rule in self.shop.rules:
            if rule.gap is not None:
                landings |= {each.at + rule.gap for each in self.sent}
            if rule.window is not None and rule.window[-1] in LENGTHS and " " not in rule.window:
                length = int(rule.window[:-1]) * LENGTHS[rule.window[-1]]
                landings |= {each.at + length for each in self.sent}
                if rule.extend is not None:
                    landings |= {
                        instant(first + timedelta(days=number), zone) + length for number in range(-40, 40)
                    }
        landings |= {instant(first + timedelta(days=number), zone) for number in range(days + 4)}
        edges |= {landing - lead for landing in landings for lead in leads}
        return sorted(edge for edge in edges if edge >= self.now)

    def _contacts(self, journey: Journey, names: Iterable[str], at: int) -> list[Sent]:
        dispatch = journey.number * 100 + journey.step
        step, _ = self._standing(journey)
        return [
            Sent(
                at + self.shop.channels[name].lead_time, name, journey.trigger.name, journey.trigger.purpose,
                self._weight(step, name), dispatch,
            )
            for name in names
        ]  # fmt: skip

    def _broken(self, journey: Journey, names: Iterable[str], at: int) -> tuple[tuple[str, bool], ...]:
        """The rules that forbid it at an instant: with True where the limit is broken, False the gap."""
        if journey.trigger.purpose not in OBEYING:
            return ()
        return self._against(self._contacts(journey, names, at), self.sent)

    def _against(self, own: Sequence[Sent], counted: Sequence[Sent]) -> tuple[tuple[str, bool], ...]:
        """The rules that a candidate's contacts would break beside others."""
        found: list[tuple[str, bool]] = []
        for rule in self.shop.rules:
            mine = [each for each in own if _applies(rule, each)]
            others = [each for each in counted if _applies(rule, each)]
            if not mine:
                continue
            if rule.gap is not None and any(abs(a.at - b.at) < rule.gap for a in mine for b in others):
                found.append((rule.name, False))
            if rule.limit is not None and _is_full(rule, mine, others, self.life.zone):
                found.append((rule.name, True))
        return tuple(found)

    def _is_never_free(self, journey: Journey, names: Iterable[str]) -> bool:
        """Whether a rule has no room for it alone: now, nor on any day of the quarter that follows."""
        if journey.trigger.purpose not in OBEYING:
            return False
        first, zone = _day(self.now, self.life.zone), self.life.zone
        for rule in self.shop.rules:
            tried = self._instants_of_a_quarter(names, first, zone) if rule.limit else [self.now]
            if rule.limit is not None and all(self._is_too_heavy(journey, names, rule, at) for at in tried):
                return True
        return False

    def _instants_of_a_quarter(self, names: Iterable[str], first: datetime, zone: str) -> Iterator[int]:
        yield self.now
        for number in range(1, 100):
            midnight = instant(first + timedelta(days=number), zone)
            yield from (midnight - self.shop.channels[name].lead_time for name in names)

    def _is_too_heavy(self, journey: Journey, names: Iterable[str], rule: RuleSpec, at: int) -> bool:
        mine = [each for each in self._contacts(journey, names, at) if _applies(rule, each)]
        return bool(mine) and (rule.limit == 0 or _is_full(rule, mine, [], self.life.zone))


def _applies(rule: RuleSpec, contact: Sent) -> bool:
    return (
        (not rule.channels or contact.channel in rule.channels)
        and (not rule.purposes or contact.purpose in rule.purposes)
        and (not rule.triggers or contact.trigger in rule.triggers)
    )


def _is_full(rule: RuleSpec, mine: Sequence[Sent], others: Sequence[Sent], zone: str) -> bool:
    """Whether a window of its own, or of a later contact that would hold it, has not the room."""
    asked = [each.at for each in mine]
    for later in others:
        first, last = span(rule, later.at, zone)
        if any(first <= each.at <= last and each.at < later.at for each in mine):
            asked.append(later.at)
    return any(_load(rule, [*mine, *others], at, zone) > (rule.limit or 0) for at in asked)


def _load(rule: RuleSpec, contacts: Sequence[Sent], at: int, zone: str) -> int:
    first, last = span(rule, at, zone)
    inside = [each for each in contacts if first <= each.at <= last]
    if rule.unit == "points":
        return sum(each.weight for each in inside)
    return len({each.dispatch for each in inside})


def _reach(rule: RuleSpec) -> int:
    """How far ahead a rule can bring two contacts together, at most."""
    longest = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY, "quarter": 92 * DAY, "year": 366 * DAY}
    window, reach = rule.window or "", 0
    if window.startswith("calendar "):
        reach = longest[window.removeprefix("calendar ")]
    elif window.endswith((" days", " day")):
        reach = (int(window.split()[0]) + 1) * DAY
    elif window:
        reach = int(window[:-1]) * LENGTHS[window[-1]]
    if rule.extend is not None:
        reach += longest[rule.extend.removeprefix("calendar ")]
    return max(reach, rule.gap or 0)
