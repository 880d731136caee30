"""Orders as business objects: whoever tells of an order, and however often, it is one order.

An order is known by its `order_id` within a namespace. Each event that speaks of it is a `Telling`; what the
order has come to is worked out from all tellings known, in order of occurrence, so that the order in which
they arrive changes nothing. Money is minor units of one currency, instants are milliseconds UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.instants import Instant
from core.model.events import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    ORDER_RETURNED,
    ORDER_UPDATED,
)

ORDER_ACTS: Final = (ORDER_COMPLETED, ORDER_UPDATED, ORDER_CANCELLED, ORDER_RETURNED, ORDER_REFUNDED)
"""What can be told of an order, in the order in which the tellings of one instant count."""
GOING_BACK: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})
_RANK: Final = {act: rank for rank, act in enumerate(ORDER_ACTS)}


class OrderLine(NamedTuple):
    """One product of an order, or of what goes back of it: which, how many pieces, and their value together.

    `value` is None where no price was told.
    """

    product: str
    units: int
    value: int | None


class Telling(NamedTuple):
    """What one event says of an order. `amount` is None where it names none, `lines` where it names no
    products.

    `mark` is the number of a refund or return where the source gives one: told again, it goes back once.
    `tie` parts tellings of one act and instant.
    """

    act: str
    at: Instant
    amount: int | None
    lines: tuple[OrderLine, ...] | None = None
    mark: str | None = None
    tie: tuple[str, bytes] = ("", b"")


@dataclass(frozen=True, slots=True)
class OrderState:
    """What an order has come to by what is known of it.

    `completed_at` is None where only its updates, refunds or returns were told; `returned` is what went back
    of `amount`, never more than that, but as it was said where the order itself is not known.
    """

    completed_at: Instant | None
    is_cancelled: bool
    amount: int
    returned: int
    returns: int
    units: int

    @property
    def counts(self) -> bool:
        """Whether it stands in counts and sums as an order."""
        return self.completed_at is not None and not self.is_cancelled

    @property
    def status(self) -> str:
        """`cancelled`, `returned` where nothing of it is left, else `open`."""
        if self.is_cancelled:
            return "cancelled"
        is_back = self.returns > 0 and (self.completed_at is None or self.returned >= self.amount)
        return "returned" if is_back else "open"


class OrderSums(NamedTuple):
    """What an order adds to its customer's sums: money in minor units."""

    orders: int
    gross: int
    returned: int
    returns: int
    units: int


NOTHING: Final = OrderSums(0, 0, 0, 0, 0)


def order_state(tellings: Iterable[Telling]) -> OrderState:
    """What the tellings of one order come to, in whatever order they are given."""
    known = sorted(tellings, key=_in_order)
    completed = [telling for telling in known if telling.act == ORDER_COMPLETED]
    amount, lines = _amount_and_lines(known) if completed else (0, ())
    back = _once([telling for telling in known if telling.act in GOING_BACK])
    returned = _returned(back, amount, lines) if completed else _as_said(back)
    return OrderState(
        completed_at=completed[0].at if completed else None,
        is_cancelled=any(telling.act == ORDER_CANCELLED for telling in known),
        amount=amount,
        returned=returned,
        returns=max((sum(1 for each in back if each.act == act) for act in GOING_BACK), default=0),
        units=sum(line.units for line in lines),
    )


def order_sums(tellings: Sequence[Telling]) -> OrderSums:
    """What an order adds to its customer's sums; nothing where it is cancelled, or was not completed yet."""
    if len(tellings) == 1 and tellings[0].act == ORDER_COMPLETED:  # most orders, told once
        only = tellings[0]
        return OrderSums(1, only.amount or 0, 0, 0, sum(line.units for line in only.lines or ()))
    if not tellings:
        return NOTHING
    state = order_state(tellings)
    if state.is_cancelled:
        return NOTHING
    if state.completed_at is None:
        return OrderSums(0, 0, state.returned, state.returns, 0)
    return OrderSums(1, state.amount, state.returned, state.returns, state.units)


