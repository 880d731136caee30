"""Random shops and lives: few triggers, rules of all forms, and customers whose acts come close together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from tests.oracle.spec import (
    DAY,
    HOUR,
    MINUTE,
    Act,
    ChannelSpec,
    Life,
    RuleSpec,
    ShopSpec,
    StepSpec,
    TriggerSpec,
)

BEGIN = round(datetime(2025, 5, 1, tzinfo=UTC).timestamp() * 1000)
LENGTH = 16 * DAY
NAMES = (*("Checkout Started", "Product Viewed") * 2, "Order Completed", "Order Returned")
WINDOWS = (
    "6h", "16h", "1d", "2d", "4d", "7d", "1 days", "2 days", "3 days", "calendar day", "calendar week",
    "calendar month", "calendar quarter",
)  # fmt: skip
EXTENSIONS = (None, None, None, "calendar day", "calendar week", "calendar month")
HOURS = ((0, 6, 8, 20), (0, 4, 9, 18), (0, 6, 21, 7), (5, 6, 10, 14), (0, 6, 7, 12))


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
    return ShopSpec(channels, rules, triggers)


def a_life(lot: Random, key: str) -> Life:
    """What one customer does; no two acts come in the same minute."""
    minutes = lot.sample(range(-3 * DAY // MINUTE, (LENGTH - 4 * DAY) // MINUTE), lot.randint(1, 14))
    if lot.random() < 0.5:  # whole hours meet at the edges of windows
        minutes = sorted({minute // 60 * 60 for minute in minutes})
    acts, orders = [], list[tuple[str, int]]()
    for minute in sorted(minutes):
        act = _act(lot, BEGIN + minute * MINUTE, orders, f"{key}-{minute}")
        acts.append(act)
    media = lot.choice((("email", "sms", "print"),) * 5 + (("email", "print"), ("sms",), ()))
    return Life(key, media, acts)


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
    kind = lot.choice(("transactional",) * 4 + ("behavioural", "behavioural", "orders", "revenue", "silence"))
    steps = tuple(_step(lot, channels, number) for number in range(lot.choice((1, 1, 2, 3))))
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
        reentry=lot.choice((0, 0, 0, 2 * DAY, None)),
        most_orders=lot.choice((1, 2)) if lot.random() < 0.2 else None,
    )  # fmt: skip


def _step(lot: Random, channels: list[str], number: int) -> StepSpec:
    is_asked = lot.random() < 0.2
    return StepSpec(
        tuple(lot.sample(channels, lot.randint(1, len(channels)))),
        after=0 if number == 0 and lot.random() < 0.5 else lot.choice((0, 5 * MINUTE, 2 * HOUR, DAY)),
        expires=lot.choice((HOUR, 12 * HOUR, 2 * DAY, 9 * DAY)),
        mode=lot.choice(("first", "first", "all")),
        on_limit=lot.choice(("defer", "defer", "drop", "fallback")),
        weight=lot.choice((1, 2, 5)) if lot.random() < 0.2 else None,
        only_if=lot.choice((1, 2)) if is_asked else None,
        skips_to_end=is_asked and lot.random() < 0.5,
    )
