"""The pressure gauge of the customer base: how many customers have had how many contacts, against the limit,
in bars and words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from screens.cells.bars import Bar

MOST_BARS: Final = 14


class LoadSpan(NamedTuple):
    """What a bar of loads stands for: from the first to the last, both included."""

    first: int
    last: int


_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def gauge_bars(contacts: Mapping[int, int], customers: int, limit: int) -> list[Bar]:
    """A bar a number of contacts from none to the limit, those over it together."""
    return load_bars({**contacts, 0: customers - sum(contacts.values())}, limit, over_together=True)


def load_bars(
    loads: Mapping[int, int],
    limit: int,
    *,
    over_together: bool = False,
    before: Mapping[int, int] | None = None,
) -> list[Bar]:
    """Customers by load, from none where that is known to the limit and over it; long scales in steps, the
    limit always alone.
    """
    top = max(
        limit, max((load for load, people in [*loads.items(), *(before or {}).items()] if people), default=0)
    )
    spans = [*_below(loads, limit, top), (limit, limit), *_over(limit, top, over_together)]
    return [
        replace(
            _bar(first, last, limit, _people(loads, first, last)),
            before=None if before is None else _people(before, first, last),
        )
        for first, last in spans
    ]


def _people(loads: Mapping[int, int], first: int, last: int) -> int:
    return sum(people for load, people in loads.items() if first <= load <= last)


def _below(loads: Mapping[int, int], limit: int, top: int) -> Iterator[tuple[int, int]]:
    step = 1 if top < MOST_BARS else max(1, -(-(limit - 1) // (MOST_BARS - 4)))
    if 0 in loads and limit > 0:
        yield 0, 0
    yield from ((first, min(first + step - 1, limit - 1)) for first in range(1, limit, step))


def _over(limit: int, top: int, together: bool) -> Iterator[tuple[int, int]]:
    if top > limit and (together or top >= MOST_BARS):
        yield limit + 1, top
    else:
        yield from ((load, load) for load in range(limit + 1, top + 1))


def _bar(first: int, last: int, limit: int, people: int) -> Bar:
    label, span = f"{first}" if first == last else f"{first}–{last}", LoadSpan(first, last)
    if first == limit:
        return Bar(label, people, "◀ limit", "warn", span)
    is_over = first > limit and people
    return Bar(label, people, "! over", "bad", span) if is_over else Bar(label, people, stands_for=span)


def at_limit(contacts: Mapping[int, int], limit: int) -> int:
    """How many are at the limit or over it."""
    return sum(people for count, people in contacts.items() if count >= limit)


def window_words(window: str) -> str:
    """A window of the files as people say it: `7d` is `7 days`, `calendar month` is `a calendar month`."""
    if window[:-1].isdigit() and window[-1:] in _UNITS:
        return f"{window[:-1]} {_UNITS[window[-1]]}{'' if window[:-1] == '1' else 's'}"
    return f"a {window}" if window.startswith("calendar ") else window
