"""Messages: the outbox and the ledger of contacts in one.

A contact counts from the moment its message is planned, so that there is no second table to drift from it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow, with_default


class MessageRow(SchemaRow, table=True):
    """One message: what is to be handed over, what became of it, and the contact that it is."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_contacts", "customer_id", "lands_at"),
        Index(
            "ix_messages_waiting",
            "state",
            "planned_at",
            sqlite_where=text("state IN ('planned', 'held', 'due', 'claimed')"),
        ),
        Index(
            "ix_messages_queue",
            "channel",
            "state",
            "trigger",
            "planned_at",
            sqlite_where=text("state IN ('planned', 'held', 'due', 'claimed')"),
        ),
        Index("ix_messages_trigger", "trigger", "planned_at"),
        Index(
            "ix_messages_trouble",
            "state",
            "planned_at",
            sqlite_where=text("state IN ('failed', 'uncertain')"),
        ),
        Index("ix_messages_sent", "trigger", "sent_at", "channel", sqlite_where=text("sent_at IS NOT NULL")),
        # the columns of the condition are in it as well, or SQLite reads every row to judge it
        Index(
            "ix_messages_landing",
            "lands_at",
            "customer_id",
            "counts",
            "released_at",
            sqlite_where=text("counts = 1 AND released_at IS NULL"),
        ),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=Text, unique=True)
    customer_id: int
    enrolment_id: int
    trigger: str = Field(sa_type=Text)
    step: int
    channel: str = Field(sa_type=Text)
    template: str = Field(sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    state: str = Field(sa_type=Text)
    """One of `core.model.outbox.STATES`."""
    reason: str | None = Field(default=None, sa_type=Text)
    planned_at: Instant
    expires_at: Instant
    sent_at: Instant | None = None
    subject: str | None = Field(default=None, sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    attempts: int = with_default(0)
    claimed_by: str | None = Field(default=None, sa_type=Text)
    claimed_until: Instant | None = None
    provider_id: str | None = Field(default=None, sa_type=Text)

    # the contact, as it was when it was planned
    lands_at: Instant
    purpose: str = Field(sa_type=Text)
    tags: str = with_default("")
    """Separated by spaces."""
    weight: int
    """Thousandths of a point."""
    counts: int
    """A flag: it counts as a contact."""
    released_at: Instant | None = None
    """Cancelled, or failed before hand-over: it gives its room back from here on."""
    digest: str | None = Field(default=None, sa_type=Text)
    """JSON: all steps that it carries, its own first (`storage.outbox.digests`); NULL: its own alone."""
    in_doubt: int = with_default(0)
    """1: an attempt may have got through, so that nobody can say that it did not go out."""


messages: Final[Table] = MessageRow.__table__
