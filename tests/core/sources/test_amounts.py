"""Numbers and amounts as files have them: each is what it says under its decimal sign, or refused."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sources.amounts import (
    Amount,
    DecimalSign,
    decimal_column,
    decimal_signs_of,
    from_minor_units,
    read_amount,
    read_json_amount,
    read_number,
    to_minor_units,
)
from core.sources.cells import CellError, ColumnError
from core.sources.currencies import DECIMALS, read_currency
from core.sources.order_fields import amount_in

REFUSED = None

CELLS: list[tuple[str, str | None, str | None]] = [  # a cell, its number with a point, and with a comma
    ("49.90", "49.90", REFUSED), ("49,90", REFUSED, "49.90"), ("49", "49", "49"), ("007", "7", "7"),
    ("-5", "-5", "-5"), ("- 5", "-5", "-5"), ("5-", "-5", "-5"), ("\u22125", "-5", "-5"), ("+5", "5", "5"),
    ("--5", REFUSED, REFUSED), ("-5-", REFUSED, REFUSED), ("(5", REFUSED, REFUSED),
    ("(-5)", REFUSED, REFUSED),
    ("1.234,50", REFUSED, "1234.50"), ("1,234.50", "1234.50", REFUSED),
    ("1'234.50", "1234.50", REFUSED), ("1\u2019234.50", "1234.50", REFUSED),
    ("1'234'567", "1234567", "1234567"),
    ("1 234,50", REFUSED, "1234.50"), ("1\u00a0234,50", REFUSED, "1234.50"),
    ("1\u202f234,50", REFUSED, "1234.50"), ("1\u2009234,50", REFUSED, "1234.50"),
    ("1,234", "1234", "1.234"), ("1.234", "1.234", "1234"), ("1.000.000,00", REFUSED, "1000000.00"),
    ("1,00,000.00", REFUSED, REFUSED), ("12,34,567", REFUSED, REFUSED), ("12 34", REFUSED, REFUSED),
    ("1'234,567.89", REFUSED, REFUSED), ("1.234.50", REFUSED, REFUSED), ("1234.567.890", REFUSED, REFUSED),
    ("0,123", REFUSED, "0.123"), ("0.123", "0.123", REFUSED), (".50", "0.50", REFUSED),
    (",50", REFUSED, "0.50"),
    ("5.", REFUSED, REFUSED), ("5,", REFUSED, REFUSED), ("1_000", REFUSED, REFUSED),
    ("\u0661\u0662", REFUSED, REFUSED),
    ("4,17912E+10", REFUSED, REFUSED), ("1e5", REFUSED, REFUSED), ("7%", REFUSED, REFUSED),
    ("0x10", REFUSED, REFUSED),
    ("", REFUSED, REFUSED), (" ", REFUSED, REFUSED), ("-", REFUSED, REFUSED), ("NaN", REFUSED, REFUSED),
    ("inf", REFUSED, REFUSED), ("9" * 16, REFUSED, REFUSED), ("9" * 5_000, REFUSED, REFUSED),
    ("null", REFUSED, REFUSED),
    ("'49.90", "49.90", REFUSED), ('="49,90"', REFUSED, "49.90"), ("\ufeff49", "49", "49"),
    ("\t49 ", "49", "49"),
    ("49.-", "49", REFUSED), ("49.\u2013", "49", REFUSED), ("49,--", REFUSED, "49"),
    ("49.50.-", REFUSED, REFUSED),
    # from public reports
    ("4.711,98", REFUSED, "4711.98"), ("10,00", REFUSED, "10.00"),  # firefly-iii/firefly-iii#4106
    ("(33.52)", "-33.52", REFUSED),  # firefly-iii/firefly-iii#1087
    ("-14\u00a0800", "-14800", "-14800"),  # plaintextaccounting/hledger#2216
    ("10 237,65", REFUSED, "10237.65"),  # dbeaver/dbeaver#7839
    ("7 000", "7000", "7000"),  # vandenbroucke/monefy-web#6
    ("1.000,92", REFUSED, "1000.92"),  # jasp-stats/jasp-desktop#403
    ("1.111,11", REFUSED, "1111.11"),  # actualbudget/actual#2143
    ("5323,54", REFUSED, "5323.54"),  # invoiceninja/invoiceninja#9130
    ("-2,40", REFUSED, "-2.40"),  # aniav/ynab-csv#2
    ("1'000'000,00", REFUSED, "1000000.00"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "with_point", "with_comma"), CELLS)
def test_a_cell_is_the_number_it_says_or_refused(
    cell: str, with_point: str | None, with_comma: str | None
) -> None:
    signs: tuple[DecimalSign, DecimalSign] = (".", ",")
    for decimal, expected in zip(signs, (with_point, with_comma), strict=True):
        if expected is None:
            with pytest.raises(CellError):
                read_amount(cell, decimal)
        else:
            assert read_number(cell, decimal) == Decimal(expected)


@pytest.mark.parametrize(
    ("cell", "decimal", "number", "currency"),
    [
        ("CHF 49.90", ".", "49.90", "CHF"), ("49.90 CHF", ".", "49.90", "CHF"),
        ("chf49.90", ".", "49.90", "CHF"),
        ("49.90 €", ".", "49.90", "EUR"), ("49,90 €", ",", "49.90", "EUR"), ("€ -5,00", ",", "-5.00", "EUR"),
        ("-€5.00", ".", "-5.00", "EUR"), ("49,90 Euro", ",", "49.90", "EUR"),
        ("CHF 49.\u2013", ".", "49", "CHF"),
        ("Fr. 5.-", ".", "5", "CHF"), ("Fr.5", ".", "5", "CHF"), ("Fr.5.50", ".", "5.50", "CHF"),
        ("R$ 1.234,50", ",", "1234.50", "BRL"), ("1\u00a0234,50 Kč", ",", "1234.50", "CZK"),
        ("$49.90 USD", ".", "49.90", "USD"), ("€49,90 EUR", ",", "49.90", "EUR"),
        ("$49.90 CAD", ".", "49.90", "CAD"),
        ("£1,234.50", ".", "1234.50", "GBP"), ("¥1,235", ".", "1235", "JPY"),
        ("($182.77)", ".", "-182.77", "USD"),
        ("€(63.12)", ".", "-63.12", "EUR"),  # firefly-iii/firefly-iii#1087
        ("1.355,90€", ",", "1355.90", "EUR"),  # deadlocker8/BudgetMaster#731
        (" -110.7 €", ".", "-110.7", "EUR"),  # actualbudget/actual#5020
        ("4.711,98 €", ",", "4711.98", "EUR"),  # firefly-iii/firefly-iii#4106
    ],
)  # fmt: skip
def test_a_currency_beside_the_number_is_the_cells_currency(
    cell: str, decimal: DecimalSign, number: str, currency: str
) -> None:
    assert read_amount(cell, decimal) == Amount(Decimal(number), currency)
    with pytest.raises(CellError, match="plain number"):
        read_number(cell, decimal)


@pytest.mark.parametrize(
    "cell", ["kr 100", "49.90 XYZ", "$49.90 EUR", "CHF.50", "C-HF 5", "49.90 CHF 2", "CHF", "€"]
)
def test_what_stands_beside_a_number_and_is_no_currency_refuses_the_cell(cell: str) -> None:
    with pytest.raises(CellError):
        read_amount(cell, ".")


def test_a_sign_of_several_currencies_means_the_home_currency_where_it_can() -> None:
    assert read_amount("$5", ".", "CAD").currency == "CAD"
    assert read_amount("$5", ".", "CHF").currency == "USD"
    assert read_amount("kr 5", ".", "NOK").currency == "NOK"
    assert [read_currency(cell) for cell in ("eur", " CHF ", "£", "zł")] == ["EUR", "CHF", "GBP", "PLN"]
    with pytest.raises(CellError, match="several currencies: SEK, NOK, DKK, ISK"):
        read_currency("kr")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (49.9, "49.9"), (49, "49"), (Decimal("49.90"), "49.90"), ("49.90", "49.90"), ("1,234.50", "1234.50"),
        (0.1 + 0.2, "0.30000000000000004"), (-0.0, "0"), (0, "0"),
        (True, None), (False, None), (None, None), (float("nan"), None), (float("inf"), None), (1e400, None),
        (1e15, None), (10**400, None), ("1e400", None), ("NaN", None), ("Infinity", None), ("1_000", None),
        ("49,90", None), ("", None), (Decimal("sNaN"), None), (Decimal("1e999999"), None), ([], None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_json_value_is_the_number_it_was_written_as_or_refused(value: object, number: str | None) -> None:
    if number is None:
        with pytest.raises(CellError):
            read_json_amount(value)
    else:
        assert read_json_amount(value) == Amount(Decimal(number))


# ---- minor units ----


@pytest.mark.parametrize(
    ("number", "currency", "units"),
    [
        ("49.90", "CHF", 4990), ("0.005", "CHF", 1), ("-0.005", "CHF", -1), ("0.0049999", "CHF", 0),
        ("0.0049999999999999999999999999999999999999", "CHF", 0), ("1.5", "JPY", 2), ("1234", "JPY", 1234),
        ("1.2345", "KWD", 1235), ("1.23456", "CLF", 12346), ("100", "HUF", 10_000), ("100", "ISK", 100),
    ],
)  # fmt: skip
def test_minor_units_follow_the_decimals_of_the_currency_and_round_a_half_up(
    number: str, currency: str, units: int
) -> None:
    assert to_minor_units(Decimal(number), currency) == units


@pytest.mark.parametrize(
    ("number", "currency"), [("1", "XXX"), ("1", "chf"), ("1e12", "CHF"), ("NaN", "CHF")]
)
def test_unknown_currencies_and_amounts_beyond_reason_have_no_minor_units(number: str, currency: str) -> None:
    with pytest.raises(CellError):
        to_minor_units(Decimal(number), currency)


_NUMBERS = (
    st.floats(-1e8, 1e8) | st.integers(-(10**8), 10**8) | st.floats(-1e5, 1e5).map(lambda f: round(f, 2))
)


@given(_NUMBERS, st.sampled_from(["CHF", "JPY", "KWD", "CLF"]))
def test_minor_units_of_a_json_number_are_those_of_its_text(number: float, currency: str) -> None:
    exact = to_minor_units(Decimal(repr(number)), currency)
    said = {"revenue": number}
    assert amount_in("Order Completed", said, DECIMALS[currency], currency) == exact


def test_a_text_with_the_currency_of_its_order_is_read_and_anything_else_refused() -> None:
    assert amount_in("Order Completed", {"revenue": "JPY 1,234"}, 0, "JPY") == 1234
    assert amount_in("Order Completed", {"revenue": "$5.5"}, 2, "CAD") == 550
    for value in (True, "49,90", "5 EUR", 1e300, float("nan")):
        with pytest.raises(CellError):
            amount_in("Order Completed", {"revenue": value}, 2, "CHF")


@given(units=st.integers(-(10**12), 10**12), currency=st.sampled_from(sorted(DECIMALS)))
def test_minor_units_to_major_units_and_back_are_the_same(units: int, currency: str) -> None:
    assert to_minor_units(from_minor_units(units, currency), currency) == units


# ---- the sign of a column ----


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["49.90", "1,234"], "."), (["1.234", "49,90"], ","), (["1", "20", ""], "."), ([], "."),
        (["1.234,50"], ","), (["1'234.50"], "."), (["-110.7 €", "-116.62 €"], "."),
        (["1.000", "1.111,11"], ","),
        (["abc", "7,5"], ","),
    ],
)  # fmt: skip
def test_the_whole_column_shows_its_decimal_sign(cells: list[str], decimal: str) -> None:
    column = decimal_column("price")
    for line, cell in enumerate(cells, 2):
        column.see(line, cell)
    assert column.decide() == decimal


def test_a_column_with_both_signs_is_refused_and_names_two_lines() -> None:
    column = decimal_column("price")
    for line, cell in enumerate(["1", "49,90", "1,234", "49.90", "7,5"], 2):
        column.see(line, cell)
    with pytest.raises(
        ColumnError, match=r"'price'.*line 3 \('49,90'\) has a decimal comma and line 5 \('49"
    ):
        column.decide()


def test_a_column_in_which_nothing_decides_is_refused_and_names_a_line() -> None:
    column = decimal_column("price")
    for line, cell in enumerate(["12", "1,234", "5,678"], 2):
        column.see(line, cell)
    with pytest.raises(
        ColumnError, match=r"line 3 \('1,234'\) would mean two different values.*Set `decimal`"
    ):
        column.decide()


# ---- laws ----

_SIGNS: st.SearchStrategy[DecimalSign] = st.sampled_from([".", ","])


@st.composite
def _formatted(draw: st.DrawFn) -> tuple[str, DecimalSign, Decimal]:
    number = Decimal(draw(st.integers(0, 10**12))).scaleb(-draw(st.integers(0, 4)))
    decimal = draw(_SIGNS)
    other = "," if decimal == "." else "."
    groups = draw(st.sampled_from(["", other, "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009"]))
    whole, _, fraction = format(number, ",f").partition(".")
    text = whole.replace(",", groups) + (decimal + fraction if fraction else "")
    style = draw(st.sampled_from(["{}", "-{}", "{}-", "({})", "CHF {}", "{} €", "-{} EUR", "€ -{}", "  {} "]))
    return style.format(text), decimal, -number if "-" in style or "(" in style else number


@given(_formatted())
def test_a_number_written_in_any_style_reads_back_to_itself(
    written: tuple[str, DecimalSign, Decimal],
) -> None:
    cell, decimal, number = written
    assert read_amount(cell, decimal).number == number


@given(st.text(max_size=80) | st.text(alphabet="0123456789.,'- €CHFe()\u202f", max_size=20), _SIGNS)
def test_any_text_is_a_number_or_refused(cell: str, decimal: DecimalSign) -> None:
    with suppress(CellError):
        assert read_amount(cell, decimal).number.is_finite()
    assert set(decimal_signs_of(cell)) <= {".", ","}


@given(st.text(alphabet="0123456789.,'", max_size=12))
def test_the_quick_look_at_a_cell_agrees_with_reading_it_twice(cell: str) -> None:
    read: dict[str, Decimal] = {}
    signs: tuple[DecimalSign, DecimalSign] = (".", ",")
    for decimal in signs:
        try:
            read[decimal] = read_number(cell, decimal)
        except CellError:
            continue
    makes_no_difference = len(read) == 2 and len(set(read.values())) == 1
    assert decimal_signs_of(cell) == (() if makes_no_difference else tuple(read))
