"""By what a customer is known, and which customers turned out to be one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, UniqueConstraint
from sqlmodel import Field

from core.instants import Instant
from storage.schema.customers import customers
from storage.schema.row import STRICT, SchemaRow


class IdentityRow(SchemaRow, table=True):
    """One identity of a customer: an identity belongs to one customer at a time."""

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("kind", "value"),
        Index("ix_identities_customer_id", "customer_id"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key=str(customers.c.id))
    kind: str = Field(sa_type=Text)
    """`user`, `email`, `phone`, `loyalty`, `anonymous` or `push`."""
    value: str = Field(sa_type=Text)
    first_seen_at: Instant


class MergeRow(SchemaRow, table=True):
    """One merge of two customers, with what it moved, so that it can be undone."""

    __tablename__ = "merges"
    __table_args__ = (Index("ix_merges_customer_id", "customer_id"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    at: Instant
    customer_id: int
    """Who stays."""
    merged_id: int
    """Who went into the other."""
    cause: str = Field(sa_type=Text)
    """`alias`, or the shared identity as KIND:VALUE."""
    moved: str = Field(sa_type=Text)
    """JSON object: ids of identities, enrolments, messages, decisions, consents; and the profile before."""
    undone_at: Instant | None = None


identities: Final[Table] = IdentityRow.__table__
merges: Final[Table] = MergeRow.__table__
