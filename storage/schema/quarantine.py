"""What is set aside because working on it failed, and what is watched because it failed once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, UniqueConstraint, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow, with_default


class QuarantineRow(SchemaRow, table=True):
    """One thing that failed; it is set aside from `since` on, and given up from `dropped_at` on."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index(
            "ix_quarantine_since",
            "since",
            sqlite_where=text("since IS NOT NULL AND dropped_at IS NULL"),
        ),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(sa_type=Text)
    """One of `core.model.quarantine.KINDS`."""
    subject: str = Field(sa_type=Text)
    """The row's number of a customer, an event, a message; the name of a template or channel; a file's
    path.
    """
    what: str = Field(sa_type=Text)
    """The same for people."""
    reason: str = Field(sa_type=Text)
    trace: str = Field(sa_type=Text)
    """The name of the file with the whole trace."""
    failures: int = with_default(0)
    crashes: int = with_default(0)
    """How often the process ended without a word while it worked on it."""
    first_at: Instant
    since: Instant | None = None
    """NULL while it is only watched."""
    dropped_at: Instant | None = None
    version: int = with_default(0)
    """Of a template, the playbook's version under which it failed."""


quarantine: Final[Table] = QuarantineRow.__table__
