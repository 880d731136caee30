"""The operator's word on who is who, and what waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from core.errors import ManometerError
from core.instants import Instant
from core.people import USER, IdentityRules, strength
from storage.intake.identities import unmerge
from storage.intake.people import settle
from storage.orders import shared_orders
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities, identity_decisions, links, merges
from storage.sql import WANTED, named, rows_of

MOST_NAMED = 10
"""Customers that a conflict names; `people` says how many there are."""


# ---- decisions ----


def identity_of(connection: Connection, reference: str) -> int:
    """The identity that a user id, a customer's key or KIND:VALUE names; ManometerError where there is
    none.
    """
    kind, _, value = reference.partition(":")
    columns = identities.c
    named_so = or_(
        and_(columns.kind == USER, columns.value == reference),
        and_(columns.kind == kind, columns.value == value),
    )
    found = connection.execute(
        select(columns.id).where(named_so).order_by(columns.kind != USER).limit(1)
    ).scalar()
    if found is None:
        raise ManometerError(
            f"There is no customer {reference[:80]!r}. Name a user id or an identity such as "
            "email:ann@example.ch, as `manometer customers show` lists them."
        )
    return int(found)


def join(
    connection: Connection, one: str, other: str, rules: IdentityRules, *, at: Instant, wake: bool
) -> None:
    """Let two customers be one, whatever was told of them; the first one's key stays. ManometerError where
    there is no such customer.
    """
    pair = _two(connection, one, other)
    _decide(connection, [pair], "join", at)
    settle(connection, pair, rules, at=at, wake=wake)


def part(
    connection: Connection, one: str, other: str, rules: IdentityRules, *, at: Instant, wake: bool
) -> None:
    """Let two never be one customer, and part them where they are; ManometerError where there is no such
    customer.
    """
    pair = _two(connection, one, other)
    _decide(connection, [pair], "part", at)
    settle(connection, pair, rules, at=at, wake=wake)


def forget(
    connection: Connection, one: str, other: str, rules: IdentityRules, *, at: Instant, wake: bool
) -> str:
    """Take back the operator's word on two customers: who they are follows from what was told of them. Gives
    the verdict that stood; ManometerError where there is none.
    """
    first, second = _two(connection, one, other)
    columns, both = identity_decisions.c, (first, second)
    pair = columns.first_id.in_(both) & columns.second_id.in_(both) & (columns.verdict != "kept")
    verdict = connection.execute(select(columns.verdict).where(pair)).scalar()
    if verdict is None:
        raise ManometerError(f"Nothing was decided of {one} and {other}.")
    connection.execute(delete(identity_decisions).where(pair))
    settle(connection, both, rules, at=at, wake=wake)
    return str(verdict)


def undo(connection: Connection, merge_id: int, rules: IdentityRules, *, at: Instant, wake: bool) -> int:
    """Undo a merge for good: nothing that is told joins the two again. Gives the row of the customer who was
    merged; ManometerError where there is no such merge.
    """
    merged = unmerge(connection, merge_id, at=at, wake=wake)
    survivor = connection.execute(select(merges.c.customer_id).where(merges.c.id == merge_id)).scalar_one()
    one, other = _names(connection, survivor), _names(connection, merged)
    _decide(connection, [(mine, theirs) for mine in one for theirs in other], "part", at)
    if one and other:
        settle(connection, {*one, *other}, rules, at=at, wake=wake)
    return merged


def _two(connection: Connection, one: str, other: str) -> tuple[int, int]:
    first, second = identity_of(connection, one), identity_of(connection, other)
    if first == second:
        raise ManometerError(f"{one} and {other} name the same identity. Name two.")
    return first, second


def _names(connection: Connection, customer: int) -> list[int]:
    """The user ids of a customer; without any the strongest identity."""
    columns = identities.c
    query = select(columns.id, columns.kind, columns.value).where(columns.customer_id == customer)
    found = sorted(connection.execute(query), key=lambda row: (strength((row.kind, row.value)), row.value))
    return [row.id for row in found if row.kind == USER] or [row.id for row in found[:1]]


def _decide(connection: Connection, pairs: Sequence[tuple[int, int]], verdict: str, at: Instant) -> None:
    """Write decisions down; each replaces what was decided of the same two."""
    columns = identity_decisions.c
    for one, other in pairs:
        both = ((columns.first_id == one) & (columns.second_id == other)) | (
            (columns.first_id == other) & (columns.second_id == one)
        )
        connection.execute(delete(identity_decisions).where(both))
        row = {"first_id": one, "second_id": other, "verdict": verdict, "at": at}
        connection.execute(upsert(identity_decisions).values(row))


# ---- what waits for a decision ----


def conflicts(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """What waits for a decision: `kind`, `identity` (None where none is disputed), `customers` by key, how
    many `people`, and `since` in ms UTC.

    Kinds: `namespace` (an identity that several people say), `shared` (more than may share one), `order` (one
    that several people have; the identity is `order:NUMBER`), `birthday` (user ids of one customer that tell
    different ones), `kept` (joined before, by rules that no longer hold).
    """
    parted = _parted(connection)
    yield from _disputed(connection, parted)
    yield from _orders(connection, parted)
    yield from _kept(connection)
    yield from _birthdays(connection)


def conflict_count(connection: Connection) -> int:
    """How many conflicts wait for a decision."""
    return sum(1 for _ in conflicts(connection))


def _parted(connection: Connection) -> set[frozenset[int]]:
    columns = identity_decisions.c
    query = select(columns.first_id, columns.second_id).where(columns.verdict == "part")
    return {frozenset(row) for row in connection.execute(query)}


def _disputed(connection: Connection, parted: Collection[frozenset[int]]) -> Iterator[dict[str, Any]]:
    columns, user = identities.c, identities.alias()
    query = (
        select(
            columns.id, columns.kind, columns.value, columns.said_by, columns.first_seen_at,
            links.c.strong_id, customers.c.key,
        )
        .join_from(identities, links, links.c.other_id == columns.id)
        .join(user, (user.c.id == links.c.strong_id) & (user.c.kind == USER))
        .join(customers, customers.c.id == user.c.customer_id)
        .where(columns.contested == 1)
        .order_by(columns.id, links.c.strong_id)
    )  # fmt: skip
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.id].append(row)
    for rows in found.values():
        keys = list(dict.fromkeys(row.key for row in rows))
        users = {row.key: row.strong_id for row in rows}.values()
        is_decided = len(users) <= MOST_NAMED and all(
            frozenset(pair) in parted for pair in combinations(users, 2)
        )
        if len(keys) > 1 and not is_decided:
            kind = "namespace" if rows[0].said_by is None else "shared"
            yield _conflict(kind, f"{rows[0].kind}:{rows[0].value}", keys, rows[0].first_seen_at)


def _conflict(kind: str, identity: str | None, keys: Sequence[str], since: Instant) -> dict[str, Any]:
    return {
        "kind": kind,
        "identity": identity,
        "customers": list(keys[:MOST_NAMED]),
        "people": len(keys),
        "since": since,
    }


def _orders(connection: Connection, parted: Collection[frozenset[int]]) -> Iterator[dict[str, Any]]:
    """Orders that count for several people each, unless all of them are known to be different people."""
    for order, told in shared_orders(connection):
        names = {key: set(_names(connection, customer)) for customer, key, _ in told}
        is_decided = len(names) <= MOST_NAMED and all(
            any(frozenset((mine, theirs)) in parted for mine in names[one] for theirs in names[other])
            for one, other in combinations(names, 2)
        )
        if not is_decided:
            yield _conflict("order", f"order:{order}", list(names), told[1][2])


def _kept(connection: Connection) -> Iterator[dict[str, Any]]:
    columns, one, other = identity_decisions.c, identities.alias(), identities.alias()
    query = (
        select(one.c.value, other.c.value, other.c.id, one.c.customer_id, columns.at)
        .join_from(identity_decisions, one, one.c.id == columns.first_id)
        .join(other, other.c.id == columns.second_id)
        .where(columns.verdict == "kept")
        .order_by(columns.first_id, columns.second_id)
    )
    for first, second, number, customer, at in connection.execute(query).all():
        if number not in _joined_by_alias(connection, customer):
            yield _conflict("kept", None, (first, second), at)


def _joined_by_alias(connection: Connection, customer: int) -> set[int]:
    query = select(merges.c.moved).where(
        merges.c.customer_id == customer, merges.c.cause == "alias", merges.c.undone_at.is_(None)
    )
    return {
        number
        for moved in connection.execute(query).scalars()
        for number in orjson.loads(moved)["identities"]
    }


def _birthdays(connection: Connection) -> Iterator[dict[str, Any]]:
    """Two user ids of one customer that were born on different days, unless the operator joined them."""
    joined = select(merges.c.customer_id).where(
        merges.c.undone_at.is_(None), merges.c.cause.not_in(("alias", "operator"))
    )
    ids = set(connection.execute(joined).scalars())
    birthday = func.json_extract(events.c.properties, "$.birthday")
    query = (
        select(events.c.customer_id, events.c.identity_id, events.c.occurred_at, birthday)
        .where(events.c.customer_id.in_(WANTED), events.c.kind == "identify", birthday.is_not(None))
        .order_by(events.c.occurred_at, events.c.id)
    )
    told: dict[int, dict[int, tuple[str, Instant]]] = defaultdict(dict)
    for customer, identity, at, day in rows_of(connection, query, ids) if ids else ():
        told[customer][identity] = (day, at)
    decided = _joined(connection)
    for _, days in sorted(told.items()):
        users = _users(connection, days)
        for one, other in combinations(sorted(users), 2):
            if _differ(days[one][0], days[other][0]) and frozenset((one, other)) not in decided:
                yield _conflict(
                    "birthday", None, (users[one], users[other]), max(days[one][1], days[other][1])
                )
                break


def _joined(connection: Connection) -> set[frozenset[int]]:
    columns = identity_decisions.c
    query = select(columns.first_id, columns.second_id).where(columns.verdict == "join")
    return {frozenset(row) for row in connection.execute(query)}


def _users(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    query = select(identities.c.id, identities.c.value).where(
        identities.c.id.in_(WANTED), identities.c.kind == USER
    )
    return {row.id: row.value for row in connection.execute(query, named(ids))}


def _differ(one: str, other: str) -> bool:
    """Whether two birthdays contradict; where one has no year, day and month alone are compared."""
    return one != other if one[:2] != "--" != other[:2] else one[-5:] != other[-5:]
