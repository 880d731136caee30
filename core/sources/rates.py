"""Exchange rates by day: what amounts in another currency are worth in the workspace's own.

The table is text with the columns `day,currency,rate`; `rate` is how many units of the workspace's currency
one unit is worth. Of a currency the last rate of or before a day holds on it; before the first there is none.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

COLUMNS: Final = ("day", "currency", "rate")
_CODE: Final = re.compile("[A-Z]{3}")


class RateError(ValueError):
    """A line of the table that cannot be used; `line` is counted from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Rates:
    """By currency the days on which a rate begins, in order, and the rates."""

    by_currency: Mapping[str, tuple[tuple[date, ...], tuple[Decimal, ...]]] = field(default_factory=dict)

    def rate(self, currency: str, day: date) -> Decimal | None:
        """Units of the workspace's currency for one of this on a day; None where the table has none yet."""
        days, rates = self.by_currency.get(currency, ((), ()))
        place = bisect_right(days, day)
        return rates[place - 1] if place else None


def read_rates(text: str) -> Rates:
    """The table that a text holds; RateError for the first line that is none."""
    found: dict[str, dict[date, Decimal]] = {}
    for line, day, currency, rate in _rows(text):
        if day in found.setdefault(currency, {}):
            raise RateError(line, f"{currency} has two rates on {day.isoformat()}; keep one of them")
        found[currency][day] = rate
    ordered = {currency: sorted(by_day.items()) for currency, by_day in found.items()}
    return Rates(
        {
            currency: (tuple(day for day, _ in entries), tuple(rate for _, rate in entries))
            for currency, entries in ordered.items()
        }
    )


def _rows(text: str) -> Iterator[tuple[int, date, str, Decimal]]:
    reader = csv.reader(text.removeprefix("\ufeff").splitlines())
    header = [name.strip() for name in next(reader, [])]
    if tuple(header) != COLUMNS:
        raise RateError(1, f"the first line has to be {','.join(COLUMNS)}")
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield _row(reader.line_num, [cell.strip() for cell in cells])


def _row(line: int, cells: list[str]) -> tuple[int, date, str, Decimal]:
    if len(cells) != len(COLUMNS):
        raise RateError(
            line, f"{len(cells)} cells where there have to be {len(COLUMNS)}: {','.join(COLUMNS)}"
        )
    day, currency, rate = cells
    if not _CODE.fullmatch(currency):
        raise RateError(line, f"{currency[:20]!r} is no code of a currency, such as EUR")
    return line, _day(line, day), currency, _rate(line, rate)


def _day(line: int, text: str) -> date:
    try:
        if len(text) != len("2025-01-31"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise RateError(line, f"{text[:20]!r} is no day, such as 2025-01-31") from None


def _rate(line: int, text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise RateError(line, f"{text[:20]!r} is no rate above 0, such as 0.9431")
    return rate
