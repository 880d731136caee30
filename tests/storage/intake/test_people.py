"""The same lives in any order are the same people, whatever was said first and however it was parted into
arrivals.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.people import IdentityRules
from core.sources.segment import Incoming
from storage.intake.batch import Memory
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.identities import identities
from storage.store import Store
from tests.storage.intake.test_batch import MEMORY, call, taken

RULES = IdentityRules(max_people=2, namespaces=("crm",))
USERS = ("u1", "u2", "u3", "crm:1", "crm:2", None)
ADDRESSES = ("a@x.ch", "b@x.ch", "c@x.ch", None, None)
PHONES = ("+41790000001", None, None)
DEVICES = ("d1", "d2", None)
CARDS = ("7", None, None)

acts = st.lists(
    st.tuples(
        st.sampled_from(USERS), st.sampled_from(ADDRESSES), st.sampled_from(PHONES), st.sampled_from(DEVICES),
        st.sampled_from(CARDS), st.sampled_from(("Order Completed", "identify", "alias", "Unsubscribed")),
        st.integers(0, 20),
    ),
    min_size=2, max_size=9,
)  # fmt: skip


def said(number: int, act: tuple[Any, ...]) -> Incoming | None:
    """A call of one draw; None where it says nobody."""
    user, address, phone, device, card, what, at = act
    traits = {name: value for name, value in (("email", address), ("phone", phone)) if value is not None}
    if user is None and not traits and device is None:
        return None
    fields: dict[str, Any] = {"userId": user, "anonymousId": device, "context": {"traits": traits}}
    if what == "alias":
        if user is None or device is None:
            return None
        previous = "u3" if number % 2 else device
        return call(str(number), at=at, kind="alias", userId=user, previousId=previous)
    if what == "identify":
        return call(str(number), at=at, kind="identify", traits=traits | {"plan": number % 3}, **fields)
    properties = {"revenue": number + 1} | ({"loyalty_id": card} if card is not None else {})
    return call(str(number), at=at, event=what, properties=properties, **fields)


@lru_cache(maxsize=1)
def empty() -> bytes:
    """A database of no customers, which costs less to copy than to make."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder) / "shop.db"
        Store.create(path).close()
        return path.read_bytes()


def copied(path: Path) -> Store:
    path.write_bytes(empty())
    return Store.open(path)


def lives(parts: list[list[Incoming]]) -> dict[str, Any]:
    """Everything that is known of everybody after these arrivals, by key."""
    with TemporaryDirectory(dir=MEMORY) as folder, copied(Path(folder) / "shop.db") as store:
        memory = Memory()
        for part in parts:
            taken(store, *part, memory=memory, rules=RULES)
        with store.reading() as connection:
            keys = {row.id: row.key for row in connection.execute(select(customers.c.id, customers.c.key))}
            known = {
                (row.kind, row.value): keys[row.customer_id] for row in connection.execute(select(identities))
            }
            acts = {row.dedup: keys[row.customer_id] for row in connection.execute(select(events))}
            words = sorted(
                (keys[row.customer_id], row.channel, row.occurred_at)
                for row in connection.execute(select(consents))
            )
            profiles = {
                row.key: (row.traits, row.orders, row.revenue, row.last_activity_at, orjson.loads(row.detail))
                for row in connection.execute(select(customers).where(customers.c.merged_into.is_(None)))
            }
    return {"identities": known, "events": acts, "consents": words, "profiles": normal(profiles)}


def normal(profiles: dict[str, Any]) -> dict[str, Any]:
    """The order of names in a JSON object means nothing."""
    return {key: (orjson.loads(traits), *rest) for key, (traits, *rest) in profiles.items()}


def split(calls: list[Incoming], random: Random) -> list[list[Incoming]]:
    parts: list[list[Incoming]] = [[]]
    for one in calls:
        if parts[-1] and random.random() < 0.4:
            parts.append([])
        parts[-1].append(one)
    return parts


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts, st.randoms(use_true_random=False))
def test_any_order_makes_the_same_people(drawn: list[tuple[Any, ...]], random: Random) -> None:
    calls = [one for number, act in enumerate(drawn) if (one := said(number, act)) is not None]
    if not calls:
        return
    expected = lives([calls])
    shuffled = list(calls)
    random.shuffle(shuffled)
    assert lives([shuffled]) == expected
    assert lives(split(shuffled, random)) == expected


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts, st.randoms(use_true_random=False))
def test_any_order_makes_the_same_people_in_many_lives(drawn: list[tuple[Any, ...]], random: Random) -> None:
    calls = [one for number, act in enumerate(drawn) if (one := said(number, act)) is not None]
    if calls:
        expected = lives([calls])
        for _ in range(3):
            random.shuffle(calls)
            assert lives(split(calls, random)) == expected


def test_an_address_that_was_left_joins_nobody_whenever_that_is_told() -> None:
    acts = (("u3", "a@x.ch", 15), ("u3", "b@x.ch", 10), ("crm:1", "a@x.ch", 5))  # seconds ago
    calls = [
        call(str(number), at=at, kind="identify", userId=user, traits={"email": address})
        for number, (user, address, at) in enumerate(acts)
    ]
    for order in permutations(calls):
        known = lives([[one] for one in order])["identities"]
        assert known["user", "crm:1"] == known["email", "a@x.ch"] == "crm:1"
        assert known["user", "u3"] == known["email", "b@x.ch"] == "u3"
