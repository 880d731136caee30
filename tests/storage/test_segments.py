"""Conditions over all customers have a limit of time: whose it is, is said, and the connection goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from core.language import ConditionContext, parse
from storage import segments
from storage.schema.customers import customers
from storage.sqlite import StoreError, interruptible
from storage.store import Store

CONDITION = parse("lower(first_name) == 'eve'", ConditionContext.AUDIENCE, {}, ZoneInfo("UTC"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as made:
        rows = [{"id": number, "key": f"c{number}", "first_name": "Eve"} for number in range(1, 2_001)]
        with made.writing() as connection:
            connection.execute(insert(customers), rows)
        yield made


def test_a_condition_within_its_time_is_counted(store: Store) -> None:
    with store.reading() as connection:
        assert segments.count(connection, CONDITION, {}, 0) == 2_000
        assert len(list(segments.members(connection, CONDITION, {}, 0))) == 2_000


def test_a_condition_beyond_its_time_is_broken_off_and_named_and_the_connection_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SECONDS", 0.0)
    named = segments.segment_named("eves")
    with store.reading() as connection:
        with pytest.raises(
            segments.ConditionTimeError, match=r"segments\.toml: the condition of 'eves' takes"
        ):
            segments.count(connection, CONDITION, {}, 0, named)
        with pytest.raises(segments.ConditionTimeError, match="'eves'"):
            list(segments.members(connection, CONDITION, {}, 0, named))
        count = select(func.count()).select_from(customers)
        assert connection.execute(count).scalar_one() == 2_000


def test_a_question_that_is_cancelled_stays_so_after_a_limit_within_it(store: Store) -> None:
    answers = [False]

    def ask() -> None:
        with store.reading() as connection, interruptible(connection, lambda: answers[0], 100):
            assert segments.count(connection, CONDITION, {}, 0) == 2_000
            answers[0] = True
            segments.count(connection, CONDITION, {}, 0)

    with pytest.raises(StoreError, match="interrupt"):
        ask()
