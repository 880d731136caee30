"""Events: the log of what customers did, which only grows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, LargeBinary, Table, Text, text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow, with_default


class EventRow(SchemaRow, table=True):
    """One event, as it came in."""

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_dedup", "dedup", unique=True),
        Index("ix_events_timeline", "customer_id", "occurred_at", "id"),
        Index("ix_events_orders", "occurred_at", sqlite_where=text("name = 'Order Completed'")),
        Index("ix_events_order_key", "order_key", sqlite_where=text("order_key IS NOT NULL")),
        Index("ix_events_set_aside", "currency", sqlite_where=text("currency IS NOT NULL AND rate IS NULL")),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    dedup: bytes = Field(sa_type=LargeBinary)
    """16 bytes: a hash of the source and the message's id or natural key."""
    customer_id: int | None = None
    """NULL: an act of nobody known, such as a purchase without a customer."""
    identity_id: int | None = None
    """Through which identity it came, so that a merge can be undone."""
    kind: str = Field(sa_type=Text)
    """`track`, `page`, `identify` or `alias`."""
    name: str = Field(sa_type=Text)
    occurred_at: Instant
    arrived_at: Instant
    history: int = with_default(0)
    """A flag: it was taken in as history, and starts nothing."""
    source: str = Field(sa_type=Text)
    channel: str | None = Field(default=None, sa_type=Text)
    amount: int | None = None
    """Minor units of the workspace's currency."""
    properties: str = with_default("{}")
    """JSON object."""
    order_key: str | None = Field(default=None, sa_type=Text)
    """The number of its order within the namespace; NULL: of none, or of one without number."""
    standing: int = with_default(0)
    """How it stands among what is told of its order: `core.model.events.OrderStanding`."""
    currency: str | None = Field(default=None, sa_type=Text)
    """Of its order; NULL: the workspace's."""
    own_amount: int | None = None
    """Minor units of that currency."""
    rate: str | None = Field(default=None, sa_type=Text)
    """Units of the workspace's currency for one of that; NULL beside a currency: not converted."""
    others: str | None = Field(default=None, sa_type=Text)
    """JSON list: the ids of identities that were told beside the one through which it came."""
    traits: str | None = Field(default=None, sa_type=Text)
    """JSON object: what it says of the customer besides, where it is no identify call."""
    listed: str | None = Field(default=None, sa_type=Text)
    """JSON list of the consents that it says as the line of a list: channel, purpose, address, state, date of
    the consent, and whether that is a bare no.
    """


events: Final[Table] = EventRow.__table__
