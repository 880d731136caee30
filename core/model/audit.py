"""What operators did, as people read it: acts, and the rows that each left in the audit. Instants are ms
UTC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """What an operator did at once, to what and why: one act, however many rows it left."""

    id: int
    """The row of the audit it begins with."""
    at: Instant
    author: str
    action: str
    subject: str
    """Of the first row; empty once it was erased."""
    reason: str | None
    rows: int = 1
    is_erased: bool = False
    """What is personal in the first row was erased."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the audit, with whom and what it is about where that is known."""

    id: int
    at: Instant
    author: str
    action: str
    subject: str
    reason: str | None
    detail: Mapping[str, object]
    number: int
    """Its place in its chain, from 1."""
    link: str
    is_erased: bool = False
    customer_id: int | None = None
    customer: str | None = None
    trigger: str | None = None

    @property
    def detail_json(self) -> str:
        """The detail as JSON text."""
        return json.dumps(dict(self.detail), ensure_ascii=False)
