"""The playbook: the versions of its files that were put in force, and its triggers as they stand."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow


class PlaybookRow(SchemaRow, table=True):
    """One version of the files that was put in force, with their texts."""

    __tablename__ = "playbooks"
    __table_args__ = (
        # all that is asked of it, so that the long texts of the files are not read
        Index(
            "ix_playbooks_under_way",
            "version",
            "applied_at",
            "under_way",
            sqlite_where=text("under_way IS NOT NULL"),
        ),
        STRICT,
    )

    version: int | None = Field(default=None, primary_key=True)
    """From 1."""
    applied_at: Instant
    author: str = Field(sa_type=Text)
    files: str = Field(sa_type=Text)
    """JSON object: relative path to text."""
    summary: str = Field(sa_type=Text)
    under_way: str | None = Field(default=None, sa_type=Text)
    """JSON object: changed trigger to what happens to those under way in it.

    That is `finish`, `move`, `leave` or `retire`; NULL where nothing changed for anybody.
    """


class TriggerRow(SchemaRow, table=True):
    """One trigger as it was last applied; one whose file has gone is retired."""

    __tablename__ = "triggers"
    __table_args__ = (STRICT,)

    name: str = Field(primary_key=True, sa_type=Text)
    title: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    activated_at: Instant | None = None
    """Since when its instants fire; NULL: it was never active."""
    version: int
    """The version of the playbook that put it in force."""


playbooks: Final[Table] = PlaybookRow.__table__
triggers: Final[Table] = TriggerRow.__table__
