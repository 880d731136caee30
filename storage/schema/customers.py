"""Customers: one row each, wide, with traits and sums, so that a condition is judged on one table."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow, with_default


class CustomerRow(SchemaRow, table=True):
    """One customer: traits and sums, when the engine looks at the customer next, and where a merge led."""

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_next_due_at", "next_due_at", sqlite_where=text("next_due_at IS NOT NULL")),
        Index("ix_customers_planned_version", "planned_version"),
        # all that a search looks at, so that it never reads the wide rows themselves
        Index(
            "ix_customers_words",
            "folded_name",
            "email",
            "folded_city",
            "postal_code",
            "country",
            "phone",
            "key",
            "merged_into",
            "erased_at",
        ),
        Index(
            "ix_customers_gone", "id", sqlite_where=text("merged_into IS NOT NULL OR erased_at IS NOT NULL")
        ),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=Text, unique=True)
    email: str | None = Field(default=None, sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    first_name: str | None = Field(default=None, sa_type=Text)
    last_name: str | None = Field(default=None, sa_type=Text)
    gender: str | None = Field(default=None, sa_type=Text)
    locale: str | None = Field(default=None, sa_type=Text)
    timezone: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    city: str | None = Field(default=None, sa_type=Text)
    postal_code: str | None = Field(default=None, sa_type=Text)
    birthday: str | None = Field(default=None, sa_type=Text)
    registered_at: Instant | None = None
    orders: int = with_default(0)
    revenue: int = with_default(0)
    """Minor units, without what was returned."""
    revenue_gross: int = with_default(0)
    """Minor units."""
    returned: int = with_default(0)
    """Minor units of goods that came back."""
    returns: int = with_default(0)
    units: int = with_default(0)
    first_order_at: Instant | None = None
    last_order_at: Instant | None = None
    last_activity_at: Instant | None = None
    traits: str = with_default("{}")
    """JSON object; addresses are flattened to `address.city` and the like."""
    detail: str = with_default("{}")
    """JSON object with `traits_at`, `activity`, `channels` and `order_instants`, and where events tell of it
    `basket` and the number of its products, `basket_items`.
    """
    settled: str | None = Field(default=None, sa_type=Text)
    """The whole profile before the events that the engine has not played yet; NULL where none wait."""
    settled_until: Instant | None = None
    next_due_at: Instant | None = None
    """When the engine has to look at the customer next; it may be too early, never too late."""
    planned_version: int = with_default(0)
    """The version of the playbook under which the engine planned last."""
    entries: str = with_default("{}")
    """JSON object: trigger to its last entry and that entry's cause key."""
    merged_into: int | None = Field(default=None, foreign_key="customers.id")
    erased_at: Instant | None = None
    folded_name: str | None = Field(default=None, sa_type=Text)
    """Last and first name as `core.text_folding` folds them: what a search looks at."""
    folded_city: str | None = Field(default=None, sa_type=Text)
    """The city, folded in the same way."""
    joins: str | None = Field(default=None, sa_type=Text)
    """Merges, made or undone, that are not played yet; NULL where there are none.

    JSON: a list of the merge, its instant, and a list of trigger, instant and cause key of each entry.
    """


customers: Final[Table] = CustomerRow.__table__
