"""What if, in cells and words: the values that can be changed, what is different by it, and one customer's
decisions side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted, in_short
from core.filters import holds, read_words
from core.forecast.diff import Diff
from core.forecast.preview import PreviewLimit
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.forecast import badge_cell
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import moment, number
from screens.cells.states import decision_cell
from screens.ports.pressure import Future, LimitLine, Supposed
from screens.ports.what_if import ChangedCustomer, ComparedStep, DecisionSide, Option

FUTURE: Final = Option("look", "", "future", "known", ("known", "replay", "as-it-was"))
"""The first line: how the unknown future is dealt with."""
FUTURES: Final[Mapping[str, str]] = {
    "known": "nothing new",
    "replay": "last week again",
    "as-it-was": "the days before",
}
KEYS: Final[Mapping[str, str]] = {
    "future": "future", "look_ahead": "look ahead", "off": "does not hold", "send_window": "send window",
    "lead_time": "lead time",
}  # fmt: skip
COLUMNS: Final = (
    Column("subject", "", 8),
    Column("name", "OF", 12, grow=3),
    Column("key", "WHAT", 10, grow=2),
    Column("value", "NOW", 10, grow=2),
    Column("new", "IF", 12, grow=3),
)


# ---- the values ----


@dataclass(frozen=True, slots=True)
class OptionChoice:
    """A value with what it is changed to; None where it stays."""

    option: Option
    new: str | None = None

    @property
    def value(self) -> str:
        """What holds in the question."""
        return self.option.value if self.new is None else self.new


def to(choice: OptionChoice, value: str) -> OptionChoice:
    """The choice with another value; none where that is the present one."""
    value = value.strip()
    return OptionChoice(choice.option, None if value == choice.option.value else value)


def cells(choice: OptionChoice) -> Sequence[Cells]:
    """One line of the list."""
    option = choice.option
    new: Cells = "" if choice.new is None else Cell(f"→ {_shown(option, choice.new)}", "accent")
    subject = "" if option.subject == "look" else option.subject
    return (
        Cell(subject, "dim"),
        option.name,
        KEYS.get(option.key, option.key),
        _shown(option, option.value),
        new,
    )


def _shown(option: Option, value: str) -> str:
    if option.key == "future":
        return FUTURES.get(value, value)
    if option.choices == ("false", "true"):
        return {"true": "yes", "false": "no"}[value]
    return value


def matches(choice: OptionChoice, text: str) -> bool:
    """Whether every word of the filter occurs in it; the word `changed` in those that are."""
    option = choice.option
    return holds(
        read_words(text),
        f"{option.subject} {option.name} {KEYS.get(option.key, option.key)} "
        f"{'changed' if choice.new else ''}",
    )


def next_choice(choice: OptionChoice) -> str:
    """The next of its choices; a pause that is off goes on, one that is on goes off."""
    choices = choice.option.choices
    if choices:
        return (
            choices[(choices.index(choice.value) + 1) % len(choices)]
            if choice.value in choices
            else choices[0]
        )
    return "true" if choice.value == "false" else "false"


def is_toggled(option: Option) -> bool:
    """Whether `space` goes on to another value instead of asking for one."""
    return bool(option.choices) or option.key == "paused"


def stepped(choice: OptionChoice, steps: int) -> str | None:
    """The number so many steps higher; None where it is none, or would be below nothing."""
    if not choice.option.step:
        return None
    try:
        value = Decimal(choice.value) + steps * choice.option.step
    except InvalidOperation:
        return None
    return f"{value:f}" if value >= 0 else None


def supposed(choices: Sequence[OptionChoice], trigger: str | None) -> Supposed:
    """What the changed ones suppose."""
    changed = [choice for choice in choices if choice.new is not None]
    future: Future = "known"
    for choice in changed:
        if choice.option is FUTURE:
            future = "replay" if choice.new == "replay" else "as-it-was"
    changes = tuple(choice.option.change(choice.value) for choice in changed if choice.option is not FUTURE)
    return Supposed(changes, future, trigger, tuple(map(words, changed)))


def words(choice: OptionChoice) -> str:
    """A change as people say it, such as `limit three-a-week 3 → 2` or `birthday paused`."""
    option, new = choice.option, choice.value
    if option.key == "future":
        return FUTURES.get(new, new)
    if option.key == "paused":
        return f"{option.name} {_paused(new)}"
    if option.key == "off":
        return f"without {option.name}"
    if option.key == "look_ahead":
        return f"{'' if new == 'true' else 'not '}giving way to what is foreseen"
    if option.subject == "rule":
        return f"{option.key} {option.name} {option.value} → {new}"
    return f"{option.name} {KEYS.get(option.key, option.key)} {option.value} → {new}"


def _paused(new: str) -> str:
    return {"true": "paused", "false": "not paused"}.get(new, f"paused until {new}")


def chosen(options: Sequence[Option], before: Supposed) -> list[OptionChoice]:
    """All values with what is supposed already."""
    news = {(each.subject, each.name, each.key): each.value for each in before.changes}
    found = [OptionChoice(option, news.get((option.subject, option.name, option.key))) for option in options]
    return [to(OptionChoice(FUTURE), before.future), *found]


def sentence(choices: Sequence[OptionChoice], fault: str | None) -> list[Line]:
    """What is wrong, or what would be asked."""
    if fault is not None:
        return [[Cell(f" {fault}", "bad")]]
    changed = [words(choice) for choice in choices if choice.new is not None]
    if not changed:
        return [[Cell(" Nothing is changed yet. No file is touched by any of this.", "dim")]]
    return [[" ", badge_cell(), Cell(f" {', '.join(changed)}", "strong")]]


def hint(option: Option) -> str:
    """How to write the value."""
    return option.hint or ", ".join(option.choices)


# ---- what is different ----


@dataclass(frozen=True, slots=True)
class Delta:
    """A number before and after: messages of a trigger or channel, decisions with an outcome, or of a rule.

    Of a rule there are the decisions (`held by`) and customers (`held cust`) it holds back, and the customers
    whose window it fills.
    """

    what: str
    name: str
    before: int
    after: int
    more: int = 0
    """Customers who get more of the trigger."""
    less: int = 0
    differing: int = 0
    """Decisions of the trigger that are added, removed, moved or changed."""


DELTA_COLUMNS: Final = (
    Column("what", "", 9),
    Column("name", "OF", 16, grow=3, most=36),
    Column("before", "NOW", 7, right=True),
    Column("after", "IF", 7, right=True),
    Column("change", "CHANGE", 7, right=True),
    Column("differing", "DIFFER", 6, right=True, least=78),
    Column("more", "GET MORE", 8, right=True, least=78),
    Column("less", "GET LESS", 8, right=True, least=78),
)
"""What differs are decisions; more and less are customers."""
EXPORTED_DELTAS: Final[Fields] = plain("what", "name", "before", "after", "differing", "more", "less")


def deltas(diff: Diff, before: Iterable[LimitLine] = (), after: Iterable[LimitLine] = ()) -> list[Delta]:
    """Messages by trigger and by channel, how rules with these limits hold, and decisions by outcome and
    reason.

    What changes stands first within each.
    """
    differing = Counter[str]()
    for (trigger, _, _), times in diff.changes.items():
        differing[trigger] += times
    triggers = [
        Delta(
            "messages",
            name,
            sides.before["send"],
            sides.after["send"],
            diff.gaining[name],
            diff.losing[name],
            differing[name],
        )
        for (named,), sides in diff.by("trigger").items()
        for name in [str(named)]
    ]
    channels = [
        Delta("channel", name, sides.before["send"], sides.after["send"])
        for (name,), sides in diff.by("channel").items()
        if name is not None
    ]
    rules = list(_rule_deltas(diff, before, after))
    reasons = [
        Delta("decisions", f"{outcome} {in_short(reason)}".strip(), sides.before.total(), sides.after.total())
        for (outcome, reason), sides in diff.by("outcome", "reason").items()
    ]
    return [each for part in (triggers, channels, rules, reasons) for each in sorted(part, key=_by_change)]


def _rule_deltas(diff: Diff, before: Iterable[LimitLine], after: Iterable[LimitLine]) -> Iterator[Delta]:
    """Decisions and customers that each rule holds back, and customers whose window it fills."""
    core_before, core_after = (
        [PreviewLimit(each.rule, each.limit, each.unit) for each in side] for side in (before, after)
    )
    for name, (old, new) in diff.rules(core_before, core_after).items():
        if old.customers or new.customers:
            yield Delta("held by", name, old.decisions, new.decisions)
            yield Delta("held cust", name, old.customers, new.customers)
        if old.full or new.full:
            yield Delta("full", name, old.full or 0, new.full or 0)


def _by_change(delta: Delta) -> tuple[int, str]:
    return -max(abs(delta.after - delta.before), delta.differing), delta.name


def delta_cells(delta: Delta) -> Sequence[Cells]:
    """One line of what is different."""
    change = delta.after - delta.before
    style: Cells = Cell(f"{change:+,}" if change else "·", "strong" if change else "dim")
    return (
        Cell(delta.what, "dim"), delta.name, number(delta.before), number(delta.after), style,
        *(number(each) if delta.what == "messages" else "" for each in (delta.differing, delta.more,
            delta.less)),
    )  # fmt: skip


CUSTOMER_COLUMNS: Final = (
    Column("customer", "CUSTOMER", 14, grow=1, most=28),
    Column("name", "NAME", 16, grow=2, most=36, least=74),
    Column("differences", "DIFFERENCES", 11, right=True),
    Column("had", "CONTACTS NOW", 12, right=True),
    Column("has", "CONTACTS IF", 12, right=True),
)
EXPORTED_CUSTOMERS: Final[Fields] = plain("customer", "name", "differences", "had", "has")


def customer_cells(row: ChangedCustomer) -> Sequence[Cells]:
    """One customer whose decisions change."""
    has = Cell(number(row.has), "strong" if row.has != row.had else "")
    return (row.customer, row.name, number(row.differences), number(row.had), has)


# ---- one customer's ----

SIDE_COLUMNS: Final = (
    Column("at", "AT", 12),
    Column("trigger", "TRIGGER", 10, grow=2),
    Column("step", "STEP", 4, right=True, least=90),
    Column("channel", "CHANNEL", 7, least=76),
    Column("before", "NOW", 12, grow=3),
    Column("after", "IF", 12, grow=3),
    Column("change", "", 8),
)
EXPORTED_SIDES: Final[Fields] = (*instants("at"), *plain("trigger", "step", "channel", "change"))


def side_cells(side: ComparedStep, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One step, as it is and as it would be."""
    before, after = (_taken(each, side.at, now, zone) for each in (side.before, side.after))
    if side.change is None:
        after = Cell("the same", "dim")
    return (
        moment(side.at, now, zone), side.trigger, str(side.step), side.channel or "", before, after,
        Cell(side.change or "", "accent"),
    )  # fmt: skip


