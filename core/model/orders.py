"""Orders as business objects: whoever tells of an order, and however often, it is one order.

An order is known by its `order_id` within a namespace. Each event that speaks of it is a `Telling`; what the
order has come to is worked out from all tellings known, in order of occurrence, so that the order in which
they arrive changes nothing. Money is minor units of one currency, instants are milliseconds UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, NamedTuple

from core.instants import DAY, Instant, Millis
from core.model.events import (
    AGAIN,
    ELSEWHERE,
    FIRST,
    LONG_AFTER,
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    ORDER_RETURNED,
    ORDER_UPDATED,
    Event,
    OrderStanding,
)

CUMULATIVE: Final = "cumulative"
"""The property, and the mark, of a refund or return that names all that went back of its order so far."""
ORDER_ACTS: Final = (ORDER_COMPLETED, ORDER_UPDATED, ORDER_CANCELLED, ORDER_RETURNED, ORDER_REFUNDED)
"""What can be told of an order, in the order in which the tellings of one instant count."""
GOING_BACK: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})
_PRODUCT_NAMES: Final = ("product_id", "sku", "variant_id", "name")
_WHOLE: Final = Decimal(1)
_BEYOND_REASON: Final = 10**15
ONE_PURCHASE: Final[Millis] = DAY
"""So long after an order was completed first what tells of it is the same purchase, seen by another clock."""
_RANK: Final = {act: rank for rank, act in enumerate(ORDER_ACTS)}


class OrderLine(NamedTuple):
    """One product of an order, or of what goes back of it: which, how many pieces, and their value together
    in minor units of the workspace's currency; None where no price was told.
    """

    product: str
    units: int
    value: int | None


class Telling(NamedTuple):
    """What one event says of an order. `amount` is in minor units of the workspace's currency, None where the
    event names none; `products` are as the source names them, None where it names none.

    `factor` is what one major unit of the order's currency comes to in minor units of the workspace's. `mark`
    is the number of a refund or return where the source gives one: told again, it goes back once. `tie` parts
    tellings of one act and instant.
    """

    act: str
    at: Instant
    amount: int | None
    products: Sequence[Any] | None = None
    factor: Decimal = Decimal(100)
    mark: str | None = None
    tie: tuple[str, bytes] = ("", b"")

    @property
    def lines(self) -> tuple[OrderLine, ...]:
        """The products with what they are worth."""
        return tuple(
            _line(product, self.factor) for product in self.products or () if isinstance(product, dict)
        )


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
    """What an order adds to its customer's sums: money in minor units; `at` is when it was completed, None
    where it is no order that counts.
    """

    at: Instant | None
    gross: int
    returned: int
    returns: int
    units: int


NOTHING: Final = OrderSums(None, 0, 0, 0, 0)


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
        returns=max(_times_back(back, act) for act in GOING_BACK),
        units=sum(line.units for line in lines),
    )


def order_sums(tellings: Sequence[Telling]) -> OrderSums:
    """What an order adds to its customer's sums; nothing where it is cancelled, or was not completed yet."""
    if len(tellings) == 1 and tellings[0].act == ORDER_COMPLETED:  # most orders, told once
        only = tellings[0]
        return OrderSums(only.at, only.amount or 0, 0, 0, units_of(only.products))
    if not tellings:
        return NOTHING
    state = order_state(tellings)
    if state.is_cancelled:
        return NOTHING
    if state.completed_at is None:
        return OrderSums(None, 0, state.returned, state.returns, 0)
    return OrderSums(state.completed_at, state.amount, state.returned, state.returns, state.units)


# ---- what an event says ----


def telling_of(event: Event) -> Telling | None:
    """What an event says of its order; None where it speaks of none, or of one that counts for somebody else.

    An amount in a currency without a rate is not converted: the order counts, and adds nothing to the sums.
    """
    if event.name not in _RANK or event.standing == ELSEWHERE:
        return None
    return telling(
        event.name, event.occurred_at, event.amount, event.properties, event.rate, event.source, event.tie
    )


def telling(
    act: str,
    at: Instant,
    amount: int | None,
    properties: Mapping[str, Any],
    rate: str | None,
    source: str,
    tie: bytes,
) -> Telling:
    """The same of the parts of an event, where the event itself is not at hand."""
    products = properties.get("products")
    return Telling(
        act,
        at,
        (0 if act in GOING_BACK else None) if rate is None else amount,
        products if isinstance(products, list) else None,
        _UNCONVERTED if rate is None else _factor(rate),
        number_of_return(act, properties),
        (source, tie),
    )


_UNCONVERTED: Final = Decimal(0)


@lru_cache(maxsize=1_024)
def _factor(rate: str) -> Decimal:
    """Minor units of the workspace's currency for one unit of the order's."""
    return Decimal(rate).scaleb(2)


def number_of_return(act: str, properties: Mapping[str, Any]) -> str | None:
    """The number of a refund or return, where the source gives one; `CUMULATIVE` where it names all that went
    back so far.
    """
    if act not in GOING_BACK:
        return None
    if properties.get(CUMULATIVE) is True:
        return CUMULATIVE
    number = properties.get("refund_id" if act == ORDER_REFUNDED else "return_id")
    return None if number in (None, "") else str(number)


# ---- how tellings stand among each other ----


class Told(NamedTuple):
    """What parts the tellings of one order by one customer: of those that say the same, one counts as the act
    and the others tell it again. `before` says in which order they came to count.
    """

    act: str
    mark: str | None
    before: tuple[Any, ...]
    at: Instant


