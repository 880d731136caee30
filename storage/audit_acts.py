"""The audit as acts: what was done at once is one, however many rows it left. Instants are ms UTC."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    and_,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
)

from core.instants import Instant
from core.model.audit import AuditLine, OperatorAct
from storage.schema.customers import customers
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.schema.playbooks import triggers
from storage.sql import WANTED, containing, named, within

OF_CUSTOMER: Final = "customer:"
AuditColumn = Literal["author", "action", "subject", "reason"]


@dataclass(frozen=True, slots=True)
class AuditTerm:
    """Texts of which one must stand in one of the columns, in capitals or not; `negated` turns it round."""

    columns: tuple[AuditColumn, ...]
    texts: tuple[str, ...]
    is_negated: bool = False

    def holds(self, table: FromClause) -> ColumnElement[bool]:
        """Whether one of the columns contains one of the texts."""
        return or_(*(containing(table.c[name], text) for name in self.columns for text in self.texts))


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which acts are asked for: each term holds for a row of the act, no negated one for any, and the act's
    instant lies in [since, until); None leaves an end open.
    """

    terms: tuple[AuditTerm, ...] = ()
    since: Instant | None = None
    until: Instant | None = None


def act_ids(connection: Connection, wanted: AuditQuery) -> array[int]:
    """The first rows of the acts that are wanted, the newest act first."""
    columns = audit.c
    query = select(columns.id).where(
        columns.deed == columns.number, *within(columns.at, wanted.since, wanted.until)
    )
    for term in wanted.terms:
        row = audit.alias()
        some = (
            exists().where(row.c.writer == columns.writer, row.c.deed == columns.deed, term.holds(row))
        ).correlate(audit)
        query = query.where(not_(some) if term.is_negated else some)
    return array("q", connection.execute(query.order_by(columns.id.desc())).scalars())


def acts(connection: Connection, ids: Iterable[int]) -> Iterator[OperatorAct]:
    """The acts that begin with these rows, the newest first."""
    columns, row = audit.c, audit.alias()
    rows = (
        select(func.count())
        .where(row.c.writer == columns.writer, row.c.deed == columns.deed)
        .correlate(audit)
        .scalar_subquery()
    )
    query = (
        select(
            columns.id, columns.at, columns.author, columns.action, columns.subject, columns.reason,
            rows.label("rows"), columns.salt.is_(None).label("is_erased"),
        )
        .where(columns.id.in_(WANTED))
        .order_by(columns.id.desc())
    )  # fmt: skip
    for act in connection.execute(query, named(ids)).mappings():
        yield OperatorAct(**{**act, "is_erased": bool(act["is_erased"])})


def last_acts(connection: Connection, most: int) -> list[OperatorAct]:
    """What operators did last, the newest first."""
    columns = audit.c
    query = select(columns.id).where(columns.deed == columns.number).order_by(columns.id.desc()).limit(most)
    return list(acts(connection, connection.execute(query).scalars()))


def act_line_ids(connection: Connection, act: int) -> array[int]:
    """The rows of the act that begins with a row, in their order; none where no act begins with it."""
    first, row = audit.alias(), audit.c
    query = (
        select(row.id)
        .join_from(first, audit, (first.c.writer == row.writer) & (first.c.deed == row.deed))
        .where(first.c.id == act, first.c.deed == first.c.number)
        .order_by(row.number)
    )
    return array("q", connection.execute(query).scalars())


def act_lines(connection: Connection, ids: Iterable[int]) -> Iterator[AuditLine]:
    """These rows, with customer and trigger where the row is about a message, a customer or a trigger."""
    columns = audit.c
    message = and_(columns.action.like("outbox %"), messages.c.id == cast(columns.subject, Integer))
    key = func.substr(columns.subject, len(OF_CUSTOMER) + 1)
    named_one = and_(columns.subject.like(f"{OF_CUSTOMER}%"), customers.c.key == key)
    written_to = customers.alias()
    query = (
        select(
            columns.id, columns.at, columns.author, columns.action, columns.subject, columns.reason,
            columns.detail, columns.number, columns.link, columns.salt.is_(None).label("is_erased"),
            func.coalesce(written_to.c.id, customers.c.id).label("customer_id"),
            func.coalesce(written_to.c.key, customers.c.key).label("customer"),
            func.coalesce(messages.c.trigger, triggers.c.name).label("trigger"),
        )
        .select_from(audit)
        .outerjoin(messages, message)
        .outerjoin(written_to, written_to.c.id == messages.c.customer_id)
        .outerjoin(customers, named_one)
        .outerjoin(triggers, triggers.c.name == columns.subject)
        .where(columns.id.in_(WANTED))
        .order_by(columns.id)
    )  # fmt: skip
    for row in connection.execute(query, named(ids)).mappings():
        yield AuditLine(**{**row, "detail": json.loads(row["detail"]), "is_erased": bool(row["is_erased"])})
