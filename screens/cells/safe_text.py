"""Text that came from outside, made safe to show: no control reaches the terminal, nothing turns or hides the
letters beside it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

REPLACEMENT: Final = "\ufffd"
NEWLINE: Final = "⏎"

# C0 but tab and line ends, DEL, C1, soft hyphen, zero width, bidi controls, line and paragraph separators,
# BOM, surrogates, tags
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2028\u2029\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# modifiers of the letter before them: terminals differ in how many columns the two take together
_MODIFIERS: Final = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_FLAG_LETTER: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_MOST_MARKS: Final = 4


def safe_text(value: object, longest: int | None = None, *, for_terminal: bool = True) -> str:
    """The value as one harmless line: controls become U+FFFD, line ends a mark, long texts end in `…` at
    `longest` characters. For a terminal what it may draw in several widths is put in another way.
    """
    text = _LINE_END.sub(NEWLINE, str(value)).replace("\t", " ")
    if not text.isascii() or not text.isprintable():
        text = _capped(_UNSAFE.sub(REPLACEMENT, text))
        text = _of_sure_width(text) if for_terminal else text
    if longest is not None and len(text) > longest:
        return text[: max(longest - 1, 0)] + "…"
    return text


def _of_sure_width(text: str) -> str:
    """Skin tones and styles left out, and flags as the two letters of their country: a terminal may take two
    columns for such a pair or four, and everything to the right of it would shift.
    """
    return _FLAG_LETTER.sub(lambda found: chr(ord(found[0]) - 0x1F1E6 + ord("A")), _MODIFIERS.sub("", text))


def _capped(text: str) -> str:
    """At most a few combining marks on one letter, so that a name cannot paint over the lines around it."""
    if not any(map(unicodedata.combining, text)):
        return text
    kept: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def safe_lines(value: object) -> str:
    """The same for a text of several lines of our own making, such as an error that quotes a file."""
    return "\n".join(safe_text(line) for line in str(value).splitlines())


def safe_json(text: str) -> str:
    """JSON text that means the same and holds no raw control of the terminal: such letters become escapes."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    encoded = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{encoded[start : start + 4]}" for start in range(0, len(encoded), 4))


def display_width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fitted(text: str, width: int) -> str:
    """The text cut to that many columns, with `…` where something was cut."""
    if display_width(text) <= width:
        return text
    taken = 0
    for index, letter in enumerate(text):
        taken += display_width(letter)
        if taken > width - 1:
            return text[:index] + "…"[: max(width, 0)]
    return text
