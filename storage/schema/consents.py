"""Who may be written to: the append-only ledger of consents, and addresses that take no messages."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, UniqueConstraint
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow


class ConsentRow(SchemaRow, table=True):
    """One word of a customer on a channel and a purpose; written once, and only its customer may change."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_customer_id", "customer_id"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int
    channel: str = Field(sa_type=Text)
    purpose: str = Field(sa_type=Text)
    """`*`: every purpose that needs a consent."""
    state: str = Field(sa_type=Text)
    """`granted`, `withdrawn` or `objected`."""
    address: str | None = Field(default=None, sa_type=Text)
    occurred_at: Instant
    arrived_at: Instant
    source: str = Field(sa_type=Text)
    wording: str | None = Field(default=None, sa_type=Text)
    proof: str | None = Field(default=None, sa_type=Text)
    event_id: int | None = None


class SuppressionRow(SchemaRow, table=True):
    """One address to which nothing is sent any more, and why."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("medium", "address", "reason"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    medium: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    arrived_at: Instant
    source: str = Field(sa_type=Text)


consents: Final[Table] = ConsentRow.__table__
suppressions: Final[Table] = SuppressionRow.__table__
