"""What if: a playbook with a few words changed, without touching a file; and which customers the change can
reach.

A change is written `rule.NAME.limit=2`, `trigger.NAME.priority=90`, `channel.NAME.weight=3` or
`engine.look_ahead=false`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any, Final, Literal, get_args

from core.errors import ManometerError
from core.instants import Instant, Millis, format_instant, parse_duration, parse_instant
from core.language import ConditionContext, ConditionError, compile_closure, parse
from core.limits.capacity import parse_capacity
from core.limits.pressure import POINT, PressureRule
from core.limits.quiet_hours import parse_send_windows
from core.limits.windows import parse_window
from core.model.pauses import Pause, PauseTarget
from core.model.predicate import Predicate
from core.model.triggers import ALWAYS, NEVER, Status, Trigger
from core.playbook.playbook import Channel, Playbook
from core.suggestions import near

Reach = Literal["due", "waiting", "all"]
"""Whom a changed playbook can touch beyond those who fall due: nobody, who waits for room or for an operator,
or anybody.
"""

_FORM: Final = re.compile(
    r"(rule|trigger|channel)\.(.+?)\.([a-z_]+)=(.*)|(engine)()\.([a-z_]+)=(.*)", re.DOTALL
)
_LEADING: Final = (
    "rule.NAME.limit=2, trigger.NAME.paused=true, channel.NAME.weight=3 or engine.look_ahead=false"
)


@dataclass(frozen=True, slots=True)
class PlaybookChange:
    """One value of one thing of the playbook, as text; `subject` is rule, trigger, channel or engine (which
    has no name).
    """

    subject: str
    name: str
    key: str
    value: str

    def __str__(self) -> str:
        named = f"{self.subject}.{self.name}" if self.name else self.subject
        return f"{named}.{self.key}={self.value}"


def parse_change(text: str) -> PlaybookChange:
    """The change that a text such as `rule.three-a-week.limit=2` says; ManometerError where it has another
    form.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ManometerError(f"{text[:100]!r} is not a change. Write it like {_LEADING}.")
    subject, name, key, value = found.groups()[:4] if found[1] else found.groups()[4:]
    return PlaybookChange(subject, name, key, value.strip())


def changed(playbook: Playbook, changes: Iterable[PlaybookChange], at: Instant) -> Playbook:
    """The playbook after the changes, one after the other, where they hold from the instant on;
    ManometerError names what does not fit.
    """
    after = reduce(lambda before, change: _SUBJECTS[change.subject](before, change, at), changes, playbook)
    for rule in after.rules:
        if (rule.limit is None) != (rule.window is None) or (rule.limit is None and rule.gap is None):
            raise ManometerError(
                f"rule {rule.name!r} is not whole. Set its limit and its window, or its gap."
            )
    return after


# ---- whom it can reach ----


def reach(before: Playbook, after: Playbook) -> Reach:
    """Whom the difference of two playbooks can touch, beyond those who fall due under the first."""
    if before == after:
        return "due"
    is_wider = (
        before.zone != after.zone
        or not _firing_without_event(after) <= _firing_without_event(before)
        or not _listens(after) <= _listens(before)
    )
    return "all" if is_wider else "waiting"


def _firing_without_event(playbook: Playbook) -> set[tuple[object, ...]]:
    """What instants without an event depend on."""
    firing = playbook.index.firing_without_event
    return {(trigger.name, trigger.when, trigger.activated_at) for trigger in firing}


def _listens(playbook: Playbook) -> set[object]:
    """The events that make a customer due: one that only the changed playbook listens to may lie unplayed
    with somebody who is not.
    """
    index = playbook.index
    flags = {("any", ""): bool(index.ending_any), ("traits", ""): index.traits_matter}
    return {
        *index.entering,
        *index.ending,
        *index.moving,
        *(flag for flag, is_on in flags.items() if is_on),
    }


def loads_alike(before: Playbook, after: Playbook) -> bool:
    """Whether a dossier loaded for the first playbook holds all that the second one looks at."""
    return (
        after.index.contact_lookback <= before.index.contact_lookback
        and before.segments == after.segments
        and {each.medium for each in before.channels.values()}
        == {each.medium for each in after.channels.values()}
        and {_loaded_for(each) for each in before.triggers} == {_loaded_for(each) for each in after.triggers}
        and _audiences(before) == _audiences(after)
    )


def _loaded_for(trigger: Trigger) -> Trigger:
    return replace(trigger, priority=0, holdout=0.0, reentry=ALWAYS)


def _audiences(playbook: Playbook) -> set[object]:
    return {rule.audience for rule in playbook.rules if rule.audience is not None}


# ---- rules ----


def _change_rule(playbook: Playbook, change: PlaybookChange, at: Instant) -> Playbook:  # noqa: ARG001 - all subjects have one form
    if change.key == "new":
        return _add_rule(playbook, change)
    known = {rule.name: rule for rule in playbook.rules}
    rule = _known(known, change, "Add it first: rule.NAME.new=true.")
    if change.key == "off":
        rules = (
            tuple(each for each in playbook.rules if each is not rule) if _switch(change) else playbook.rules
        )
    else:
        newer = replace(rule, **_value(_RULE, change, rule, playbook))
        rules = tuple(newer if each is rule else each for each in playbook.rules)
    return replace(playbook, rules=rules)


