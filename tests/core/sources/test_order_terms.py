"""An order as it is taken in: its number within the namespace, its amount in the workspace's currency."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.sources.order_terms import UNNUMBERED, OrderTerms, converted
from core.sources.rates import read_rates
from core.sources.segment import Incoming, Rejected, parse_call

RATES = read_rates(
    "day,currency,rate\n2026-03-02,EUR,0.95\n2026-03-03,EUR,0.96\n2026-01-01,JPY,0.0056\n2026-01-01,KWD,2.6\n"
)
TERMS = OrderTerms("CHF", ZoneInfo("Europe/Zurich"), RATES, {"till": "till"})


def read(
    event: str = "Order Completed", at: str = "2026-03-02T10:00:00Z", source: str = "shop", **said: Any
) -> Incoming:
    record = {
        "type": "track", "event": event, "messageId": "m1", "userId": "u1", "timestamp": at,
        "properties": {"order_id": "A1"} | said,
    }  # fmt: skip
    return TERMS.read(parse_call(record, source=source, arrived_at=None, zone=TERMS.zone))


@pytest.mark.parametrize(
    ("said", "own", "amount"),
    [
        ({"currency": "EUR", "revenue": 100}, 10_000, 9_500),
        ({"currency": "€", "revenue": "100.00"}, 10_000, 9_500),
        ({"revenue": "EUR 100.00"}, 10_000, 9_500),
        ({"currency": "JPY", "revenue": 1000}, 1_000, 560),
        ({"currency": "JPY", "products": [{"price": 500, "quantity": 2}]}, 1_000, 560),
        ({"currency": "KWD", "revenue": "1.234"}, 1_234, 321),
        ({"currency": "EUR", "revenue": 0}, 0, 0),
    ],
)  # fmt: skip
def test_an_amount_in_another_currency_is_converted_in_its_own_decimals(
    said: dict[str, Any], own: int, amount: int
) -> None:
    order = read(**said)
    assert (order.own_amount, order.amount) == (own, amount)
    assert order.rate is not None


def test_the_last_rate_of_or_before_the_local_day_holds() -> None:
    assert read(currency="EUR", revenue=1, at="2026-03-02T22:59:00Z").rate == "0.95"
    assert read(currency="EUR", revenue=1, at="2026-03-02T23:01:00Z").rate == "0.96"  # the 3rd in Zürich
    assert read(currency="EUR", revenue=1, at="2027-01-01T12:00:00Z").rate == "0.96"


def test_without_a_rate_an_amount_is_not_converted_and_never_added_as_if_it_were_the_same() -> None:
    order = read(currency="EUR", revenue=1, at="2026-03-01T12:00:00Z")
    assert (order.currency, order.own_amount, order.rate, order.amount) == ("EUR", 100, None, None)
    unnumbered = read(currency="USD", revenue=1, order_id="0")
    assert (unnumbered.order or "").startswith(UNNUMBERED)


def test_what_names_no_amount_needs_no_rate() -> None:
    assert read("Order Refunded", currency="USD").rate == "1"
    assert read("Order Refunded", currency="USD", products=[{"sku": "x"}]).rate is None


@pytest.mark.parametrize(
    "said", [{"currency": "CHF"}, {"currency": "chf "}, {"currency": ""}, {"currency": None}, {}]
)
def test_the_workspaces_own_currency_needs_no_table(said: dict[str, Any]) -> None:
    order = read(revenue=5, **said)
    assert (order.currency, order.rate, order.amount) == (None, None, 500)


@pytest.mark.parametrize(
    "said",
    [{"currency": "Taler"}, {"currency": 7}, {"currency": "USD", "revenue": "EUR 5"}, {"revenue": "5 EUR 3"}],
)
def test_a_currency_that_cannot_be_read_rejects_the_call(said: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        read(**({"revenue": 5} | said))


def test_a_source_with_numbers_of_its_own_has_its_own_namespace() -> None:
    assert (read(order_id=7).order, read(order_id=7, source="till").order) == ("7", "till:7")
    assert read("Product Viewed", source="till").order is None


def test_half_a_minor_unit_is_rounded_away_from_zero() -> None:
    assert (
        converted(1, "CHF", RATES.by_currency["EUR"][1][0]),
        converted(-50, "EUR", RATES.by_currency["JPY"][1][0]),
    ) == (1, 0)
