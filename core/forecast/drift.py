"""Predicted against actual: which decisions did not come as a preview foretold them, and what became known
since that explains each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, Literal, NamedTuple, get_args

from core.forecast.diff import differences, row_of
from core.instants import Instant
from core.model.decisions import Decision
from core.model.reasons import Reason

Change = Literal["missing", "unexpected", "moved", "changed"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)
Cause = Literal[
    "imagined",
    "identity",
    "operator",
    "playbook",
    "event",
    "consent",
    "address",
    "sending",
    "scheduler",
    "knock-on",
    "rules",
    "unknown",
]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

_CONSENT: Final = frozenset({Reason.NO_CONSENT, Reason.OBJECTED})
_ADDRESS: Final = frozenset({Reason.NO_ADDRESS, Reason.ADDRESS_SUPPRESSED})
_OPERATOR: Final = frozenset({Reason.TRIGGER_PAUSED, Reason.STOPPED, Reason.APPROVAL, Reason.REJECTED})
_FOLLOWS: Final = "follows from "
_AND: Final = " and "
_ROOM: Final = frozenset({Reason.PRESSURE, Reason.LOWER_PRIORITY, Reason.EXPIRED})


Step = tuple[str, str, int]
"""Trigger, cause key and number of a step, of one customer."""


class DriftDifference(NamedTuple):
    """One decision that did not come as foretold; `predicted` is None where it is unexpected, `actual` where
    it is missing.
    """

    change: Change
    predicted: Decision | None
    actual: Decision | None

    @property
    def either(self) -> Decision:
        """What was decided, or else what was foretold."""
        found = self.predicted if self.actual is None else self.actual
        assert found is not None
        return found

    @property
    def at(self) -> Instant:
        """The earlier instant of the two: what explains the difference was known by then."""
        return min(decision.at for decision in (self.predicted, self.actual) if decision is not None)


class News(NamedTuple):
    """Something that became known after a preview was made, and from which instant on it can have an effect.

    `triggers` names those that it concerns by itself; None: it can touch any through conditions, limits and
    segments. `room` is the message whose room it gave back or moved.
    """

    at: Instant
    cause: Cause
    detail: str
    triggers: frozenset[str] | None = None
    event: int | None = None
    channel: str | None = None
    room: Step | None = None

    def names(self, trigger: str) -> bool:
        """Whether it concerns the trigger by itself."""
        return self.triggers is not None and trigger in self.triggers


class Explained(NamedTuple):
    """A difference with its cause."""

    difference: DriftDifference
    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known about one customer's differences: the news, and what the preview itself only supposed."""

    news: Sequence[News]
    imagined: Collection[tuple[object, ...]] = ()
    """The rows, as `row_of` makes them, that the preview only imagined."""
    begun_by: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By trigger and cause key: the event that the journey began with."""
    rules: str | None = None
    """The changed rules under which the preview was made."""
    last_tick: Instant | None = None
    caught_up: Sequence[Instant] = ()
    """The customer's decisions that came late, after the scheduler had been down, also those that are not
    judged.
    """


# ---- what is different ----


def compared(predicted: Sequence[Decision], actual: Sequence[Decision]) -> list[DriftDifference]:
    """What is different for one customer, by instant.

    Beyond what `core.forecast.diff` pairs, a decision that came over another channel than foretold is one
    change.
    """
    found: list[DriftDifference] = []
    missing: dict[Step, list[Decision]] = {}
    unexpected: list[Decision] = []
    for each in differences(predicted, actual):
        if each.change == "removed" and each.before is not None:
            missing.setdefault(_step(each.before), []).append(each.before)
        elif each.change == "added" and each.after is not None:
            unexpected.append(each.after)
        else:
            found.append(
                DriftDifference("moved" if each.change == "moved" else "changed", each.before, each.after)
            )
    for decision in unexpected:
        others = missing.get(_step(decision))
        found.append(
            DriftDifference("changed", others.pop(0), decision)
            if others
            else DriftDifference("unexpected", None, decision)
        )
    found += [DriftDifference("missing", decision, None) for rest in missing.values() for decision in rest]
    return sorted(
        found, key=lambda each: (each.at, each.either.trigger, each.either.step, each.either.channel or "")
    )


def _step(decision: Decision) -> Step:
    return (decision.trigger, decision.cause_key, decision.step)


# ---- why ----


def explained(found: Sequence[DriftDifference], known: Circumstances) -> list[Explained]:
    """Each difference of one customer with its cause: what names it first, then what an earlier difference
    carried on, then what may.
    """
    done: list[Explained] = []
    for difference in found:
        done.append(_explained(difference, known, done))
    return done


def _explained(difference: DriftDifference, known: Circumstances, before: Sequence[Explained]) -> Explained:
    if difference.predicted is not None and row_of(difference.predicted) in known.imagined:
        return Explained(difference, "imagined", "what was imagined did not happen so")
    by = [news for news in known.news if news.at <= difference.at]
    direct = next(_direct(difference, by, known), None)
    if direct is not None:
        return Explained(difference, direct.cause, direct.detail)
    room = _freed(difference, by) if _is_of_room(difference) else None
    if room is not None:
        return Explained(difference, room.cause, room.detail)
    late = _late(difference, known)
    if late is not None:
        return Explained(difference, "scheduler", late)
    if before:
        return Explained(difference, "knock-on", _carried_on(difference, before))
    return _indirect(difference, by, known)


def _direct(difference: DriftDifference, by: Sequence[News], known: Circumstances) -> Iterator[News]:
    """News that names the difference by itself, the most telling first."""
    decision = difference.either
    begun = known.begun_by.get((decision.trigger, decision.cause_key))
    yield from (news for news in reversed(by) if news.cause == "identity")
    yield from (news for news in by if news.event is not None and news.event == begun)
    if Reason.GOAL_REACHED in _reasons(difference):
        yield from (news for news in reversed(by) if news.cause == "event" and news.names(decision.trigger))
    for reasons, cause in ((_OPERATOR, "operator"), (_CONSENT, "consent"), (_ADDRESS, "address")):
        if _reasons(difference) & reasons:
            yield from (news for news in reversed(by) if news.cause == cause and _can_touch(news, difference))
    yield from (news for news in reversed(by) if news.cause == "operator" and news.names(decision.trigger))
    yield from (news for news in reversed(by) if news.names(decision.trigger))
    yield from (
        news for news in reversed(by) if news.channel is not None and news.channel in _channels(difference)
    )


def _can_touch(news: News, difference: DriftDifference) -> bool:
    """Whether it says nothing of triggers and channels, or names this one."""
    is_hers = news.triggers is None or news.names(difference.either.trigger)
    return is_hers and (news.channel is None or news.channel in _channels(difference))


def _reasons(difference: DriftDifference) -> set[Reason]:
    return {
        each.reason
        for each in (difference.predicted, difference.actual)
        if each is not None and each.reason is not None
    }


def _channels(difference: DriftDifference) -> set[str]:
    return {
        each.channel
        for each in (difference.predicted, difference.actual)
        if each is not None and each.channel is not None
    }


def _is_of_room(difference: DriftDifference) -> bool:
    return bool(_reasons(difference) & _ROOM)


def _freed(difference: DriftDifference, by: Sequence[News]) -> News | None:
    """What last gave room back, or moved it, but for the step's own message."""
    own = _step(difference.either)
    return next((news for news in reversed(by) if news.room is not None and news.room != own), None)