def _add_rule(playbook: Playbook, change: PlaybookChange) -> Playbook:
    if any(rule.name == change.name for rule in playbook.rules):
        raise ManometerError(
            f"{change}: there is a rule {change.name!r} already. Change it, or name another."
        )
    return (
        replace(playbook, rules=(*playbook.rules, PressureRule(change.name))) if _switch(change) else playbook
    )


def _limit(change: PlaybookChange, rule: PressureRule) -> int:
    return _thousandths(change) if rule.unit == "points" else _whole(change, 0, 1_000_000)


def _unit(change: PlaybookChange, rule: PressureRule) -> dict[str, Any]:
    unit = _choice(change, ("contacts", "points"))
    if unit == rule.unit or rule.limit is None:
        return {"unit": unit}
    return {"unit": unit, "limit": rule.limit * POINT if unit == "points" else -(-rule.limit // POINT)}


def _names(change: PlaybookChange, known: Iterable[str] | None) -> frozenset[str] | None:
    """A list parted by commas; `all` for no filter."""
    named = frozenset(name.strip() for name in change.value.split(",") if name.strip())
    for name in sorted(named if known is not None and change.value != "all" else ()):
        if name not in (known := list(known or ())):
            raise ManometerError(f"{change}: there is no {name!r}. {near(name, known) or _all_of(known)}")
    return None if change.value == "all" or not named else named


def _audience(change: PlaybookChange, playbook: Playbook) -> Predicate | None:
    """A condition on the customer; `all` for everybody. A segment that stands alone is told how to be
    named.
    """
    if change.value == "all":
        return None
    segments = {name: segment.condition for name, segment in playbook.segments.items()}
    try:
        condition = parse(change.value, ConditionContext.AUDIENCE, segments, playbook.zone)
        return Predicate(condition, compile_closure(condition, segments), condition.text)
    except ConditionError as error:
        if change.value in segments:
            raise ManometerError(
                f"{change}: a segment is written rule.{change.name}.audience=segment('{change.value}')."
            ) from None
        raise ManometerError(f"{change}: {error}") from None


_RULE: Final[Mapping[str, Callable[[PlaybookChange, PressureRule, Playbook], dict[str, Any]]]] = {
    "limit": lambda change, rule, _: {"limit": _limit(change, rule)},
    "window": lambda change, _, playbook: {
        "window": _parsed(change, lambda text: parse_window(text, None, playbook.week_starts))
    },
    "gap": lambda change, _rule, _: {"gap": None if change.value == "none" else _duration(change)},
    "unit": lambda change, rule, _: _unit(change, rule),
    "channels": lambda change, _, playbook: {"channels": _names(change, playbook.channels)},
    "purposes": lambda change, _, playbook: {"purposes": _names(change, playbook.purposes)},
    "triggers": lambda change, _, playbook: {"triggers": _names(change, playbook.index.by_name)},
    "tags": lambda change, _rule, _: {"tags": _names(change, None)},
    "audience": lambda change, _, playbook: {"audience": _audience(change, playbook)},
}


# ---- triggers ----


def _change_trigger(playbook: Playbook, change: PlaybookChange, at: Instant) -> Playbook:
    trigger = _known(playbook.index.by_name, change, "")
    if change.key == "paused":
        return replace(playbook, pauses=_pauses(playbook, change, at))
    newer = replace(trigger, **_value(_TRIGGER, change, trigger, playbook))
    return replace(playbook, triggers=tuple(newer if each is trigger else each for each in playbook.triggers))


def _pauses(playbook: Playbook, change: PlaybookChange, at: Instant) -> tuple[Pause, ...]:
    """With the trigger paused from the instant on, for good or until another, or with its pause at an end."""
    paused = PauseTarget("trigger", change.name)
    others = [pause for pause in playbook.pauses if pause.target != paused or not pause.holds(at)]
    held = [pause for pause in playbook.pauses if pause not in others]
    if change.value == "false":
        return (*others, *(replace(pause, until=at) for pause in held if pause.since < at))
    until = (
        None if change.value == "true" else _parsed(change, lambda text: parse_instant(text, playbook.zone))
    )
    if until is not None and until <= at:
        raise ManometerError(
            f"{change}: the pause would end before it begins, {format_instant(at)}. Name a later instant, "
            "or false."
        )
    return (*others, Pause(paused, min((pause.since for pause in held), default=at), until))


def _status(change: PlaybookChange, trigger: Trigger) -> dict[str, Any]:
    """One that becomes active is in force from the begin of what is asked, whenever it was active before."""
    status = _choice(change, get_args(Status))
    return (
        {"status": status}
        if trigger.status == "active" or status != "active"
        else {"status": status, "activated_at": None}
    )


def _reentry(text: str) -> Millis:
    if text in ("always", "never"):
        return ALWAYS if text == "always" else NEVER
    return parse_duration(text)


_TRIGGER: Final[Mapping[str, Callable[[PlaybookChange, Trigger, Playbook], dict[str, Any]]]] = {
    "status": lambda change, trigger, _: _status(change, trigger),
    "priority": lambda change, _trigger, _: {"priority": _whole(change, 0, 100)},
    "holdout": lambda change, _trigger, _: {"holdout": _share(change)},
    "reentry": lambda change, _trigger, _: {"reentry": _parsed(change, _reentry)},
}


# ---- channels and the engine ----


def _change_channel(playbook: Playbook, change: PlaybookChange, at: Instant) -> Playbook:  # noqa: ARG001
    channel = _known(playbook.channels, change, "")
    newer = replace(channel, **_value(_CHANNEL, change, channel, playbook))
    return replace(playbook, channels={**playbook.channels, channel.name: newer})


def _send_window(change: PlaybookChange) -> Any:
    """Lines parted by semicolons; `always` for no quiet hours."""
    lines = [line.strip() for line in change.value.split(";") if line.strip()]
    return _parsed(change, lambda text: parse_send_windows([] if text == "always" else lines))


def _capacity(change: PlaybookChange) -> Any:
    """`none` for as many as there are."""
    return None if change.value == "none" else _parsed(change, parse_capacity)


_CHANNEL: Final[Mapping[str, Callable[[PlaybookChange, Channel, Playbook], dict[str, Any]]]] = {
    "weight": lambda change, _channel, _: {"weight": _thousandths(change)},
    "send_window": lambda change, _channel, _: {"send_windows": _send_window(change)},
    "lead_time": lambda change, _channel, _: {"lead_time": _duration(change)},
    "capacity": lambda change, _channel, _: {"capacity": _capacity(change)},
}


def _change_engine(playbook: Playbook, change: PlaybookChange, at: Instant) -> Playbook:  # noqa: ARG001
    _refuse_unknown_key({"look_ahead": None}, change)
    return replace(playbook, look_ahead=_switch(change))


_SUBJECTS: Final[Mapping[str, Callable[[Playbook, PlaybookChange, Instant], Playbook]]] = {
    "rule": _change_rule,
    "trigger": _change_trigger,
    "channel": _change_channel,
    "engine": _change_engine,
}


# ---- values ----


def _known(known: Mapping[str, Any], change: PlaybookChange, otherwise: str) -> Any:
    if change.name not in known:
        hint = near(change.name, known) or otherwise or _all_of(known)
        raise ManometerError(f"{change}: there is no {change.subject} {change.name!r}. {hint}")
    return known[change.name]


def _all_of(known: Iterable[str]) -> str:
    names = sorted(known)
    return (
        f"There are: {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}."
        if names
        else "There is none."
    )


_EXTRA_KEYS: Final = {"rule": ("new", "off"), "trigger": ("paused",)}


def _value(keys: Mapping[str, Any], change: PlaybookChange, thing: Any, playbook: Playbook) -> dict[str, Any]:
    _refuse_unknown_key(keys, change)
    found: dict[str, Any] = keys[change.key](change, thing, playbook)
    return found


def _refuse_unknown_key(keys: Mapping[str, Any], change: PlaybookChange) -> None:
    if change.key not in keys:
        every = (*keys, *_EXTRA_KEYS.get(change.subject, ()))
        hint = near(change.key, every) or _all_of(every)
        if change.subject == "trigger":
            hint += f" For all else, put a changed copy of its file over it: --with {change.name}.toml."
        raise ManometerError(f"{change}: no {change.subject} has a {change.key!r} that could be set. {hint}")


def _parsed(change: PlaybookChange, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(change.value)
    except ValueError as error:
        raise ManometerError(f"{change}: {error}") from None


def _switch(change: PlaybookChange) -> bool:
    return _choice(change, ("true", "false")) == "true"


def _choice(change: PlaybookChange, choices: tuple[str, ...]) -> str:
    if change.value not in choices:
        raise ManometerError(f"{change}: {near(change.value, choices) or _all_of(choices)}")
    return change.value


def _number(change: PlaybookChange) -> Decimal:
    try:
        number = Decimal(change.value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ManometerError(f"{change}: {change.value[:40]!r} is not a number.")
    return number


def _whole(change: PlaybookChange, least: int, most: int) -> int:
    number = _number(change)
    if not least <= number <= most or number != int(number):
        raise ManometerError(f"{change}: write a whole number from {least} to {most}.")
    return int(number)


def _share(change: PlaybookChange) -> float:
    number = _number(change)
    if not 0 <= number <= 1:
        raise ManometerError(f"{change}: write a share from 0 to 1: a tenth is 0.10.")
    return float(number)


def _thousandths(change: PlaybookChange) -> int:
    number = _number(change)
    if not 0 <= number <= 1_000_000 or number * POINT != int(number * POINT):
        raise ManometerError(f"{change}: write a number from 0 to 1000000 with at most three decimals.")
    return int(number * POINT)


def _duration(change: PlaybookChange) -> Millis:
    length: Millis = _parsed(change, parse_duration)
    if change.key == "gap" and length == 0:
        raise ManometerError(f"{change}: a gap of 0 holds nothing back. Write 16h, or none.")
    return length
