"""An order as a workspace takes it in: in which namespace its number counts, and what its amount is worth in
the workspace's own currency.

Every order comes through `OrderTerms.read`, whatever it was read from: the calls of a file, the lines of a
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import Instant, local
from core.model.events import ORDER_CANCELLED
from core.sources.cells import CellError
from core.sources.currencies import DECIMALS
from core.sources.order_fields import HUNDREDTHS, amount_in, currency_of, order_number
from core.sources.rates import Rates
from core.sources.segment import ORDER_NAMES, Incoming, Rejected

UNNUMBERED: Final = "\x1f"
"""Begins the key of an order without a number, which is kept only where its amount waits for a rate."""
_WHOLE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What a workspace says of its orders. `namespaces` has the sources whose numbers are their own."""

    currency: str
    zone: ZoneInfo
    rates: Rates = field(default_factory=Rates)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()  # further placeholders, as `core.placeholders` has them

    def read(self, incoming: Incoming) -> Incoming:
        """The event with its order's number and currency; any other event as it is. Rejected where the
        currency or the amount cannot be read.
        """
        if incoming.name not in ORDER_NAMES:
            return incoming
        order = self._key(incoming)
        try:
            currency = currency_of(incoming.properties, self.currency)
            if currency != self.currency and incoming.name != ORDER_CANCELLED:
                return self._converted(incoming, order, currency)
        except CellError as error:
            raise Rejected(str(error)) from None
        return incoming if order == incoming.order else incoming._replace(order=order)

    def rate(self, currency: str, at: Instant) -> Decimal | None:
        """Units of the workspace's currency for one of this by the local day of an instant (ms UTC)."""
        return self.rates.rate(currency, local(at, self.zone).date())

    def _key(self, incoming: Incoming) -> str | None:
        number = order_number(incoming.properties, self.ignored)
        namespace = self.namespaces.get(incoming.source)
        return number if number is None or namespace is None else f"{namespace}:{number}"

    def _converted(self, incoming: Incoming, order: str | None, currency: str) -> Incoming:
        own = amount_in(incoming.name, incoming.properties, DECIMALS[currency], currency)
        rate = self.rate(currency, incoming.occurred_at)
        if rate is None and own is None and not incoming.properties.get("products"):
            rate = _WHOLE  # it names no amount, so that nothing is to be converted
        if rate is None and order is None:
            order = f"{UNNUMBERED}{incoming.dedup.hex()}"
        return incoming._replace(
            order=order,
            currency=currency,
            own_amount=own,
            rate=None if rate is None else str(rate),
            amount=None if rate is None or own is None else converted(own, currency, rate),
        )


def converted(amount: int, currency: str, rate: Decimal) -> int:
    """Minor units of a currency as the workspace's minor units, half away from zero."""
    worth = Decimal(amount).scaleb(HUNDREDTHS - DECIMALS[currency]) * rate
    return int(worth.quantize(_WHOLE, ROUND_HALF_UP))
