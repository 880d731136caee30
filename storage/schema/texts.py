"""The texts of messages as they went out, each packed against what its template says; see
`storage.outbox.texts`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, SchemaRow


class SentTextRow(SchemaRow, table=True):
    """Subject and parts of one message."""

    __tablename__ = "sent_texts"
    __table_args__ = (Index("ix_sent_texts_made_at", "made_at"), STRICT)

    message_id: int | None = Field(default=None, primary_key=True)
    made_at: Instant
    """The instant as of which it was made and handed over."""
    base: int
    """The row of `text_bases` that it is packed against."""
    packed: bytes


class TextBaseRow(SchemaRow, table=True):
    """What a template says, without anything of a customer: texts packed against it hold little more than
    what differs.
    """

    __tablename__ = "text_bases"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    """Drawn from its content, so that it is there once."""
    used_at: Instant
    """When it was last made sure of, to the day."""
    packed: bytes


sent_texts: Final[Table] = SentTextRow.__table__
text_bases: Final[Table] = TextBaseRow.__table__
