"""Enrolments: the journeys of customers through triggers, under way and over."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow


class EnrolmentRow(SchemaRow, table=True):
    """One journey: a customer entered a trigger for a cause, and stands before a step of it."""

    __tablename__ = "enrolments"
    __table_args__ = (
        Index("uq_enrolments_cause", "customer_id", "trigger", "cause_key", unique=True),
        Index("ix_enrolments_open", "customer_id", "planned_at", sqlite_where=text("state = 'open'")),
        Index("ix_enrolments_trigger", "trigger", "state", "due_at", "step", "planned_at", "customer_id"),
        Index("ix_enrolments_entered", "trigger", "entered_at"),
        # its condition says more than that of the other index on open ones, so that SQLite takes it only
        # where a statement asks for versions
        Index(
            "ix_enrolments_version", "trigger", "version", sqlite_where=text("state = 'open' AND version > 0")
        ),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int
    trigger: str = Field(sa_type=Text)
    cause_key: str = Field(sa_type=Text)
    cause_at: Instant
    cause_event: int | None = None
    key_value: str | None = Field(default=None, sa_type=Text)
    entered_at: Instant
    version: int
    """The version of the playbook under which the customer entered."""
    state: str = Field(sa_type=Text)
    """`open`, `done`, `exited` or `holdout`."""
    step: int
    """The step that is open, from 1."""
    planned_at: Instant
    due_at: Instant | None = None
    """NULL: the journey is over, or waits for an operator."""
    waits_for: str | None = Field(default=None, sa_type=Text)
    waits_until: Instant | None = None
    last_message_at: Instant | None = None
    resumed_at: Instant | None = None
    ended_at: Instant | None = None
    variant: str | None = Field(default=None, sa_type=Text)
    """Of the trigger's split."""
    goal_at: Instant | None = None
    waited: str | None = Field(default=None, sa_type=Text)
    """How the open step's wait for an event ended: `event` or `timeout`; NULL: it has not, or is none."""
    held_by: str | None = Field(default=None, sa_type=Text)
    """Whose pause holds the open step: `*`, a trigger, channel:NAME, segment:NAME, or `customer`."""
    shared: str | None = Field(default=None, sa_type=Text)
    """JSON: the triggers whose steps went in the journey's latest message; NULL: its own alone."""


enrolments: Final[Table] = EnrolmentRow.__table__
