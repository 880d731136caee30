"""What operators do: pauses, and the audit of every act."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text
from sqlmodel import Field

from core.instants import Instant
from core.model.pauses import PausePolicy
from storage.schema.row import STRICT, SchemaRow, with_default


class PauseRow(SchemaRow, table=True):
    """One span in which a trigger, a channel, a segment, a customer, or everything is held."""

    __tablename__ = "pauses"
    __table_args__ = (Index("ix_pauses_trigger", "trigger"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    trigger: str = Field(sa_type=Text)
    """`*`: the emergency stop; else a trigger, channel:NAME, segment:NAME or customer:KEY."""
    since: Instant
    until: Instant | None = None
    policy: PausePolicy = Field(sa_type=Text)
    """What becomes of the steps that fell due under it."""
    transactional: int = with_default(0)
    """A flag: it holds transactional messages too."""
    reason: str | None = Field(default=None, sa_type=Text)
    author: str = Field(sa_type=Text)
    customer_id: int | None = None
    """Of a pause of one customer, who it was when the pause began; merges lead on from there."""


class AuditRow(SchemaRow, table=True):
    """One act of an operator; written once, never changed, but that what is personal in it may be erased.

    A writer's rows are a chain (`storage.schema.chained`).
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", "at"),
        Index("ix_audit_subject", "subject"),
        Index("ix_audit_deed", "writer", "deed"),
        Index("ix_audit_writer_number", "writer", "number", unique=True),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    at: Instant
    author: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    detail: str = with_default("{}")
    """JSON object."""
    writer: str = Field(sa_type=Text)
    """Whose chain it is in: an account on a machine, as a hash; `carried` for rows of before."""
    number: int
    """Its place in the chain, from 1."""
    salt: str | None = Field(default=None, sa_type=Text)
    """Of the commitment; None once what is personal was erased."""
    commitment: str = Field(sa_type=Text)
    """To author, subject, reason and detail."""
    link: str = Field(sa_type=Text)
    deed: int
    """The number of the first row of its act, in the same chain: an act on many has a row for each."""


class AuditAnchorRow(SchemaRow, table=True):
    """The heads of all chains of the audit as of an instant; a chain of its own."""

    __tablename__ = "audit_anchors"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    at: Instant
    heads: str = Field(sa_type=Text)
    """JSON object: writer, to its last number and link."""
    link: str = Field(sa_type=Text)


pauses: Final[Table] = PauseRow.__table__
audit: Final[Table] = AuditRow.__table__
audit_anchors: Final[Table] = AuditAnchorRow.__table__
