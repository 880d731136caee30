"""By what a customer is known, and which customers turned out to be one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, UniqueConstraint
from sqlmodel import Field

from core.instants import Instant
from storage.schema.customers import customers
from storage.schema.row import STRICT, STRICT_WITHOUT_ROWID, SchemaRow, with_default


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
    """A user id of a named namespace is NAMESPACE:ID."""
    first_seen_at: Instant
    contested: int = with_default(0)
    """A flag: user ids of several people were told with it, so that whose it is depends on when."""
    said_at: Instant | None = None
    """When a user id was told with it last, where more people share it than may."""
    said_by: int | None = None
    """The identity of that user id."""


class LinkRow(SchemaRow, table=True):
    """Two identities that were told together at some time."""

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_other_id", "other_id"), STRICT_WITHOUT_ROWID)

    strong_id: int = Field(primary_key=True)
    """The strongest identity of the event."""
    other_id: int = Field(primary_key=True)
    first_event: int = with_default(0)
    """With the batch of this event it was told first; 0: by an earlier release."""


class AliasRow(SchemaRow, table=True):
    """What an alias call said: by what somebody was known before, once for each kind that may be of."""

    __tablename__ = "aliases"
    __table_args__ = (Index("ix_aliases_identity_id", "identity_id"), STRICT_WITHOUT_ROWID)

    previous: str = Field(sa_type=Text, primary_key=True)
    """KIND:VALUE."""
    identity_id: int = Field(primary_key=True)
    first_event: int = with_default(0)
    """As of a link."""


class IdentityDecisionRow(SchemaRow, table=True):
    """The operator's word on two identities, which outweighs everything that was told."""

    __tablename__ = "identity_decisions"
    __table_args__ = (Index("ix_identity_decisions_second_id", "second_id"), STRICT_WITHOUT_ROWID)

    first_id: int = Field(primary_key=True)
    """Of two that are joined the one whose key stays."""
    second_id: int = Field(primary_key=True)
    verdict: str = Field(sa_type=Text)
    """`join`, `part`, or `kept`: joined by an earlier release, by rules that no longer hold."""
    at: Instant


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
    undone_cause: str | None = Field(default=None, sa_type=Text)
    """`operator`, or what parted them again as KIND:VALUE."""


identities: Final[Table] = IdentityRow.__table__
links: Final[Table] = LinkRow.__table__
aliases: Final[Table] = AliasRow.__table__
identity_decisions: Final[Table] = IdentityDecisionRow.__table__
merges: Final[Table] = MergeRow.__table__