def standings(told: Sequence[Told]) -> list[OrderStanding]:
    """Which of them count and which tell again what counts already, in the order given.

    An order is completed once and cancelled once, and a refund or return with a number of its own goes back
    once; updates, and what has no number, count each time.
    """
    completed_at = min((one.at for one in told if one.act == ORDER_COMPLETED), default=0)
    return [
        LONG_AFTER
        if standing == AGAIN and one.act == ORDER_COMPLETED and one.at >= completed_at + ONE_PURCHASE
        else standing
        for one, standing in zip(told, _first_or_again(told))
    ]


def _first_or_again(told: Sequence[Told]) -> list[OrderStanding]:
    found: list[OrderStanding] = [FIRST] * len(told)
    counts: dict[tuple[str, str | None], int] = {}
    for place, one in enumerate(told):
        if not is_told_once(one.act, one.mark):
            continue
        other = counts.setdefault((one.act, one.mark), place)
        if other == place:
            continue
        if one.before < told[other].before:
            found[other], counts[one.act, one.mark] = AGAIN, place
        else:
            found[place] = AGAIN
    return found


def is_told_once(act: str, mark: str | None) -> bool:
    """Whether a second telling of the act says nothing new."""
    return act in (ORDER_COMPLETED, ORDER_CANCELLED) or mark is not None


def as_they_occurred(events: Sequence[Event]) -> list[Event]:
    """One customer's events, each standing as if it had become known when it occurred."""
    by_order: dict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if event.order is not None and event.name in _RANK and event.standing != ELSEWHERE:
            by_order[event.order].append(place)
    found = list(events)
    for places in by_order.values():
        if len(places) > 1:
            told = [_told(events[place]) for place in places]
            for place, standing in zip(places, standings(told)):
                found[place] = events[place]._replace(standing=standing)
    return found


def _told(event: Event) -> Told:
    mark = number_of_return(event.name, event.properties)
    return Told(event.name, mark, (event.occurred_at, event.source, event.tie), event.occurred_at)


# ---- what they come to ----


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
            lines = lines if telling.products is None else telling.lines
    return amount, lines


def _once(back: Sequence[Telling]) -> list[Telling]:
    """Refunds and returns, each once: of those that carry one number, as it was told last; of sums of one
    instant the larger.
    """
    marked: dict[tuple[str, str | None], Telling] = {}
    for telling in back:
        if telling.mark is not None:
            before = marked.get((telling.act, telling.mark))
            if telling.mark == CUMULATIVE and before is not None and before.at == telling.at:
                telling = max(before, telling, key=_size)
            marked[telling.act, telling.mark] = telling
    return [*(telling for telling in back if telling.mark is None), *marked.values()]


def _size(telling: Telling) -> tuple[bool, int]:
    return telling.amount is None, telling.amount or 0


def _times_back(back: Sequence[Telling], act: str) -> int:
    """How often something went back; a sum of all so far is one time where nothing else is known."""
    marks = [telling.mark for telling in back if telling.act == act]
    return sum(1 for mark in marks if mark != CUMULATIVE) or min(len(marks), 1)


def _so_far(back: Iterable[Telling]) -> int:
    """The largest sum that a telling names as all that went back."""
    return max((telling.amount or 0 for telling in back if telling.mark == CUMULATIVE), default=0)


def _as_said(back: Iterable[Telling]) -> int:
    """What goes back of an order that is not known: of returns and refunds the larger sum."""
    told = list(back)
    sums: dict[str, int] = defaultdict(int)
    for telling in told:
        if telling.mark == CUMULATIVE:
            continue
        named = sum(line.value or 0 for line in telling.lines)
        sums[telling.act] += named if telling.amount is None else telling.amount
    return max(*sums.values(), _so_far(told), 0)


class _Side:
    """What went back by returns alone, or by refunds alone: by product where it was named, and the rest."""

    __slots__ = ("by_product", "is_all", "rest")

    def __init__(self) -> None:
        self.by_product: dict[str, int] = defaultdict(int)
        self.rest = 0
        self.is_all = False

    def take(self, telling: Telling, prices: Mapping[str, tuple[int, int]]) -> None:
        """Add one refund or return; without amount and products it means all that the order has."""
        if telling.amount is None and telling.products is None:
            self.is_all = True
            return
        if telling.mark == CUMULATIVE:
            return
        named = 0
        for line in telling.lines:
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
    return max(0, min(max(found, _so_far(back)), amount))


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


def _line(product: Mapping[str, Any], factor: Decimal) -> OrderLine:
    """A product as the sources name it: known by its number, else its article number, else its name."""
    name = next((product[key] for key in _PRODUCT_NAMES if product.get(key) not in (None, "")), "")
    units = _units(product)
    price = _decimal(product.get("price"))
    if price is None:
        return OrderLine(str(name), units, None)
    unit = int((price * factor).quantize(_WHOLE, ROUND_HALF_UP))
    return OrderLine(str(name), units, int((unit * _quantity(product)).quantize(_WHOLE, ROUND_HALF_UP)))


def units_of(products: object) -> int:
    """How many pieces the products of an order are; one without a quantity is one piece."""
    if not isinstance(products, (list, tuple)):
        return 0
    return sum(_units(product) for product in products if isinstance(product, dict))


def _units(product: Mapping[str, Any]) -> int:
    return int(_quantity(product))


def _quantity(product: Mapping[str, Any]) -> Decimal:
    quantity = product.get("quantity", 1)
    if type(quantity) is int:
        return Decimal(quantity)
    return _decimal(quantity) or Decimal(0)


def _decimal(value: object) -> Decimal | None:
    """A number as it was written; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < _BEYOND_REASON else None
