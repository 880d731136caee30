"""The nearest known name to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name most like this one, None where none is alike."""
    return next(iter(get_close_matches(name[:100], list(known), 1, cutoff)), None)


def near(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The same as a question for people."""
    found = nearest(name, known, cutoff)
    return f"Did you mean '{found}'?" if found else None
