"""Addresses to which nothing is sent any more: who reported them, soft bounces counted until they are, and
operators who add and lift them. Instants and spans are milliseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from core.filters import FilterWord, holds
from core.instants import Instant, Millis
from core.model.bounces import BounceLimit
from core.model.suppressed import FIELDS, SuppressedAddress
from storage.schema.consents import address_reports, soft_bounces, suppressions
from storage.schema.identities import identities
from storage.sql import portions

BOUNCE: Final = "bounce"
COMPLAINT: Final = "complaint"
SOFT_BOUNCES: Final = "soft bounces"


class Report(NamedTuple):
    """What makes an address one that is not written to any more."""

    medium: str
    address: str
    reason: str
    occurred_at: Instant
    arrived_at: Instant
    source: str


class SoftBounce(NamedTuple):
    """One message that did not reach its address, for a reason that may pass."""

    medium: str
    address: str
    occurred_at: Instant
    arrived_at: Instant
    source: str


def take_reports(connection: Connection, reports: Sequence[tuple[int, Report]], limit: BounceLimit) -> None:
    """Take in what events, by number, reported: suppress addresses, and count soft bounces."""
    if not reports:
        return
    rows = [{"event_id": number, **report._asdict()} for number, report in reports]
    connection.execute(insert(address_reports).on_conflict_do_nothing(), rows)
    _act_on(connection, [report for _, report in reports], limit)


def _act_on(connection: Connection, reports: Sequence[Report], limit: BounceLimit) -> None:
    hard = [each for each in reports if each.reason != SOFT_BOUNCES]
    if hard:
        suppress(connection, sorted(hard, key=lambda report: (report.arrived_at, report.occurred_at)))
    soft = [
        SoftBounce(each.medium, each.address, each.occurred_at, each.arrived_at, each.source)
        for each in reports
        if each.reason == SOFT_BOUNCES
    ]
    count_soft_bounces(connection, soft, limit)


def take_back(
    connection: Connection, spans: Sequence[tuple[int, int]], limit: BounceLimit
) -> tuple[int, int]:
    """Take back what events, in spans of numbers, reported of addresses; gives how many suppressions and soft
    bounces go. What others have reported as well stays, and so does what operators did.
    """
    columns = address_reports.c
    gone: list[Report] = []
    for first, last in spans:
        own = columns.event_id.between(first, last)
        query = select(*(columns[name] for name in Report._fields)).where(own)
        gone += [Report(*row) for row in connection.execute(query)]
        connection.execute(delete(address_reports).where(own))
    if not gone:
        return 0, 0
    addresses = sorted({each.address for each in gone})
    before = _standing(connection, addresses), _counted(connection, addresses)
    for each in set(gone):
        _remove(connection, each)
    left = _reports_on(connection, addresses)
    soft = {(each.medium, each.address) for each in gone if each.reason == SOFT_BOUNCES}
    _drop_unfounded(connection, soft, limit)
    _act_on(connection, left, limit)
    return before[0] - _standing(connection, addresses), before[1] - _counted(connection, addresses)


def _remove(connection: Connection, report: Report) -> None:
    """The row that a report has brought, where no other one had before."""
    table = soft_bounces if report.reason == SOFT_BOUNCES else suppressions
    names = (
        ("medium", "address", "occurred_at", "source")
        if report.reason == SOFT_BOUNCES
        else ("medium", "address", "reason", "occurred_at", "arrived_at", "source")
    )
    own = [table.c[name] == getattr(report, name) for name in names]
    if report.reason != SOFT_BOUNCES:
        own.append(table.c.lifted_at.is_(None))
    connection.execute(delete(table).where(*own))


def _reports_on(connection: Connection, addresses: Sequence[str]) -> list[Report]:
    columns, found = address_reports.c, list[Report]()
    for part in portions(addresses):
        query = select(*(columns[name] for name in Report._fields)).where(columns.address.in_(part))
        found += [Report(*row) for row in connection.execute(query.order_by(columns.event_id))]
    return found


def _drop_unfounded(connection: Connection, places: Collection[tuple[str, str]], limit: BounceLimit) -> None:
    """Suppressions by soft bounces that no longer add up; `_act_on` brings those that still do."""
    columns = suppressions.c
    for medium, address in sorted(places):
        own = (columns.medium == medium) & (columns.address == address) & (columns.reason == SOFT_BOUNCES)
        standing = connection.execute(
            select(columns.id, columns.occurred_at).where(own, columns.lifted_at.is_(None))
        ).first()
        if standing is not None and _crossed_at(connection, medium, address, limit) != standing.occurred_at:
            connection.execute(delete(suppressions).where(columns.id == standing.id))


def _standing(connection: Connection, addresses: Sequence[str]) -> int:
    columns = suppressions.c
    return _number_of(connection, suppressions, columns.lifted_at.is_(None), addresses)


def _counted(connection: Connection, addresses: Sequence[str]) -> int:
    return _number_of(connection, soft_bounces, true(), addresses)


def _number_of(
    connection: Connection, table: Table, condition: ColumnElement[bool], addresses: Sequence[str]
) -> int:
    count = select(func.count()).select_from(table).where(condition)
    return sum(
        connection.execute(count.where(table.c.address.in_(part))).scalar_one()
        for part in portions(addresses)
    )


def suppress(connection: Connection, reports: Sequence[Report], *, is_said_now: bool = False) -> int:
    """Never write to these addresses again; how many were new. One that is suppressed already keeps its
    first row of each reason (of those that arrive together what occurred first), and what occurred before an
    operator lifted it changes nothing, unless it `is_said_now`, by an operator who knows.
    """
    lifted = {} if is_said_now else _lifted(connection, {(each.medium, each.address) for each in reports})
    rows = [
        each._asdict()
        for each in reports
        if each.occurred_at > lifted.get((each.medium, each.address), each.occurred_at - 1)
    ]
    before = _number(connection)
    if rows:
        statement, columns = insert(suppressions), suppressions.c
        said = statement.excluded
        is_earlier = tuple_(said.occurred_at, said.source) < tuple_(columns.occurred_at, columns.source)
        first = statement.on_conflict_do_update(
            index_elements=[columns.medium, columns.address, columns.reason],
            index_where=text("lifted_at IS NULL"),
            set_={"occurred_at": said.occurred_at, "source": said.source},
            where=and_(said.arrived_at == columns.arrived_at, is_earlier),
        )
        connection.execute(first, rows)
    return _number(connection) - before


def _number(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(suppressions)).scalar_one()


def _lifted(connection: Connection, addresses: Collection[tuple[str, str]]) -> dict[tuple[str, str], Instant]:
    """When each of the addresses was lifted last, of those that were."""
    columns = suppressions.c
    found: dict[tuple[str, str], Instant] = {}
    for part in portions(sorted(addresses)):
        query = (
            select(columns.medium, columns.address, func.max(columns.lifted_at))
            .where(columns.lifted_at.is_not(None), tuple_(columns.medium, columns.address).in_(part))
            .group_by(columns.medium, columns.address)
        )
        found |= {(medium, address): at for medium, address, at in connection.execute(query)}
    return found


def count_soft_bounces(connection: Connection, bounces: Sequence[SoftBounce], limit: BounceLimit) -> None:
    """Count these, and suppress the addresses that bounced as often as the limit says within its span."""
    if not bounces:
        return
    rows = [
        {"medium": each.medium, "address": each.address, "occurred_at": each.occurred_at,
         "source": each.source}
        for each in bounces
    ]  # fmt: skip
    connection.execute(insert(soft_bounces).on_conflict_do_nothing(), rows)
    newest = {(each.medium, each.address): each for each in bounces}
    suppress(connection, list(_over_the_limit(connection, newest, limit)))


def _over_the_limit(
    connection: Connection, newest: Mapping[tuple[str, str], SoftBounce], limit: BounceLimit
) -> Iterator[Report]:
    for (medium, address), bounce in newest.items():
        at = _crossed_at(connection, medium, address, limit)
        if at is not None:
            yield Report(medium, address, SOFT_BOUNCES, at, max(at, bounce.arrived_at), bounce.source)


def _crossed_at(connection: Connection, medium: str, address: str, limit: BounceLimit) -> Instant | None:
    """When an address had bounced softly so often, as far as nobody has lifted it since."""
    columns = soft_bounces.c
    query = select(columns.occurred_at).where(columns.medium == medium, columns.address == address)
    since = _lifted(connection, [(medium, address)]).get((medium, address))
    if since is not None:
        query = query.where(columns.occurred_at > since)
    times = list(connection.execute(query.order_by(columns.occurred_at)).scalars())
    return _crossing(times, limit.soft_limit, limit.within)


def _crossing(times: Sequence[Instant], number: int, within: Millis) -> Instant | None:
    """The first of the instants, in order, at which so many lie within the span."""
    pairs = zip(times, times[number - 1 :])
    return next((last for first, last in pairs if last - first <= within), None)


# ---- what operators do ----


def listing(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """The addresses that are suppressed, as a stream: `address medium reason since source`, by address."""
    columns = suppressions.c
    query = select(
        columns.address, columns.medium, columns.reason, columns.arrived_at.label("since"), columns.source
    ).where(columns.lifted_at.is_(None))
    rows = connection.execution_options(yield_per=500).execute(query.order_by(columns.address, columns.id))
    yield from rows.mappings()  # type: ignore[misc]


def ids(connection: Connection, words: Sequence[FilterWord]) -> array[int]:
    """The rows in which all words occur, the newest first."""
    columns = suppressions.c
    query = select(columns.id, *(columns[name] for name in FIELDS)).where(columns.lifted_at.is_(None))
    found = connection.execution_options(yield_per=1_000).execute(
        query.order_by(columns.arrived_at.desc(), columns.id.desc())
    )
    return array("q", (row[0] for row in found if _fits(words, dict(zip(FIELDS, row[1:])))))


def _fits(words: Sequence[FilterWord], row: Mapping[str, str]) -> bool:
    return all(holds((word,), row[word.field] if word.field else " ".join(row.values())) for word in words)


def rows(connection: Connection, wanted: Sequence[int]) -> Iterator[SuppressedAddress]:
    """These rows, in no order."""
    columns = suppressions.c
    query = select(
        columns.id, columns.address, columns.medium, columns.reason, columns.arrived_at, columns.source
    )
    for part in portions(wanted):
        for row in connection.execute(query.where(columns.id.in_(part))):
            yield SuppressedAddress(*row)


def lift(connection: Connection, addresses: Iterable[str], at: Instant) -> list[tuple[str, str]]:
    """Allow the addresses again, on every medium; which they were, as pairs of medium and address. Their
    soft bounces are counted anew from then on.
    """
    columns = suppressions.c
    lifted: list[tuple[str, str]] = []
    for part in portions(sorted(set(addresses))):
        standing = columns.address.in_(part) & columns.lifted_at.is_(None)
        found = connection.execute(select(columns.medium, columns.address).where(standing).distinct()).all()
        connection.execute(update(suppressions).where(standing).values(lifted_at=at))
        lifted += [(medium, address) for medium, address in found]
    places = tuple_(soft_bounces.c.medium, soft_bounces.c.address)
    for those in portions(lifted):
        connection.execute(delete(soft_bounces).where(places.in_(those), soft_bounces.c.occurred_at <= at))
    return lifted


def owners(connection: Connection, addresses: Sequence[str]) -> list[int]:
    """The customers who are known by these addresses."""
    found: set[int] = set()
    for part in portions(addresses):
        query = select(identities.c.customer_id).where(
            identities.c.kind.in_(("email", "phone", "push")), identities.c.value.in_(part)
        )
        found.update(connection.execute(query).scalars())
    return sorted(found)
