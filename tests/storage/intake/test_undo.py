"""An import taken back leaves what would be there had it never come in; what others have said since stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Connection, select

from core.instants import DAY
from core.people import IdentityRules
from core.sources.segment import Incoming, parse_call
from storage import orders
from storage.intake import imports
from storage.intake.batch import take
from storage.intake.undo import UndoEffect, UndoRules, undo
from storage.schema.consents import consents, listed_consents, soft_bounces, suppressions
from storage.schema.customers import customers
from storage.schema.identities import aliases, identities, links, merges
from storage.store import Store

NOW = 1_772_000_000_000
RULES = UndoRules(IdentityRules(max_people=2, namespaces=("crm",)))
_messages = count()

Call = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def read(call: Call, day: int) -> Incoming:
    record = {"messageId": f"m{next(_messages)}", **call}
    incoming = parse_call(record, source="shop", arrived_at=NOW + day * DAY, zone=ZoneInfo("UTC"))
    return incoming._replace(consents=tuple(each._replace(is_listed=True) for each in incoming.consents))


def bring(store: Store, calls: Sequence[Call], day: int, *, in_force: bool = False) -> int:
    """Take calls in as the file of a day; gives the number of the import."""
    at = NOW + day * DAY
    counts = {"lines": len(calls), "taken": 0, "duplicate": 0, "rejected": 0, "finished": 1}
    batch = [read(call, day) for call in calls]
    with store.writing() as connection:
        number = imports.begin(connection, at, f"{day}.ndjson", None, counts)
        done = take(
            connection, batch, arrived_at=at, rules=RULES.identities,
            concerns=(lambda *_: True) if in_force else None,
        )  # fmt: skip
        imports.note_events(connection, number, done.taken)
    return number


def take_back(store: Store, number: int, day: int = 9, *, in_force: bool = False) -> UndoEffect:
    with store.writing() as connection:
        return undo(
            connection, number, RULES, author="ann", at=NOW + day * DAY, reason=None, is_played=in_force
        )


# ---- what is there, by names ----


def state(store: Store) -> dict[str, Any]:
    """All that is known of people, by what they are called and not by the numbers of rows."""
    with store.reading() as connection:
        people = {
            row.id: row
            for row in connection.execute(select(customers).where(customers.c.merged_into.is_(None)))
        }
        key = {number: row.key for number, row in people.items()}
        names = {
            row.id: (row.kind, row.value, key.get(row.customer_id), row.contested)
            for row in connection.execute(select(identities))
        }
        return {
            "people": {row.key: _profile(row) for row in people.values()},
            "identities": sorted(names.values()),
            "links": sorted(
                (names[row.strong_id], names[row.other_id]) for row in connection.execute(select(links))
            ),
            "aliases": sorted(
                (row.previous, names[row.identity_id]) for row in connection.execute(select(aliases))
            ),
            "consents": sorted(
                (key[row.customer_id], row.channel, row.state, row.occurred_at, str(row.basis))
                for row in connection.execute(select(consents))
                if row.customer_id
            ),
            "lists": sorted(
                (names[row.identity_id], row.channel, row.state, row.said_at)
                for row in connection.execute(select(listed_consents))
            ),
            "suppressions": sorted(
                (row.address, row.reason, row.occurred_at, row.arrived_at)
                for row in connection.execute(select(suppressions))
            ),
            "soft": sorted(
                (row.address, row.occurred_at) for row in connection.execute(select(soft_bounces))
            ),
            "joins": _joins(connection, key),
            "orders": sorted(
                (str(each.order), str(each.customer), str(each.net), each.people, each.at)
                for each in orders.listing(connection, "CHF")
            ),
        }


def _profile(row: Any) -> tuple[Any, ...]:
    detail, traits = orjson.loads(row.detail), orjson.loads(row.traits)
    return (
        row.email, row.phone, row.orders, row.revenue, row.returned, row.last_activity_at, detail, traits
    )  # fmt: skip


def _joins(connection: Connection, key: dict[int, str]) -> list[str]:
    rows = connection.execute(select(merges).where(merges.c.undone_at.is_(None)))
    return sorted(key.get(row.customer_id, "gone") for row in rows)


# ---- calls ----


def says(user: str | None, when: int = 0, **traits: Any) -> Call:
    who = {"anonymousId": "laptop"} if user is None else {"userId": user}
    return {"type": "identify", "traits": traits, "timestamp": _at(when), **who}


def does(user: str, name: str, when: int = 0, **said: Any) -> Call:
    return {"type": "track", "userId": user, "event": name, "properties": said, "timestamp": _at(when)}


def guest(email: str, name: str, when: int = 0, **said: Any) -> Call:
    call = does("", name, when, **said)
    return call | {"context": {"traits": {"email": email}}}


def bounced(email: str, kind: str, when: int = 0) -> Call:
    return {
        "type": "track", "event": "Email Bounced", "timestamp": _at(when), "userId": "mailer",
        "properties": {"email": email, "type": kind},
    }  # fmt: skip


def listed(user: str, state_: str, when: int = 0) -> Call:
    call = says(user, when, email=f"{user}@x.ch")
    subscribed = [{"key": f"{user}@x.ch", "type": "EMAIL", "status": state_}]
    return call | {"context": {"messagingSubscriptions": subscribed}}


def _at(hours: int) -> str:
    return f"2026-02-{10 + hours // 24:02d}T{hours % 24:02d}:00:00Z"


CASES: dict[str, tuple[list[Call], list[Call]]] = {
    "suppressions": (
        [bounced("a@x.ch", "hard")], [bounced("b@x.ch", "hard"), bounced("a@x.ch", "hard", 1)]
    ),
    "soft bounces add up": (
        [bounced("a@x.ch", "soft", 1), bounced("a@x.ch", "soft", 2)],
        [bounced("a@x.ch", "soft", hour) for hour in range(2, 9)],
    ),
    "a join by a shared address": (
        [says("ann", email="a@x.ch"), guest("b@x.ch", "Viewed")], [says("ann", 2, email="b@x.ch")]
    ),
    "a join by an alias": (
        [says("ann", email="a@x.ch"), says("bob", email="b@x.ch"), does("bob", "Viewed", 1)],
        [{"type": "alias", "previousId": "bob", "userId": "ann", "timestamp": _at(3)}],
    ),
    "a user id for a guest": (
        [guest("a@x.ch", "Order Completed", order_id="1", revenue=5)], [says("ann", 2, email="a@x.ch")]
    ),
    "an address that somebody else says": (
        [says("ann", email="a@x.ch"), guest("a@x.ch", "Viewed", 1)],
        [says("bob", 2, email="a@x.ch"), guest("a@x.ch", "Viewed", 3)],
    ),
    "an address that too many share": (
        [says("ann", email="a@x.ch"), says("bob", 1, email="a@x.ch")],
        [says("cleo", 2, email="a@x.ch"), says("dora", 3, email="a@x.ch")],
    ),
    "what a list says": ([listed("ann", "SUBSCRIBED")], [listed("ann", "UNSUBSCRIBED", 5)]),
    "what a list says first": ([says("ann", email="ann@x.ch")], [listed("ann", "SUBSCRIBED", 5)]),
    "orders": (
        [does("ann", "Order Completed", order_id="1", revenue=50)],
        [does("ann", "Order Refunded", 1, order_id="1"), does("bob", "Order Completed", 2, order_id="1",
                                                              revenue=50)],
    ),
    "an order retold": (
        [guest("a@x.ch", "Order Completed", 1, order_id="1", revenue=50)],
        [does("ann", "Order Completed", 0, order_id="1", revenue=70),
         does("ann", "Order Cancelled", 2, order_id="1")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("in_force", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_file_taken_back_is_as_if_it_had_never_come(tmp_path: Path, name: str, in_force: bool) -> None:
    first, second = CASES[name]
    with Store.create(tmp_path / "with.db") as store, Store.create(tmp_path / "without.db") as without:
        bring(store, first, 0, in_force=in_force)
        bring(without, first, 0, in_force=in_force)
        assert state(store) == state(without)
        number = bring(store, second, 1, in_force=in_force)
        assert state(store) != state(without)
        take_back(store, number, in_force=in_force)
        assert state(store) == state(without)


@pytest.mark.parametrize("name", CASES)
def test_the_earlier_of_two_files_can_be_taken_back_too(tmp_path: Path, name: str) -> None:
    first, second = CASES[name]
    with Store.create(tmp_path / "with.db") as store, Store.create(tmp_path / "without.db") as without:
        number = bring(store, first, 0)
        bring(store, second, 1)
        bring(without, second, 1)
        take_back(store, number)
        left, right = state(store), state(without)
        assert left | {"joins": None} == right | {"joins": None}  # a join of before stands in the record


# ---- whatever the files say ----


def anything(random: Random) -> Call:
    """One call out of a small world, so that files speak of the same people and orders."""
    user, other = random.choices(("ann", "bob", "7"), k=2)
    mail, number, hour = random.choice(("a@x.ch", "b@x.ch")), random.choice("12"), random.randrange(6)
    return random.choice(
        (
            says(user, hour, email=mail),
            says(None, hour, email=mail),
            does(user, "Product Added", hour, product_id="p"),
            guest(mail, "Order Completed", hour, order_id=number, revenue=5),
            does(user, "Order Completed", hour, order_id=number, revenue=7),
            does(user, "Order Refunded", hour, order_id=number),
            bounced(mail, random.choice(("hard", "soft")), hour),
            listed(user, random.choice(("SUBSCRIBED", "UNSUBSCRIBED")), hour),
            {"type": "alias", "previousId": user, "userId": other, "timestamp": _at(hour)},
        )
    )


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_file_says_it_can_be_taken_back(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    first = [anything(random) for _ in range(random.randrange(4))]
    second = [anything(random) for _ in range(random.randrange(1, 4))]
    with Store.create(tmp_path / "with.db") as store, Store.create(tmp_path / "without.db") as without:
        bring(store, first, 0)
        bring(without, first, 0)
        take_back(store, bring(store, second, 1))
        assert state(store) == state(without)