def is_known(tellings: Iterable[Telling]) -> bool:
    """Whether the order itself was told: what is told of it again then enters nobody."""
    return any(telling.act == ORDER_COMPLETED for telling in tellings)


def _in_order(telling: Telling) -> tuple[Instant, int, tuple[str, bytes]]:
    return telling.at, _RANK[telling.act], telling.tie


def _amount_and_lines(known: Sequence[Telling]) -> tuple[int, tuple[OrderLine, ...]]:
    """The amount and the products as the latest telling that names them has them.

    Updates told before the order itself was completed count with it.
    """
    amount, lines = 0, ()  # type: tuple[int, tuple[OrderLine, ...]]
    for telling in known:
        if telling.act in (ORDER_COMPLETED, ORDER_UPDATED):
            amount = amount if telling.amount is None else telling.amount
            lines = lines if telling.lines is None else telling.lines
    return amount, lines


def _once(back: Sequence[Telling]) -> list[Telling]:
    """Refunds and returns, each once: of those that carry one number, as it was told last."""
    marked = {(telling.act, telling.mark): telling for telling in back if telling.mark is not None}
    return [*(telling for telling in back if telling.mark is None), *marked.values()]


def _as_said(back: Iterable[Telling]) -> int:
    """What goes back of an order that is not known: of returns and refunds the larger sum."""
    sums: dict[str, int] = defaultdict(int)
    for telling in back:
        named = sum(line.value or 0 for line in telling.lines or ())
        sums[telling.act] += named if telling.amount is None else telling.amount
    return max(sums.values(), default=0)


class _Side:
    """What went back by returns alone, or by refunds alone: by product where it was named, and the rest."""

    __slots__ = ("by_product", "is_all", "rest")

    def __init__(self) -> None:
        self.by_product: dict[str, int] = defaultdict(int)
        self.rest = 0
        self.is_all = False

    def take(self, telling: Telling, prices: Mapping[str, tuple[int, int]]) -> None:
        """Add one refund or return; without amount and products it means all that the order has."""
        if telling.amount is None and not telling.lines:
            self.is_all = True
            return
        named = 0
        for line in telling.lines or ():
            value = _value(line, prices)
            self.by_product[line.product] += value
            named += value
        self.rest += 0 if telling.amount is None else telling.amount - named

    def keep_to(self, prices: Mapping[str, tuple[int, int]]) -> None:
        """Of no product more goes back than the order has of it, where that is known."""
        for product, (_, value) in prices.items():
            if product in self.by_product:
                self.by_product[product] = min(self.by_product[product], value)


def _returned(back: Sequence[Telling], amount: int, lines: Sequence[OrderLine]) -> int:
    """What went back of an order: of refunds and returns the larger, product by product where both name
    them.
    """
    prices = _prices(lines)
    sides = {act: _Side() for act in GOING_BACK}
    for telling in back:
        sides[telling.act].take(telling, prices)
    refunds, returns = sides[ORDER_REFUNDED], sides[ORDER_RETURNED]
    if refunds.is_all or returns.is_all:
        return amount
    for side in sides.values():
        side.keep_to(prices)
    if refunds.by_product and returns.by_product:
        products = refunds.by_product.keys() | returns.by_product.keys()
        larger = (max(refunds.by_product[each], returns.by_product[each]) for each in products)
        found = sum(larger) + max(refunds.rest, returns.rest)
    else:
        found = max(sum(side.by_product.values()) + side.rest for side in sides.values())
    return max(0, min(found, amount))


def _prices(lines: Iterable[OrderLine]) -> dict[str, tuple[int, int]]:
    """By product the pieces and the value that the order has of it."""
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        if line.value is not None:
            units, value = found.get(line.product, (0, 0))
            found[line.product] = (units + line.units, value + line.value)
    return found


def _value(line: OrderLine, prices: Mapping[str, tuple[int, int]]) -> int:
    """What the pieces of a line are worth: as it says itself, else at the order's own price, half up."""
    if line.value is not None:
        return line.value
    units, value = prices.get(line.product, (0, 0))
    return (2 * value * line.units + units) // (2 * units) if units > 0 else value
