"""What the properties of an event say of an order: its number, its currency and its amount.

They are read strictly: what is there and cannot be read is refused, since an amount that silently became
nothing would be a wrong sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from core.model.events import ORDER_COMPLETED
from core.model.orders import GOING_BACK
from core.placeholders import identifying_text
from core.sources.amounts import LARGEST_AMOUNT, read_json_amount
from core.sources.cells import CellError, bare, shown
from core.sources.currencies import read_currency

AMOUNT_NAMES: Final = ("revenue", "total", "value")
"""The properties that carry an amount; the first that says something holds."""
HUNDREDTHS: Final = 2
"""The decimals in which sums of the workspace are kept, whatever its currency."""
_PLAIN_FLOAT: Final = 10**9
_WHOLE: Final = Decimal(1)


def order_number(properties: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> str | None:
    """The number by which an order is known; None where there is none, or a placeholder such as `0`."""
    given = properties.get("order_id")
    return None if given is None else identifying_text(given, ignored)


def currency_of(properties: Mapping[str, Any], home: str) -> str:
    """The ISO 4217 code of an order's currency, `home` where it names none; CellError where the text is no
    currency.
    """
    given = properties.get("currency")
    if isinstance(given, str) and given == home:
        return home
    if not _says_nothing(given):
        if not isinstance(given, str):
            raise CellError(f"the currency {shown(given)} is no text")
        return read_currency(given, home)
    for name in AMOUNT_NAMES:
        value = properties.get(name)
        if not _says_nothing(value):
            return (read_json_amount(value, home).currency or home) if isinstance(value, str) else home
    return home


def amount_in(
    act: str, properties: Mapping[str, Any], decimals: int = HUNDREDTHS, currency: str | None = None
) -> int | None:
    """The amount of an order, or of what goes back of it, in units of so many decimals: as `AMOUNT_NAMES` say
    it, else the sum over its products.

    None where it names none; what goes back and names products without their prices names none either. Where
    `currency` is given, an amount that is written with another one is refused. CellError names the property.
    """
    for name in AMOUNT_NAMES:
        value = properties.get(name)
        if value is not None and not _says_nothing(value):
            amount = _units(name, value, decimals, currency)
            return abs(amount) if act in GOING_BACK else amount
    amount_of_products = _sum_of_products(act, properties.get("products"), decimals, currency)
    if amount_of_products is None or act not in GOING_BACK:
        return amount_of_products
    return abs(amount_of_products)


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not bare(value))


def _units(name: str, value: object, decimals: int, currency: str | None) -> int:
    scale: int = 10**decimals
    if type(value) is int:
        units: int = value * scale
    elif (
        type(value) is float
        and abs(value) < _PLAIN_FLOAT
        and (rounded := round(value * scale)) / scale == value
    ):
        return rounded  # its shortest text has no more decimals, so that nothing is left to round
    else:
        units = int(_rounded(_number(name, value, currency).scaleb(decimals)))
    if abs(units) > LARGEST_AMOUNT:
        raise CellError(f"impossible {name} {shown(value)}: it is beyond all reason")
    return units


def _number(name: str, value: object, currency: str | None) -> Decimal:
    try:
        amount = read_json_amount(value, currency)
    except CellError as error:
        raise CellError(f"impossible {name}: {error}") from None
    if currency is not None and amount.currency not in (None, currency):
        raise CellError(f"impossible {name} {shown(value)}: the order is in {currency}")
    return amount.number


def _sum_of_products(act: str, products: object, decimals: int, currency: str | None) -> int | None:
    if not isinstance(products, list):
        return None
    total, is_priced = 0, bool(products)
    for product in products:
        if not isinstance(product, dict) or _says_nothing(price := product.get("price")):
            is_priced = False
            continue
        total += _times(_units("price", price, decimals, currency), product.get("quantity", 1))
    if abs(total) > LARGEST_AMOUNT:
        raise CellError("impossible products: their sum is beyond all reason")
    return total if is_priced or act == ORDER_COMPLETED else None


def _times(unit: int, quantity: object) -> int:
    if type(quantity) is int:
        return unit * quantity
    return int(_rounded(unit * _number("quantity", 1 if _says_nothing(quantity) else quantity, None)))


def _rounded(number: Decimal) -> Decimal:
    """Half away from zero."""
    return number.quantize(_WHOLE, ROUND_HALF_UP)
