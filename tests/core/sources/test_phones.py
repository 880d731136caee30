"""Phone numbers however they are written: one number is one, and what is none is no identity."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sources.phones import PhoneNumber, read_phone

MOBILE = "+41791234567"


@pytest.mark.parametrize(
    "cell",
    [
        "+41 79 123 45 67", "0041791234567", "0041 79 123 45 67", "00 41 79 123 45 67", "(0041) 79 123 45 67",
        "+41 (0)79 123 45 67", "+41(0)791234567", "+41 079 123 45 67", "+410791234567", "079 123 45 67",
        "079/123 45 67", "079-123-45-67", "079.123.45.67", "(079) 123 45 67", "'+41791234567", "'0791234567",
        '="0791234567"', "41791234567", "791234567", "41791234567.0", 791234567, 41791234567, 41791234567.0,
        "tel:+41-79-123-45-67", "Mobil: 079 123 45 67", "+41\u00a079\u202f123 45 67", "\uff0b41791234567",
        "079 123 45 67 ", "\u202a+41791234567\u202c",
    ],
)  # fmt: skip
def test_one_number_is_one_however_it_is_written(cell: object) -> None:
    assert read_phone(cell, "CH") == PhoneNumber(MOBILE)


@pytest.mark.parametrize(
    ("cell", "region", "e164"),
    [
        ("+41 (044) 364 35 33", "CH", "+41443643533"),  # floere/phony#12
        ("06 1234 5678", "IT", "+390612345678"),
        ("+39 06 1234 5678", None, "+390612345678"),  # its zero stays
        ("+44 (0) 20 7946 0958", "CH", "+442079460958"), ("(415) 555-2671", "US", "+14155552671"),
        ("0041791234567", "US", MOBILE), ("0660 3123456", "AT", "+436603123456"),  # Neamar/KISS#584
        ("+41 (0)21 601 23 45", "CH", "+41216012345"),  # AfterShip/phone#319
        ("+49 30 12345678", "CH", "+493012345678"), ("00493012345678", None, "+493012345678"),
        ("+44 0161 496 0000", "GB", "+441614960000"),  # chobbledotcom/tickets#637
        ("659 123 4567", "US", "+16591234567"), ("441234567", "CH", "+41441234567"),
    ],
)  # fmt: skip
def test_a_number_is_read_by_the_plan_of_its_country(cell: str, region: str | None, e164: str) -> None:
    assert read_phone(cell, region) == PhoneNumber(e164)


@pytest.mark.parametrize(
    "cell",
    [
        "4,17912E+10", "4.17912E+10", "4.17912E10", 4.17912e10, "", " ", "0", "00", "000 000 00 00",
        "0000000000",
        "+41 00 000 00 00", "abc", "unbekannt", "n/a", "-", "117", "+49030", "+4179123456789012",
        "noemail@x.ch",
        "079 123 45 67 / 044 123 45 67", "079 123 45 67 (privat)", "+41 21 XXX XX XX", "0800 FLOWERS",
        "9" * 300,
        None, True, False, 0, -41791234567, 10**30, float("nan"), float("inf"), [], {},
    ],
)  # fmt: skip
def test_what_is_no_possible_number_is_no_identity(cell: object) -> None:
    assert read_phone(cell, "CH") is None


def test_without_a_region_only_an_international_number_is_read() -> None:
    assert read_phone("079 123 45 67", None) is None
    assert read_phone("0041 79 123 45 67", None) == PhoneNumber(MOBILE)


def test_digits_that_have_lost_a_plus_are_not_taken_for_a_number_at_home() -> None:
    assert read_phone("41791234567", "DE") is None
    assert read_phone("4917612345678", "CH") is None


def test_a_number_without_its_area_is_no_identity() -> None:
    assert read_phone("555 2671", "US") is None


@pytest.mark.parametrize(
    "cell", ["044 123 45 67 ext. 12", "044 123 45 67 x12", "tel:+41441234567;ext=12", "0441234567#12"]
)
def test_each_extension_of_a_switchboard_is_somebody_else(cell: str) -> None:
    number = read_phone(cell, "CH")
    assert number is not None
    assert (number.e164, number.extension, number.identity) == ("+41441234567", "12", "+41441234567;ext=12")


def test_the_library_is_loaded_by_the_first_number_only() -> None:
    before = "import sys, core.sources.phones as phones; assert 'phonenumbers' not in sys.modules"
    after = "phones.read_phone('+41791234567', None); assert 'phonenumbers' in sys.modules"
    subprocess.run([sys.executable, "-c", f"{before}; {after}"], check=True)


@given(
    st.sampled_from([1, 7, 39, 41, 43, 44, 49, 52, 54, 55, 380, 423, 800, 888]),
    st.from_regex(r"[0-9]{3,13}", fullmatch=True),
)
def test_a_number_in_the_form_of_e164_is_what_parsing_makes_of_it(country_code: int, national: str) -> None:
    number = f"+{country_code}{national}"
    assert read_phone(number, None) == read_phone(f"{number[:2]} {number[2:]}", None)


@given(
    st.text(max_size=70) | st.text(alphabet="0123456789+()/ -.;extE", max_size=24),
    st.sampled_from(["CH", "US", None]),
)
def test_any_text_is_a_number_or_none_and_a_number_is_itself(cell: str, region: str | None) -> None:
    number = read_phone(cell, region)
    if number is not None:
        assert read_phone(number.e164, None) == PhoneNumber(number.e164)
