"""Yes and no in the languages of the trade, words of consent, and words that say nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ManometerError
from core.sources.booleans import BOOLEAN_WORDS, CONSENT_WORDS, read_yes_no
from core.sources.cells import CellError


@pytest.mark.parametrize(
    "value",
    [
        "1", "yes", "Y", "TRUE", "t", "WAHR", "Ja", "j", "Oui", "vrai", "Sì", "si", "SÍ", "vero", "verdadero",
        "waar",
        "x", "X", "on", "✓", " true ", "'1", "1.0", True, 1, 1.0,
    ],
)  # fmt: skip
def test_a_yes_is_a_yes_in_every_language(value: object) -> None:
    assert read_yes_no(value, BOOLEAN_WORDS) is True
    assert read_yes_no(value, CONSENT_WORDS) is True


@pytest.mark.parametrize(
    "value",
    [
        "0", "no", "N", "FALSE", "f", "FALSCH", "Nein", "Non", "faux", "falso", "nee", "onwaar", "off", "☐",
        "0.0", False, 0,
        0.0,
    ],
)  # fmt: skip
def test_a_no_is_a_no_in_every_language(value: object) -> None:
    assert read_yes_no(value, BOOLEAN_WORDS) is False
    assert read_yes_no(value, CONSENT_WORDS) is False


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("SUBSCRIBED", True), ("opt_in", True), ("Opt-In", True), ("opted in", True), ("Angemeldet", True),
        ("Inscrit", True), ("bestätigt", True), ("Bestaetigt", True), ("unsubscribed", False),
        ("Cleaned", False), ("optIn", True),
        ("optOut", False), ("unsub", False),
        ("SUPPRESSED", False), ("Désinscrit", False), ("desinscrit", False), ("abgemeldet", False),
        ("NEVER_SUBSCRIBED", None), ("not_subscribed", None), ("pending", None), ("unconfirmed", None),
        ("", None),
        (" ", None), ("-", None), ("n/a", None), ("NULL", None), ("keine Angabe", None), (None, None),
    ],
)  # fmt: skip
def test_a_word_of_a_mail_tool_grants_withdraws_or_says_nothing(word: object, meaning: bool | None) -> None:
    assert read_yes_no(word, CONSENT_WORDS) is meaning


@pytest.mark.parametrize("value", ["maybe", "2", 2, 0.5, [], "yes please", "ja nein", "SUBSCRIBED"])
def test_a_word_in_no_list_is_refused(value: object) -> None:
    with pytest.raises(CellError, match="neither a yes nor a no"):
        read_yes_no(value, BOOLEAN_WORDS)


def test_words_of_the_settings_come_in_addition_and_move_a_word_from_one_list_to_another() -> None:
    words = BOOLEAN_WORDS.with_words(yes=["Newsletter"], no=["X"], unknown=["Vielleicht"])
    said = [read_yes_no(word, words) for word in ("newsletter", "x", "vielleicht", "ja")]
    assert said == [True, False, None, True]


def test_a_word_of_the_settings_in_two_lists_is_a_fault() -> None:
    with pytest.raises(ManometerError, match="'x' stands in two"):
        BOOLEAN_WORDS.with_words(yes=["x"], no=["X"])


@pytest.mark.parametrize("words", [BOOLEAN_WORDS, CONSENT_WORDS])
def test_no_word_stands_in_two_lists(words: object) -> None:
    assert isinstance(words, type(BOOLEAN_WORDS))
    assert not (words.yes & words.no | words.yes & words.unknown | words.no & words.unknown)


@given(st.text(max_size=40))
def test_any_text_is_a_yes_a_no_nothing_or_refused(cell: str) -> None:
    with suppress(CellError):
        assert read_yes_no(cell, CONSENT_WORDS) in (True, False, None)
