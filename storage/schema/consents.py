"""Who may be written to: the append-only ledger of consents, and addresses that take no messages."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, STRICT_WITHOUT_ROWID, SchemaRow


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
    basis: str | None = Field(default=None, sa_type=Text)
    """`imported` or `listed` (`core.model.customer.ConsentBasis`); NULL: it was said."""


class ListedConsentRow(SchemaRow, table=True):
    """What the last list of a source said of one use for one person and address."""

    __tablename__ = "listed_consents"
    __table_args__ = (STRICT_WITHOUT_ROWID,)

    identity_id: int = Field(primary_key=True)
    """The identity by which its line names the customer."""
    source: str = Field(sa_type=Text, primary_key=True)
    channel: str = Field(sa_type=Text, primary_key=True)
    purpose: str = Field(sa_type=Text, primary_key=True)
    address: str = Field(sa_type=Text, primary_key=True)
    """Empty: the line names none."""
    state: str = Field(sa_type=Text)
    said_at: Instant
    """The instant of the line."""
    dated_at: Instant | None = None
    """The date of the consent itself, where the line has one."""
    arrived_at: Instant
    previous: str | None = Field(default=None, sa_type=Text)
    """What the source's list before this arrival said."""
    word: str | None = Field(default=None, sa_type=Text)
    """The state that this arrival wrote into the ledger."""


class SuppressionRow(SchemaRow, table=True):
    """One address to which nothing is sent any more, and why."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "ix_suppressions_open",
            "medium",
            "address",
            "reason",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
        ),
        Index("ix_suppressions_address", "address"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    medium: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    arrived_at: Instant
    source: str = Field(sa_type=Text)
    occurred_at: Instant | None = None
    """When that occurred which suppresses it; NULL where only the arrival is known."""
    lifted_at: Instant | None = None
    """When an operator allowed the address again."""


class SoftBounceRow(SchemaRow, table=True):
    """One message that did not reach its address, for a reason that may pass."""

    __tablename__ = "soft_bounces"
    __table_args__ = (STRICT_WITHOUT_ROWID,)

    medium: str = Field(sa_type=Text, primary_key=True)
    address: str = Field(sa_type=Text, primary_key=True)
    occurred_at: Instant = Field(primary_key=True)
    source: str = Field(sa_type=Text)


class AddressReportRow(SchemaRow, table=True):
    """What one event reported of an address, whether or not it was news."""

    __tablename__ = "address_reports"
    __table_args__ = (Index("ix_address_reports_address", "address"), STRICT)

    event_id: int | None = Field(default=None, primary_key=True)
    medium: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    """As of a suppression; a single soft bounce has the reason of those that are counted."""
    occurred_at: Instant
    arrived_at: Instant
    source: str = Field(sa_type=Text)


consents: Final[Table] = ConsentRow.__table__
suppressions: Final[Table] = SuppressionRow.__table__
listed_consents: Final[Table] = ListedConsentRow.__table__
soft_bounces: Final[Table] = SoftBounceRow.__table__
address_reports: Final[Table] = AddressReportRow.__table__
