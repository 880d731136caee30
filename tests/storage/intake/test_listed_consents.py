"""Consents of lists, against a real database: the state of a list is not a word said today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from core.engine.consent import latest_word
from core.instants import DAY, Instant
from core.model.customer import Consent
from core.sources.consent_lists import ConsentState
from core.sources.segment import ConsentRecord, Identity, Incoming, dedup_key
from storage.intake.batch import take
from storage.schema.consents import consents
from storage.store import Store

START = 1_772_000_000_000
ADDRESS = "ann@x.ch"


@dataclass(frozen=True)
class Line:
    """One line of a list, or one word that was said (`source` None)."""

    day: int
    state: ConsentState
    source: str | None = "crm"
    dated: int | None = None
    address: str | None = ADDRESS
    is_unasked: bool = False
    at: int | None = None
    """The day of the line itself, where it has one."""

    def incoming(self, number: int) -> Incoming:
        source = self.source or "shop"
        record = ConsentRecord(
            "email", "*", self.state, source, self.address,
            occurred_at=None if self.dated is None else on(self.dated),
            is_listed=self.source is not None, is_unasked=self.is_unasked,
        )  # fmt: skip
        who: tuple[Identity, ...] = (("user", "u1"),)
        key = dedup_key(source, f"{number} {self}")
        at = on(self.day if self.at is None else self.at)
        return Incoming(key, source, "identify", "identify", at, who, {}, "{}", None, None, (record,))


def on(day: int) -> Instant:
    return START + day * DAY


def yes(day: int, **more: object) -> Line:
    return replace(Line(day, "granted"), **more)  # type: ignore[arg-type]


def no(day: int, **more: object) -> Line:
    return replace(Line(day, "withdrawn"), **more)  # type: ignore[arg-type]


def bare_no(day: int, **more: object) -> Line:
    return no(day, is_unasked=True, **more)


def said(day: int, state: ConsentState) -> Line:
    return Line(day, state, None, address=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def state_after(store: Store, lines: Sequence[Line], address: str = ADDRESS, first: int = 0) -> str | None:
    """What the ledger says in the end, each day's lines being one arrival."""
    for number, line in enumerate(lines, first):
        with store.writing() as connection:
            take(connection, [line.incoming(number)], arrived_at=on(line.day))
    with store.reading() as connection:
        word = latest_word(ledger(connection), ("email",), None, address, on(1_000))
    return None if word is None else word.state


def ledger(connection: Connection) -> list[Consent]:
    columns = consents.c
    query = select(
        columns.channel, columns.purpose, columns.state, columns.occurred_at, columns.arrived_at,
        columns.address, columns.basis, columns.source,
    )  # fmt: skip
    return [Consent(*row) for row in connection.execute(query.order_by(columns.id))]


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([yes(1)], "granted"),
        ([yes(1), said(2, "withdrawn"), yes(3)], "withdrawn"),
        ([yes(1), said(2, "objected"), yes(3)], "objected"),
        ([yes(1), no(2), yes(3)], "withdrawn"),
        ([said(1, "withdrawn"), yes(2)], "withdrawn"),
        ([yes(2), said(3, "withdrawn"), said(4, "granted"), yes(5)], "granted"),
        ([bare_no(1), yes(2)], "granted"),
        ([yes(1), bare_no(2)], "withdrawn"),
        ([said(1, "granted"), bare_no(2)], "granted"),
        ([said(1, "granted"), no(2)], "withdrawn"),
        ([bare_no(1)], "withdrawn"),
        ([yes(1), bare_no(3, at=2), said(4, "granted")], "granted"),
        ([yes(1, at=1), said(3, "granted"), bare_no(4, at=2)], "granted"),
        ([yes(1, source="crm"), bare_no(2, source="till")], "granted"),
        ([bare_no(1, source="till"), yes(2, source="crm")], "granted"),
        ([no(1, source="mailchimp"), yes(2, source="crm")], "withdrawn"),
        ([said(1, "withdrawn"), yes(3, dated=2)], "granted"),
        ([said(2, "withdrawn"), yes(3, dated=1)], "withdrawn"),
        ([said(1, "objected"), yes(3, dated=2)], "objected"),
        ([yes(1), no(3, dated=2)], "withdrawn"),
        ([said(3, "granted"), no(4, dated=2)], "granted"),
        ([no(3, at=3), yes(4, at=1)], "withdrawn"),
        ([said(1, "objected"), said(2, "granted")], "granted"),
    ],
)
def test_a_list_counts_where_it_says_something_new(store: Store, lines: list[Line], state: str) -> None:
    assert state_after(store, lines) == state


def test_a_list_that_says_the_same_again_adds_nothing_to_the_ledger(store: Store) -> None:
    state_after(store, [yes(1), yes(2), yes(3, dated=2), yes(4, dated=2), no(5), no(6)])
    with store.reading() as connection:
        found = [(word.state, word.basis) for word in ledger(connection)]
    assert found == [("granted", "imported"), ("granted", "listed"), ("withdrawn", "listed")]


def test_a_consent_of_a_list_is_for_the_address_of_its_line(store: Store) -> None:
    assert state_after(store, [yes(1)], "other@x.ch") is None


def test_who_took_back_by_another_address_is_not_granted_again_by_a_list(store: Store) -> None:
    lines = [yes(1, address="old@x.ch"), no(2, address="old@x.ch"), yes(3)]
    assert state_after(store, lines) == "withdrawn"


def test_a_line_of_which_nothing_is_known_at_an_instant_says_nothing_there(store: Store) -> None:
    state_after(store, [yes(1), said(5, "withdrawn")])
    with store.reading() as connection:
        known = ledger(connection)
    states = [latest_word(known, ("email",), None, ADDRESS, on(day)) for day in (0, 1, 4, 5)]
    assert [word and word.state for word in states] == [None, "granted", "granted", "withdrawn"]


SAME_DAY = [yes(5), bare_no(5), yes(5, source="till"), said(5, "granted"), yes(5, dated=4)]


@pytest.mark.parametrize("before", [[], [yes(1)], [bare_no(1)], [yes(1), said(2, "withdrawn")]])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("chosen", [SAME_DAY[:2], SAME_DAY[:3], [*SAME_DAY[:2], SAME_DAY[4]]])
def test_the_order_of_lines_within_one_arrival_does_not_matter(
    tmp_path: Path, before: list[Line], together: bool, chosen: list[Line]
) -> None:
    found = set()
    for place, lines in enumerate(permutations(chosen)):
        with Store.create(tmp_path / f"{place}.db") as store:
            state_after(store, before)
            if together:
                with store.writing() as connection:
                    batch = [line.incoming(10 + number) for number, line in enumerate(lines)]
                    take(connection, batch, arrived_at=on(5))
            found.add(state_after(store, [] if together else lines, first=20))
    assert len(found) == 1


def test_the_newer_of_two_lines_of_one_arrival_counts_whichever_comes_first(tmp_path: Path) -> None:
    for place, lines in enumerate(permutations([no(9, at=6), yes(9, at=8)])):
        with Store.create(tmp_path / f"{place}.db") as store:
            assert state_after(store, [yes(1), *lines]) == "granted"
