"""What a filter line asks of a log, as a value. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from core.instants import Instant

Term: TypeAlias = tuple[str, str]
"""A field and a part of its value; the field is `word` where none was named, and then any will do."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Of one field any of `only` suffices, each field and each word must hold, and none of `without` may.

    `since` is included, `until` is not.
    """

    customer: str | None = None
    only: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    since: Instant | None = None
    until: Instant | None = None
