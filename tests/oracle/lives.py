"""Random shops and lives: few triggers, rules of all forms, and customers whose acts come close together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.oracle.spec import (
    DAY,
    HOUR,
    MINUTE,
    Act,
    ChannelSpec,
    Life,
    PauseSpec,
    Policy,
    RuleSpec,
    ShopSpec,
    StepSpec,
    TriggerSpec,
)

DAYS = (
    (2025, 5, 1), (2025, 5, 1), (2025, 3, 24), (2025, 10, 20), (2025, 3, 3), (2025, 10, 28), (2025, 9, 1),
    (2025, 2, 20), (2024, 2, 20), (2024, 12, 24),
)  # fmt: skip
"""On which a shop may begin: clock changes, leap days and the turn of a year come in the days that follow."""
ZONES = (
    "UTC", "UTC", "Europe/Zurich", "Europe/Zurich", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
    "America/Santiago",
)  # fmt: skip
LENGTH = 16 * DAY
NAMES = (*("Checkout Started", "Product Viewed") * 2, "Order Completed", "Order Returned")
WINDOWS = (
    "6h", "16h", "1d", "2d", "4d", "7d", "1 days", "2 days", "3 days", "calendar day", "calendar week",
    "calendar month", "calendar quarter",
)  # fmt: skip
EXTENSIONS = (None, None, None, "calendar day", "calendar week", "calendar month")
HOURS = (
    (0, 6, 8, 20), (0, 6, 2, 22), (0, 6, 0, 3), (0, 4, 9, 18), (0, 6, 21, 7), (5, 6, 10, 14), (0, 6, 7, 12),
)  # fmt: skip
KINDS = (
    *("transactional",) * 4, *("behavioural",) * 2, "orders", "revenue", "silence", *("recurring",) * 2,
)  # fmt: skip


def a_shop(lot: Random) -> ShopSpec:
    """A shop with a few of everything."""
    channels = {
        "email": ChannelSpec("email", _windows(lot), weight=lot.choice((1, 1, 2))),
        "sms": ChannelSpec("sms", _windows(lot), weight=lot.choice((1, 2, 3))),
    }
    if lot.random() < 0.3:
        channels["print"] = ChannelSpec("print", (), lot.choice((DAY, 2 * DAY + 3 * HOUR)), 3)
    triggers = tuple(_trigger(lot, f"t{number}", sorted(channels)) for number in range(lot.randint(1, 4)))
    rules = tuple(_rule(lot, f"r{number}", sorted(channels)) for number in range(lot.randint(0, 3)))
    if lot.random() < 0.4:
        triggers, rules = tuple(_crowd(lot, each) for each in triggers), (_tight(lot), *rules[:1])
    begin = round(datetime(*lot.choice(DAYS), tzinfo=UTC).timestamp() * 1000)
    pauses = _pauses(lot, begin, [each.name for each in triggers]) if lot.random() < 0.4 else ()
    return ShopSpec(channels, rules, triggers, lot.random() < 0.7, begin, pauses)


def _pauses(lot: Random, begin: int, names: list[str]) -> tuple[PauseSpec, ...]:
    """One or two, each of something else; where they may overlap, of one policy."""
    policies: tuple[Policy, ...] = ("skip", "overdue", "shift", "restart")
    policy = lot.choice(policies)
    targets = lot.sample([*names, "*"], lot.choice((1, 1, 2)))
    found = []
    for target in targets:
        since = begin + lot.randrange(DAY, LENGTH - 4 * DAY, HOUR) + 7 * MINUTE
        found.append(PauseSpec(target, since, since + lot.choice((6 * HOUR, DAY, 3 * DAY)), policy))
    return tuple(found)


def _crowd(lot: Random, trigger: TriggerSpec) -> TriggerSpec:
    """The trigger among others that want the same room at different times, and can wait for it."""
    steps = tuple(
        replace(
            step, expires=lot.choice((2 * DAY, 9 * DAY)), weight=None, only_if=None, skips_to_end=False,
            instead=None, jumps=None, then=None, wait_for=step.wait_for if lot.random() < 0.3 else (),
            on_limit=lot.choice(("defer", "fallback", "fallback")), mode="first",
        )
        for step in trigger.steps
    )  # fmt: skip
    return replace(
        trigger, kind="transactional", event=lot.choice(NAMES[:2]),
        purpose=lot.choice(("marketing",) * 5 + ("service",)),
        after=lot.choice((0, 2 * HOUR, DAY, 2 * DAY)), priority=lot.choice((20, 50, 80)), steps=steps,
        most_orders=None, within=None, reentry=0,
    )  # fmt: skip


def _tight(lot: Random) -> RuleSpec:
    gap = lot.choice((None, None, 20 * HOUR))
    rule = RuleSpec("tight", lot.choice((1, 1, 2)), lot.choice(WINDOWS), gap=gap)
    return replace(rule, channels=("email",)) if lot.random() < 0.5 else rule


def a_life(lot: Random, shop: ShopSpec, key: str) -> Life:
    """What one customer does; no two acts come in the same minute."""
    minutes = lot.sample(range(-3 * DAY // MINUTE, (LENGTH - 4 * DAY) // MINUTE), lot.randint(1, 14))
    if lot.random() < 0.5:  # whole hours meet at the edges of windows
        minutes = sorted({minute // 60 * 60 for minute in minutes})
    acts, orders = [], list[tuple[str, int]]()
    for minute in sorted(minutes):
        act = _act(lot, shop.begin + minute * MINUTE, orders, f"{key}-{minute}")
        acts.append(act)
    media = lot.choice((("email", "sms", "print"),) * 5 + (("email", "print"), ("sms",), ()))
    date = datetime.fromtimestamp(shop.begin / 1000, UTC) + timedelta(days=lot.randrange(-2, 17))
    born = (2, 29) if date.month in (2, 3) and lot.random() < 0.3 else (date.month, date.day)
    return Life(key, media, acts, lot.choice(ZONES), born if lot.random() < 0.8 else None)


def _act(lot: Random, at: int, orders: list[tuple[str, int]], number: str) -> Act:
    name = lot.choice(NAMES)
    if name == "Order Returned" and not orders:
        name = "Order Completed"
    if name == "Order Returned":
        order, revenue = orders.pop(lot.randrange(len(orders)))
        return Act(at, name, {"order_id": order, "revenue": revenue})
    if name == "Order Completed":
        revenue = lot.choice((20, 60, 120))
        orders.append((number, revenue))
        return Act(at, name, {"order_id": number, "revenue": revenue} | _cart(lot))
    return Act(at, name, _cart(lot))


def _cart(lot: Random) -> dict[str, str]:
    return {"cart": lot.choice("ab")} if lot.random() < 0.7 else {}


def _windows(lot: Random) -> tuple[tuple[int, int, int, int], ...]:
    return () if lot.random() < 0.5 else tuple(lot.sample(HOURS, lot.choice((1, 1, 2))))


def _rule(lot: Random, name: str, channels: list[str]) -> RuleSpec:
    gap = lot.choice((2 * HOUR, 20 * HOUR, 36 * HOUR)) if lot.random() < 0.35 else None
    if gap is not None and lot.random() < 0.4:
        return _of_some(lot, RuleSpec(name, gap=gap), channels)
    unit = lot.choice(("contacts", "contacts", "points"))
    limit = lot.choice((1, 1, 2, 2, 3, 4)) if lot.random() < 0.95 else 0
    window = lot.choice(WINDOWS)
    extend = lot.choice(EXTENSIONS)
    return _of_some(lot, RuleSpec(name, limit, window, extend, gap, unit), channels)


def _of_some(lot: Random, rule: RuleSpec, channels: list[str]) -> RuleSpec:
    """The rule for all contacts, or for those of a channel, a purpose or a trigger."""
    of = lot.random()
    if of < 0.3:
        return replace(rule, channels=tuple(lot.sample(channels, 1)))
    if of < 0.45:
        return replace(rule, purposes=("marketing",))
    return replace(rule, triggers=("t0",)) if of < 0.55 else rule


def _trigger(lot: Random, name: str, channels: list[str]) -> TriggerSpec:
    kind = lot.choice(KINDS)
    number = lot.choice((1, 1, 2, 3, 4))
    steps = tuple(_step(lot, channels, place, number) for place in range(number))
    is_event = kind in ("transactional", "behavioural")
    return TriggerSpec(
        name, kind, steps,
        event=lot.choice(("Checkout Started", "Product Viewed", "Order Completed")) if is_event else "",
        purpose=lot.choice(("marketing",) * 4 + ("service", "transactional")),
        priority=lot.choice((50, 50, 80)),
        after=lot.choice((0, HOUR, DAY)) if is_event else 0,
        unless=("Order Completed",) if is_event and lot.random() < 0.3 else (),
        exits=("Order Completed",) if lot.random() < 0.25 else (),
        per="cart" if is_event and lot.random() < 0.4 else None,
        at_least=lot.choice((1, 2, 3)) if kind == "behavioural" else 1,
        within=lot.choice((None, DAY, 4 * DAY)) if kind in ("behavioural", "orders", "revenue") else None,
        threshold=lot.choice((2, 3)) if kind == "orders" else lot.choice((50, 150)),
        silence=lot.choice((DAY, 3 * DAY)),
        reentry=0 if kind == "recurring" else lot.choice((0, 0, 0, 2 * DAY, None)),
        offset=lot.choice((0, 0, -DAY, 2 * DAY, -3 * DAY, -25 * HOUR, 26 * HOUR)),
        minute=lot.choice((9 * 60, 0, 2 * 60 + 30, 2 * 60, 23 * 60 + 45, 60 + 45)),
        most_orders=lot.choice((1, 2)) if lot.random() < 0.2 else None,
    )  # fmt: skip


def _step(lot: Random, channels: list[str], place: int, number: int) -> StepSpec:
    """The step at a place, from 0, of so many."""
    step = _plain(lot, channels, place)
    later = [None, *range(place + 2, number + 1)]
    if lot.random() < 0.2:
        step = replace(step, only_if=lot.choice((1, 2)))
        leads = lot.random()
        if leads < 0.4:
            instead = replace(_plain(lot, channels, 0), then=lot.choice((None, None, 0)))
            asked = lot.choice((None, None, 1))
            is_last = asked is not None and lot.random() < 0.5
            step = replace(step, instead=replace(instead, only_if=asked, skips_to_end=is_last))
        elif leads < 0.6:
            step = replace(step, jumps=lot.choice(later))
        elif leads < 0.8:
            step = replace(step, skips_to_end=True)
    if lot.random() < 0.1:
        step = replace(step, then=lot.choice((*later, 0)))
    if lot.random() < 0.25:
        ends = ["send", "send", "skip", "end", *(f"s{each}" for each in later if each is not None)]
        step = replace(
            step, wait_for=tuple(lot.sample(sorted(set(NAMES)), lot.choice((1, 1, 2)))),
            timeout=lot.choice((2 * HOUR, 12 * HOUR, DAY, 3 * DAY)), on_timeout=lot.choice(ends),
        )  # fmt: skip
    return step


def _plain(lot: Random, channels: list[str], place: int) -> StepSpec:
    return StepSpec(
        tuple(lot.sample(channels, lot.randint(1, len(channels)))),
        after=0 if place == 0 and lot.random() < 0.5 else lot.choice((0, 5 * MINUTE, 2 * HOUR, DAY)),
        expires=lot.choice((HOUR, 12 * HOUR, 2 * DAY, 9 * DAY)),
        mode=lot.choice(("first", "first", "all")),
        on_limit=lot.choice(("defer", "defer", "drop", "fallback")),
        weight=lot.choice((1, 2, 5)) if lot.random() < 0.2 else None,
    )
