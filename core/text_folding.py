"""Names and places as people type them: without accents, and with `ue` for `ü`. What is stored and what is
typed are folded alike.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

BETWEEN: Final = "\n"
"""Stands between the spellings of one text; nobody can type it into a line."""
_INVISIBLE: Final = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\0"
_ALONE: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Letters that have no accent which could be taken away."""
_IN_TWO: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_SHORTER: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))


def bare(cell: str) -> str:
    """The text of a cell without blanks and invisible marks around it, and without the leading apostrophe or
    the `="..."` with which spreadsheets keep a text a text.
    """
    text = cell.strip().strip(_INVISIBLE).strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1].strip()
    return text[1:].lstrip() if text.startswith("'") else text


@lru_cache(maxsize=65_536)
def spellings(text: str) -> tuple[str, ...]:
    """A text in small letters without accents, and in that other spelling which writes `ü` as `ue` where it
    has such letters.
    """
    if text.isascii():
        return (text.lower(),)
    small = normalize("NFC", text.casefold())
    plain, in_two = _bare(small), _bare(small.translate(_IN_TWO))
    return (plain,) if plain == in_two else (plain, in_two)


def folded(text: str) -> str:
    """All spellings of a text, to look for a word's spellings in."""
    return BETWEEN.join(spellings(text))


def shortened(spelling: str) -> str:
    """The first spelling of whatever would be typed so: `muller` for `mueller`."""
    for two, one in _SHORTER:
        spelling = spelling.replace(two, one)
    return spelling


def _bare(text: str) -> str:
    return "".join(letter for letter in normalize("NFKD", text.translate(_ALONE)) if not combining(letter))
