"""The lease of the one active scheduler: terms that grow, and a fence no deposed holder gets through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core.instants import DAY, SECOND, Instant
from storage import leases
from storage.leases import TTL, Lease, LeaseLostError
from storage.store import Store, meta, set_meta

NOON: Instant = 1_741_172_400_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "manometer.db") as made:
        yield made


def take(store: Store, owner: str, at: Instant, gone: tuple[str, ...] = ()) -> Lease | None:
    with store.writing() as connection:
        return leases.acquire(connection, owner, at, lambda name: name in gone)


def test_the_first_to_ask_gets_it_and_the_second_does_not(store: Store) -> None:
    first = take(store, "a", NOON)
    assert first == Lease("scheduler", "a", 1, NOON, NOON, NOON + TTL)
    assert take(store, "b", NOON + TTL - 1) is None


def test_each_holder_has_a_higher_term(store: Store) -> None:
    taken = [take(store, owner, NOON + number * TTL) for number, owner in enumerate("abab")]
    assert [lease.term for lease in taken if lease] == [1, 2, 3, 4]


def test_a_renewed_lease_lasts_on(store: Store) -> None:
    lease = take(store, "a", NOON)
    assert lease is not None
    with store.writing() as connection:
        leases.renew(connection, lease, NOON + 10 * SECOND)
    assert take(store, "b", NOON + TTL) is None


def test_what_a_holder_gives_up_is_free_at_once(store: Store) -> None:
    lease = take(store, "a", NOON)
    assert lease is not None
    with store.writing() as connection:
        leases.resign(connection, lease, NOON + 1)
    assert take(store, "b", NOON + 1) is not None


def test_the_lease_of_a_process_that_is_gone_is_free_at_once(store: Store) -> None:
    take(store, "a", NOON)
    assert take(store, "b", NOON + 1, gone=("a",)) is not None


def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(store: Store) -> None:
    take(store, "a", NOON)
    assert take(store, "b", NOON - DAY) is not None


@pytest.mark.parametrize("act", [leases.renew, leases.resign])
def test_nobody_renews_or_gives_up_a_lease_that_went_to_another(store: Store, act: object) -> None:
    old = take(store, "a", NOON)
    take(store, "b", NOON + TTL)
    assert old is not None
    with pytest.raises(LeaseLostError, match="went to b, term 2"), store.writing() as connection:
        act(connection, old, NOON + TTL)  # type: ignore[operator]


def test_a_deposed_holder_writes_nothing(store: Store) -> None:
    old = take(store, "a", NOON)
    assert old is not None
    with store.fenced(partial(leases.fence, lease=old)) as fenced:
        with fenced.writing() as connection:
            set_meta(connection, "mine", "yes")
        take(store, "b", NOON + TTL)
        with pytest.raises(LeaseLostError), fenced.writing() as connection:
            set_meta(connection, "mine", "still")
    with store.reading() as connection:
        assert meta(connection, "mine") == "yes"


def test_one_who_took_over_again_is_still_not_its_former_self(store: Store) -> None:
    old = take(store, "a", NOON)
    take(store, "a", NOON + TTL)
    assert old is not None
    with (
        store.fenced(partial(leases.fence, lease=old)) as fenced,
        pytest.raises(LeaseLostError),
        fenced.writing(),
    ):
        pass
