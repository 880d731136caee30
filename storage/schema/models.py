"""SQLModel classes on the tables that people edit, for programs beside this one; the tables are
`storage.schema.tables`, these add types.

Rows that come by the thousand (events, messages, decisions) are read and written with Core statements
instead.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from storage.schema import tables


class _Row(SQLModel):
    metadata = tables.metadata
    __table_args__: ClassVar[Any] = {"keep_existing": True}


class CustomerRow(_Row, table=True):
    """One customer: her traits and sums, when the engine looks at her next, and into whom she was merged."""

    __tablename__ = "customers"

    id: int | None = Field(default=None, primary_key=True)
    key: str
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    gender: str | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    city: str | None = None
    postal_code: str | None = None
    birthday: str | None = None
    registered_at: int | None = None
    orders: int = 0
    revenue: int = 0
    revenue_gross: int = 0
    returned: int = 0
    returns: int = 0
    units: int = 0
    first_order_at: int | None = None
    last_order_at: int | None = None
    last_activity_at: int | None = None
    traits: str = "{}"
    detail: str = "{}"
    settled: str | None = None
    settled_until: int | None = None
    next_due_at: int | None = None
    planned_version: int = 0
    entries: str = "{}"
    merged_into: int | None = None
    erased_at: int | None = None
    folded_name: str | None = None
    folded_city: str | None = None
    joins: str | None = None


class PlaybookRow(_Row, table=True):
    """One version of the files that was put in force, with their texts."""

    __tablename__ = "playbooks"

    version: int | None = Field(default=None, primary_key=True)
    applied_at: int
    author: str
    files: str
    summary: str
    under_way: str | None = None


class TriggerRow(_Row, table=True):
    """One trigger as the playbook in force has it."""

    __tablename__ = "triggers"

    name: str = Field(primary_key=True)
    title: str
    kind: str
    status: str
    activated_at: int | None = None
    version: int


class PauseRow(_Row, table=True):
    """One span in which a trigger holds, a channel, a segment, a customer, or everything."""

    __tablename__ = "pauses"

    id: int | None = Field(default=None, primary_key=True)
    trigger: str
    since: int
    until: int | None = None
    policy: str
    transactional: int = 0
    reason: str | None = None
    author: str
    customer_id: int | None = None


class AuditRow(_Row, table=True):
    """One act of an operator; written once, never changed."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: int
    author: str
    action: str
    subject: str
    reason: str | None = None
    detail: str = "{}"


ROWS: tuple[type[SQLModel], ...] = (CustomerRow, PlaybookRow, TriggerRow, PauseRow, AuditRow)
