"""Objects of the schema's classes, read and written among Core's statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlmodel import Session


@contextmanager
def session(connection: Connection) -> Iterator[Session]:
    """A Session in the transaction of the connection, which it neither commits nor ends.

    What was added to it or changed in it is written at the latest when it is left; the objects stay readable
    after that. Where the connection has no transaction yet, one begins, so that what is read in the Session
    and after it is one snapshot.
    """
    if not connection.in_transaction():
        connection.begin()
    with Session(connection) as opened:
        yield opened
        opened.flush()
