"""Addresses that are not written to any more: reported, counted until they are, added and lifted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from core.instants import DAY, Instant
from core.model.bounces import BounceLimit
from storage.store import Store
from storage.suppressions import (
    Report,
    SoftBounce,
    count_soft_bounces,
    lift,
    listing,
    suppress,
)

START = 1_772_000_000_000
ADDRESS = "ann@x.ch"
THREE_A_WEEK = BounceLimit(3, 7 * DAY)


def on(day: int) -> Instant:
    return START + day * DAY


def soft(day: int, address: str = ADDRESS) -> SoftBounce:
    return SoftBounce("email", address, on(day), on(day), "esp")


def hard(day: int) -> Report:
    return Report("email", ADDRESS, "bounce", on(day), on(day), "esp")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def suppressed(store: Store) -> list[tuple[str, str, Instant]]:
    with store.reading() as connection:
        return [(row["address"], row["reason"], row["since"]) for row in listing(connection)]


def bounced(store: Store, *days: int) -> None:
    for day in days:
        with store.writing() as connection:
            count_soft_bounces(connection, [soft(day)], THREE_A_WEEK)


@pytest.mark.parametrize(
    ("days", "since"),
    [((1, 2), None), ((1, 2, 3), 3), ((1, 5, 9), None), ((1, 5, 9, 11), 11), ((1, 1, 1), None)],
)
def test_an_address_is_suppressed_after_so_many_soft_bounces_within_the_span(
    store: Store, days: tuple[int, ...], since: int | None
) -> None:
    bounced(store, *days)
    assert suppressed(store) == ([] if since is None else [(ADDRESS, "soft bounces", on(since))])


def test_soft_bounces_count_alike_in_whatever_order_they_come(tmp_path: Path) -> None:
    for place, days in enumerate(permutations((1, 5, 9, 11))):
        with Store.create(tmp_path / f"{place}.db") as store, store.writing() as connection:
            count_soft_bounces(connection, [soft(day) for day in days], THREE_A_WEEK)
            assert [row["since"] for row in listing(connection)] == [on(11)]


def test_soft_bounces_of_several_addresses_are_counted_apart(store: Store) -> None:
    with store.writing() as connection:
        known = [soft(day, f"a{day}@x.ch") for day in (1, 2, 3)]
        count_soft_bounces(connection, known, THREE_A_WEEK)
    assert suppressed(store) == []


def test_an_address_that_was_lifted_may_be_suppressed_again_by_what_comes_after(store: Store) -> None:
    with store.writing() as connection:
        assert suppress(connection, [hard(1), hard(2)]) == 1
        assert lift(connection, [ADDRESS], on(3)) == [("email", ADDRESS)]
        assert suppress(connection, [hard(2)]) == 0
        assert list(listing(connection)) == []
        assert suppress(connection, [hard(4)]) == 1
    assert suppressed(store) == [(ADDRESS, "bounce", on(4))]


def test_soft_bounces_are_counted_anew_after_an_address_was_lifted(store: Store) -> None:
    bounced(store, 1, 2, 3)
    with store.writing() as connection:
        lift(connection, [ADDRESS], on(4))
    bounced(store, 2, 5, 6)
    assert suppressed(store) == []
    bounced(store, 7)
    assert suppressed(store) == [(ADDRESS, "soft bounces", on(7))]


def test_an_address_that_is_not_suppressed_cannot_be_lifted(store: Store) -> None:
    with store.writing() as connection:
        assert lift(connection, [ADDRESS], on(1)) == []
