"""Cuts the text of a condition into words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from core.language.errors import ConditionError

LONGEST = 10_000
LONGEST_NUMBER = 20

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<wrong>&&|\|\||<>|===|=>|=<|[!](?!=))
    |(?P<sign>==|!=|<=|>=|[<>(),.=-])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
INSTEAD = {"&&": "and", "||": "or", "<>": "!=", "===": "==", "=>": ">=", "=<": "<=", "!": "not"}
FOREIGN_QUOTES = "‘’‚“”„«»`´"

Kind = Literal["number", "name", "text", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `value` is the text without its quotes, `start` and `end` are offsets from 0."""

    kind: Kind
    value: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """The words of a condition and an `end`; ConditionError where a character fits nowhere."""
    if len(text) > LONGEST:
        raise ConditionError(
            f"A condition has at most {LONGEST:,} characters; this one has {len(text):,}", 1, None, text
        )
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        found = TOKEN.match(text, offset)
        if found is None:
            raise _no_token(text, offset)
        offset = found.end()
        if found.lastgroup != "space":
            tokens.append(_token(found, text))
    return [*tokens, Token("end", "", len(text), len(text))]


def _token(found: re.Match[str], text: str) -> Token:
    written, start, end = found.group(), found.start(), found.end()
    match found.lastgroup:
        case "text":
            return Token("text", _unquote(written, start, text), start, end)
        case "number":
            if len(written) > LONGEST_NUMBER:
                raise ConditionError(f"A number has at most {LONGEST_NUMBER} digits", start + 1, None, text)
            return Token("number", written, start, end)
        case "name":
            return Token("name", written, start, end)
        case "wrong":
            raise ConditionError(
                f"'{written}' is not part of the language", start + 1, f"Write '{INSTEAD[written]}'", text
            )
        case _:
            return Token("sign", written, start, end)


def _unquote(written: str, start: int, text: str) -> str:
    for escape in ESCAPE.finditer(written):
        if escape.group(1) not in "'\"\\":
            place = start + escape.start() + 1
            raise ConditionError(
                f"Unknown escape {escape.group()} in a text", place, "A backslash is written twice", text
            )
    for place, letter in enumerate(written):
        if letter < " " or "\ud800" <= letter <= "\udfff":
            raise ConditionError("A text holds no control characters", start + place + 1, None, text)
    return ESCAPE.sub(r"\1", written[1:-1])


def _no_token(text: str, offset: int) -> ConditionError:
    letter = text[offset]
    if letter in "'\"":
        return ConditionError(
            "The text that begins here has no closing quote", offset + 1, f"Close it with {letter}", text
        )
    if letter in FOREIGN_QUOTES:
        return ConditionError(
            f"'{letter}' is no quotation mark of the language", offset + 1, "Write plain quotes: 'text'", text
        )
    if letter in "+*/%":
        return ConditionError("The language does not calculate", offset + 1, "Write the result", text)
    return ConditionError(
        f"Nothing can begin with {letter!r}", offset + 1, "Texts stand in quotes: 'text'", text
    )
