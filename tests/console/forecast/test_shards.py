"""Work shared by several processes: each customer once, on one snapshot, whoever does it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from console.forecast import shards
from core.model.customer import Profile
from storage.schema.customers import customers
from storage.schema.profiles import new_row
from storage.store import Store

Part = list[tuple[int, int]]
MANY = 40


@dataclass(frozen=True)
class Present:
    """Asks who there is, and who looked."""

    database: Path

    def job(self, store: Store) -> Present:
        """Itself."""
        return self

    def ids(self, connection: Connection) -> Sequence[int]:
        """Everybody."""
        return list(connection.execute(select(customers.c.id).order_by(customers.c.id)).scalars())

    def part(self, connection: Connection, ids: Sequence[int]) -> Part:
        """Those of them who are there, each with the process that saw her."""
        found = connection.execute(select(customers.c.id).where(customers.c.id.in_(ids))).scalars()
        return [(identifier, os.getpid()) for identifier in found]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(shards, "LARGE", 1)
    monkeypatch.setattr(shards, "CHUNK", 1)
    store = Store.create(tmp_path / "manometer.db")
    add(store, *range(1, MANY + 1))
    return store


def add(store: Store, *numbers: int) -> None:
    with store.writing() as connection:
        for number in numbers:
            connection.execute(insert(customers).values(new_row(number, f"c{number}", Profile(), None, None)))


@pytest.mark.parametrize("joins_in", [True, False])
def test_each_customer_is_looked_at_once_and_nobody_else_works(store: Store, joins_in: bool) -> None:
    asking = Present(store.path)
    with store:
        parts = list(shards.shared(asking, asking, store, 2, joins_in=joins_in))
    seen = [each for part, _, _ in parts for each in part]
    assert sorted(identifier for identifier, _ in seen) == list(range(1, MANY + 1))
    assert parts[-1][1:] == (MANY, MANY)
    workers = {process for _, process in seen}
    assert len(workers) <= 2
    assert (os.getpid() in workers) == joins_in


def test_who_is_added_while_the_processes_start_is_looked_at_and_the_others_still_once(store: Store) -> None:
    asking, found, is_first = Present(store.path), Part(), True
    with store, closing(shards.shared(asking, asking, store, 2, joins_in=True)) as parts:
        for part, done, _ in parts:
            if is_first:
                assert (part, done) == ([], 0)
                add(store, MANY + 1)
            is_first = False
            found += part
    assert sorted(identifier for identifier, _ in found) == list(range(1, MANY + 2))
