"""The workspace as a whole: facts about it, and which process leads."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, Text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow


class FactRow(SchemaRow, table=True):
    """One fact about the workspace, such as `last_tick_at`; see `storage.store.meta`."""

    __tablename__ = "facts"
    __table_args__ = (STRICT,)

    name: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


class LeaseRow(SchemaRow, table=True):
    """Who may do a job that only one process may do; `term` grows with each holder."""

    __tablename__ = "leases"
    __table_args__ = (STRICT,)

    name: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    """As `console.dispatch` names a process."""
    term: int
    since: Instant
    renewed_at: Instant
    expires_at: Instant


facts: Final[Table] = FactRow.__table__
leases: Final[Table] = LeaseRow.__table__
