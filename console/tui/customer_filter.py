"""The filter of customers: which fields it has, and that the segments it names exist."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import ManometerError
from core.filters import FilterWord, read_words
from core.suggestions import near
from storage.search import ASKED, MOST_WORDS, SEGMENT


def read_customer_filter(text: str, segments: Iterable[str] = ()) -> tuple[FilterWord, ...]:
    """The words of a filter of customers; ManometerError where it names a field or a segment that there is
    not.
    """
    words = read_words(text, ASKED)[:MOST_WORDS]
    known = sorted(segments)
    for word in words:
        if word.field == SEGMENT and word.text not in known:
            hint = near(word.text, known) or (
                f"Segments: {', '.join(known)}." if known else "segments.toml names them."
            )
            raise ManometerError(f"There is no segment {word.text[:40]!r}. {hint}")
    return words
