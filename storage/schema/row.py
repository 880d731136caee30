"""What all classes of the schema share: their registry, and how a column says what it holds by default.

The classes are the schema, and there is no other: every table, column, constraint and index stands in one
of them. Core statements use a class's `__table__`, which has a name of its own beside the class; a Session
(`storage.session`) reads and writes objects of the class. A file holds one area, so that a command
imports only the areas it reads.

Instants are milliseconds since 1970 UTC, money is whole minor units of the workspace's currency, flags are 0
or 1, and lists and mappings are JSON text. Objects are not validated: the tables are STRICT, so that SQLite
refuses a value of another type, and none is turned into another on the way.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlalchemy import Integer, MetaData, Table, Text
from sqlmodel import Field, SQLModel

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
STRICT: Final = {"sqlite_strict": True}
STRICT_WITHOUT_ROWID: Final = {"sqlite_strict": True, "sqlite_with_rowid": False}

metadata: Final = MetaData(naming_convention=NAMES)
"""The tables of the areas that were imported."""


class SchemaRow(SQLModel):
    """A row of some table; the base of the classes of the schema."""

    metadata = metadata
    # the validators are built when somebody asks for one, which no command does: a third of a class's cost
    model_config = {"defer_build": True}

    __table__: ClassVar[Table]


def with_default(value: int | str) -> Any:
    """A column that may be left out: the database fills it in for a statement, and the class for an object.

    It is no default of SQLAlchemy's, which would be written into every statement that leaves the column out.
    """
    kind = Integer if isinstance(value, int) else Text
    return Field(
        default=value, sa_type=kind, sa_column_kwargs={"server_default": str(value), "default": None}
    )
