"""Exchange rates by day: the last one of or before a day holds, and a line that is none is named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.sources.rates import RateError, read_rates

TABLE = "day,currency,rate\n2025-01-31,EUR,0.94\n2025-01-01,EUR,0.93\n\n2025-01-01,JPY,0.0058\n"


@pytest.mark.parametrize(
    ("currency", "day", "rate"),
    [
        ("EUR", date(2024, 12, 31), None),
        ("EUR", date(2025, 1, 1), "0.93"),
        ("EUR", date(2025, 1, 30), "0.93"),
        ("EUR", date(2025, 1, 31), "0.94"),
        ("EUR", date(2030, 1, 1), "0.94"),
        ("JPY", date(2025, 1, 1), "0.0058"),
        ("USD", date(2025, 1, 1), None),
    ],
)
def test_the_last_rate_of_or_before_a_day_holds(currency: str, day: date, rate: str | None) -> None:
    assert read_rates(TABLE).rate(currency, day) == (None if rate is None else Decimal(rate))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "first line"),
        ("currency,day,rate\n", 1, "first line"),
        ("day,currency,rate\n2025-01-01,EUR\n", 2, "2 cells"),
        ("day,currency,rate\n2025-01-01,eur,1\n", 2, "no code"),
        ("day,currency,rate\n\n01.01.2025,EUR,1\n", 3, "no day"),
        ("day,currency,rate\n2025-02-30,EUR,1\n", 2, "no day"),
        ("day,currency,rate\n2025-01-01,EUR,0\n", 2, "no rate above 0"),
        ("day,currency,rate\n2025-01-01,EUR,nan\n", 2, "no rate above 0"),
        ('day,currency,rate\n2025-01-01,EUR,"0,94"\n', 2, "no rate above 0"),
        ("day,currency,rate\n2025-01-01,EUR,1\n2025-01-01,EUR,2\n", 3, "two rates"),
    ],
)
def test_a_line_that_is_no_rate_is_named(text: str, line: int, words: str) -> None:
    with pytest.raises(RateError, match=words) as fault:
        read_rates(text)
    assert fault.value.line == line
