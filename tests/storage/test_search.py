"""Finding customers: the filter's words, what they hold for, the order, and that the narrow indexes
answer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from core.filters import read_words
from storage import search
from storage.schema.customers import customers
from storage.schema.folded import folded_name, folded_text
from storage.schema.identities import identities
from storage.schema.messages import messages
from storage.store import Store

PEOPLE: tuple[tuple[str, str | None, str | None, str | None, str, int, int | None], ...] = (
    ("u1", "Anna", "Keller", "anna@example.ch", "Bern", 5, 300),
    ("u2", "Zoé", "Élan", "zoe@example.ch", "Zürich", 9, None),
    ("u3", "Beat", "Kellerhals", "keller@example.com", "Basel", 1, 100),
    ("u4", None, None, "50%_off/x@example.ch", "Bern", 0, 200),
    ("anna-key", "Carl", "Moser", None, "Chur", 2, None),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        with store.writing() as connection:
            for number, (key, first, last, email, city, orders, due) in enumerate(PEOPLE, 1):
                row = {
                    "id": number,
                    "key": key,
                    "first_name": first,
                    "last_name": last,
                    "email": email,
                    "city": city,
                    "country": "CH",
                }
                row |= {"folded_name": folded_name(last, first), "folded_city": folded_text(city)}
                connection.execute(
                    insert(customers).values(
                        row | {"orders": orders, "revenue": orders * 100, "next_due_at": due}
                    )
                )
            connection.execute(
                insert(customers).values(
                    id=6, key="merged:6", last_name="Keller", folded_name="keller", merged_into=1
                )
            )
            connection.execute(
                insert(customers).values(
                    id=7, key="u7", last_name="Keller", folded_name="keller", erased_at=1
                )
            )
            known = {"customer_id": 5, "kind": "loyalty", "value": "L-777", "first_seen_at": 0}
            connection.execute(insert(identities).values(known))
        yield store


def find(
    store: Store,
    text: str,
    sort: search.Sort = "key",
    is_downwards: bool = False,
    told: list[Any] | None = None,
) -> list[int]:
    asked = read_words(text, search.ASKED)
    found = (lambda ids: None) if told is None else told.append
    with store.reading() as connection:
        if not asked:
            return list(search.everybody(connection, sort, is_downwards, found))
        return list(search.find(connection, asked, {}, sort, is_downwards, found))


# ---- who is found ----


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [5, 1, 2, 3, 4]),
        ("keller", [1, 3]),
        ("KELLER", [1, 3]),
        ("anna keller", [1]),
        ("anna", [5, 1]),
        ("u3", [3]),
        ("L-777", [5]),
        ("loyalty:L-7", [5]),
        ("ELL", [1, 3]),
        ("élan", [2]),
        ("ÉLAN", [2]),
        ("zürich", [2]),
        ("ZURICH", [2]),
        ("city:zuerich", [2]),
        ("elan zoe", [2]),
        ("name:ela !zoé", []),
        ("city:bern", [4, 1]),
        ("city:bern !keller", [4]),
        ("!bern", [2, 3, 5]),
        ("country:ch u1", [1]),
        ("country:de", []),
        ("%", [4]),
        ("_off/", [4]),
        ("nobody", []),
    ],
)
def test_words_find_whoever_they_all_hit(store: Store, text: str, ids: list[int]) -> None:
    found = find(store, text)
    assert sorted(found) == sorted(ids)
    if text in ("", "anna"):
        assert found == ids


def test_merged_and_erased_customers_are_found_nowhere(store: Store) -> None:
    assert not {6, 7} & {
        *find(store, ""),
        *find(store, "keller"),
        *find(store, "", "revenue"),
        *find(store, "", "next_due"),
    }
    with store.reading() as connection:
        assert {row[0] for row in search.rows(connection, range(1, 8), 0, 10)} == {1, 2, 3, 4, 5}


def test_the_first_hits_are_told_before_the_scan_is_done(store: Store) -> None:
    told: list[array[int]] = []
    assert find(store, "kell", told=told) == [1, 3]
    assert list(told[0]) == [1, 3]


@pytest.mark.parametrize(
    ("sort", "is_downwards", "ids"),
    [
        ("key", False, [5, 1, 2, 3, 4]),
        ("key", True, [4, 3, 2, 1, 5]),
        ("name", False, [4, 2, 1, 3, 5]),
        ("orders", True, [2, 1, 5, 3, 4]),
        ("revenue", False, [4, 3, 5, 1, 2]),
        ("next_due", False, [3, 4, 1, 2, 5]),
        ("next_due", True, [1, 4, 3, 2, 5]),
    ],
)
def test_everybody_stands_in_the_order_asked_for(
    store: Store, sort: search.Sort, is_downwards: bool, ids: list[int]
) -> None:
    assert find(store, "", sort, is_downwards) == ids


def test_whom_a_filter_finds_can_be_sorted_too(store: Store) -> None:
    assert find(store, "country:ch !élan", "orders", True) == [1, 5, 3, 4]
    assert find(store, "keller", "next_due") == [3, 1]


def test_a_row_counts_the_contacts_that_keep_their_room(store: Store) -> None:
    filled = {
        "customer_id": 1, "enrolment_id": 1, "trigger": "t", "step": 1, "channel": "email", "template": "t",
        "state": "sent",
        "planned_at": 5, "expires_at": 9, "purpose": "marketing", "weight": 1000,
    }  # fmt: skip
    rows = [(5, 1, None), (10, 1, None), (11, 1, None), (0, 1, None), (5, 0, None), (5, 1, 7)]
    with store.writing() as connection:
        for number, (lands_at, counts, released_at) in enumerate(rows):
            row = filled | {
                "key": f"k{number}",
                "lands_at": lands_at,
                "counts": counts,
                "released_at": released_at,
            }
            connection.execute(insert(messages).values(row))
    with store.reading() as connection:
        assert {row[0]: row[-1] for row in search.rows(connection, [1, 2], 0, 10)} == {1: 2, 2: 0}


def test_a_long_list_of_numbers_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PIECE", 7)
    numbers = list(range(995, 1100))
    assert list(search._numbers(str(numbers).replace(" ", ""))) == numbers
    assert list(search._numbers("[]")) == []


@pytest.mark.parametrize(
    ("word", "name"),
    [("kelerhals", "Kellerhals"), ("Mosre", "Moser"), ("elann", "Élan"), ("zzzz", None), ("ke", None)],
)
def test_a_name_that_nobody_has_is_answered_with_one_like_it(
    store: Store, word: str, name: str | None
) -> None:
    with store.reading() as connection:
        assert search.alike(connection, word) == name


def test_whoever_writes_two_letters_for_one_is_answered_from_the_index_too(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            insert(customers).values(
                id=8, key="u8", last_name="Müller", folded_name=folded_name("Müller", None)
            )
        )
    for text in ("mueller", "muller", "MÜLLER", "muel"):
        told: list[array[int]] = []
        assert find(store, text, told=told) == [8]
        assert list(told[0]) == [8]


# ---- by which way ----


def plans(store: Store, text: str, sort: search.Sort = "key") -> list[str]:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(store.reader, "before_cursor_execute", note)
    find(store, text, sort)
    event.remove(store.reader, "before_cursor_execute", note)
    with store.reading() as connection:
        return [
            "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p))
            for s, p in asked
        ]


def test_a_word_is_looked_up_by_indexes_then_scanned_for_in_the_narrow_one(store: Store) -> None:
    by_name, by_key, by_identity, scan = plans(store, "keller")
    assert (
        "SEARCH customers USING COVERING INDEX ix_customers_words (folded_name>? AND folded_name<?)"
        in by_name
    )
    assert "SEARCH customers USING INDEX sqlite_autoindex_customers_1 (key>? AND key<?)" in by_key
    assert (
        "SEARCH identities USING INDEX sqlite_autoindex_identities_1 (kind=? AND value>? AND value<?)"
        in by_identity
    )
    assert "SEARCH customers USING INTEGER PRIMARY KEY" in by_identity
    assert "SCAN customers USING COVERING INDEX ix_customers_words" in scan
    assert "TEMP B-TREE FOR ORDER BY" not in scan


def test_everybody_is_read_from_an_index_that_holds_the_order(store: Store) -> None:
    for plan in plans(store, ""):
        assert "SCAN customers USING COVERING INDEX sqlite_autoindex_customers_1" in plan
        assert "ix_customers_gone" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan
    assert "SCAN customers USING COVERING INDEX ix_customers_words" in plans(store, "", "name")[0]
    assert "USING COVERING INDEX ix_customers_next_due_at" in plans(store, "", "next_due")[0]
