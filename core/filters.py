"""What a person writes into a filter line: words that must all hold, as values.

`keller` anywhere, `city:Bern` in one field, `!vip` where it must not hold; `"van der Berg"` and `name:"van
der Berg"` hold several together. A quote that is still open, as while typing, reaches to the end; a field
without a value yet, and a lone `!`, ask for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from core.errors import ManometerError
from core.suggestions import near


@dataclass(frozen=True, slots=True)
class FilterWord:
    """One word of a filter; with a field it is looked for there alone, an inverse one must not hit."""

    text: str
    field: str | None = None
    """In small letters."""
    is_inverse: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two blanks, its quotes gone; a `!` or `:` within quotes is a letter like others."""

    text: str
    colon: int | None
    is_inverse: bool


def read_words(text: str, fields: Collection[str] | None = None) -> tuple[FilterWord, ...]:
    """The words of a line, in order; ManometerError with a near name where one has a field that is not among
    these.

    None: there are no fields, and a colon is a letter.
    """
    if fields is None:
        return tuple(FilterWord(piece.text, None, piece.is_inverse) for piece in _pieces(text) if piece.text)
    words = tuple(map(_word, _pieces(text)))
    for word in words:
        if word.field is not None and word.field not in fields:
            known = sorted(fields)
            hint = near(word.field, known) or f"Fields: {', '.join(known)}."
            raise ManometerError(f"There is no field {word.field[:40]!r}. {hint}")
    return tuple(word for word in words if word.text)


def with_field(text: str, field: str, value: str | None) -> str:
    """The line with another value for a field, or without it for None; whatever else it asks for stays."""
    others = [word for word in map(_word, _pieces(text)) if word.text and word.field != field]
    return written([*others, *([] if value is None else [FilterWord(value, field)])])


def value_of(text: str, field: str) -> str | None:
    """The first value that the line asks of a field."""
    words = map(_word, _pieces(text))
    return next(
        (word.text for word in words if word.field == field and word.text and not word.is_inverse), None
    )


def _word(piece: _Piece) -> FilterWord:
    if piece.colon is None:
        return FilterWord(piece.text, None, piece.is_inverse)
    return FilterWord(piece.text[piece.colon + 1 :], piece.text[: piece.colon].lower(), piece.is_inverse)


def _pieces(text: str) -> Iterator[_Piece]:
    letters: list[str] = []
    is_quoted, is_inverse, colon = False, False, None
    for letter in [*text, None]:
        if letter is None or (letter.isspace() and not is_quoted):
            yield _Piece("".join(letters).strip(), colon, is_inverse)
            letters, is_inverse, colon = [], False, None
        elif letter == '"':
            is_quoted = not is_quoted
        elif letter == "!" and not letters and not is_inverse and not is_quoted:
            is_inverse = True
        else:
            if letter == ":" and colon is None and not is_quoted:
                colon = len(letters)
            letters.append(letter)


def written(words: Iterable[FilterWord]) -> str:
    """A line that is read as these words again; a quote within a word cannot be written and is left out."""
    return " ".join(map(_written, words))


def _written(word: FilterWord) -> str:
    text = word.text.replace('"', "")
    is_plain = text and not any(letter.isspace() or letter in "!:" for letter in text)
    field = "" if word.field is None else f"{word.field}:"
    return f"{'!' if word.is_inverse else ''}{field}{text if is_plain else chr(34) + text + chr(34)}"


def holds(words: Iterable[FilterWord], text: str) -> bool:
    """Whether each word occurs in a text, and none of the inverse ones, large and small letters taken for the
    same.
    """
    shown = text.casefold()
    return all((word.text.casefold() in shown) is not word.is_inverse for word in words)