def _late(difference: DriftDifference, known: Circumstances) -> str | None:
    """What a scheduler that was down explains: what is decided late, and what was not decided yet."""
    if difference.actual is not None:
        return "decided late: no tick came in time" if difference.actual.late else None
    if known.last_tick is None or (
        difference.predicted is not None and difference.predicted.at > known.last_tick
    ):
        return "not decided yet: no tick has come since"
    is_skipped = difference.predicted is not None and any(
        at >= difference.predicted.at for at in known.caught_up
    )
    return "no tick came in time: it came late, or was no longer so afterwards" if is_skipped else None


def _carried_on(difference: DriftDifference, before: Sequence[Explained]) -> str:
    """Names the trigger whose change an earlier difference of the same customer was: another one's rather
    than its own.
    """
    others = [each for each in before if each.difference.either.trigger != difference.either.trigger]
    root = (others or list(before))[-1]
    named, detail = [root.difference.either.trigger], root.detail
    if root.cause == "knock-on":
        further, _, detail = detail.removeprefix(_FOLLOWS).partition(": ")
        named += [trigger for trigger in further.split(_AND) if trigger not in named]
    return f"{_FOLLOWS}{_AND.join(named)}: {detail}"


def _indirect(difference: DriftDifference, by: Sequence[News], known: Circumstances) -> Explained:
    """News that names no trigger but may touch any; the preview's own rules; or nothing."""
    for cause in ("playbook", "event", "operator", "consent", "address", "sending"):
        news = _latest(by, cause)
        if news is not None:
            return Explained(difference, news.cause, news.detail)
    if known.rules is not None:
        return Explained(difference, "rules", f"the preview was made with {known.rules}")
    return Explained(difference, "unknown", "nothing that became known since explains it")


def _latest(by: Sequence[News], cause: str) -> News | None:
    return next((news for news in reversed(by) if news.cause == cause), None)


# ---- sums ----


class Drifted(NamedTuple):
    """A customer for whom not all came as foretold."""

    differences: int
    customer: str


@dataclass(slots=True)
class Drift:
    """Sums over many customers."""

    predicted: int = 0
    actual: int = 0
    matched: int = 0
    customers: int = 0  # of whom anything was foretold or decided
    drifted: list[Drifted] = field(default_factory=list)
    by_trigger: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # trigger, matched or change -> decisions
    by_cause: Counter[tuple[str, str]] = field(default_factory=Counter)  # cause, change -> differences
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)  # trigger, cause -> differences

    def add(
        self,
        customer: str,
        predicted: Sequence[Decision],
        actual: Sequence[Decision],
        found: Sequence[Explained],
    ) -> None:
        """Count one customer."""
        self.customers += 1
        self.predicted += len(predicted)
        self.actual += len(actual)
        wrong = Counter(
            each.difference.predicted.trigger for each in found if each.difference.predicted is not None
        )
        for trigger, number in Counter(decision.trigger for decision in predicted).items():
            self.by_trigger[trigger, "matched"] += number - wrong[trigger]
            self.matched += number - wrong[trigger]
        for difference, cause, _ in found:
            self.by_trigger[difference.either.trigger, difference.change] += 1
            self.by_cause[cause, difference.change] += 1
            self.causes[difference.either.trigger, cause] += 1
        if found:
            self.drifted.append(Drifted(len(found), customer))

    @property
    def changes(self) -> Counter[str]:
        """How many differences of each kind."""
        found: Counter[str] = Counter()
        for (_, change), number in self.by_cause.items():
            found[change] += number
        return found

    def most_drifted(self, most: int = 10) -> list[Drifted]:
        """The customers with the most differences, most first."""
        return nlargest(most, self.drifted)
