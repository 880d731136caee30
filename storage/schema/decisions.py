"""Decisions: what the engine decided for each step, and on what evidence; the log only grows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow, with_default


class DecisionRow(SchemaRow, table=True):
    """One decision about one step for one customer."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_at", "at"),
        Index("ix_decisions_customer_id", "customer_id", "at"),
        Index("ix_decisions_trigger", "trigger", "at", "outcome", "reason"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    at: Instant
    customer_id: int
    enrolment_id: int | None = None
    trigger: str = Field(sa_type=Text)
    step: int
    channel: str | None = Field(default=None, sa_type=Text)
    outcome: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    until: Instant | None = None
    late: int = with_default(0)
    """A flag."""
    planned_at: Instant
    rules: str | None = Field(default=None, sa_type=Text)
    """JSON, as `decisions --json` shows it."""
    objections: str | None = Field(default=None, sa_type=Text)
    """JSON: a list of reason, detail and instant each."""
    message_id: int | None = None
    version: int
    """The version of the playbook that decided."""
    variant: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    """What else led here, in words."""


decisions: Final[Table] = DecisionRow.__table__
