"""Filter lines as values: fields, inverse words, quotes, half-typed ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ManometerError
from core.filters import FilterWord, holds, read_words, written

FIELDS = ("city", "name", "since")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  anna   keller ", (FilterWord("anna"), FilterWord("keller"))),
        ("city:Bern !keller", (FilterWord("Bern", "city"), FilterWord("keller", None, True))),
        ("!city:Bern", (FilterWord("Bern", "city", True),)),
        ("CITY:x", (FilterWord("x", "city"),)),
        ("since:2025-03-01T10:00", (FilterWord("2025-03-01T10:00", "since"),)),
        ('name:"van der Berg" x', (FilterWord("van der Berg", "name"), FilterWord("x"))),
        ('"van der Berg"', (FilterWord("van der Berg"),)),
        ('!"van der"', (FilterWord("van der", None, True),)),
        ('"city:Bern" "!x"', (FilterWord("city:Bern"), FilterWord("!x"))),
        ('"anna ke', (FilterWord("anna ke"),)),
        ('name:"van d', (FilterWord("van d", "name"),)),
        ("O'Brien", (FilterWord("O'Brien"),)),
        ("city: ! !city: \"\"", ()),
        ("!!x", (FilterWord("!x", None, True),)),
        ("a!b", (FilterWord("a!b"),)),
    ],
)  # fmt: skip
def test_a_line_is_read_as_words(text: str, words: tuple[FilterWord, ...]) -> None:
    assert read_words(text, FIELDS) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cty:Bern", "There is no field 'cty'. Did you mean 'city'?"),
        ("x:Bern", "There is no field 'x'. Fields: city, name, since."),
    ],
)
def test_an_unknown_field_is_said_with_a_near_one(text: str, said: str) -> None:
    with pytest.raises(ManometerError) as raised:
        read_words(text, FIELDS)
    assert str(raised.value) == said


def test_where_there_are_no_fields_a_colon_is_a_letter() -> None:
    assert read_words("a:b") == (FilterWord("a:b"),)


texts = (
    st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=9)
    .map(str.strip)
    .filter(bool)
)


@given(st.lists(st.builds(FilterWord, texts, st.sampled_from([None, *FIELDS]), st.booleans()), max_size=4))
def test_words_that_are_written_are_read_as_they_were(words: list[FilterWord]) -> None:
    assert read_words(written(words), FIELDS) == tuple(words)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("", True), ("bask", True), ("BASKET mail", True), ("!birth", True), ("basket !mail", False)],
)
def test_a_text_holds_every_word_and_no_inverse_one(text: str, is_so: bool) -> None:
    assert holds(read_words(text), "Basket e-mail") is is_so