def _taken(taken: DecisionSide | None, at: Instant, now: Instant, zone: ZoneInfo) -> Cells:
    if taken is None:
        return Cell("–", "dim")
    told = decision_cell(taken.outcome, taken.reason)
    when = f" {moment(taken.at, now, zone)}" if taken.at != at else ""
    until = f" until {moment(taken.until, now, zone)}" if taken.until is not None else ""
    return Cell(f"{told.text}{when} {in_short(taken.reason)}".rstrip() + until, told.style)


def side_words(side: ComparedStep) -> list[Line]:
    """Both decisions in full."""
    before, after = (
        "nothing is decided." if each is None else each.words for each in (side.before, side.after)
    )
    if side.change is None:
        return [[Cell("Now and then: ", "strong"), before]]
    return [[Cell("Now:  ", "strong"), before], [Cell("If:   ", "accent"), after]]


def kinds_words(sides: Sequence[ComparedStep]) -> str:
    """How many of the customer's decisions are other than now."""
    kinds = Counter(side.change for side in sides if side.change is not None)
    return (
        f"{counted(len(sides), 'decision')}: {', '.join(_kinds(kinds))}"
        if kinds
        else counted(len(sides), "decision")
    )


def _kinds(kinds: Counter[str]) -> Iterator[str]:
    for kind, times in sorted(kinds.items()):
        yield f"{times} {kind}"
