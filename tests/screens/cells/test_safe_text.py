"""No text from outside can steer the terminal, hide, turn, or paint over the lines around it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.cells.safe_text import display_width, fitted, safe_json, safe_lines, safe_text

CONTROLS = [
    chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp", "Cs")
]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Anna Müller", "Anna Müller"),
        ("\x1b]0;owned\x07", "�]0;owned�"),
        ("\x9b31m red", "�31m red"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("a\u200bb", "a�b"),
        ("one\r\ntwo\nthree\rfour", "one⏎two⏎three⏎four"),
        ("a\tb", "a b"),
        ("[/b] [@click=app.quit]x", "[/b] [@click=app.quit]x"),
        ("東京 ❤️", "東京 ❤"),
        (None, "None"),
        (42, "42"),
    ],
)
def test_what_is_harmless_stays_and_what_is_not_becomes_a_mark(raw: object, shown: str) -> None:
    assert safe_text(raw) == shown


def test_no_control_of_unicode_survives() -> None:
    survived = [letter for letter in CONTROLS if letter in safe_text(f"a{letter}b")]
    assert not [
        hex(ord(letter)) for letter in survived if unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs")
    ]
    assert not set(survived) & set(
        "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2060\u061c"
    )


def test_marks_on_one_letter_are_limited() -> None:
    assert len(safe_text("Z" + "\u0351" * 200 + "algo")) < 15


def test_long_texts_end_in_an_ellipsis() -> None:
    assert safe_text("x" * 100, 10) == "x" * 9 + "…"


def test_lines_of_our_own_stay_lines() -> None:
    assert safe_lines("one\n  two\x1b") == "one\n  two�"


@given(st.text() | st.text("ab\x1b\x7f\x9b\u200b\u202e\u2066\ufeff\u2028"))
def test_escaped_json_means_the_same(text: str) -> None:
    written = json.dumps({"name": text}, ensure_ascii=False)
    assert json.loads(safe_json(written)) == {"name": text}
    assert not set("\x1b\x7f\x9b\u200b\u202e\u2066\ufeff\u2028") & set(safe_json(written))


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_fitted_text_takes_no_more_columns_than_it_may(text: str, width: int) -> None:
    shown = fitted(safe_text(text), width)
    assert display_width(shown) <= width
    assert shown == safe_text(text) or shown.endswith("…")


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("", 0)])
def test_width_is_counted_in_columns(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("name", "shown", "columns"),
    [
        ("Zoë 👍🏽 Meier", "Zoë 👍 Meier", 12),
        ("Urs 🇨🇭", "Urs CH", 6),
        ("Mia ❤\ufe0f", "Mia ❤", 5),
        ("王小明", "王小明", 6),
    ],
)
def test_what_terminals_draw_in_different_widths_is_shown_in_a_sure_one(
    name: str, shown: str, columns: int
) -> None:
    assert safe_text(name) == shown
    assert safe_text(name, for_terminal=False) == name, "a file keeps what was said"
    assert display_width(safe_text(name)) == columns
