"""What intake leaves beside the events themselves: the queue for the engine, and a record of imports."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, Text
from sqlmodel import Field

from core.instants import Instant
from storage.schema.row import STRICT, STRICT_WITHOUT_ROWID, SchemaRow


class ArrivalRow(SchemaRow, table=True):
    """One event that the engine has still to play: intake adds it, and the tick that plays it removes it."""

    __tablename__ = "arrivals"
    __table_args__ = (STRICT_WITHOUT_ROWID,)

    customer_id: int = Field(primary_key=True)
    event_id: int = Field(primary_key=True)


class FutureEventRow(SchemaRow, table=True):
    """An event that was stamped later than it was taken in; it counts from its own time on."""

    __tablename__ = "future_events"
    __table_args__ = (STRICT,)

    event_id: int = Field(primary_key=True)
    occurred_at: Instant = Field(index=True)


class ImportRow(SchemaRow, table=True):
    """One import: which file, when, and what became of its lines."""

    __tablename__ = "imports"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    at: Instant
    path: str = Field(sa_type=Text)
    profile: str | None = Field(default=None, sa_type=Text)
    lines: int
    taken: int
    duplicate: int
    rejected: int
    finished: int
    """A flag."""
    undone_at: Instant | None = None
    """When an operator took it back."""


class ImportSpanRow(SchemaRow, table=True):
    """Events of one import that lie side by side: each batch adds its own, or lengthens the last.

    The rows of an import that was taken back stay, because a number that was given once is never given again.
    """

    __tablename__ = "import_spans"
    __table_args__ = (STRICT_WITHOUT_ROWID,)

    import_id: int = Field(primary_key=True)
    first_event: int = Field(primary_key=True)
    last_event: int
    last_customer: int
    """The highest number of a customer that was given by then."""
    last_identity: int
    """The highest number of an identity that was given by then."""


class UnreadRow(SchemaRow, table=True):
    """What a source said and nobody understood, although the line that says it was taken."""

    __tablename__ = "unread"
    __table_args__ = (STRICT_WITHOUT_ROWID,)

    kind: str = Field(sa_type=Text, primary_key=True)
    """One of `core.sources.feedback.UNREAD`."""
    source: str = Field(sa_type=Text, primary_key=True)
    word: str = Field(sa_type=Text, primary_key=True)
    number: int
    last_at: Instant


arrivals: Final[Table] = ArrivalRow.__table__
future_events: Final[Table] = FutureEventRow.__table__
imports: Final[Table] = ImportRow.__table__
import_spans: Final[Table] = ImportSpanRow.__table__
unread: Final[Table] = UnreadRow.__table__
