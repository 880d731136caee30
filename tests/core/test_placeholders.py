"""What says nothing is no identity; and what is the same value in another spelling is one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.placeholders import identifying_text, ignored_words, is_placeholder, per_value


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "\u00a0", "\ufeff", "null", "NULL", "'null'", "(null)", "undefined", "None", "nil",
        "NaN", 0, 0.0, -0.0, "0", "000", "0.0", "0000-0000", "00 00", "n/a", "N.A.", "#N/A", "#NV",
        "unknown", "Unbekannt", "inconnu",
        "(not set)", "-", "--", "?", "...", "—", "[object Object]", "[object Undefined]", "4,17912E+10",
        "4.17912E+10", "4.17912E10", "1e+21", "noemail@example.ch", "NoEmail@x.ch", "no-reply@shop.ch",
        "keine@keine.de", "test@test.com", "test@test", "test@example.com", "undefined@undefined", "guest",
        "anonymous",
        "true", "false", True, False, [], {}, ["a"], {"id": 1}, float("nan"), float("inf"), 1e22, 10**400,
        Decimal("NaN"), "{{ customer.id }}", "*|EMAIL|*", "${userId}", "%%email%%", "distinct_id", "invité",
    ],
)  # fmt: skip
def test_what_stands_for_no_value_is_no_identity(value: object) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123, "123"), ("123", "123"), (123.0, "123"), ("123.0", "123"), (" 123 ", "123"),
        (Decimal("123.00"), "123"),
        (Decimal("1E+3"), "1000"), (1.5, "1.5"), ("00123", "00123"), ("0049", "0049"), (2**60, str(2**60)),
        ("Abc", "Abc"), ("C-1001", "C-1001"), ("12e5", "12e5"), ("7E12", "7E12"), ("1e21", "1e21"),
        ("NA-17", "NA-17"),
        ("Nobel", "Nobel"), ("testa@test.ch", "testa@test.ch"), ("ann@example.ch", "ann@example.ch"),
        (-5, "-5"),
        ("e\u0301", "\u00e9"), ("10", "10"), ("100", "100"), (10, "10"), ("0a", "0a"),
    ],
)  # fmt: skip
def test_a_value_is_known_by_one_text(value: object, text: str) -> None:
    assert identifying_text(value) == per_value(value) == text


@pytest.mark.parametrize("value", [None, "", "null", "undefined", [], {}, False, 0, "0", "4,17912E+10"])
def test_an_empty_or_placeholder_value_parts_no_baskets(value: object) -> None:
    assert per_value(value) is None


def test_lists_and_objects_part_baskets_as_a_whole() -> None:
    assert per_value({"a": 1, "b": [2]}) == per_value({"b": [2], "a": 1}) != per_value({"a": 1})
    assert per_value(["x"]) == '["x"]'
    assert per_value([2**70]) is None


def test_further_placeholders_come_from_the_settings() -> None:
    ignored = ignored_words(["9999", "Laufkundschaft", "kasse@laden.ch"])
    for value in ("9999", 9999, "LAUFKUNDSCHAFT", "Kasse@Laden.ch"):
        assert is_placeholder(value, ignored)
        assert not is_placeholder(value)


_VALUES = st.one_of(
    st.text(max_size=60), st.integers(), st.floats(), st.decimals(), st.booleans(), st.none(),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)  # fmt: skip


@given(_VALUES)
def test_the_text_of_a_value_is_its_own_text(value: object) -> None:
    text = identifying_text(value)
    assert text is None or identifying_text(text) == text


_IDS = st.text(alphabet="0aeilnuNULE1", max_size=8) | st.sampled_from(["null", "id", "00", "noemail", "test"])
_UUIDS = st.uuids().map(str) | st.just("00000000-0000-0000-0000-000000000000")


@given(_IDS | _UUIDS | st.builds("{}@{}".format, _IDS, _IDS))
def test_the_short_way_of_plain_ids_leads_where_the_long_one_does(text: str) -> None:
    ignored = ignored_words(["a1", "E0", "a@a"])
    assert identifying_text(text, ignored) == identifying_text(f" {text} ", ignored)


@given(st.integers(1, 2**53 - 1))
def test_a_number_is_one_as_number_text_and_float(number: int) -> None:
    assert per_value(number) == per_value(str(number)) == per_value(float(number)) == str(number)
